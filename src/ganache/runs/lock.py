"""The locks of a run's folder: only one process may train in it, and one at a time changes its named latents."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ganache.core import storage
from ganache.errors import CheckpointError
from ganache.runs.lease import Lease

LOCK, NAMES_LOCK = ".lock", ".names.lock"
PATIENCE = 20.0
"""Seconds to wait for another process that changes the named latents; a change takes milliseconds."""


class FolderLock:
    """Holds a folder until it is released, nobody refers to it, or the process ends.

    Two locks of the system: one on the file `.lock`, whose content is neither read nor changed, and where the system
    can, one on the folder itself, which stays if somebody removes the file. And a lease against other machines.
    """

    def __init__(self, folder: Path) -> None:
        self._folder: int | None = None
        self._file = FileLock(folder / LOCK, timeout=0, thread_local=False, fallback_to_soft=False)
        storage.require_regular(folder / LOCK)
        self._file.acquire()
        try:
            self._folder = lock_folder(folder)
            self._lease = Lease(folder)
        except BaseException:
            self._unlock()
            raise

    def require(self) -> None:
        """Raise CheckpointError if another machine has taken the folder meanwhile."""
        self._lease.require()

    def release(self) -> None:
        """Release everything; a second call does nothing."""
        self._lease.release()
        self._unlock()

    def _unlock(self) -> None:
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None
        self._file.release()

    def __del__(self) -> None:
        with suppress(Exception):
            self.release()


def lock_folder(folder: Path) -> int | None:
    """Lock a folder and return its open descriptor; None where folders cannot be locked, as on Windows and NFS.

    Raises BlockingIOError if another process holds it.
    """
    try:
        import fcntl
    except ImportError:
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def lock(folder: Path) -> FolderLock:
    """Lock `folder` against training by other processes.

    Raises CheckpointError if another process, or another lock of this process, holds it, or if it cannot be locked.
    """
    try:
        return FolderLock(folder)
    except (Timeout, BlockingIOError):
        raise CheckpointError(
            f"{folder} is in use by another process, or by a Run that is still open in this one: stop that one, or "
            "choose another folder with --out."
        ) from None
    except OSError as error:
        why = "the file system has no locks" if error.errno == errno.ENOLCK else error.strerror or str(error)
        raise CheckpointError(
            f"{folder} cannot be locked ({why}): check that {folder / LOCK} is an ordinary file that you may write, or "
            "choose another folder with --out."
        ) from None


@contextmanager
def names_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a run's named latents, after waiting for other processes and threads.

    Raises CheckpointError if another holds it for PATIENCE seconds, or if it cannot be locked.
    """
    path = folder / NAMES_LOCK
    try:
        storage.require_regular(path)
        lock = FileLock(path, timeout=PATIENCE, poll_interval=0.002, fallback_to_soft=False)
        lock.acquire()
    except (OSError, Timeout) as error:
        why = "another process holds it" if isinstance(error, Timeout) else error.strerror or str(error)
        raise CheckpointError(
            f"The named latents of {folder} cannot be changed, because {path} cannot be locked ({why}): check that it "
            "is an ordinary file that you may write."
        ) from None
    try:
        yield
    finally:
        lock.release()
