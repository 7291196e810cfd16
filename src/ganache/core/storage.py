"""The file format of checkpoints, and the writing of whole files.

A checkpoint is one safetensors file: tensors and a JSON header, never code. Files are written under a temporary name,
synced and renamed, so that a file either is whole or is not there. A checkpoint's header holds a SHA-256 of the
tensors: a file that was damaged later is found when it is opened.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ganache.core import old_names
from ganache.errors import CheckpointError

SUFFIX = ".safetensors"
FORMAT = 1


def save(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write `tensors` and the JSON-able `header` to `path`, whole or not at all."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps({"format": FORMAT, "sha256": checksum(whole), **header})
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        save_file(whole, temporary, metadata={"ganache": text})
        replace_synced(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def replace_synced(temporary: Path, path: Path) -> None:
    """Rename `temporary` to `path` so that a crash or a power cut leaves the old file or the new one."""
    sync(temporary, os.O_RDWR)
    os.replace(temporary, path)
    if os.name == "posix":  # elsewhere a folder cannot be opened, and the rename is kept without it
        sync(path.parent, os.O_RDONLY)


def sync(path: Path, flags: int) -> None:
    """Wait until what was written is on the disk."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load(path: Path, prefix: str = "") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors whose names begin with `prefix`, the header). Raises CheckpointError for a damaged file."""
    try:
        with safe_open(path, framework="pt") as file:
            header = old_names.header(json.loads((file.metadata() or {}).get("ganache", "{}")))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dict)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read as a checkpoint ({error}).") from None
    if header.get("sha256") != checksum(tensors):
        raise CheckpointError(f"{path} is damaged: its contents do not match its checksum.")
    return {name: tensor for name, tensor in tensors.items() if name.startswith(prefix)}, header


def read_header(path: Path) -> dict[str, Any]:
    """The header alone, unchecked; empty for a file that cannot be read."""
    try:
        with safe_open(path, framework="pt") as file:
            return old_names.header(json.loads((file.metadata() or {}).get("ganache", "{}")))
    except (SafetensorError, OSError, ValueError):
        return {}


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, kinds, shapes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


# ---- whole files ----


def write_json(path: Path, content: Any) -> None:
    """Whole or not at all."""
    write_bytes(path, (json.dumps(content, indent=2) + "\n").encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(content)
    replace_synced(temporary, path)


def write_picture(picture: Any, path: Path) -> None:
    """Whole or not at all: an animation of half a picture would fail at the end of a long run."""
    temporary = path.with_name(f".{path.name}")
    picture.save(temporary, format="PNG")
    temporary.replace(path)
