"""Checkpoint files, and every other file that is written whole.

A checkpoint is one safetensors file: tensors and a JSON header, never code. Its header holds a SHA-256 of the tensors,
so that later damage is found when the file is opened.

Every file that another process may read, or that a crash must not cut short, is written by the functions below: into a
temporary file of a random name in the same folder, flushed to the disk, then renamed. A reader sees the old file or the
new one, never a part of one.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ganache.core import old_names
from ganache.errors import CheckpointError

SUFFIX = ".safetensors"
FORMAT = 1

# ---- checkpoints -----------------------------------------------------------------------------------------------------


def save(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write `tensors` and a JSON-serialisable `header` to `path`, whole or not at all."""
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps({"format": FORMAT, "sha256": checksum(on_cpu), **header})
    with atomic_path(path) as temporary:
        try:
            save_file(on_cpu, temporary, metadata={"ganache": text})
        except SafetensorError as error:  # the disk is full, or refuses
            raise OSError(errno.EIO, f"the checkpoint cannot be written ({error})", str(path)) from None


def load(path: Path, prefix: str = "") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors whose names begin with `prefix`, and the header.

    Raises CheckpointError if the file cannot be read or does not match its checksum.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = old_names.header(json.loads((file.metadata() or {}).get("ganache", "{}")))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is not a dict)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read as a checkpoint ({error}).") from None
    if header.get("sha256") != checksum(tensors):
        raise CheckpointError(f"{path} is damaged: its contents do not match its checksum.")
    return {name: tensor for name, tensor in tensors.items() if name.startswith(prefix)}, header


def read_header(path: Path) -> dict[str, Any]:
    """Return the header without checking the tensors; an empty dict if the file cannot be read."""
    try:
        with safe_open(path, framework="pt") as file:
            return old_names.header(json.loads((file.metadata() or {}).get("ganache", "{}")))
    except (SafetensorError, OSError, ValueError):
        return {}


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of names, dtypes, shapes and bytes, sorted by name."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


# ---- whole files -----------------------------------------------------------------------------------------------------

TEMPORARY = ".part-"
"""Names of temporary files begin with this."""


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write `text` in UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content`, whole or not at all."""
    with atomic_file(path) as file:
        file.write(content)


def write_image(image: Any, path: Path) -> None:
    """Write a Pillow image as PNG, whole or not at all."""
    with atomic_file(path) as file:
        image.save(file, format="PNG")


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file for writing; on success it becomes `path`, on an exception it is removed."""
    temporary, file = create_temporary(path)
    try:
        with file:
            yield file
        replace_synced(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield the name of an empty temporary file, for a library that opens files by name.

    It ends in the name of `path`, and so has its suffix. On success the file becomes `path`, on an exception it is
    removed.
    """
    temporary, file = create_temporary(path)
    file.close()
    try:
        yield temporary
        replace_synced(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def create_temporary(path: Path) -> tuple[Path, IO[bytes]]:
    """Create and open a new file of a random name in the folder of `path`.

    Returns its name and the open file. It never opens a file or follows a link that is already there.
    """
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}-{path.name}")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        return temporary, os.fdopen(os.open(temporary, flags, 0o666), "wb")
    except OSError as error:
        error.filename = str(path)  # what the caller asked for, and users know
        raise


def remove_temporaries(path: Path) -> None:
    """Remove temporary files that killed processes left while they wrote `path`. Nobody may be writing it now."""
    for temporary in path.parent.glob(f"{TEMPORARY}*-{path.name}"):
        temporary.unlink(missing_ok=True)


def replace_synced(temporary: Path, path: Path) -> None:
    """Rename `temporary` to `path`, so that a crash or a power cut leaves the old file or the new one."""
    sync(temporary, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    os.replace(temporary, path)
    sync_folder(path.parent)


def sync(path: Path, flags: int) -> None:
    """Wait until the contents of `path` are on the disk."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---- whole folders ---------------------------------------------------------------------------------------------------


def create_temporary_folder(parent: Path, prefix: str = TEMPORARY) -> Path:
    """Create a folder of a random name in `parent`, which only its owner may enter."""
    return Path(tempfile.mkdtemp(prefix=prefix, dir=parent))


def rename_folder(temporary: Path, folder: Path) -> bool:
    """Rename a folder of synced files to `folder`, which survives a power cut from then on.

    Returns False, and leaves both as they are, if `folder` exists and is not empty.
    """
    sync_folder(temporary)
    try:
        temporary.rename(folder)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    sync_folder(folder.parent)
    return True


def sync_file(file: IO[bytes]) -> None:
    """Wait until everything written to an open file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk. Only POSIX systems need it and can do it."""
    if os.name == "posix":
        sync(folder, os.O_RDONLY)
