"""`ganache train --processes N`: one training on several processes, which torchrun starts."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ganache.core.cores import usable_cores
from ganache.errors import ConfigError, GanacheError, LostProcess
from ganache.training.processes import Processes

RESTARTS = 3
"""How often torchrun starts all processes again after one of them has died."""


def launched() -> bool:
    """Whether torchrun has started this process, and others with it."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def launch(processes: int, args: list[str]) -> None:
    """Replace this process by torchrun, which starts the same command in so many processes on this machine.

    Raises ConfigError if torchrun has started this one.
    """
    if launched():
        raise ConfigError("--processes was given to a process that torchrun has started: leave it out.")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command += ["--max-restarts", str(RESTARTS), "-m", "ganache", "train", *without_option(args, "--processes")]
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // processes)))
    os.environ["PYTHONSAFEPATH"] = "1"
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"  # a new store for each start: see `processes.join`
    sys.stdout.flush(), sys.stderr.flush()
    os.execv(sys.executable, command)


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


@contextmanager
def ending(processes: Processes) -> Iterator[None]:
    """Let the other processes end after the block, also after an error for the user, which occurs between two steps."""
    try:
        yield
    except GanacheError:
        with suppress(RuntimeError):  # the others have the same error
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
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the first process saves, and then tells the others to stop
                if hasattr(signal, name):
                    signal.signal(getattr(signal, name), signal.SIG_IGN)
            follow(processes)
    except RuntimeError as error:  # of torch.distributed
        raise LostProcess(
            f"Process {processes.rank} of {processes.world} has lost the others ({str(error).splitlines()[0]:.100}): "
            "the same command resumes the run from its last checkpoint."
        ) from error
    finally:
        leave()
