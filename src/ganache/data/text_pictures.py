"""Whether pictures show written characters: a mirror turns these into others."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ganache.data.pixel_arrays import PixelArray, PixelBlocks

_NAME = re.compile(
    r"(?i)(?<!fashion)(?<!fashion[-_ ])mnist|digits?|letters|glyphs?|fonts?|omniglot|svhn|captcha|handwrit"
)
_CHARACTERS = 5
"""Classes whose names are one character each; fewer, such as A and B, can be anything."""


def shows_text(contents: object, name: str, label_names: Sequence[str]) -> bool:
    """Whether a set seems to show written characters, by its format, its name or its classes.

    >>> shows_text(None, "mnist", ()), shows_text(None, "fashion-mnist", ()), shows_text(None, "in", "0123456789")
    (True, False, True)
    """
    if isinstance(contents, PixelArray | PixelBlocks) and contents.is_text:
        return True
    has_characters = len(label_names) >= _CHARACTERS and all(len(label) == 1 for label in label_names)
    return has_characters or _NAME.search(name) is not None
