"""A picture of any size -> the wanted size: cut, padded or stretched."""

from __future__ import annotations

from typing import Literal

from PIL import Image

from ganache.core.images import Box, crop_box, pad_box
from ganache.data.reasons import Note

Fit = Literal["crop", "pad", "stretch"]
FITS: tuple[Fit, ...] = ("crop", "pad", "stretch")


def fitted(image: Image.Image, size: tuple[int, int], fit: Fit) -> tuple[Image.Image, list[Note]]:
    """The image at `size` (height, width), and what that took.

    "crop" keeps the middle, "pad" keeps all of it on black, "stretch" keeps all of it and loses the proportions.
    Scaling is by Lanczos' filter, which Pillow widens when it makes smaller, so that nothing aliases.
    """
    height, width = size
    if image.size == (width, height):
        return image, []
    box, inner, notes = _plan((image.height, image.width), size, fit)
    box_size = (box[2] - box[0], box[3] - box[1])
    if box_size[0] < inner[0] or box_size[1] < inner[1]:
        notes.append(Note.ENLARGED)
    elif box_size != inner:
        notes.append(Note.REDUCED)
    scaled = image.resize(inner, Image.Resampling.LANCZOS, box=box)
    if inner == (width, height):
        return scaled, notes
    canvas = Image.new(image.mode, (width, height))
    canvas.paste(scaled, ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return canvas, notes


def _plan(found: tuple[int, int], size: tuple[int, int], fit: Fit) -> tuple[Box, tuple[int, int], list[Note]]:
    """Which box of the picture is used, the width and height it gets, and what to say about it."""
    (found_height, found_width), (height, width) = found, size
    whole = (0, 0, found_width, found_height)
    if fit == "crop":
        box = crop_box(found, size)
        return box, (width, height), [Note.CROPPED] if box != whole else []
    if fit == "pad":
        left, top, right, bottom = pad_box(found, size)
        inner = (right - left, bottom - top)
        return whole, inner, [Note.PADDED] if inner != (width, height) else []
    unlike = found_width * height != found_height * width
    return whole, (width, height), [Note.STRETCHED] if unlike else []
