"""Resize an image of any shape to the requested size: crop, pad or stretch."""

from __future__ import annotations

from typing import Literal

from PIL import Image

from ganache.core.images import Box, crop_box, pad_box
from ganache.data.conversions import Conversion

FitMode = Literal["crop", "pad", "stretch"]
FIT_MODES: tuple[FitMode, ...] = ("crop", "pad", "stretch")


def resize_to_fit(image: Image.Image, size: tuple[int, int], fit: FitMode) -> tuple[Image.Image, list[Conversion]]:
    """Return the image at `size` (height, width), and the conversions that were needed.

    "crop" keeps the largest centred part of the right shape, "pad" keeps the whole image on a black background,
    "stretch" keeps the whole image and changes its aspect ratio. Resampling uses a Lanczos filter, whose support
    Pillow widens for downsampling, so that there is no aliasing.
    """
    height, width = size
    if image.size == (width, height):
        return image, []
    box, target_size, conversions = _plan((image.height, image.width), size, fit)
    box_size = (box[2] - box[0], box[3] - box[1])
    if box_size[0] < target_size[0] or box_size[1] < target_size[1]:
        conversions.append(Conversion.ENLARGED)
    elif box_size != target_size:
        conversions.append(Conversion.REDUCED)
    scaled = image.resize(target_size, Image.Resampling.LANCZOS, box=box)
    if target_size == (width, height):
        return scaled, conversions
    canvas = Image.new(image.mode, (width, height))
    canvas.paste(scaled, ((width - target_size[0]) // 2, (height - target_size[1]) // 2))
    return canvas, conversions


def _plan(
    original: tuple[int, int], size: tuple[int, int], fit: FitMode
) -> tuple[Box, tuple[int, int], list[Conversion]]:
    """Return the box of the image to use, the (width, height) to scale it to, and the conversions."""
    (original_height, original_width), (height, width) = original, size
    whole = (0, 0, original_width, original_height)
    if fit == "crop":
        box = crop_box(original, size)
        return box, (width, height), [Conversion.CROPPED] if box != whole else []
    if fit == "pad":
        left, top, right, bottom = pad_box(original, size)
        inner = (right - left, bottom - top)
        return whole, inner, [Conversion.PADDED] if inner != (width, height) else []
    same_ratio = original_width * height == original_height * width
    return whole, (width, height), [] if same_ratio else [Conversion.STRETCHED]
