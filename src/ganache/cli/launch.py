"""`ganache train --processes N`: one training on several processes, which torchrun starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from ganache.errors import ConfigError, GanacheError, LostProcess

if TYPE_CHECKING:
    from ganache.config.config import Config
    from ganache.training.processes import Processes

REQUEUE = 75
"""The exit code that asks to start the same command again later: EX_TEMPFAIL of sysexits.h."""
STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")
"""Ctrl-C, `kill`, and a terminal that was closed. Under nohup the last is ignored, and stays so; a script ignores the
first for its commands in the background, but `kill -INT` has to stop them."""
RESTARTS = 3
"""How often torchrun starts all processes again after one of them has died."""


def launched() -> bool:
    """Whether torchrun, or a program that sets the same variables, has started this process, and others with it."""
    place = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    return all(os.environ.get(name) for name in place) and os.environ["WORLD_SIZE"] != "1"


def launch(processes: int, args: list[str]) -> None:
    """Run the same command in so many processes on this machine, which torchrun starts, and end as they end.

    Signals are passed on. Raises ConfigError if torchrun has started this process.
    """
    from ganache.core.cores import usable_cores

    if launched():
        raise ConfigError("--processes was given to a process that torchrun has started: leave it out.")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command += ["--max-restarts", str(RESTARTS), "-m", "ganache", "train", *without_option(args, "--processes")]
    own = {"PYTHONSAFEPATH": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}  # a new store: see `processes.join`
    threads = {"OMP_NUM_THREADS": str(max(1, usable_cores() // processes))}
    sys.stdout.flush(), sys.stderr.flush()
    child = subprocess.Popen(command, env=threads | os.environ | own, start_new_session=True)
    received: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        received.append(number)
        child.send_signal(number)

    handle_stopping(pass_on)
    code = child.wait()
    if received:
        raise SystemExit(REQUEUE if received[0] == signal.SIGTERM else 0)
    if code:
        raise SystemExit(1)


def handle_stopping(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Handle the signals STOPPING that this system has, except a SIGHUP that is ignored, as under nohup."""
    for name in STOPPING:
        number = getattr(signal, name, None)
        if number is not None and not (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
            signal.signal(number, handler)


def without_option(args: list[str], option: str) -> list[str]:
    """Return the words without an option and its value.

    >>> without_option(["faces", "--processes", "2", "--steps=3"], "--processes")
    ['faces', '--steps=3']
    """
    kept, skip = [], False
    for word in args:
        if not skip and word.partition("=")[0] != option:
            kept.append(word)
        skip = not skip and word == option
    return kept


def check_shares(folder: Path, config: Config, processes: int) -> None:
    """Raise ConfigError, before other processes are started, if so many cannot train with these settings."""
    from ganache.runs.folder import read_config
    from ganache.runs.resume import with_parts
    from ganache.training import build
    from ganache.training.processes import Processes

    together = Processes(0, processes)
    build.resolve(with_parts(read_config(folder), config, together), together)


@contextmanager
def ending(processes: Processes) -> Iterator[None]:
    """Let the other processes end after the block, also after an error for the user, which occurs between two steps."""
    try:
        yield
    except GanacheError:
        with suppress(LostProcess):  # the others have the same error
            processes.tell(None)
        raise
    processes.tell(None)


def train_together(train: Callable[[Processes], None]) -> None:
    """Join the other processes; in the first one call `train`, in the others do what it says until it ends.

    Raises ConfigError if they do not find each other, LostProcess if one is lost.
    """
    from ganache.runs.follower import follow
    from ganache.training.processes import join, leave

    processes = join()
    try:
        if processes.leads:
            with ending(processes):
                train(processes)
        else:
            handle_stopping(signal.SIG_IGN)  # the first process saves, and then tells the others to stop
            follow(processes)
    finally:
        leave()
