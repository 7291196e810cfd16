"""The forms "upsample-mix-first" and "upsample-fourier": a bilinear doubling and the convolution after it as one.

Both steps are linear. The doubling mixes pixels, the convolution mixes channels too, so the channels can be mixed
first, where the image is small: a quarter of the products. What each kernel tap makes from the small image is then
resized, moved and summed by one product along the columns and one along the rows. No large image of many channels is
made. This form works on every device, and its gradient is deterministic on GPUs, unlike that of PyTorch's bilinear
doubling.

With many channels on a CPU, the same is done by a real DFT (`real_dft.py`), which has a third as many frequencies as
there are taps and pixels: the doubling is part of the transform.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod

import torch
from torch import Tensor

from ganache.fastconv.form import FEWEST_PIXELS, WIDE_CHANNELS, Call, Form
from ganache.fastconv.interpolation import doubling
from ganache.fastconv.real_dft import Dfts, correlate, correlation
from ganache.fastconv.tiles import Sides, Tiles


def is_upsampling(call: Call) -> bool:
    return call.operation == "upsample_conv2d"


# ---- channels first --------------------------------------------------------------------------------------------------


def always(call: Call) -> bool:
    return True


def mix_first(call: Call, x: Tensor, weight: Tensor, bias: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """x [B, C, h, w], weight [O, C, k, k], down [2 h, h k] and across [2 w, w k] -> [B, O, 2 h, 2 w]."""
    B, C, h, w = x.shape
    O, _, k, _ = weight.shape
    taps = weight.permute(1, 3, 2, 0).reshape(C, -1)  # [C, across * down * O]
    mixed = x.permute(0, 2, 3, 1).reshape(-1, C) @ taps  # [B * h * w, across * down * O]
    down, across = down.to(mixed.dtype), across.to(mixed.dtype)
    wide = torch.bmm(across.expand(B * h, -1, -1), mixed.view(B * h, w * k, k * O))
    wide = wide.view(B, h, 2 * w, k, O).transpose(2, 3).reshape(B, h * k, 2 * w * O)
    large = torch.bmm(down.expand(B, -1, -1), wide).view(B, 2 * h, 2 * w, O)
    return (large + bias.to(large.dtype)).permute(0, 3, 1, 2)


def mix_first_multiplications(call: Call) -> int:
    (B, C, h, w), (O, _, k, _) = call.input, call.weight
    return B * h * w * C * k * k * O + B * h * 2 * w * w * k * k * O + B * 2 * h * h * k * 2 * w * O


MIX_FIRST = Form(
    "upsample-mix-first",
    is_upsampling,
    always,
    mix_first,
    "channels are mixed before the doubling, where the image is small",
    multiplications=mix_first_multiplications,
)


# ---- by a real DFT ---------------------------------------------------------------------------------------------------


def supports_fourier(call: Call) -> bool:
    return is_upsampling(call) and call.on_cpu


def fourier_pays(call: Call) -> bool:
    wide = min(call.weight[:2]) >= WIDE_CHANNELS
    return wide and not call.on_matrix_units and 4 * call.input[0] * prod(call.input[2:]) >= FEWEST_PIXELS


def by_fourier(call: Call, x: Tensor, weight: Tensor, bias: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """The same as `mix_first`; it needs neither of the two matrices."""
    x = x.to(call.dtype)
    h, w = x.shape[2:]
    small, large = (Tiles(sides, (1, 1), sides, sides) for sides in ((h, w), (2 * h, 2 * w)))
    y = correlate(x, weight, doubled_dfts((h, w), (weight.shape[2], weight.shape[3])), small, large)
    return y + bias.to(y.dtype).view(-1, 1, 1)


def fourier_multiplications(call: Call) -> int:
    (B, C, h, w), (O, _, kh, kw) = call.input, call.weight
    return len(doubled_dfts((h, w), (kh, kw))[0]) * B * C * O


FOURIER = Form(
    "upsample-fourier",
    supports_fourier,
    fourier_pays,
    by_fourier,
    "many channels: a DFT, with the doubling as part of the transform",
    multiplications=fourier_multiplications,
)


@lru_cache(maxsize=64)
def doubled_dfts(sides: Sides, kernel: Sides) -> Dfts:
    """Return the transforms of the small image, of the kernel, and of the output of twice the size."""
    pixels = [range(2 * side) for side in sides]
    lengths = (2 * sides[0] + kernel[0] // 2, 2 * sides[1] + kernel[1] // 2)
    image, taps, output = correlation(lengths, kernel, pixels, pixels)
    return image.after(*(doubling(side, 1) for side in sides)), taps, output
