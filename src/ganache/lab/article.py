"""The figures of "Generate anime-style faces with DCGAN and explore its latent feature representation" (2019).

The article's experiments as requests for any run, with the same settings and what the article reported. Its latents are
lost, so seeds replace them. "Image n" is the number in the article.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from ganache.lab.experiments import (
    Arithmetic,
    Average,
    Distribution,
    Experiment,
    RealVsFake,
    Sample,
    Traverse,
)

DIMENSIONS = {
    28: "brighter hair and a change of the left eye",
    5: "the left eye, and darker hair",
    11: "the mouth and the right eye",
}
"""The article's dimensions, and the effect that it reports for each."""


@dataclass(frozen=True)
class Plate:
    """One of the article's images, or several that show the same."""

    name: str
    """Name of its files."""
    images: str
    """The article's numbers."""
    request: Experiment
    reported: str
    """What the article did and saw."""
    look_for: str
    """What to look for in the new figure."""


def plates(noise: int, data: str = "") -> list[Plate]:
    """Return all plates, for a generator with `noise` dimensions of noise; `data` is the source of the real images."""
    return [*samples(), *means(), *sums(), *traverses(noise), real_and_fake(data)]


def samples() -> list[Plate]:
    """Images 5 to 12."""
    settings = [
        (
            Sample(16, 0.0, 1.0),
            "Latents from N(0, 1), as in training.",
            "How many of the pictures are good, and whether any two are alike.",
        ),
        (
            Sample(16, 0.0, 0.4),
            "N(0, 0.4) looked better than N(0, 1): the model had not learned points far from the mean.",
            "The same seeds as above: whether they are better, or only more alike. A generator with batch norm, which "
            "the article's does not have, may make them pale and blurred instead.",
        ),
        (
            Sample(16, -0.3, 0.4),
            "Means around -0.3 gave yellow hair.",
            "What all pictures have in common. Which colour belongs to which mean is different for every run.",
        ),
        (
            Sample(16, 0.3, 0.4),
            "Means around 0.3 gave dark hair; larger means gave blue hair and more open mouths.",
            "How the pictures of the same seeds have changed: only the mean is different.",
        ),
    ]
    return [
        Plate(f"samples-{number}", f"Images 5 to 12, {number} of {len(settings)}", *setting)
        for number, setting in enumerate(settings, 1)
    ]


def means() -> list[Plate]:
    """Images 13 and 14."""
    return [
        Plate(
            "distribution",
            "Image 13",
            Distribution(),
            "Where samples of several means lie, and what they look like.",
            "Whether neighbours look alike, and in which direction the pictures change from mean to mean.",
        ),
        Plate(
            "average",
            "Image 14",
            Average(),
            "The average face of each mean from -1 to 0.8, by both models; those of Model B were darker.",
            "The effect of the mean alone, from left to right; at both ends the latents are rare in training.",
        ),
    ]


def sums() -> list[Plate]:
    """Images 0 and 15 to 17."""
    operations: tuple[tuple[str, str, Arithmetic, str, str], ...] = (
        (
            "sum",
            "Images 0 and 15",
            Arithmetic("a+b"),
            "Sums",
            "Whether the third picture has something of both, such as the hair of one and the background of the other.",
        ),
        (
            "difference",
            "Image 16",
            Arithmetic("abs(a-b)"),
            "Absolute differences",
            "All numbers of the difference are positive, so it resembles the high means of Image 14.",
        ),
        (
            "product",
            "Image 17",
            Arithmetic("a*b"),
            "Component-wise products",
            "The product has another direction than both latents: a third face, whose likeness to them is chance.",
        ),
    )
    return [
        Plate(name, images, request, f"{what} of latents gave plausible mixtures.", look_for)
        for name, images, request, what, look_for in operations
    ]


def traverses(noise: int) -> list[Plate]:
    """Images 18 to 22. A generator with fewer dimensions uses its last ones instead of those that it lacks."""
    spare = count(noise - 1, -1)
    found = []
    for number, effect in DIMENSIONS.items():
        dimension = number if number < noise else next(each for each in spare if each not in DIMENSIONS or each < 0)
        if dimension < 0:
            continue
        replaced = "" if dimension == number else f" This run has no dimension {number}, so this is {dimension}."
        found.append(
            Plate(
                f"dimension-{dimension}",
                f"Images 18 to 22, dimension {number}",
                Traverse(dimension),
                f"One dimension has several effects: {number} in the article's model changed {effect}.",
                f"What changes along a row, and whether it is the same in each row.{replaced} `ganache dimensions` "
                "shows which dimensions of this run have the largest effects, and where.",
            )
        )
    return found


def real_and_fake(data: str) -> Plate:
    """Images 22 and 23."""
    return Plate(
        "real-vs-fake",
        "Images 22 and 23",
        RealVsFake(data=data),
        "Eight real faces and eight by each model: they could still be told apart.",
        "What tells them apart: sharpness, symmetry, colours, backgrounds.",
    )
