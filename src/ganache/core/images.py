"""Pictures as arrays: conversion between uint8 [N, H, W, C] and x [N, C, H, W] in [-1, 1], crop boxes, and grids.

Stored pictures are uint8 with the channels last; networks take float32 with the channels first. Only `to_float` and
`to_uint8` convert between them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

Pixels = NDArray[np.uint8]
"""uint8 [..., H, W, C]: pictures, or one picture."""

Pictures = NDArray[Any]
"""Pictures, uint8 [N, H, W, C], or the points of a 2-D toy data set, float32 [N, 2]."""

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels; right and bottom are exclusive, as in Pillow."""


def to_float(images: Tensor | Pixels) -> Tensor:
    """Convert uint8 [N, H, W, C] to float32 [N, C, H, W] in [-1, 1]: x = pixel / 127.5 - 1.

    The axes are permuted without moving memory, so the result is in `channels_last` layout, in which convolutions are
    fastest.
    """
    if isinstance(images, np.ndarray):
        images = torch.from_numpy(images if images.flags.writeable else images.copy())
    return images.permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1.0)


def as_x(stored: NDArray[Any]) -> Tensor:
    """Convert stored pictures, uint8 [N, H, W, C], or points, float32 [N, 2], to x [N, *image_shape]; always a copy."""
    return torch.from_numpy(np.array(stored)) if stored.ndim == 2 else to_float(stored)


def to_uint8(x: Tensor) -> Tensor:
    """Convert float [N, C, H, W] in [-1, 1] to uint8 [N, H, W, C]. Values are rounded, and clamped if they lie outside.

    >>> to_uint8(torch.tensor([-1.0, 0.0, 1.0, 7.0]).reshape(1, 1, 1, 4)).flatten().tolist()
    [0, 128, 255, 255]
    """
    pixels = x.detach().to(torch.float32).add(1.0).mul_(127.5).round_().clamp_(0, 255)
    return pixels.to(torch.uint8).permute(0, 2, 3, 1)


def tile(images: Tensor | Pixels, columns: int | None = None, *, pad: int = 2, background: int = 255) -> Pixels:
    """Arrange pictures uint8 [N, H, W, C] in one grid, uint8 [H', W', C], row by row.

    Args:
        images: At least one picture.
        columns: Pictures per row; None makes the grid as square as possible.
        pad: Pixels between pictures and around the grid.
        background: Value from 0 to 255 of the padding and of empty cells.

    >>> tile(np.zeros((5, 4, 4, 3), np.uint8), columns=3, pad=1).shape
    (11, 16, 3)
    """
    pixels = images.detach().cpu().numpy() if isinstance(images, Tensor) else np.asarray(images)
    n, height, width, channels = pixels.shape
    if n == 0:
        raise ValueError("a grid needs at least one image")
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    shape = (rows * (height + pad) + pad, columns * (width + pad) + pad, channels)
    grid = np.full(shape, background, dtype=np.uint8)
    for i, picture in enumerate(pixels):
        row, column = divmod(i, columns)
        top, left = pad + row * (height + pad), pad + column * (width + pad)
        grid[top : top + height, left : left + width] = picture
    return grid


def as_image(pixels: Pixels) -> Image.Image:
    """Return uint8 [H, W, C], C = 1, 3 or 4, as an image of mode L, RGB or RGBA."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def as_rgb_image(pixels: Pixels) -> Image.Image:
    """Return uint8 [H, W, C], C = 1, 3 or 4, as RGB; transparent parts show a checkerboard."""
    return opaque(as_image(pixels))


CHECKER = (102, 153)
"""The two greys of a checkerboard."""


def checkerboard(height: int, width: int, side: int, top: int = 0) -> Pixels:
    """Return squares of `side` pixels, uint8 [height, width], from row `top` of the board on."""
    y, x = (np.arange(top, top + height) // side)[:, None], (np.arange(width) // side)[None]
    return np.where((x + y) % 2, CHECKER[1], CHECKER[0]).astype(np.uint8)


def opaque(image: Image.Image) -> Image.Image:
    """Return an image in RGB, on a checkerboard if it has transparent parts."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    board = Image.fromarray(checkerboard(image.height, image.width, 8)).convert("RGBA")
    return Image.alpha_composite(board, image.convert("RGBA")).convert("RGB")


def evenly_spaced(count: int, most: int) -> NDArray[np.int64]:
    """Return at most `most` of the indices 0 to count - 1, evenly spaced, the first and the last among them.

    >>> evenly_spaced(9, 5), evenly_spaced(3, 5)
    (array([0, 2, 4, 6, 8]), array([0, 1, 2]))
    """
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(np.int64))


def crop_box(found: tuple[int, int], wanted: tuple[int, int]) -> Box:
    """Return the largest centred box in a picture of size `found` that has the aspect ratio of `wanted`.

    Both sizes are (height, width).

    >>> crop_box((100, 200), (64, 64))
    (50, 0, 150, 100)
    """
    height, width = found
    # Whole pixels, so that a picture of the right scale is cropped without resampling.
    cut_width = min(width, max(1, round(height * wanted[1] / wanted[0])))
    cut_height = min(height, max(1, round(width * wanted[0] / wanted[1])))
    left, top = (width - cut_width) // 2, (height - cut_height) // 2
    return left, top, left + cut_width, top + cut_height


def pad_box(found: tuple[int, int], wanted: tuple[int, int]) -> Box:
    """Return the box that a whole picture of size `found` fills, centred in a frame `wanted`; both (height, width).

    >>> pad_box((100, 200), (64, 64))
    (0, 16, 64, 48)
    """
    scale = min(wanted[0] / found[0], wanted[1] / found[1])
    height = min(wanted[0], max(1, round(found[0] * scale)))
    width = min(wanted[1], max(1, round(found[1] * scale)))
    top, left = (wanted[0] - height) // 2, (wanted[1] - width) // 2
    return left, top, left + width, top + height


def as_rgb(x: Tensor) -> Tensor:
    """Return x [N, C, H, W], C = 1, 3 or 4, in [-1, 1] with three channels.

    RGBA is laid on the mean of black and white.
    """
    if x.shape[1] == 4:
        return x[:, :3] * (x[:, 3:] + 1) / 2
    return x.expand(-1, 3, -1, -1)
