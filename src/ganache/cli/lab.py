"""The latent lab: each command makes one picture, and beside it the request that makes the same picture again.

A command's options are the fields of its request (see `ganache.lab.requests`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from ganache.cli.render import is_many, make, read_request
from ganache.errors import ConfigError
from ganache.lab.requests import (
    Along,
    Arithmetic,
    Average,
    Dimensions,
    Directions,
    Distribution,
    Invert,
    Neighbours,
    Picture,
    Point,
    RealVsFake,
    Sample,
    Traverse,
    Truncation,
    Walk,
    parse,
)

Runs = Annotated[
    Positional[tuple[str, ...]],
    arg(help="The runs' folders; RUN@2000, RUN@best and RUN@last choose a checkpoint."),
]
Averaged = Annotated[bool, arg(help="Whether the averaged generator makes them, where the run kept one.")]
Out = Annotated[str, arg(aliases=["-o"], help="The picture file to write.")]
OutMany = Annotated[
    str,
    arg(aliases=["-o"], help="The picture file to write; .npy or .zip for the pictures themselves, thousands of them."),
]
Keep = Annotated[str, arg(help="Keep what is found in the first run, under this name (NAME1, NAME2, ... of several).")]
flat = arg(name="")

REGISTRY = ConstructorRegistry()
"""How options become what requests hold."""


@REGISTRY.primitive_rule
def point_rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Point] | None:
    """A latent is one word: 17, smiling, or 3,17,smiling."""
    if info.type is not Point:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="POINT",
        instance_from_str=lambda words: parse(words[0]),
        is_instance=lambda value: isinstance(value, Point),
        str_from_instance=lambda point: [",".join(map(str, point.parts))],
    )


def sample(
    runs: Runs,
    n: Annotated[int, arg(aliases=["-n"])] = 64,
    mean: tuple[float, ...] = (0.0,),
    std: tuple[float, ...] = (1.0,),
    seed: int = 0,
    classes: tuple[int, ...] = (),
    checkpoint: str = "last",
    plain: bool = False,
    average: Averaged = True,
    out: OutMany = "samples.png",
) -> None:
    """Make new pictures with a trained generator.

    Args:
        n: How many pictures.
        mean: The mean of the latents; a sheet for each.
        std: Their spread; below 1 gives more typical pictures, above 1 more unusual ones. A sheet for each.
        seed: The seed of the first picture; the next has the next seed.
        classes: Which classes to make, in turn (--classes 7 for sevens), where the generator was told classes.
        checkpoint: A step, or last, or best (the one whose pictures were nearest to real ones).
        plain: Only the pictures, without captions; of one run, mean and std.
    """
    one_or_more = [each[0] if len(each) == 1 else each for each in (mean, std)]
    request = Sample(n, one_or_more[0], one_or_more[1], seed, classes)
    if (plain or is_many(out)) and (len(runs) > 1 or len(request.settings()) > 1):
        what = f"{Path(out).suffix} file" if is_many(out) else "sheet made with --plain"
        raise ConfigError(f"A {what} holds pictures of one run, one mean and one std: give one of each.")
    if checkpoint != "last":
        runs = tuple(f"{run}@{checkpoint}" for run in runs)
    make(request, runs, average, out, plain)


def picture(runs: Runs, request: Annotated[Picture, flat], average: Averaged = True, out: Out = "picture.png") -> None:
    """Make the picture of a latent, with dimensions set and moved along directions, as the playground's sliders do."""
    make(request, runs, average, out)


def distribution(
    runs: Runs, request: Annotated[Distribution, flat], average: Averaged = True, out: Out = "distribution.png"
) -> None:
    """See where the pictures of latents around several means fall: a plot with thumbnails."""
    make(request, runs, average, out)


def average(runs: Runs, request: Annotated[Average, flat], average: Averaged = True, out: Out = "average.png") -> None:
    """See the average picture of each mean: of the mean latent, and the mean of many pictures."""
    make(request, runs, average, out)


def arithmetic(
    runs: Runs, request: Annotated[Arithmetic, flat], average: Averaged = True, out: Out = "arithmetic.png"
) -> None:
    """Compute with latents: a+b, abs(a-b), a*b, or a-b+c of averaged exemplars."""
    make(request, runs, average, out)


def traverse(
    runs: Runs, request: Annotated[Traverse, flat], average: Averaged = True, out: Out = "traverse.png"
) -> None:
    """Change one dimension and keep all else."""
    make(request, runs, average, out)


def dimensions(
    runs: Runs, request: Annotated[Dimensions, flat], average: Averaged = True, out: Out = "dimensions.png"
) -> None:
    """Rank the latent's dimensions by how much of the picture each moves, and see where."""
    make(request, runs, average, out)


def directions(
    runs: Runs,
    request: Annotated[Directions, flat],
    keep: Keep = "",
    average: Averaged = True,
    out: Out = "directions.png",
) -> None:
    """Find directions in which the pictures change: by sefa, by pca, or from examples with and without a feature."""
    make(request, runs, average, out, keep=keep)


def along(runs: Runs, request: Annotated[Along, flat], average: Averaged = True, out: Out = "along.png") -> None:
    """Move latents along directions that were kept."""
    make(request, runs, average, out)


def invert(
    run: Positional[str],
    images: Positional[tuple[str, ...]] = (),
    request: Annotated[Invert, flat] = Invert(),  # noqa: B008  (frozen)
    keep: Keep = "",
    average: Averaged = True,
    out: Out = "invert.png",
) -> None:
    """Find the latents that make given pictures best: from then on they are latents like any other.

    Args:
        run: The run's folder, or RUN@STEP.
        images: Files of pictures, here or behind --images.
    """
    make(replace(request, images=(*images, *request.images)), (run,), average, out, keep=keep)


def walk(runs: Runs, request: Annotated[Walk, flat], average: Averaged = True, out: Out = "walk.webp") -> None:
    """Walk through latents: a moving picture (.webp, .gif, .mp4), or moments of it (.png)."""
    make(request, runs, average, out)


def truncation(
    runs: Runs, request: Annotated[Truncation, flat], average: Averaged = True, out: Out = "truncation.png"
) -> None:
    """See the same seeds at several spreads of the latents."""
    make(request, runs, average, out)


def real_vs_fake(
    runs: Runs, request: Annotated[RealVsFake, flat], average: Averaged = True, out: Out = "real-vs-fake.png"
) -> None:
    """Put generated pictures below real ones."""
    make(request, runs, average, out)


def neighbours(
    runs: Runs, request: Annotated[Neighbours, flat], average: Averaged = True, out: Out = "neighbours.png"
) -> None:
    """See the real pictures that are nearest to samples: are these learnt by heart?"""
    make(request, runs, average, out)


def render(runs: Runs, average: Averaged = True, out: Out = "picture.png") -> None:
    """Make the picture of a request again: ganache render RUN request.json, or RUN RUN request.json."""
    if len(runs) < 2:
        raise ConfigError("A run and a request are needed: write  ganache render RUN request.json")
    make(read_request(runs[-1]), runs[:-1], average, out)
