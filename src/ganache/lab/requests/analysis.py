"""Requests that find something out about a generator, and show what they found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ganache.errors import ConfigError
from ganache.lab.requests.points import Point
from ganache.lab.requests.request import WIDEST, Request


@dataclass(frozen=True)
class Dimensions(Request):
    """The dimensions of the latent, ranked by how much of the picture each moves; and where in it."""

    top: int = 10
    """How many to show, the greatest first."""
    by: Literal["pixels", "structure"] = "pixels"
    """What ranks them: the mean change of a pixel; or 1 - SSIM, which sees shapes more than brightness."""
    reach: float = 2.0
    """Each dimension is changed from so many stds below the mean to so many above; a code, from -1 to 1."""
    n: int = 64
    """Latents in which it is changed; the effects are means over them."""
    mean: float = 0.0
    """Around which those latents are drawn."""
    std: float = 1.0
    """Their spread."""
    seed: int = 0
    """The first seed."""
    classes: tuple[int, ...] = ()
    """Classes, in turn; none lets the seeds choose."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_long("latents", self.n, WIDEST)


STEPS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)


@dataclass(frozen=True)
class Directions(Request):
    """Directions in which the pictures change, found by one of three ways; a row each, from left to right along it."""

    how: Literal["sefa", "pca", "examples"] = "sefa"
    """From the first weight; from the first layer's activations; or from latents with and without a feature."""
    top: int = 8
    """How many of sefa's or pca's, the strongest first."""
    having: tuple[Point, ...] = ()
    """For examples: latents whose pictures have the feature, as seeds or names; a name of several stands for each."""
    lacking: tuple[Point, ...] = ()
    """For examples: latents whose pictures do not have it."""
    points: tuple[Point, ...] = ()
    """Latents to move; none for the seed's (for examples: five of them)."""
    steps: tuple[float, ...] = STEPS
    """How far to move them."""
    ridge: float = 1.0
    """For examples: how much the logistic regression is held back; more for fewer examples."""
    n: int = 1000
    """For pca: how many latents' activations are compared."""
    mean: float = 0.0
    """Around which the latents of seeds are drawn."""
    std: float = 1.0
    """Their spread."""
    seed: int = 0
    """The first seed."""
    classes: tuple[int, ...] = ()
    """One class for all of it; none leaves each latent its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_empty("steps")
        self.refuse_several_classes("directions are shown in one")
        if self.how == "examples":
            self.refuse_empty("having", "lacking")
        elif self.having or self.lacking:
            raise ConfigError(f"having and lacking are for examples, and not for {self.how}: add --how examples.")


@dataclass(frozen=True)
class Picture(Request):
    """Latents as they are or changed, a picture each: dimensions set to values, then moved along directions."""

    points: tuple[Point, ...] = (Point((0,)),)
    """The latents: seeds, names, or several averaged (3,17,smiling)."""
    dimensions: tuple[int | str, ...] = ()
    """Those to set: numbers from 0, or `code1`, `code2`, ... where the latents have such."""
    values: tuple[float, ...] = ()
    """What each of them is set to."""
    directions: tuple[Point, ...] = ()
    """To move along: names that were kept; or sefa1, sefa2, ..., pca1, ..., which each generator has by itself."""
    steps: tuple[float, ...] = ()
    """How far to move along each."""
    mean: float = 0.0
    """Around which the latents of seeds are drawn."""
    std: float = 1.0
    """Their spread."""
    classes: tuple[int, ...] = ()
    """One class for all of it; none leaves each latent its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_empty("points")
        self.refuse_long("latents", len(self.points), WIDEST)
        self.refuse_several_classes("the latents are all changed alike")
        for of, many in (("dimensions", "values"), ("directions", "steps")):
            wanted, given = len(getattr(self, of)), len(getattr(self, many))
            self.refuse_long(of, wanted, WIDEST)
            if wanted != given:
                raise ConfigError(f"{wanted} {of} and {given} {many} are given: give one for each.")


@dataclass(frozen=True)
class Along(Request):
    """Latents moved along directions that were kept: a row for each direction and latent."""

    directions: tuple[Point, ...] = ()
    """Names that `ganache directions --keep` gave, or any latents; only where they point to counts."""
    points: tuple[Point, ...] = (Point((0,)), Point((1,)), Point((2,)))
    """Latents to move: seeds, names, or several averaged (3,17,smiling)."""
    steps: tuple[float, ...] = STEPS
    """How far to move them."""
    mean: float = 0.0
    """Around which the latents of seeds are drawn."""
    std: float = 1.0
    """Their spread."""
    classes: tuple[int, ...] = ()
    """One class for all of it; none leaves each latent its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_empty("points", "steps")
        self.refuse_several_classes("directions are shown in one")


@dataclass(frozen=True)
class Invert(Request):
    """The latents whose pictures come nearest to given ones, by gradient descent from several starts."""

    images: tuple[str, ...] = ()
    """Files of pictures; another size or number of channels is brought to the run's as its data were."""
    starts: int = 4
    """From how many latents to descend for each picture; the best end is taken."""
    drawn: int = 256
    """Of so many seeds' latents, those whose pictures are nearest are the starts."""
    iterations: int = 300
    """Steps of each descent."""
    rate: float = 0.2
    """Adam's learning rate at first; it falls to 0 as a cosine."""
    typical: float = 1.0
    """How much a latent is held to lengths that samples have; 0 lets it go anywhere."""
    seed: int = 0
    """The first of the seeds."""
    classes: tuple[int, ...] = ()
    """Which classes the starts may have; none for any."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_long("pictures", len(self.images), 64)
        if self.starts > self.drawn:
            raise ConfigError(f"{self.starts} starts cannot be chosen from {self.drawn} drawn latents: draw more.")


@dataclass(frozen=True)
class Neighbours(Request):
    """The pictures of the data that are nearest to samples: has the generator learnt them by heart?"""

    n: int = 6
    """How many samples, a row each."""
    k: int = 5
    """How many neighbours of each, the nearest first."""
    of: Literal["both", "pixels", "features"] = "both"
    """What is compared: the pixels, or what a random network sees (texture and arrangement), or each in turn."""
    mean: float = 0.0
    """Around which the latents are drawn."""
    std: float = 1.0
    """Their spread."""
    seed: int = 0
    """The first seed."""
    classes: tuple[int, ...] = ()
    """The samples' classes, in turn; none lets the seeds choose."""
    data: str = ""
    """Where the real pictures are; by default where the run found them."""
    points: tuple[Point, ...] = ()
    """Latents in place of the n seeds': seeds, names, or several averaged (3,17,smiling)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_long("rows", max(self.n, len(self.points)), 100)
