"""The file format of checkpoints: tensors and a JSON header in one safetensors file, never code.

The header holds a SHA-256 of the tensors, so that later damage is found when the file is opened. A file that cannot be
read at all, for example without permission, is not called damaged: the two have different errors.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse
from torch import Tensor

from ganache.core import old_names
from ganache.core.storage import atomic_file, open_regular, read_bytes
from ganache.core.strict import read_record
from ganache.errors import CheckpointError, ConfigError, DamagedCheckpoint

SUFFIX = ".safetensors"
FORMAT = 1
"""Increased when a file is written in a way that earlier versions would misread."""
DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""The format's names of the types that a state can have."""
MAX_HEADER = 2**24
"""Bytes. The header of the largest network here has 0.1 MiB."""
MAX_SIZE = 2**16
"""Pixels per side, and channels."""


@dataclass(frozen=True)
class Header:
    """The header of a run's checkpoint, besides format and checksum, and the values that its fields may have."""

    step: int
    batch_index: int
    seconds: float
    config: dict[str, Any]
    image_shape: tuple[int, ...]
    """(C, H, W), or the number of coordinates of a point."""
    data_fingerprint: str = ""
    data_paths: tuple[str, ...] = ()
    score: float | None = None
    restarts: int = 0
    augment_p: float = 0.0
    lr_scale: float = 1.0

    def __post_init__(self) -> None:
        numbers = (self.seconds, self.score or 0.0, self.augment_p, self.lr_scale)
        counts = (self.step, self.batch_index, self.restarts)
        if not all(map(math.isfinite, numbers)) or self.seconds < 0 or not all(0 <= count < 2**53 for count in counts):
            raise ValueError("a number in its header is out of range")
        if len(self.image_shape) not in (1, 3) or not all(0 < size <= MAX_SIZE for size in self.image_shape):
            raise ValueError(f"an image shape of {self.image_shape} in its header"[:100])


def save(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write `tensors` and a JSON-serialisable `header` to `path`, whole or not at all.

    The format is that of https://huggingface.co/docs/safetensors: the length of a JSON text, the text, and the bytes of
    the tensors, which are written one after the other. The library would hold all of them in memory twice more, and its
    writer to a file leaves that file behind if it is killed.
    """
    text = json.dumps({"format": FORMAT, "sha256": checksum(tensors), **header})
    entries: dict[str, Any] = {"__metadata__": {"ganache": text}}
    end = 0
    for name, tensor in tensors.items():
        start, end = end, end + tensor.nbytes
        shape = list(tensor.shape)
        entries[name] = {"dtype": DTYPES[tensor.dtype], "shape": shape, "data_offsets": [start, end]}
    head = json.dumps(entries).encode()
    head += b" " * (-len(head) % 8)
    with atomic_file(path) as file:
        file.write(len(head).to_bytes(8, "little") + head)
        for tensor in tensors.values():
            file.write(as_bytes(tensor))


def load(path: Path, prefix: str = "") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors whose names begin with `prefix`, and the header.

    Raises DamagedCheckpoint if the content is no checkpoint or does not match its checksum, and CheckpointError if the
    file cannot be read.
    """
    try:
        content = read_bytes(path)
    except OSError as error:
        raise unreadable(path, error) from None
    header = parse_header(path, content)
    try:
        tensors = parse(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise damaged(path, error) from None
    if header.get("sha256") != checksum(tensors):
        raise DamagedCheckpoint(f"{path} is damaged: its contents do not match its checksum.")
    return {name: tensor for name, tensor in tensors.items() if name.startswith(prefix)}, header


def read_header(path: Path) -> dict[str, Any]:
    """Return the header without reading the tensors; an empty dict if the file is damaged or was just removed.

    Raises CheckpointError if the file cannot be read.
    """
    try:
        with open_regular(path) as file:
            start = file.read(8)
            start += file.read(min(int.from_bytes(start, "little"), MAX_HEADER))
        return parse_header(path, start)
    except (FileNotFoundError, DamagedCheckpoint):
        return {}
    except OSError as error:
        raise unreadable(path, error) from None


def parse_header(path: Path, content: bytes) -> dict[str, Any]:
    """Return our header in the first bytes of a safetensors file: 8 bytes for a length, then JSON.

    A header with more than format and checksum is one of a run, and is checked. Raises DamagedCheckpoint, or
    CheckpointError if a later version of ganache wrote the file.
    """
    length = int.from_bytes(content[:8], "little")
    try:
        if not 0 < length <= min(MAX_HEADER, len(content) - 8):
            raise ValueError(f"a header of {length:,} bytes in a file of {len(content):,}")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
        header = json.loads(metadata.get("ganache", "{}"))
        if int(header.get("format", FORMAT)) > FORMAT:
            raise CheckpointError(f"{path} was written by a later version of ganache: update ganache to read it.")
        header = old_names.header(header)
        if {field.name for field in fields(Header)} & header.keys():
            read_record(Header, header, "header")
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, ConfigError) as error:
        raise damaged(path, error) from None
    return header


def unreadable(path: Path, error: OSError) -> CheckpointError:
    """Return the error for a file that the system does not let us read."""
    return CheckpointError(
        f"{path} cannot be read ({error.strerror or error}): check the file, its permissions and its disk. Nothing was "
        "changed."
    )


def damaged(path: Path, error: Exception) -> DamagedCheckpoint:
    """Return the error for a file whose content is no checkpoint."""
    return DamagedCheckpoint(f"{path} cannot be read as a checkpoint ({' '.join(str(error).split())[:100]}).")


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of names, dtypes, shapes and bytes, sorted by name."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(as_bytes(tensor))
    return digest.hexdigest()


def as_bytes(tensor: Tensor) -> memoryview:
    """Return the bytes of a tensor in the order of its indices."""
    data: memoryview = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
    return data
