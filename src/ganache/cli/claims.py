"""`ganache claims`: the papers' claims, tried and judged on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from ganache.errors import ConfigError, choices

DATA_KINDS = ("faces", "mnist")


def claims(
    names: Positional[tuple[str, ...]] = (),
    quick: bool = False,
    seeds: int = 3,
    data: tuple[str, ...] = (),
    out: str | None = None,
    workers: int | None = None,
    list_: Annotated[bool, arg(name="list")] = False,
) -> None:
    """Try the papers' claims, judge them by measurement, and write one report. The same command goes on where it
    stopped.

    Args:
        names: Which claims; all without any (see --list).
        quick: The smallest form of each, which shows that everything runs; its verdicts mean nothing.
        seeds: How often each network is trained; fewer than 3 decide nothing.
        data: Real pictures, as mnist=PATH and faces=PATH, for the claims that are about pictures.
        out: The folder to write; by default runs/claims, or runs/claims-quick.
        workers: How many trainings run side by side, one core each; as many as there are cores without.
        list_: Only list the claims.
    """
    if seeds < 1:
        raise ConfigError(f"--seeds is {seeds}: ask for at least 1.")
    if workers is not None and workers < 1:
        raise ConfigError(f"--workers is {workers}: ask for at least 1.")
    sources = sources_of(data)
    import torch

    from ganache.claims import CLAIMS
    from ganache.claims.claim import Settings
    from ganache.claims.job import Job
    from ganache.claims.running import run
    from ganache.claims.workers import cores

    for name in names:
        if name not in CLAIMS:
            raise ConfigError(f"There is no claim '{name}': {choices(name, CLAIMS)}")
    if list_:
        for claim in CLAIMS.values():
            print(f"{claim.number:2} {claim.name:16} {claim.says}")
        return
    folder = Path(out or ("runs/claims-quick" if quick else "runs/claims"))
    settings = Settings(quick, seeds, sources)
    jobs = [Job.of(CLAIMS[name], settings, folder) for name in dict.fromkeys(names or CLAIMS)]
    workers = workers or (1 if quick else cores())
    if workers > 1:
        torch.set_num_threads(1)  # the rehearsals are timed as the workers will run
    run(jobs, folder, lambda line: print(line, flush=True), workers)
    print(f"Report: {folder / 'report.html'}")


def sources_of(data: tuple[str, ...]) -> dict[str, str]:
    """
    >>> sources_of(("mnist=data/mnist",))
    {'mnist': 'data/mnist'}
    """
    sources = {}
    for each in data:
        kind, equals, source = each.partition("=")
        if kind not in DATA_KINDS or not equals or not source:
            raise ConfigError(f"--data was given '{each}': write  --data mnist=PATH faces=PATH, or one of them.")
        sources[kind] = source
    return sources
