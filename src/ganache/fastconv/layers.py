"""The layers: PyTorch's, computed by the form that `choose` picks for each call."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, compiler, nn

from ganache.fastconv import cpu
from ganache.fastconv.choose import choose, decide
from ganache.fastconv.form import Call, Choice, Ints
from ganache.fastconv.fused import FusesActivation, leaky_relu
from ganache.fastconv.interpolation import doubling

MOST_NUMBERS = 2**25
"""Numbers of the input that a form is given at a time: its transforms are several times as large."""


class Conv2d(nn.Conv2d, FusesActivation):
    """torch.nn.Conv2d, computed by the fastest form."""

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_fused(x)

    def forward_fused(self, x: Tensor, slope: float = 1.0) -> Tensor:
        """Return leaky_relu(conv(x), slope); the slope 1 stands for no activation."""
        choice = choose(self, x)
        if choice.form is None:
            return leaky_relu(super().forward(x), slope)
        if choice.form.fused is not None and self.bias is None:
            return choice.form.fused(choice.call, x.to(choice.call.dtype), self.weight, slope)
        return leaky_relu(convolve(choice, x, self.weight, self.bias), slope)

    def describe(self, x: Tensor) -> Call:
        weight = (self.out_channels, self.in_channels // self.groups, *self.kernel_size)
        return describe(
            "conv2d",
            x,
            weight,
            self.stride,
            numeric(self),
            is_regular(self, x) and x.shape[1] == self.in_channels,
            self,
        )


class ConvTranspose2d(nn.ConvTranspose2d):
    """torch.nn.ConvTranspose2d, computed by the fastest form."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        if output_size is not None:
            return super().forward(x, output_size)
        choice = choose(self, x)
        return super().forward(x) if choice.form is None else convolve(choice, x, self.weight, self.bias)

    def describe(self, x: Tensor) -> Call:
        weight = (self.in_channels, self.out_channels // self.groups, *self.kernel_size)
        regular = is_regular(self, x) and not any(self.output_padding)
        return describe("conv_transpose2d", x, weight, self.stride, numeric(self), regular, self)


class UpsampleConv2d(nn.Conv2d):
    """conv2d(interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)) as one layer.

    x [B, C, *sides] -> [B, O, 2 * sides]. The kernel is odd and has its "same" padding. The weights are those of
    torch.nn.Conv2d.
    """

    down: Tensor  # [2 h, h * k]
    across: Tensor  # [2 w, w * k]

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, sides: tuple[int, int]) -> None:
        super().__init__(in_channels, out_channels, kernel_size, padding=kernel_size // 2)
        self.sides = sides
        for name, side in zip(("down", "across"), sides, strict=True):
            self.register_buffer(name, doubling(side, kernel_size).float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        choice = choose(self, x)
        if choice.form is None:
            return super().forward(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True))
        return choice.form.compute(choice.call, x, self.weight, self.bias, self.down, self.across)

    def describe(self, x: Tensor) -> Call:
        weight = (self.out_channels, self.in_channels, *self.kernel_size)
        return describe("upsample_conv2d", x, weight, self.stride, numeric(self), True)


class BatchNorm2d(nn.BatchNorm2d, FusesActivation):
    """torch.nn.BatchNorm2d that can normalise several batches, joined along the batch dimension, separately."""

    batch_groups = 1
    """How many batches of equal size the input consists of; each has its own mean and variance."""

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_fused(x)

    def forward_fused(self, x: Tensor, slope: float = 1.0) -> Tensor:
        """Normalise x [B, C, H, W] and apply a leaky ReLU; the slope 1 stands for no activation."""
        choice = choose(self, x)
        if choice.form is not None:
            settings = (self.batch_groups, self.eps, slope, self.momentum or 0.0)
            y = choice.form.compute(x, self.weight, self.bias, (self.running_mean, self.running_var), settings)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(self.batch_groups)
            return y
        if self.training and self.batch_groups > 1:
            y = torch.cat([super(BatchNorm2d, self).forward(each) for each in x.chunk(self.batch_groups)])
        else:
            y = super().forward(x)
        return leaky_relu(y, slope)

    def describe(self, x: Tensor) -> Call:
        usual = self.affine and self.track_running_stats and self.momentum and self.weight.dtype is torch.float32
        # An input that does not fit goes to PyTorch, which says so: a kernel would read memory that is not its own.
        regular = self.training and bool(usual) and x.dim() == 4 and x.shape[1] == self.num_features
        # Autocast and gradients do not matter for batch norm, so they are left out: the choice is cached by the call.
        return Call(
            "batch_norm",
            x.shape,
            (self.num_features,),
            (1, 1),
            (0, 0),
            regular,
            x.dtype,
            x.device.type,
            autocast=False,
            compiling=compiler.is_compiling(),
            input_gradient=False,
            weight_gradient=False,
            processor=cpu.processor(),
            batch_groups=self.batch_groups,
        )


def conv4x4(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return conv2d(x, weight [S, L, 4, 4], bias, stride=2, padding=1), for a kernel that is itself computed."""
    choice = decide(describe("conv4x4", x, tuple(weight.shape), (2, 2), (1, 1), x.dim() == 4), None, x)
    if choice.form is None:
        return F.conv2d(x, weight, bias, stride=2, padding=1)
    return convolve(choice, x, weight, bias)


def conv_transpose4x4(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return conv_transpose2d(x, weight [S, L, 4, 4], bias, stride=2, padding=1), for a kernel that is computed."""
    choice = decide(describe("conv_transpose4x4", x, tuple(weight.shape), (2, 2), (1, 1), x.dim() == 4), None, x)
    if choice.form is None:
        return F.conv_transpose2d(x, weight, bias, stride=2, padding=1)
    return convolve(choice, x, weight, bias)


# ---- what the layers share -------------------------------------------------------------------------------------------


def convolve(choice: Choice, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Compute a convolution by the chosen form, a part of a large batch at a time, and add the bias."""
    form, call = choice.form, choice.call
    assert form is not None
    x, batch = x.to(call.dtype), max(1, MOST_NUMBERS * len(x) // max(1, x.numel()))
    parts = [x] if batch >= len(x) else torch.split(x, batch)  # not split in vain: the gradient of a split is a copy
    outputs = [form.compute(call, part, weight) for part in parts]
    y = torch.cat(outputs) if len(outputs) > 1 else outputs[0]
    return y if bias is None else y.add_(bias.to(x.dtype).view(-1, 1, 1))


def describe(
    operation: str,
    x: Tensor,
    weight: Ints,
    stride: Ints,
    padding: Ints,
    regular: bool,
    layer: nn.Module | None = None,
) -> Call:
    """Collect what is known about a call. `layer` is None where the weight is computed."""
    autocast = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") is torch.bfloat16
    return Call(
        operation,
        x.shape,
        weight,
        stride,
        padding,
        regular,
        torch.bfloat16 if autocast else x.dtype,
        x.device.type,
        autocast,
        compiler.is_compiling(),
        x.requires_grad,
        autocast and layer is not None and trains(layer),
        cpu.processor(),
    )


def trains(layer: nn.Module) -> bool:
    """Whether the layer's parameters are being trained."""
    # `layer.weight` is not read here: a spectral norm takes a step of its power iteration whenever it is read.
    return torch.is_grad_enabled() and all(each.requires_grad for each in layer.parameters())


def is_regular(layer: nn.Conv2d | nn.ConvTranspose2d, x: Tensor) -> bool:
    """Whether a form may compute the layer; an input that does not fit goes to PyTorch, which says what is wrong."""
    plain = layer.groups == 1 and set(layer.dilation) == {1} and layer.padding_mode == "zeros"
    return plain and not isinstance(layer.padding, str) and x.dim() == 4 and x.shape[1] == layer.in_channels


def numeric(layer: nn.Conv2d | nn.ConvTranspose2d) -> Ints:
    """Return the padding as numbers; a layer with padding by name is not regular, and these are not used."""
    return (0, 0) if isinstance(layer.padding, str) else tuple(layer.padding)
