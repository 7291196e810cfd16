"""The other processes of a training on several: they compute, and write nothing.

The first process has the run (`runs/run.py`). It sends the settings, then the state of the networks, and before each
step a word. So a follower needs no access to the run's folder, but it reads the data itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

from ganache.config.config import Config, from_record, to_dict
from ganache.data import Dataset
from ganache.errors import ConfigError, GanacheError
from ganache.runs import checkpoint
from ganache.training import build
from ganache.training.device import keep_freed_memory, set_determinism
from ganache.training.loop import train
from ganache.training.processes import Processes
from ganache.training.resolved import Resolved
from ganache.training.state import Report, State

STATE, STEP, STOP = "state", "step", "stop"
"""Words of the first process: a state follows; take a step; the training has ended."""


def check_together(processes: Processes, fingerprint: str, error: GanacheError | None = None) -> None:
    """Compare what the processes train, and raise ConfigError in all of them if one cannot, or differs."""
    found = processes.gather((version("ganache"), fingerprint, str(error) if error else None))
    (own, data, _), *_ = found
    for rank, (other_version, other_data, said) in enumerate(found):
        where = f"process {rank} of {processes.world}"
        if said:
            raise ConfigError(said if rank == 0 else f"In {where}: {said}")
        if other_version != own:
            raise ConfigError(f"The first process has ganache {own}, {where} {other_version}: install one version.")
        if other_data != data:
            raise ConfigError(f"The first process and {where} read different data: give all of them the same files.")


def lead(processes: Processes, resolved: Resolved, data: Dataset) -> None:
    """In the first process: send the settings, and check that all can train with them."""
    if processes.world > 1:
        processes.tell(to_dict(resolved.config))
        check_together(processes, data.fingerprint)


def send(processes: Processes, state: State, seed: int) -> None:
    """In the first process: send the state, and the seed of the steps that follow."""
    if processes.world > 1:
        tensors = {name: tensor.cpu() for name, tensor in checkpoint.state_tensors(state).items()}
        processes.tell(STATE)
        processes.tell((tensors, checkpoint.state_header(state) | {"seed": seed}))


def follow(processes: Processes) -> None:
    """In another process than the first: train as it says, run after run. Raises ConfigError if this one cannot."""
    while (record := processes.tell()) is not None:
        follow_run(processes, from_record(record))


def follow_run(processes: Processes, config: Config) -> None:
    resolved, data = prepared(processes, config)
    keep_freed_memory()
    set_determinism(resolved.device, config.precision.deterministic)
    state = build.state(resolved, data.image_shape)
    steps: Iterator[Report] = iter(())
    while (word := processes.tell()) != STOP:
        if word == STATE:
            tensors, header = processes.tell()
            checkpoint.restore(state, tensors, header)
            resolved = resolved.with_seed(header["seed"])
            batches, plan = build.stream(resolved, data), build.plan(resolved)
            steps = train(state, resolved.method, batches, resolved.prior, plan)
        else:
            next(steps)


def prepared(processes: Processes, config: Config) -> tuple[Resolved, Dataset]:
    """Return the settings, resolved for this process, and the data."""
    try:
        resolved = build.resolve(config, processes)
        data = build.load_dataset(resolved)
    except GanacheError as error:
        check_together(processes, "", error)
        raise
    check_together(processes, data.fingerprint)
    return resolved, data
