"""Convolutions by the forms that are fastest on a CPU; all are the same sums in another order.

With stride 1, large kernels of many channels go by frequencies (`fourier`), and where many channels become few they are
mixed before the kernel's taps are summed (`taps`). Layers that halve or double take Winograd's products (`winograd`),
or have faster gradients (`strided`). The maps around fewer products have kernels of their own (`kernels`), where these
have been compiled. On processors with AMX products in bfloat16 cost less than maps. All else is PyTorch's own.
`bench/NOTES.md` has what each form wins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, compiler, nn

from ganache.fastconv import fourier, kernels, kn2row, narrow_channels, winograd
from ganache.fastconv.fused import FusesActivation, leaky
from ganache.fastconv.kernels import cpu_has
from ganache.fastconv.strided import Convolution, Strided, Transposed

FEWEST_PLACES = 2**14
"""In all pictures together, from which frequencies pay: the map of the kernels is as long for one picture."""
MAPPED = 512
"""Products for which a place and a channel can go through the maps there and back, about."""
FEWEST_SUMMED, MOST_SUMMED = 128, 4
"""Channels read and made from which, and up to which, it pays to mix channels before the kernel's taps are summed."""
MOST_TOGETHER = 2**25
"""Numbers of the pictures that a form is given at a time: what it makes on the way is several times as large."""
FAST = torch.bfloat16

Form = Callable[[Tensor, Tensor], Tensor]
"""(x, weight) -> y, without the bias; x is of the numbers that are multiplied, the weight as it is kept."""


