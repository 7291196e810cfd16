"""Convolutions by forms that are faster than oneDNN's own, on a CPU.

With stride 1, large kernels of many channels go by frequencies (`fourier`), and where many channels become few they are
mixed before the kernel's taps are summed; in float32 as well as in bfloat16. The rest is of strided layers in bfloat16.
Kernels of 4x4 with stride 2 and many channels, DCGAN's, take nine multiplications instead of sixteen (`winograd`). Else
weight gradients of layers with many channels become matrix products: oneDNN's own reach half of what its products do,
worst where channels are many and pixels few. What makes a picture of few channels, a transposed convolution or a
convolution's gradient by its input, becomes a convolution to four times the channels whose numbers are shuffled into
place. On processors with AMX products in bfloat16 cost less than the copying around fewer of them.

All else is PyTorch's own, and all are the same sums in another order. `bench/NOTES.md` has what each wins. Second
derivatives work: everything here is made of operations that PyTorch derives.

A strided layer's weight has the shape [channels of the small side, channels of the large side, kh, kw].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_input, conv2d_weight

from ganache.networks import fourier, winograd

MOST_PATCHES = 2**23
"""Numbers that the matrix of patches may have: beyond it, copying costs what the product saves (`bench/NOTES.md`)."""
FEWEST_CHANNELS = 16
FEWEST_FOR_WINOGRAD = 192, 48
"""Channels at the small side and at the large one from which the products saved outweigh the additions: each number of
one side is multiplied with all channels of the other."""
FEWEST_PLACES = 2**14
"""In all pictures together, from which frequencies pay: the map of the kernels is as long for one picture."""
MAPPED = 512
"""Products for which a place and a channel can go through the maps there and back, about."""
FEWEST_SUMMED, MOST_SUMMED = 128, 4
"""Channels read and made from which, and up to which, it pays to mix channels before the kernel's taps are summed."""
FAST = torch.bfloat16

Ints = tuple[int, ...]


