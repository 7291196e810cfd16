"""Where units of work run: one after the other here, each in a process of its own, or on a Ray cluster."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from typing import Any, Protocol, TypeVar

import torch

from ganache.core.cores import usable_cores
from ganache.core.plugins import load_plugins
from ganache.core.text import first_line
from ganache.errors import ConfigError, LostProcess, MissingExtra

Result = TypeVar("Result")

RAY, RAY_ADDRESS = "ray", "ray://"
RETRIES = 5
"""How often Ray runs a task again whose machine or process has died."""


class Executor(Protocol):
    """Runs a function on many tasks somewhere."""

    @property
    def workers(self) -> int:
        """How many tasks run at the same time."""

    @property
    def is_here(self) -> bool:
        """Whether tasks run in this process, so that they may hold anything. Otherwise they are pickled."""

    def run(self, function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Result]]:
        """Start the tasks in their order; yield (its place, function(*task)) as each one finishes."""


class OneByOne:
    """Runs tasks in this process."""

    workers, is_here = 1, True

    def run(self, function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Result]]:
        for place, task in enumerate(tasks):
            yield place, function(*task)


@dataclass(frozen=True)
class ProcessPool:
    """Runs each task in a process of its own, by default with one thread.

    For small networks: with two threads, a training of them spends most of its time on synchronisation.
    """

    workers: int
    threads: int = 1
    is_here = False

    def run(self, function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Result]]:
        # A new interpreter would look for modules in the working directory first, which may be somebody else's.
        before = os.environ.get("PYTHONSAFEPATH")
        os.environ["PYTHONSAFEPATH"] = "1"
        pool = ProcessPoolExecutor(self.workers, get_context("spawn"), start_worker, (self.threads,))
        try:
            started = {pool.submit(function, *task): place for place, task in enumerate(tasks)}
            for future in as_completed(started):
                yield started[future], future.result()
        except BrokenProcessPool:
            raise LostProcess(
                "One of the processes was killed, perhaps for want of memory: the same command goes on where it was, "
                "and --workers says how many run at a time."
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)
            if before is None:
                del os.environ["PYTHONSAFEPATH"]
            else:
                os.environ["PYTHONSAFEPATH"] = before


class OnRay:
    """Runs tasks on a Ray cluster: by default that of RAY_ADDRESS, or one that is started here, and seen here alone.

    Each task has some cores, and a share of a GPU. It is run again if its process or machine dies. What it raises is
    raised here.
    """

    is_here = False

    def __init__(self, address: str | None = None, threads: int = 1, gpus: float = 0.0) -> None:
        """Raises MissingExtra without Ray, ConfigError if there is no cluster at the address."""
        try:
            ray: Any = import_module("ray")
        except ImportError:
            raise MissingExtra("--on ray", "cluster") from None
        joins = address or os.environ.get("RAY_ADDRESS")
        here = {} if joins else {"_node_ip_address": "127.0.0.1", "include_dashboard": False}
        if address:
            require_open(address)
        variables = {name: value for name, value in os.environ.items() if name.startswith("GANACHE_")}
        try:
            ray.init(
                address,
                log_to_driver=False,
                logging_level="error",
                ignore_reinit_error=True,
                runtime_env={"env_vars": variables | {"PYTHONSAFEPATH": "1"}},
                **here,
            )
        except Exception as error:  # Ray raises many kinds
            raise ConfigError(
                f"Ray does not start, or finds no cluster ({first_line(error):.100}): start one with  "
                "ray start --head, and name it as in  --on ray://HOST:10001"
            ) from None
        self.ray, self.needs = ray, {"CPU": float(threads), "GPU": gpus}
        total = ray.cluster_resources()
        missing = [name for name, needed in self.needs.items() if needed > total.get(name, 0)]
        if missing:
            (name, *_) = missing
            raise ConfigError(
                f"Each task needs {self.needs[name]:g} {name}, and the Ray cluster has {total.get(name, 0):g} in all: "
                "ask for less, or start Ray on more machines."
            )

    @property
    def workers(self) -> int:
        total = self.ray.cluster_resources()
        return max(1, min(int(total.get(name, 0) / needed) for name, needed in self.needs.items() if needed))

    def run(self, function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Result]]:
        cores, gpus = self.needs.values()
        remote = self.ray.remote(num_cpus=cores, num_gpus=gpus, max_retries=RETRIES)(run_on_ray)
        waiting = {remote.remote(function, task, int(cores)): place for place, task in enumerate(tasks)}
        while waiting:
            (first, *_), _ = self.ray.wait(list(waiting))
            yield waiting.pop(first), self.ray.get(first)


def require_open(address: str) -> None:
    """Raise ConfigError if nothing answers at ray://HOST:PORT: Ray itself would try for minutes."""
    host, _, port = address.removeprefix(RAY_ADDRESS).rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ConfigError(
            f"Nothing answers at --on {address[:60]} ({error}): start a cluster with  ray start --head, and write  "
            "--on ray://HOST:10001"
        ) from None


def run_on_ray(function: Callable[..., Result], task: tuple[Any, ...], threads: int) -> Result:
    start_worker(threads)
    return function(*task)


def start_worker(threads: int) -> None:
    """Prepare a worker process: its threads, plugins, and a silent end on Ctrl-C, which the main process reports."""
    torch.set_num_threads(threads)
    load_plugins()  # before a task is unpickled, which may hold something of a plugin
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def chosen_executor(on: str | None, workers: int | None, threads: int = 1, gpus: float = 0.0) -> Executor:
    """Return the executor that a command names: "ray", "ray://HOST:PORT", or None for processes on this machine.

    Raises ConfigError for other words.
    """
    if on is None:
        workers = workers or usable_cores()
        return ProcessPool(workers, threads) if workers > 1 else OneByOne()
    if on != RAY and not on.startswith(RAY_ADDRESS):
        raise ConfigError(f"--on is '{on[:60]}': write  --on ray  or  --on ray://HOST:PORT")
    if workers is not None:
        raise ConfigError("--workers and --on were given: a cluster has its own number of workers; leave one out.")
    return OnRay(None if on == RAY else on, threads, gpus)
