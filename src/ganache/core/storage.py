"""Reading and writing the files of run folders: whole, and never through a link.

Every file that another process may read, or that a crash must not cut short, is written into a temporary file of a
random name in the same folder, flushed to the disk, then renamed. A reader sees the old file or the new one, never a
part of one.

A run folder may come from somebody else, and archives keep links. A link, a pipe or a device in the place of a file or
folder of a run is an OSError, for reading as for writing. A file that the user names may be a link (`follow=True`), but
no pipe or device either: reading it could wait, or go on, for ever.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from ganache.core.outputs import marked

NO_LINK = getattr(os, "O_NOFOLLOW", 0)
"""The flag of `os.open` that refuses links; Windows has none, as it has no O_NONBLOCK, and POSIX has no O_BINARY."""
NO_WAIT = getattr(os, "O_NONBLOCK", 0)
BINARY = getattr(os, "O_BINARY", 0)

# ---- reading ---------------------------------------------------------------------------------------------------------

LARGE = 2**26
"""Bytes of a file that is read only if the disk holds them."""
MAX_TEXT = 2**30
"""Bytes of a text file; a log of a million lines has half of it."""


def open_regular(path: Path, flags: int = os.O_RDONLY, follow: bool = False) -> IO[bytes]:
    """Open a regular file, by default for reading. Raises OSError if it is a pipe, a device or a folder.

    Raises OSError for a link too, unless `follow` is true.
    """
    try:
        descriptor = os.open(path, flags | NO_WAIT | BINARY | (0 if follow else NO_LINK), 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP and not follow:
            raise OSError(errno.ELOOP, "it is a link, and links in a run are not followed", str(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not an ordinary file", str(path))
    return os.fdopen(descriptor, "ab" if flags & os.O_APPEND else "rb")


def read_bytes(path: Path, limit: int | None = None, follow: bool = False) -> bytes:
    """Return the content of a regular file.

    Raises OSError, also if it has more than `limit` bytes, more than the memory holds, or consists of holes.
    """
    with open_regular(path, follow=follow) as file:
        status = os.fstat(file.fileno())
        if limit is not None and status.st_size > limit:
            raise OSError(errno.EFBIG, f"it has more than {limit:,} bytes", str(path))
        if consists_of_holes(status):
            raise OSError(errno.EFBIG, f"it has {status.st_size:,} bytes, nearly all of them empty", str(path))
        try:
            return file.read()
        except MemoryError:
            raise OSError(errno.ENOMEM, f"its {status.st_size:,} bytes do not fit into the memory", str(path)) from None


def consists_of_holes(status: os.stat_result) -> bool:
    """Whether a large file takes hardly any space: a small archive can hold one of any size.

    A file system that compresses stores at least a 16th of what ganache writes; some do not tell (0 blocks).
    """
    stored = 512 * getattr(status, "st_blocks", 0)
    return status.st_size > LARGE and 0 < stored < status.st_size // 16


def read_text(path: Path, limit: int = MAX_TEXT, follow: bool = False) -> str:
    """Return the content of a regular file in UTF-8, with or without a byte order mark.

    Raises OSError, also if it has more than `limit` bytes, or ValueError if it is not UTF-8.
    """
    return read_bytes(path, limit, follow).decode("utf-8-sig")


def require_regular(path: Path) -> None:
    """Raise OSError if `path` exists and is not a regular file, without opening it: a pipe would wait."""
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise OSError(errno.EINVAL, "it is not an ordinary file", str(path))


def is_of_this_account(path: Path) -> bool:
    """Whether `path` belongs to the account of this process, not to another; a link to it does not.

    Some file systems, such as FAT, give every file to one account: what this process creates tells.
    """
    if not hasattr(os, "getuid"):
        return True
    owner = path.lstat().st_uid
    if owner == os.getuid():
        return True
    try:
        with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=path.parent) as created:
            return os.stat(created).st_uid == owner
    except OSError:
        return False


def require_folder(path: Path) -> Path:
    """Return `path` if it is a folder or does not exist. Raises OSError for anything else, such as a link."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return path
    if not stat.S_ISDIR(mode):
        what = "a link, and links in a run are not followed" if stat.S_ISLNK(mode) else "not a folder"
        raise OSError(errno.ENOTDIR, f"it is {what}", str(path))
    return path


def create_folder(path: Path) -> Path:
    """Create a folder of a run unless it exists. Raises OSError for anything else of that name, such as a link."""
    require_folder(path).mkdir(parents=True, exist_ok=True)
    return path


ADVICE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.ENOENT: "check that nobody moved, renamed or removed its folder meanwhile",
    errno.ESTALE: "check that nobody moved, renamed or removed its folder meanwhile",
    errno.EACCES: "check the permissions of its folder",
    errno.EPERM: "check the permissions of its folder",
    errno.EROFS: "use another path",
    errno.EIO: "check its disk",
}
"""What to do about an error of the system, where nothing more is known."""


def advice(error: OSError) -> str:
    """Return what to do about an error of the system, as the end of a sentence."""
    return ADVICE.get(error.errno or 0, "check its disk, or use another path")


# ---- whole files -----------------------------------------------------------------------------------------------------

TEMPORARY = ".part-"
"""Names of temporary files begin with this."""


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON, whole or not at all."""
    write_text(path, json_text(content))


def json_text(content: Any) -> str:
    """Return `content` as indented JSON in ASCII, the text of a file."""
    return json.dumps(content, indent=2) + "\n"


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
        image.save(file, format="PNG", **marked(".png"))


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
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_LINK | BINARY
    try:
        return temporary, os.fdopen(os.open(temporary, flags, 0o666), "wb")
    except OSError as error:
        error.filename = str(path)  # what the caller asked for, and users know
        raise


def is_temporary(name: str, of: str | None = None) -> bool:
    """Whether `create_temporary` gives such a name to a temporary file: of any file, or of the file named `of`."""
    found = re.fullmatch(re.escape(TEMPORARY) + "[0-9a-f]{16}-(.+)", name, re.DOTALL)
    return found is not None and of in (None, found[1])


def remove_temporaries(folder: Path, of: str | None = None) -> None:
    """Remove temporary files that killed processes left in a folder, for all files or for the file named `of`.

    Nobody may be writing these files now.
    """
    for path in list(require_folder(folder).iterdir()):
        if is_temporary(path.name, of):
            path.unlink(missing_ok=True)


def append_bytes(path: Path, content: bytes) -> None:
    """Append `content` to a file, which is created if necessary; if that fails, remove the part that was written."""
    with open_regular(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT) as file:
        descriptor, rest = file.fileno(), content
        size = os.fstat(descriptor).st_size
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError:
            os.ftruncate(descriptor, size)
            raise


def replace_synced(temporary: Path, path: Path) -> None:
    """Rename `temporary` to `path`, so that a crash or a power cut leaves the old file or the new one."""
    sync(temporary, os.O_RDWR | NO_LINK)
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