class Conv2d(nn.Conv2d):
    """PyTorch's convolution, which may be computed another way, or only its gradients."""

    def forward(self, x: Tensor) -> Tensor:
        if faster := unstrided(self, x):
            dtype = products_in(x)
            return biased(self, faster(x.to(dtype), self.weight.to(dtype)))
        if not computes_in_bfloat16(self, x):
            return super().forward(x)
        shape, asked = (self.out_channels, self.in_channels, *self.kernel_size), x.requires_grad
        y = another_way(self, x, shape, x.shape[2:], self._out(x), asked, winograd.conv2d, _Convolution)
        return super().forward(x) if y is None else y

    def _out(self, x: Tensor) -> Ints:
        assert not isinstance(self.padding, str)  # `computes_in_bfloat16` refuses paddings by name
        sides = zip(x.shape[2:], self.padding, self.kernel_size, self.stride, strict=True)
        return tuple((side + 2 * pad - k) // step + 1 for side, pad, k, step in sides)


class ConvTranspose2d(nn.ConvTranspose2d):
    """PyTorch's transposed convolution, which may be computed another way, or only its weight's gradient."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        if not computes_in_bfloat16(self, x) or output_size is not None or any(self.output_padding):
            return super().forward(x, output_size)
        shape, doubled_sides = (self.in_channels, self.out_channels, *self.kernel_size), [2 * s for s in x.shape[2:]]
        y = another_way(self, x, shape, doubled_sides, x.shape[2:], True, winograd.conv_transpose2d, _Transposed)
        return super().forward(x) if y is None else y


def another_way(
    layer: nn.Conv2d | nn.ConvTranspose2d,
    x: Tensor,
    shape: Ints,
    large: Sequence[int],
    small: Ints,
    makes_large: bool,
    nine_products: Callable[[Tensor, Tensor], Tensor],
    own: type[torch.autograd.Function],
) -> Tensor | None:
    """What the layer makes of x by the form that pays, with these sides at its large and its small side; else None.

    `makes_large`: whether pictures of the large side will be made, by the layer or by its gradient.
    """
    y: Tensor
    if by_winograd(large, shape, layer.stride, layer.padding):
        y = nine_products(x.to(FAST), layer.weight.to(FAST))
    elif (makes_large and doubles(large, shape, layer.stride, layer.padding)) or (
        by_product(x.shape[0], shape, small, layer.stride) and learns(layer)
    ):
        y = own.apply(x.to(FAST), layer.weight.to(FAST), layer.stride, layer.padding)  # type: ignore[no-untyped-call]
    else:
        return None
    return biased(layer, y)


def biased(layer: nn.Conv2d | nn.ConvTranspose2d, y: Tensor) -> Tensor:
    return y if layer.bias is None else y + layer.bias.to(y.dtype).view(-1, 1, 1)


# ---- which form pays -----------------------------------------------------------------------------------------------


def unstrided(layer: nn.Conv2d, x: Tensor) -> Callable[[Tensor, Tensor], Tensor] | None:
    """The form that pays for a layer of stride 1 that leaves the sides as they are; None for PyTorch's own."""
    if not (is_plain(layer, x) and may_map(x) and set(layer.stride) == {1} and x.numel() >= FEWEST_PLACES * x.shape[1]):
        return None
    taps, inputs, outputs = prod(layer.kernel_size), layer.in_channels, layer.out_channels
    same = all(k % 2 == 1 and pad == k // 2 for k, pad in zip(layer.kernel_size, layer.padding, strict=True))
    if same and taps > 1 and outputs <= MOST_SUMMED and inputs >= FEWEST_SUMMED:
        return summed
    saved = inputs * outputs * (taps - 3)  # as frequencies take two to three
    return fourier.conv2d if same and saved >= MAPPED * (inputs + outputs) else None


def may_map(x: Tensor) -> bool:
    """Whether to spend time on maps for fewer products: not where a GPU or matrix units take them, and not in what is
    exported, which is of plain layers."""
    return x.device.type == "cpu" and not torch.compiler.is_compiling() and not (in_bfloat16() and has_amx())


def products_in(x: Tensor) -> torch.dtype:
    """The numbers of which a CPU takes products here."""
    return FAST if in_bfloat16() else x.dtype


def computes_in_bfloat16(layer: nn.Conv2d | nn.ConvTranspose2d, x: Tensor) -> bool:
    """Whether it is a plain layer whose products a CPU takes in bfloat16."""
    return is_plain(layer, x) and in_bfloat16()


def is_plain(layer: nn.Conv2d | nn.ConvTranspose2d, x: Tensor) -> bool:
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


def halves(shape: Ints, stride: Ints, padding: Ints | str) -> bool:
    """Whether it is a layer of 4x4 kernels that halves even sides, or doubles them."""
    return (*shape[2:], *stride, *padding) == (4, 4, 2, 2, 1, 1)


def by_winograd(large: Sequence[int], shape: Ints, stride: Ints, padding: Ints | str) -> bool:
    """Whether nine products of sixteen pay, with these sides at the large side."""
    whole = not any(side % 4 for side in large) and halves(shape, stride, padding)
    many = all(count >= fewest for count, fewest in zip(shape[:2], FEWEST_FOR_WINOGRAD, strict=True))
    return whole and many and not has_amx()


def has_amx() -> bool:
    """Whether the processor has matrix units, beside which additions are slow."""
    return cpu_has("amx_bf16")


def cpu_has(*abilities: str) -> bool:
    """Whether PyTorch, if it can tell, finds any of these in the processor."""
    able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return any(able.get(ability) for ability in abilities)


def doubles(large: Sequence[int], shape: Ints, stride: Ints, padding: Ints | str) -> bool:
    """Whether a layer doubles or halves sides by 4x4 kernels, with few channels at the large side of these sides."""
    few = 4 * shape[1] <= FEWEST_CHANNELS <= shape[0]
    return few and not any(side % 2 for side in large) and halves(shape, stride, padding)


def by_product(batch: int, shape: Ints, places: Ints, stride: Ints) -> bool:
    """Whether a weight's gradient pays as a product, and `columns` stays small enough."""
    many = min(stride) > 1 and min(shape[:2]) >= FEWEST_CHANNELS
    return many and batch * prod(shape[1:]) * prod(places) <= MOST_PATCHES


# ---- few channels, and products ------------------------------------------------------------------------------------


def summed(x: Tensor, weight: Tensor) -> Tensor:
    """F.conv2d(x, weight, padding="same"), of odd kernels, with channels mixed first for each tap: what each makes of
    all places is moved and summed, in float32 as there are many."""
    B, C, H, W = x.shape
    kernel = tuple(weight.shape[2:])
    taps = weight.flip(2, 3).permute(0, 2, 3, 1).reshape(-1, C)  # fold moves towards the later places
    places = x.permute(0, 2, 3, 1).reshape(B, -1, C)
    parts = torch.bmm(taps.expand(B, -1, -1), places.transpose(1, 2))  # [B, O * taps, H * W]
    y = F.fold(parts.float() if parts.dtype is FAST else parts, (H, W), kernel, padding=tuple(k // 2 for k in kernel))
    return y.to(x.dtype)


def doubled(small: Tensor, weight: Tensor) -> Tensor:
    """conv_transpose2d(small, weight [C of small, C of large, 4, 4], stride=2, padding=1) as a 3x3 convolution.

    Of each two by two pixels each is a 3x3 convolution of the small picture, with the kernel's every second row and
    column; so they are four times the channels, shuffled into place.
    """
    kernels = F.pad(weight, (1, 1, 1, 1)).reshape(*weight.shape[:2], 3, 2, 3, 2)  # [c, C, 3, down, 3, across]
    kernels = kernels.flip(2, 4).permute(1, 3, 5, 0, 2, 4).flatten(0, 2)  # [C * 4, c, 3, 3]
    return F.pixel_shuffle(F.conv2d(small, kernels.contiguous(memory_format=torch.channels_last), padding=1), 2)


def columns(x: Tensor, kernel: Ints, stride: Ints, padding: Ints) -> Tensor:
    """x [B, C, H, W] -> the patch under the kernel at each place, [B * places, kh * kw * C]."""
    padded = F.pad(x, (padding[1], padding[1], padding[0], padding[0])).permute(0, 2, 3, 1)
    places = padded.unfold(1, kernel[0], stride[0]).unfold(2, kernel[1], stride[1])  # [B, h, w, C, kh, kw]
    return places.permute(0, 1, 2, 4, 5, 3).reshape(-1, kernel[0] * kernel[1] * x.shape[1])


def weight_gradient(small: Tensor, large: Tensor, weight: Tensor, stride: Ints, padding: Ints) -> Tensor:
    """Of sum(small * conv2d(large, weight)) by the weight, whichever way is faster."""
    if doubles(large.shape[2:], weight.shape, stride, padding):
        gradient: Tensor = conv2d_weight(large, weight.shape, small, stride, padding)  # type: ignore[no-untyped-call]
        return gradient
    return product(small, large, tuple(weight.shape[2:]), stride, padding)


def product(small: Tensor, large: Tensor, kernel: Ints, stride: Ints, padding: Ints) -> Tensor:
    """The same as one matrix product: [C of small, C of large, kh, kw]."""
    rows = small.permute(0, 2, 3, 1).reshape(-1, small.shape[1])
    sums = rows.t() @ columns(large, kernel, stride, padding)
    return sums.view(small.shape[1], *kernel, large.shape[1]).permute(0, 3, 1, 2)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: Ints, padding: Ints) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, weight, None, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (x, weight), (g,) = ctx.saved_tensors, gradients
        by_x = by_weight = None
        if ctx.needs_input_grad[0] and doubles(x.shape[2:], weight.shape, ctx.stride, ctx.padding):
            by_x = doubled(g, weight)
        elif ctx.needs_input_grad[0]:
            by_x = conv2d_input(x.shape, weight, g, ctx.stride, ctx.padding)  # type: ignore[no-untyped-call]
        if ctx.needs_input_grad[1]:
            by_weight = weight_gradient(g, x, weight, ctx.stride, ctx.padding)
        return by_x, by_weight, None, None


class _Transposed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: Ints, padding: Ints) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        few = doubles((), weight.shape, stride, padding)
        return doubled(x, weight) if few else F.conv_transpose2d(x, weight, None, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (x, weight), (g,) = ctx.saved_tensors, gradients
        by_x = F.conv2d(g, weight, None, ctx.stride, ctx.padding) if ctx.needs_input_grad[0] else None
        by_weight = weight_gradient(x, g, weight, ctx.stride, ctx.padding) if ctx.needs_input_grad[1] else None
        return by_x, by_weight, None, None
