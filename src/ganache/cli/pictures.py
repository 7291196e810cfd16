"""`ganache sample` and `ganache compare`: pictures of trained runs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from ganache.errors import ConfigError


def sample(
    run: Positional[str],
    n: Annotated[int, arg(aliases=["-n"])] = 64,
    mean: float = 0.0,
    std: float = 1.0,
    seed: int = 0,
    classes: tuple[int, ...] = (),
    checkpoint: str = "last",
    average: bool = True,
    out: Annotated[str, arg(aliases=["-o"])] = "samples.png",
) -> None:
    """Make new pictures with a trained generator.

    Args:
        run: The run's folder.
        n: How many pictures.
        mean: The mean of the latents.
        std: Their spread; below 1 gives more typical pictures, above 1 more unusual ones.
        seed: The seed of the first picture; the next has the next seed.
        classes: Which classes to make, in turn (--classes 7 for sevens), where the generator was told classes.
        checkpoint: A step, or last, or best (the one whose pictures were nearest to real ones).
        average: Whether the averaged generator makes them, where the run kept one.
        out: The picture file to write.
    """
    if n < 1:
        raise ConfigError(f"-n is {n}: ask for at least 1 picture.")
    if not (math.isfinite(mean) and math.isfinite(std) and std >= 0):
        raise ConfigError(f"--mean is {mean} and --std is {std}: they must be finite, and --std must not be negative.")
    refuse_unless_picture(out)
    from ganache import build
    from ganache.checkpoint import load_generator
    from ganache.explore import Sample, render
    from ganache.figures import picture
    from ganache.folder import find_checkpoint

    path = find_checkpoint(run, checkpoint)
    generator, config, header = load_generator(path, average)
    z = Sample(n, mean, std, seed, classes).latents(build.prior(config))
    picture(render(generator, z)).save(out)
    print(f"{out}: {n} pictures from step {header['step']}, latents of mean {mean:g} and std {std:g}, seed {seed}.")


def compare(runs: Positional[tuple[str, ...]], out: Annotated[str, arg(aliases=["-o"])] = "compare.png") -> None:
    """Put several runs side by side: a table, and a figure of their pictures and estimates.

    Args:
        runs: The runs' folders; those that differ only in their seed are one row.
        out: The picture file to write.
    """
    if not runs:
        raise ConfigError("No run was named: write  ganache compare RUN RUN ...")
    refuse_unless_picture(out)
    from ganache.compare import panels, rows, table
    from ganache.figures import comparison

    compared = rows(runs)
    print(table(compared))
    comparison(panels(compared), Path(out))
    print(f"Figure: {out}")


def refuse_unless_picture(out: str) -> None:
    from PIL import Image

    if Path(out).suffix.lower() not in Image.registered_extensions():
        raise ConfigError(f"The picture's name is '{out}': end it in .png, .webp or .jpg.")
