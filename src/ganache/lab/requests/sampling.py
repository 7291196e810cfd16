"""The requests themselves: one frozen dataclass an experiment, each field with its default and one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ganache.errors import ConfigError
from ganache.lab.requests.points import Point
from ganache.lab.requests.request import LONGEST, WIDEST, Request, refuse_classes

if TYPE_CHECKING:
    from torch import Tensor

    from ganache.types import Prior


@dataclass(frozen=True)
class Sample(Request):
    """The pictures of latents `seed`, `seed` + 1, ..., drawn from the run's prior moved to `mean`, scaled by `std`.

    Several means or stds: the same seeds for each.
    """

    n: int = 64
    mean: float | tuple[float, ...] = 0.0
    std: float | tuple[float, ...] = 1.0
    seed: int = 0
    classes: tuple[int, ...] = ()
    """Classes (or values of InfoGAN's category) to make, again and again in this order; none lets the seeds choose."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if () in (self.mean, self.std):
            raise ConfigError("mean or std is empty: give at least one of each.")

    def settings(self) -> list[tuple[float, float]]:
        """Every (mean, std) asked for."""
        means, stds = (each if isinstance(each, tuple) else (each,) for each in (self.mean, self.std))
        return [(mean, std) for std in stds for mean in means]

    def latents(self, prior: Prior) -> Tensor:
        """z [n, z_dim], or that for each (mean, std) in turn. Raises ConfigError for a class that is not known."""
        import torch

        from ganache.functional.latents import samples

        refuse_classes(self.classes, prior)
        return torch.cat(
            [
                samples(prior, self.n, mean=mean, std=std, seed=self.seed, classes=self.classes)
                for mean, std in self.settings()
            ]
        )


@dataclass(frozen=True)
class Distribution(Request):
    """Where the pictures of latents around several means fall: in the plane in which all of them differ most."""

    means: tuple[float, ...] = (-0.6, -0.3, 0.0, 0.3, 0.6)
    """Around which the latents are drawn, the same seeds for each."""
    std: float = 0.4
    """Their spread."""
    n: int = 100
    """How many of each mean."""
    seed: int = 0
    """The first seed."""
    classes: tuple[int, ...] = ()
    """Classes, in turn; none lets the seeds choose."""
    of: Literal["pictures", "latents"] = "pictures"
    """Whether the pictures' pixels are compared, or their latents."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_empty("means")
        if len(self.means) * self.n < 3:
            raise ConfigError("A plane needs at least 3 pictures: give more means, or a larger n.")


@dataclass(frozen=True)
class Average(Request):
    """For each mean: the picture of the mean of n latents, and the mean of their n pictures."""

    means: tuple[float, ...] = (-1.0, -0.8, -0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.8)
    """Around which the latents are drawn, the same seeds for each."""
    std: float = 1.0
    """Their spread."""
    n: int = 64
    """How many of each mean."""
    seed: int = 0
    """The first seed."""
    classes: tuple[int, ...] = ()
    """A column for each class and mean; none lets the seeds choose."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_empty("means")


@dataclass(frozen=True)
class Arithmetic(Request):
    """Sums of latents. With a - b + c: averaged exemplars, and the result amid its neighbours (Radford 2016)."""

    operation: Literal["a+b", "abs(a-b)", "a*b", "a-b+c"] = "a+b"
    """In each dimension of the noise; category and codes are those of a."""
    points: tuple[Point, ...] = (Point((0,)), Point((1,)))
    """a, b and, for a-b+c, c: seeds, names, or several averaged (3,17,smiling)."""
    mean: float = 0.0
    """Around which the latents of seeds are drawn."""
    std: float = 1.0
    """Their spread."""
    jitter: float = 0.25
    """How far the neighbours of a-b+c lie: up to so much in each dimension."""
    seed: int = 0
    """Of the neighbours."""
    classes: tuple[int, ...] = ()
    """One class for all of it; none leaves each latent its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        wanted = 3 if self.operation == "a-b+c" else 2
        if len(self.points) != wanted:
            raise ConfigError(f"{self.operation} is of {wanted} latents, and {len(self.points)} are given as points.")
        self.refuse_several_classes("a sum of latents is of one class")


@dataclass(frozen=True)
class Traverse(Request):
    """One dimension changed, all else kept. Rows: means (or points, or classes); columns: the dimension's values."""

    dimension: int | str = 0
    """Its number, from 0; or `category`, `code1`, `code2`, ... where the latents have such."""
    means: tuple[float, ...] = (-0.6, -0.3, 0.1, 0.3, 0.6)
    """A row for each: the latent of the seed, drawn around it."""
    values: tuple[float, ...] = ()
    """What the dimension is set to; none for quantiles."""
    quantiles: int = 8
    """So many normal quantiles from 14 % to 86 % (of a code: so many values from -1 to 1)."""
    points: tuple[Point, ...] = ()
    """Latents to start from in place of means: seeds, names, or several averaged (3,17,smiling)."""
    std: float = 0.4
    """The spread of the latents of seeds."""
    seed: int = 0
    """Of the latent in every row."""
    classes: tuple[int, ...] = ()
    """A row for each class; none leaves each latent its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.points:
            self.refuse_empty("means")


@dataclass(frozen=True)
class Walk(Request):
    """A way through latents, as a moving picture."""

    points: tuple[Point, ...] = (Point((0,)), Point((1,)), Point((2,)), Point((3,)))
    """Where it leads: seeds, names, or several averaged (3,17,smiling)."""
    way: Literal["slerp", "lerp"] = "slerp"
    """On the sphere, which keeps latents as long as the generator knows them; or straight."""
    loop: bool = True
    """Whether it comes back to the first."""
    frames: int = 24
    """From each to the next."""
    fps: int = 24
    """Frames a second."""
    mean: float = 0.0
    """Around which the latents of seeds are drawn."""
    std: float = 1.0
    """Their spread."""
    classes: tuple[int, ...] = ()
    """The points' classes, in turn; none leaves each its own. The class changes halfway."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.points) < 2:
            raise ConfigError(f"A walk leads through at least 2 points: {len(self.points)} given.")
        self.refuse_long("frames", len(self.points) * self.frames, LONGEST)


@dataclass(frozen=True)
class Truncation(Request):
    """The same seeds at several spreads: small ones are typical and alike, large ones are unusual."""

    stds: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
    """A row for each."""
    n: int = 8
    """Columns: how many seeds."""
    seed: int = 0
    """The first seed."""
    mean: float = 0.0
    """Around which the latents are drawn."""
    classes: tuple[int, ...] = ()
    """The columns' classes, in turn; none lets the seeds choose."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_empty("stds")
        self.refuse_long("columns", self.n, WIDEST)


@dataclass(frozen=True)
class RealVsFake(Request):
    """A row of real pictures above a row of generated ones for each model."""

    n: int = 8
    """How many of each."""
    mean: float = 0.0
    """Around which the latents are drawn."""
    std: float = 1.0
    """Their spread."""
    seed: int = 0
    """The first seed of the latents; it also chooses the real pictures."""
    classes: tuple[int, ...] = ()
    """The generated pictures' classes, in turn; none lets the seeds choose."""
    data: str = ""
    """Where the real pictures are; by default where the run found them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_long("columns", self.n, WIDEST)
