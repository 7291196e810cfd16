"""The form "fourier": convolutions of stride 1 by the real DFT of tiles, 5x5 ones with a tenth of the multiplications.

Images are cut into tiles of at most 16 x 16 outputs: smaller tiles take more products, larger ones longer transforms.
`real_dft.py` explains the transform. In bfloat16 the error of a layer is 0.8%, where rounding its input and its weights
makes 0.3%.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, prod

from torch import Tensor

from ganache.fastconv.form import FEWEST_PIXELS, Call, Form
from ganache.fastconv.real_dft import Dfts, correlate, correlation
from ganache.fastconv.tiles import Sides, Tiles

TILE = 16
"""Outputs along a side of a tile, at most."""
TRANSFORM_COST = 512
"""Approximate cost of the transforms, in multiplications per pixel and channel."""


def supports(call: Call) -> bool:
    return call.on_cpu and call.regular and call.operation == "conv2d" and call.keeps_sides


def pays(call: Call) -> bool:
    (outputs, inputs, *kernel), (batch, _, *sides) = call.weight, call.input
    saved = inputs * outputs * (prod(kernel) - 3)  # the DFT takes two to three products per pixel
    large = batch * prod(sides) >= FEWEST_PIXELS
    return large and saved >= TRANSFORM_COST * (inputs + outputs) and not call.on_matrix_units


def compute(call: Call, x: Tensor, weight: Tensor) -> Tensor:
    return conv2d(x, weight)


def multiplications(call: Call) -> int:
    (outputs, inputs, kh, kw), (batch, _, H, W) = call.weight, call.input
    dfts, image, _ = transforms((H, W), (kh, kw))
    return len(dfts[0]) * batch * prod(image.counts) * inputs * outputs


FORM = Form(
    "fourier",
    supports,
    pays,
    compute,
    "large kernel, many channels: the DFT saves more than it costs",
    multiplications=multiplications,
)


def conv2d(x: Tensor, weight: Tensor) -> Tensor:
    """Return conv2d(x [B, C, H, W], weight [O, C, kh, kw], padding="same"), for odd kernels."""
    dfts, image, output = transforms((x.shape[2], x.shape[3]), (weight.shape[2], weight.shape[3]))
    return correlate(x, weight, dfts, image, output)


@lru_cache(maxsize=256)
def transforms(sides: Sides, kernel: Sides) -> tuple[Dfts, Tiles, Tiles]:
    """Return the transforms of a convolution, and the tiles of its input and of its output."""
    image, output = tiles(sides, kernel)
    inputs = [range(-pad, n - pad) for n, pad in zip(image.size, image.padding, strict=True)]
    outputs = [range(n) for n in output.size]
    return correlation(image.size, kernel, inputs, outputs), image, output


def tiles(sides: Sides, kernel: Sides) -> tuple[Tiles, Tiles]:
    """Return the tiles of the input, which overlap, and those of an output of the same size."""
    (H, W), (kh, kw) = sides, kernel
    counts = (ceil(H / TILE), ceil(W / TILE))
    h, w = step = (ceil(H / counts[0]), ceil(W / counts[1]))
    image = Tiles(sides, counts, (h + kh - 1, w + kw - 1), step, padding=(kh // 2, kw // 2))
    return image, Tiles(sides, counts, step, step)
