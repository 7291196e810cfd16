"""What is behind a transparent picture: a colour, a checkerboard, or nothing if its transparency is ignored."""

from __future__ import annotations

import re

from PIL import Image, ImageColor

from ganache.core.images import checkerboard

WHITE, BLACK, CHECKER, IGNORE = "white", "black", "checker", "ignore"

EXPECTED = "white, black, a colour as #rrggbb, checker, or ignore to leave the transparency out"

_SQUARES = 8
"""Squares of the checkerboard along the longer side."""


def is_background(name: str) -> bool:
    """Whether a setting names a background."""
    return name in (WHITE, BLACK, CHECKER, IGNORE) or re.fullmatch("#[0-9a-fA-F]{6}", name) is not None


def is_grey(name: str) -> bool:
    """Whether a grey picture stays grey on this background."""
    return not name.startswith("#") or len({name[i : i + 2].lower() for i in (1, 3, 5)}) == 1


def composite(image: Image.Image, name: str, whole: tuple[int, int], top: int) -> Image.Image:
    """Return an image of mode RGBA on its background: mode RGB.

    The image is the part that begins at row `top` of a picture of the size `whole` (width, height).
    """
    if name == IGNORE:
        return image.convert("RGB")
    behind = _checkerboard(image.size, whole, top) if name == CHECKER else ImageColor.getrgb(name)
    canvas = Image.new("RGBA", image.size, behind) if isinstance(behind, tuple) else behind
    return Image.alpha_composite(canvas, image).convert("RGB")


def _checkerboard(size: tuple[int, int], whole: tuple[int, int], top: int) -> Image.Image:
    """Return rows of a checkerboard, from row `top` on, as mode RGBA."""
    return Image.fromarray(checkerboard(size[1], size[0], max(1, max(whole) // _SQUARES), top)).convert("RGBA")


def behind_clear(image: Image.Image, name: str) -> Image.Image:
    """Return an image of mode RGBA whose fully transparent pixels have the colours of the background."""
    alpha = image.getchannel("A")
    if name == IGNORE or alpha.histogram()[0] == 0:
        return image
    behind = composite(image, name, image.size, 0)
    filled = Image.composite(image.convert("RGB"), behind, alpha.point([0] + [255] * 255))
    filled.putalpha(alpha)
    return filled
