"""Reasons for which the doctor leaves a file out of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SkipReason(StrEnum):
    """Why a file is not used. Packs store the values and cache keys depend on them: do not change them."""

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
    OWN = "made by ganache"

    @property
    def sentence(self) -> str:
        """The explanation that the doctor prints."""
        return _SENTENCES[self]


_SENTENCES = {
    SkipReason.EMPTY: "the file has 0 bytes; copy it again, or let the cloud drive download it",
    SkipReason.TRUNCATED: "the file ends before the image data does; copy or download it again",
    SkipReason.DAMAGED: "the file starts like an image, but it cannot be decoded",
    SkipReason.NOT_AN_IMAGE: "the content is not in a supported image format, whatever the file name says",
    SkipReason.UNREADABLE: "the bytes cannot be read: missing permission, disk error, password or wrong checksum",
    SkipReason.OVERSIZED: "the file has more bytes than are read of one picture, perhaps only after decompression",
    SkipReason.BOMB: "decoding takes more memory or time than a picture may; the file was not decoded",
    SkipReason.TOO_SMALL: "one side is shorter than 8 pixels, or shorter than half of the requested size",
    SkipReason.SYMLINK_LOOP: "the link leads to itself or to a folder that is already read",
    SkipReason.BROKEN_SYMLINK: "the target of the link does not exist",
    SkipReason.SPECIAL: "the file is a pipe, a socket or a device; it was not opened",
    SkipReason.OWN: "the file is a picture that ganache wrote, and results are no data",
}


@dataclass(frozen=True)
class SkippedFile:
    """A file that is not used, and why."""

    name: str
    """Path relative to the source."""

    reason: SkipReason
    detail: str
    """What exactly was found; the reason's own sentence if nothing more is known."""


class SkipFile(Exception):
    """Raised when a file is not usable. The doctor catches it: it never leaves `ganache.data`."""

    def __init__(self, reason: SkipReason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail or reason.sentence
