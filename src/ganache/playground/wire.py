"""What a page asks and what it is told: messages as frozen dataclasses, parsed strictly; bytes with a header.

A message is JSON text, `{"ask": "show", "id": 3, ...}`; a dropped picture is the same as a header before its bytes.
A reply is a header before the bytes of its pictures: 4 bytes that tell the header's length (big-endian), the header
in JSON, whose `blobs` are the pictures' lengths, and the pictures one after another.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ganache.errors import ConfigError, choices
from ganache.lab.requests import Kept, Point, build

LENGTH = struct.Struct(">I")
LONGEST_TEXT = 256 * 1024
"""Bytes of a message without a picture: room for a dozen latents of 1,000 numbers."""
LARGEST_UPLOAD = 8 * 1024 * 1024
"""Bytes of a dropped picture with its header."""


@dataclass(frozen=True)
class Which:
    """One of the runs on the page, and a step of it; None for its newest checkpoint."""

    run: int = 0
    step: int | None = None


@dataclass(frozen=True)
class Message:
    """What all messages share: a number that the reply repeats."""

    id: int


@dataclass(frozen=True)
class Show(Message):
    """Show a request by each of the models. A newer one of the same slot takes its place."""

    slot: Literal["picture", "wall", "pins", "view"]
    request: dict[str, Any]
    models: tuple[Which, ...]
    base: bool = False
    """Also tell the numbers of a picture's latent before its changes."""


@dataclass(frozen=True)
class Tell(Message):
    """Tell a request with its names resolved, and the command that makes its picture."""

    request: dict[str, Any]
    models: tuple[Which, ...]


@dataclass(frozen=True)
class Mix(Message):
    """Two latents, and their sum, difference, product and mixture; t leads from a (0) to b (1)."""

    a: Point
    b: Point
    t: float
    model: Which
    mean: float = 0.0
    std: float = 1.0
    classes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Rank(Message):
    """Rank the dimensions by how much of the picture each moves."""

    model: Which


@dataclass(frozen=True)
class Own(Message):
    """Find the directions that the generator has by itself."""

    how: Literal["sefa", "pca"]
    model: Which


@dataclass(frozen=True)
class Learn(Message):
    """Find the direction from samples without a feature to those with it, and keep it under a name."""

    model: Which
    name: str
    having: tuple[Point, ...]
    lacking: tuple[Point, ...]
    mean: float = 0.0
    std: float = 1.0


@dataclass(frozen=True)
class Keep(Message):
    """Keep a latent in the run under a name."""

    run: int
    name: str
    kept: Kept


@dataclass(frozen=True)
class Forget(Message):
    """Let go of a name in the run."""

    run: int
    name: str


@dataclass(frozen=True)
class Save(Message):
    """A request's picture as a file's bytes."""

    request: dict[str, Any]
    models: tuple[Which, ...]
    kind: Literal["png", "webp", "gif", "mp4"] = "png"
    plain: bool = False
    """The picture alone, pixel by pixel, without captions."""


@dataclass(frozen=True)
class Invert(Message):
    """Find the latent that makes the picture whose bytes follow."""

    model: Which


ASKS: dict[str, type[Message]] = {
    "show": Show,
    "tell": Tell,
    "mix": Mix,
    "rank": Rank,
    "own": Own,
    "learn": Learn,
    "keep": Keep,
    "forget": Forget,
    "save": Save,
    "invert": Invert,
}


def parse(text: str) -> Message:
    """A message. Raises ConfigError for one that is too long, or is none."""
    if len(text) > LONGEST_TEXT:
        raise ConfigError(f"The message has {len(text):,} characters, and {LONGEST_TEXT:,} are read: ask for less.")
    return parse_header(text)


def parse_header(text: str) -> Message:
    """A message of any length that has been checked."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise ConfigError("The message is no JSON.") from None
    if not isinstance(given, Mapping) or not isinstance(given.get("ask"), str):
        raise ConfigError('A message is an object with an "ask".')
    ask = given["ask"]
    if ask not in ASKS:
        raise ConfigError(f"Nothing is asked by '{ask[:40]}': {choices(ask[:40], ASKS)}")
    try:
        return build(ASKS[ask], {name: value for name, value in given.items() if name != "ask"}, f"message '{ask}'")
    except (RecursionError, UnicodeEncodeError):
        raise ConfigError("The message cannot be read: it is nested too deeply, or its text is no text.") from None


def number_of(text: str) -> int | None:
    """The id of a message that could not be parsed, where it has one."""
    try:
        given = json.loads(text)
        number = given.get("id") if isinstance(given, dict) else None
    except (ValueError, RecursionError):
        return None
    return number if type(number) is int else None


def pack(header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    """A header and the bytes of pictures as one message."""
    head = json.dumps({**header, "blobs": [len(blob) for blob in blobs]}, separators=(",", ":")).encode()
    return b"".join([LENGTH.pack(len(head)), head, *blobs])


def unpack(data: bytes) -> tuple[str, bytes]:
    """(the header's text, what follows it). Raises ConfigError where there is none.

    >>> unpack(LENGTH.pack(2) + b"{}rest")
    ('{}', b'rest')
    """
    if len(data) > LARGEST_UPLOAD:
        raise ConfigError(
            f"The picture's file has {len(data):,} bytes, and {LARGEST_UPLOAD:,} are read: make it smaller."
        )
    end = LENGTH.size + LENGTH.unpack_from(data)[0] if len(data) >= LENGTH.size else len(data) + 1
    if end > min(len(data), LONGEST_TEXT):
        raise ConfigError("The message is no header with a picture behind it.")
    try:
        return data[LENGTH.size : end].decode(), data[end:]
    except UnicodeDecodeError:
        raise ConfigError("The message's header is no text.") from None
