"""`ganache claims`: test the papers' claims on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from ganache.core.outputs import refuse_to_replace
from ganache.errors import ConfigError

DATA_KINDS = ("faces", "mnist")


def claims(
    names: Positional[tuple[str, ...]] = (),
    quick: bool = False,
    seeds: int | None = None,
    data: Annotated[tuple[str, ...], arg(metavar="[KIND=PATH ...]")] = (),
    out: str | None = None,
    workers: int | None = None,
    on: str | None = None,
    until_decided: bool = False,
    hours: float | None = None,
    list_: Annotated[bool, arg(name="list")] = False,
) -> None:
    """Test the papers' claims by experiments, judge them, and write one report. The same command continues an
    interrupted run.

    Args:
        names: The claims to test; by default all (see --list).
        quick: Run the smallest form of each experiment, to see that everything works; it decides nothing.
        seeds: How many times each network is trained, with another seed each time: by default 3, and 1 with --quick.
            Fewer than 3 decide nothing, and some claims take more.
        data: Real pictures for the claims about pictures: mnist=PATH, faces=PATH, or both.
        out: The folder for the results; by default runs/claims, or runs/claims-quick.
        workers: How many trainings run at the same time, each on one core; by default the number of cores.
        on: Run the trainings on a Ray cluster: "ray" starts one on this machine, ray://HOST:PORT is one that runs.
        until_decided: Give more seeds to claims that are not decided, the nearest decision first, for as long as
            --hours says.
        hours: The time for --until-decided, from the start of the command; the number of --seeds is always completed.
        list_: List the claims, and test none.
    """
    seeds = (1 if quick else 3) if seeds is None else seeds
    if not 1 <= seeds <= 1_000:
        raise ConfigError(f"--seeds is {str(seeds)[:30]}: give a number of trainings from 1 to 1000.")
    if workers is not None and workers < 1:
        raise ConfigError(f"--workers is {workers}: give at least 1.")
    if until_decided != (hours is not None):
        raise ConfigError("--until-decided and --hours belong together: give both, such as  --until-decided --hours 8")
    if hours is not None and not 0 < hours < 10_000:
        raise ConfigError(f"--hours is {hours:g}: give a number of hours above 0.")
    sources = parse_sources(data)
    import torch

    from ganache.claims import CLAIMS
    from ganache.claims.claim import Settings
    from ganache.claims.job import Job
    from ganache.claims.running import run
    from ganache.core.executors import chosen_executor

    for name in names:
        CLAIMS.named(name)
    if list_:
        for claim in CLAIMS.values():
            print(f"{claim.number:2} {claim.name:16} {claim.statement}")
        return
    folder = Path(out or ("runs/claims-quick" if quick else "runs/claims"))
    refuse_other_folder(folder)
    settings = Settings(quick, seeds, sources)
    jobs = [Job.create(CLAIMS[name], settings, folder) for name in dict.fromkeys(names or CLAIMS)]
    executor = chosen_executor(on, workers or (1 if quick and on is None else None))
    if not executor.is_here:
        torch.set_num_threads(1)  # so that the trials run like the workers
    run(jobs, folder, lambda line: print(line, flush=True), executor, hours)
    print(f"Report: {folder / 'report.html'}")


def refuse_other_folder(folder: Path) -> None:
    """Raise ConfigError unless the folder is new, empty, or one that this command has written to."""
    refuse_to_replace(folder / "report.html")
    if folder.is_dir() and any(folder.iterdir()) and not any(folder.glob("*/units")):
        raise ConfigError(f"{folder} holds files that are no claims of ganache: name another folder with --out.")


def parse_sources(data: tuple[str, ...]) -> dict[str, str]:
    """Return the sources of real pictures by kind.

    >>> parse_sources(("mnist=data/mnist",))
    {'mnist': 'data/mnist'}
    """
    sources = {}
    for entry in data:
        kind, equals, source = entry.partition("=")
        if kind not in DATA_KINDS or not equals or not source:
            raise ConfigError(f"--data was given '{entry}': write  --data mnist=PATH faces=PATH, or one of them.")
        sources[kind] = source
    return sources
