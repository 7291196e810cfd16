"""A lease on a run's folder, for file systems that several machines share: locks often hold on one machine only.

The file `.lease` names its holder, which counts up in it every few seconds. A process of another machine that finds it
waits to see whether the count goes on. Clocks of different machines are never compared.
"""

from __future__ import annotations

import json
import platform
import secrets
import sys
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ganache.core import storage
from ganache.core.progress import Bar
from ganache.core.strict import read_record
from ganache.core.text import in_one_line
from ganache.errors import CheckpointError, ConfigError

LEASE = ".lease"
MAX_BYTES = 4096
BEAT = 10.0
"""Seconds between two counts of the holder."""
GONE = 3 * BEAT
"""Seconds without a count after which the holder is taken to be gone."""
SETTLE = 2.0
"""Seconds for which a process that has taken a lease over waits whether another one has, too."""


@dataclass(frozen=True)
class Holder:
    """The content of the file."""

    machine: str
    """Equal for the processes whose locks exclude each other."""
    name: str
    """Of the machine, for people."""
    token: str
    """A random word of this process's lease."""
    beats: int = 0


def machine() -> str:
    """Return a word that tells this machine, since it was started, from others."""
    try:
        return storage.read_text(Path("/proc/sys/kernel/random/boot_id"), MAX_BYTES).strip()
    except (OSError, ValueError):
        return f"{platform.node()}-{uuid.getnode():x}"


def read(path: Path) -> Holder | None:
    """Return the holder that the file names, or None if there is no file that can be read."""
    try:
        return read_record(Holder, json.loads(storage.read_text(path, MAX_BYTES)), "lease")
    except (OSError, ValueError, RecursionError, ConfigError):
        return None


def write(path: Path, holder: Holder) -> None:
    storage.write_json(path, asdict(holder))


class Lease:
    """Holds a folder against processes of other machines, until it is released or the process ends.

    Raises CheckpointError if another machine holds the folder, OSError if the file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LEASE
        self.holder = Holder(machine(), platform.node(), secrets.token_hex(8))
        storage.require_regular(self.path)
        before = read(self.path)
        if before is None or before.machine == self.holder.machine:
            write(self.path, self.holder)
        else:
            wait_until_gone(self.path, before)
            write(self.path, self.holder)
            time.sleep(SETTLE)
            self.require()
        self._ended, self._writing = threading.Event(), threading.Lock()
        threading.Thread(target=beat, args=(self.path, self.holder, self._ended, self._writing), daemon=True).start()

    def require(self) -> None:
        """Raise CheckpointError if another process has taken the folder, as while this one was stopped for long."""
        found = read(self.path)
        if found is not None and found.token != self.holder.token:
            raise in_use(self.path, found)

    def release(self) -> None:
        """Let others take the folder at once; a second call does nothing."""
        with self._writing:
            if self._ended.is_set():
                return
            self._ended.set()
            found = read(self.path)
            if found is not None and found.token == self.holder.token:
                with suppress(OSError):
                    self.path.unlink()


def in_use(path: Path, holder: Holder) -> CheckpointError:
    return CheckpointError(
        f"{path.parent} is in use by a process of the machine {in_one_line(holder.name)[:60]}: stop that one, or "
        "choose another folder with --out."
    )


def wait_until_gone(path: Path, before: Holder) -> None:
    """Return when the holder has not counted for GONE seconds, or has released it. Raises CheckpointError if it has."""
    Bar.write(
        f"ganache: {path.parent} was in use by the machine {in_one_line(before.name)[:60]}: waiting {GONE:.0f} s to "
        "see whether it still is.",
        file=sys.stderr,
    )
    end = time.monotonic() + GONE
    while time.monotonic() < end:
        time.sleep(GONE / 30)
        found = read(path)
        if found is None:
            return
        if found != before:
            raise in_use(path, found)


def beat(path: Path, holder: Holder, ended: threading.Event, writing: threading.Lock) -> None:
    """Count up every BEAT seconds until `ended` is set, or another process has taken the folder."""
    while not ended.wait(BEAT):
        with writing:
            found = read(path)
            if ended.is_set() or (found is not None and found.token != holder.token):
                return
            holder = replace(holder, beats=holder.beats + 1)
            with suppress(OSError):  # the run itself reports what is wrong with its folder
                write(path, holder)
