"""Why a file is left out, and what was done to those that were not plain already."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a file is not used. The value is how it is counted and said."""

    EMPTY = "empty"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    NOT_AN_IMAGE = "not an image"
    UNREADABLE = "unreadable"
    OVERSIZED = "too many bytes"
    BOMB = "too many pixels"
    TOO_SMALL = "too small"
    SYMLINK_LOOP = "link that leads back"
    BROKEN_SYMLINK = "broken link"
    SPECIAL = "not a regular file"

    @property
    def sentence(self) -> str:
        """What it means, for a person."""
        return _SENTENCES[self]


_SENTENCES = {
    Reason.EMPTY: "the file has no bytes",
    Reason.TRUNCATED: "the file ends before the picture does; copy or download it again",
    Reason.DAMAGED: "it begins as a picture and cannot be decoded",
    Reason.NOT_AN_IMAGE: "the content is no picture of a kind that can be read, whatever the name says",
    Reason.UNREADABLE: "the bytes could not be read: permissions, a disk error, a password or a wrong checksum",
    Reason.OVERSIZED: "it unpacks to more bytes than a picture has; it may be made to fill the memory",
    Reason.BOMB: "its header announces more pixels than would fit; it was not decoded",
    Reason.TOO_SMALL: "a side is below 8 pixels or below half of what is asked for",
    Reason.SYMLINK_LOOP: "the link leads to itself or to a folder that is read already",
    Reason.BROKEN_SYMLINK: "the link points to nothing",
    Reason.SPECIAL: "a pipe, socket or device; it was not opened",
}


class Note(StrEnum):
    """What was done to a usable picture on its way to uint8 pixels of the wanted size."""

    GREY_TO_RGB = "grey made RGB"
    RGB_TO_GREY = "RGB made grey"
    PALETTE = "palette resolved"
    CMYK = "CMYK made RGB"
    OTHER_COLOURS = "other colour space made RGB"
    ONE_BIT = "1 bit made 8"
    SIXTEEN_BIT = "16 bits made 8"
    DEEP = "32-bit or decimal values scaled to 8 bits"
    ALPHA = "transparency laid on white"
    ROTATED = "turned upright (EXIF)"
    FIRST_FRAME = "first picture of several taken"
    CROPPED = "cut to the shape in the middle"
    PADDED = "padded with black"
    STRETCHED = "stretched"
    REDUCED = "made smaller"
    ENLARGED = "made larger"


@dataclass(frozen=True)
class Skipped:
    """A file that is not used: its name in the source, the reason, and what exactly was found."""

    name: str
    reason: Reason
    detail: str


class Skip(Exception):
    """Raised where a file turns out unusable and caught by the doctor: it never leaves this room."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail or reason.sentence