class Conv2d(nn.Conv2d, FusesActivation):
    """PyTorch's convolution by its fastest form."""

    def forward(self, x: Tensor) -> Tensor:
        return self.activated(x)

    def activated(self, x: Tensor, slope: float = 1.0) -> Tensor:
        form = unstrided(self, x) or self._strided(x)
        if form is narrow_channels.conv2d and self.bias is None:
            return narrow_channels.conv2d(x.to(products_in(x)), self.weight, slope)
        return leaky(super().forward(x) if form is None else computed(form, x, self.weight, self.bias), slope)

    def _strided(self, x: Tensor) -> Form | None:
        if not is_plain(self, x):
            return None
        assert not isinstance(self.padding, str)  # `is_plain` refuses paddings by name
        sides = zip(x.shape[2:], self.padding, self.kernel_size, self.stride, strict=True)
        small = [(side + 2 * pad - k) // step + 1 for side, pad, k, step in sides]
        weight = (self.out_channels, self.in_channels, *self.kernel_size)
        its = Strided(weight, x.shape[2:], small, self.stride, self.padding)
        if its.of_pairs and goes_by_winograd(x, weight, its.small, 2):
            return lambda x, weight: winograd.conv2d(x, weight, its.padding[0])
        if its.has_few(products_in(x)) and may_map(x):
            return narrow_channels.conv2d
        if x.requires_grad and its.shuffles and may_make_few(x):
            return own(Convolution, its)
        if in_bfloat16() and its.by_product(len(x)) and learns(self):
            return own(Convolution, its)
        return None


class ConvTranspose2d(nn.ConvTranspose2d):
    """PyTorch's transposed convolution by its fastest form."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        form = None if output_size is not None or any(self.output_padding) else self._strided(x)
        return super().forward(x, output_size) if form is None else computed(form, x, self.weight, self.bias)

    def _strided(self, x: Tensor) -> Form | None:
        if not is_plain(self, x):
            return None
        assert not isinstance(self.padding, str)
        sides = zip(x.shape[2:], self.padding, self.kernel_size, self.stride, strict=True)
        large = [(side - 1) * step + k - 2 * pad for side, pad, k, step in sides]
        weight = (self.in_channels, self.out_channels, *self.kernel_size)
        its = Strided(weight, large, x.shape[2:], self.stride, self.padding)
        if its.of_pairs and goes_by_winograd(x, weight, its.small, 2):
            return lambda x, weight: winograd.conv_transpose2d(x, weight, its.padding[0])
        if its.has_few(products_in(x)) and may_map(x):
            return narrow_channels.conv_transpose2d
        if (its.shuffles and may_make_few(x)) or (in_bfloat16() and its.by_product(len(x)) and learns(self)):
            return own(Transposed, its)
        return None


def conv4x4(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """F.conv2d(x, weight [S, L, 4, 4], bias, stride=2, padding=1) by the fastest form of a kernel made on the way."""
    if goes_by_winograd(x, weight.shape, [side // 2 for side in x.shape[2:]], 2):
        return computed(winograd.conv2d, x, weight, bias)
    return F.conv2d(x, weight, bias, stride=2, padding=1)


def conv_transpose4x4(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """F.conv_transpose2d(x, weight [S, L, 4, 4], bias, stride=2, padding=1), likewise."""
    if goes_by_winograd(x, weight.shape, x.shape[2:], 2):
        return computed(winograd.conv_transpose2d, x, weight, bias)
    return F.conv_transpose2d(x, weight, bias, stride=2, padding=1)


def goes_by_winograd(x: Tensor, weight: Sequence[int], small: Sequence[int], stride: int) -> bool:
    return may_map(x) and winograd.pays(len(x), weight, small, stride, products_in(x))


Layer = nn.Conv2d | nn.ConvTranspose2d


def computed(form: Form, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    x, together = x.to(products_in(x)), max(1, MOST_TOGETHER * len(x) // max(1, x.numel()))
    parts = [x] if together >= len(x) else torch.split(x, together)  # a split's gradient is copied
    y = torch.cat([form(part, weight) for part in parts]) if len(parts) > 1 else form(parts[0], weight)
    return y if bias is None else y.add_(bias.to(x.dtype).view(-1, 1, 1))


def own(function: type[torch.autograd.Function], its: Strided) -> Form:
    """PyTorch's form with derivatives of our own."""
    return lambda x, weight: function.apply(x, weight.to(x.dtype), its.stride, its.padding)  # type: ignore[no-any-return,no-untyped-call]


# ---- which form pays -----------------------------------------------------------------------------------------------


def unstrided(layer: nn.Conv2d, x: Tensor) -> Form | None:
    """The form that pays for a layer of stride 1 that leaves the sides as they are; None for PyTorch's own."""
    if not (is_plain(layer, x) and may_map(x) and set(layer.stride) == {1}):
        return None
    pad, weight = int(layer.padding[0]), (layer.out_channels, layer.in_channels, *layer.kernel_size)
    small = [side + 2 * pad - k + 1 for side, k in zip(x.shape[2:], layer.kernel_size, strict=True)]
    if layer.padding[1] == pad and goes_by_winograd(x, weight, small, 1):
        return lambda x, weight: winograd.conv2d(x, weight, pad, 1)
    if x.numel() < FEWEST_PLACES * x.shape[1]:
        return None
    each, inputs, outputs = prod(layer.kernel_size), layer.in_channels, layer.out_channels
    same = all(k % 2 == 1 and pad == k // 2 for k, pad in zip(layer.kernel_size, layer.padding, strict=True))
    if same and each > 1 and outputs <= MOST_SUMMED and inputs >= FEWEST_SUMMED:
        return kn2row.conv2d
    saved = inputs * outputs * (each - 3)  # as frequencies take two to three
    return fourier.conv2d if same and saved >= MAPPED * (inputs + outputs) else None


def may_map(x: Tensor) -> bool:
    """Whether to spend time on maps for fewer products: not where a GPU or matrix units take them, and not in what is
    exported, which is of plain layers."""
    return x.device.type == "cpu" and not compiler.is_compiling() and not (in_bfloat16() and has_amx())


def may_make_few(x: Tensor) -> bool:
    """Whether there is a faster form for few channels of a layer that doubles or halves."""
    return in_bfloat16() or (may_map(x) and kernels.are_for(kernels.LANES, x.dtype))


def products_in(x: Tensor) -> torch.dtype:
    """The numbers of which a CPU takes products here."""
    return FAST if in_bfloat16() else x.dtype


def is_plain(layer: Layer, x: Tensor) -> bool:
    """Whether it is of a CPU, and all channels see all channels of all places."""
    if x.device.type != "cpu":
        return False  # first, as a GPU waits for the host
    plain = layer.groups == 1 and set(layer.dilation) == {1} and layer.padding_mode == "zeros"
    return plain and not isinstance(layer.padding, str)


def in_bfloat16() -> bool:
    """Whether a CPU's products are taken in it here."""
    return torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") is FAST


def learns(layer: nn.Module) -> bool:
    # Not `layer.weight`: a spectral norm takes a step whenever it is asked for.
    return torch.is_grad_enabled() and all(each.requires_grad for each in layer.parameters())


def has_amx() -> bool:
    """Whether the processor has matrix units, beside which additions are slow."""
    return cpu_has("amx_bf16")
