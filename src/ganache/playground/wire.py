"""The protocol between page and server: messages as frozen dataclasses, parsed strictly; replies as bytes.

A message is JSON text, `{"ask": "show", "id": 3, ...}`. A reply is 4 bytes with the length of its header (big-endian),
the header in JSON, and image files one after another; `blobs` in the header are the lengths of the files. A message
with a dropped picture has the same form: its JSON is the header, the picture's file follows.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ganache.core.strict import build
from ganache.errors import ConfigError, choices
from ganache.lab.points import Kept, Point

LENGTH = struct.Struct(">I")
LONGEST_TEXT = 256 * 1024
"""Characters of a message without a picture, enough for a dozen latents of 1,000 numbers."""
LARGEST_UPLOAD = 8 * 1024 * 1024
"""Bytes of a message with a picture."""


@dataclass(frozen=True)
class Which:
    """A run on the page and one of its steps; None for the checkpoint that the page shows first."""

    run: int = 0
    step: int | None = None


@dataclass(frozen=True)
class Message:
    """Base class of messages; the reply repeats the `id`."""

    id: int

    has_file: ClassVar[bool] = False
    """Whether a picture's file follows the message."""


@dataclass(frozen=True)
class Show(Message):
    """Return the figure of a request by the models. A newer message replaces a waiting one with the same slot."""

    slot: Literal["picture", "wall", "pins", "styles", "view"]
    request: dict[str, Any]
    models: tuple[Which, ...]
    base: bool = False
    """Whether to return the numbers of the latent before its changes, too."""


@dataclass(frozen=True)
class Tell(Message):
    """Return a request with its names resolved, and the command that makes its figure."""

    request: dict[str, Any]
    models: tuple[Which, ...]


@dataclass(frozen=True)
class Mix(Message):
    """Return two latents and their sum, difference, product and interpolation; t goes from a (0) to b (1)."""

    a: Point
    b: Point
    t: float
    model: Which
    mean: float = 0.0
    std: float = 1.0
    classes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Rank(Message):
    """Rank the dimensions by how much of the image each changes."""

    model: Which


@dataclass(frozen=True)
class Own(Message):
    """Find directions in the generator by SeFa or PCA."""

    how: Literal["sefa", "pca"]
    model: Which


@dataclass(frozen=True)
class Learn(Message):
    """Find the direction from samples without a feature to samples with it, and keep it under a name."""

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
    """Remove a name from the run."""

    run: int
    name: str


@dataclass(frozen=True)
class Save(Message):
    """Return the figure of a request as a file."""

    request: dict[str, Any]
    models: tuple[Which, ...]
    kind: Literal["png", "webp", "gif", "mp4"] = "png"
    plain: bool = False
    """Whether to return the image alone, without captions."""


@dataclass(frozen=True)
class Invert(Message):
    """Find the latent that reproduces the picture whose file follows."""

    has_file: ClassVar[bool] = True

    model: Which


@dataclass(frozen=True)
class Sampled(Message):
    """Return the samples of a run at a step, as its training wrote them."""

    run: int
    step: int


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
    "sampled": Sampled,
}


def parse(text: str, asks: Mapping[str, type[Message]] = ASKS) -> Message:
    """Parse a message, one of `asks`. Raises ConfigError if it is too long or invalid."""
    if len(text) > LONGEST_TEXT:
        raise ConfigError(f"The message has {len(text):,} characters, more than {LONGEST_TEXT:,}: send a shorter one.")
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise ConfigError('The message is not JSON: send an object with an "ask".') from None
    if not isinstance(given, Mapping) or not isinstance(given.get("ask"), str):
        raise ConfigError('The message has no "ask": send an object with an "ask".')
    ask = given["ask"]
    if ask not in asks:
        raise ConfigError(f"There is no message '{ask[:40]}': {choices(ask[:40], asks)}")
    try:
        return build(asks[ask], {name: value for name, value in given.items() if name != "ask"}, f"message '{ask}'")
    except (RecursionError, UnicodeEncodeError):
        raise ConfigError(
            "The message cannot be read: it is nested too deeply, or its text is not valid Unicode."
        ) from None


def number_of(text: str) -> int | None:
    """Return the id of a message that could not be parsed, or None; a message that is too long is not searched."""
    try:
        given = json.loads(text) if len(text) <= LONGEST_TEXT else None
        number = given.get("id") if isinstance(given, dict) else None
    except (ValueError, RecursionError):
        return None
    return number if type(number) is int else None


def pack(header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    """Return a header and image files as the bytes of one reply."""
    head = json.dumps({**header, "blobs": [len(blob) for blob in blobs]}, separators=(",", ":")).encode()
    return b"".join([LENGTH.pack(len(head)), head, *blobs])


def unpack(data: bytes) -> tuple[str, bytes]:
    """Split a message into (the header's text, the file after it). Raises ConfigError if it has no header.

    >>> unpack(LENGTH.pack(2) + b"{}rest")
    ('{}', b'rest')
    """
    if len(data) > LARGEST_UPLOAD:
        raise ConfigError(f"The picture's file has {len(data):,} bytes, more than {LARGEST_UPLOAD:,}: make it smaller.")
    end = LENGTH.size + LENGTH.unpack_from(data)[0] if len(data) >= LENGTH.size else len(data) + 1
    if end > min(len(data), LONGEST_TEXT):
        raise ConfigError("The message is not a header followed by a picture.")
    try:
        return data[LENGTH.size : end].decode(), data[end:]
    except UnicodeDecodeError:
        raise ConfigError("The message's header is not UTF-8 text.") from None
