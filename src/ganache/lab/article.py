"""The pictures of "Generate anime-style faces with DCGAN and explore its latent feature representation" (2019).

What the article did by hand, as requests for any run: the same settings, and beside each what the article saw. Its own
latents are lost, so seeds stand in for them. "Image n" is the article's number.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from ganache.lab.requests import Arithmetic, Average, Distribution, RealVsFake, Request, Sample, Traverse

DIMENSIONS = {
    28: "brighter hair and a change of the left eye",
    5: "the left eye, and darker hair",
    11: "the mouth and the right eye",
}
"""The article's dimensions, and what it saw each do."""


@dataclass(frozen=True)
class Plate:
    """One of the article's pictures, or several that show one thing."""

    name: str
    """Of its files."""
    images: str
    """The article's numbers."""
    request: Request
    said: str
    """What the article did and saw."""
    look: str
    """What to look for here."""


def plates(noise: int, data: str = "") -> list[Plate]:
    """All of them, for a run with so many dimensions of noise; `data` is where the real pictures are."""
    return [*samples(), *means(), *sums(), *traverses(noise), real_and_fake(data)]


def samples() -> list[Plate]:
    """Images 5 to 12."""
    told = [
        (
            Sample(16, 0.0, 1.0),
            "Latents from N(0, 1), as in training.",
            "How many of the pictures are good ones, and whether no two are alike.",
        ),
        (
            Sample(16, 0.0, 0.4),
            "N(0, 0.4) looked better than N(0, 1): the model had not learnt points far from the mean.",
            "The same seeds as above: whether they are better made, or only more alike. A generator with batch norm, "
            "which the article's is not, may make them pale and blurred instead.",
        ),
        (
            Sample(16, -0.3, 0.4),
            "Means around -0.3 gave yellow hair.",
            "What all of them have in common; which colour belongs to which mean is chance, in every run anew.",
        ),
        (
            Sample(16, 0.3, 0.4),
            "Means around 0.3 gave dark hair; further up came blue hair and more open mouths.",
            "What became of the same seeds: the mean alone has changed.",
        ),
    ]
    return [
        Plate(f"samples-{number}", f"Images 5 to 12, {number} of {len(told)}", *plate)
        for number, plate in enumerate(told, 1)
    ]


def means() -> list[Plate]:
    """Images 13 and 14."""
    return [
        Plate(
            "distribution",
            "Image 13",
            Distribution(),
            "Where samples of several means fall, and what they look like there.",
            "Whether neighbours look alike, and along which way the pictures change from mean to mean.",
        ),
        Plate(
            "average",
            "Image 14",
            Average(),
            "The average face of each mean from -1 to 0.8, by both models; Model B's were darker.",
            "From left to right what the mean alone does; towards the ends the pictures leave what was trained.",
        ),
    ]


def sums() -> list[Plate]:
    """Images 0 and 15 to 17."""
    told: tuple[tuple[str, str, Arithmetic, str], ...] = (
        ("sum", "Images 0 and 15", Arithmetic("a+b"), "Sums"),
        ("difference", "Image 16", Arithmetic("abs(a-b)"), "Absolute differences"),
        ("product", "Image 17", Arithmetic("a*b"), "Component-wise products"),
    )
    look = {
        "sum": "Whether the third has something of both, as hair of the one and background of the other.",
        "difference": "All its numbers are positive: whatever the two are, it leans to the high means of Image 14.",
        "product": "It points in another direction than either of the two: a third face, and a likeness is chance.",
    }
    return [
        Plate(name, images, request, f"{what} of latents gave plausible mixtures.", look[name])
        for name, images, request, what in told
    ]


def traverses(noise: int) -> list[Plate]:
    """Images 18 to 22; a run with fewer dimensions has its last ones in the place of those that it lacks."""
    spare = count(noise - 1, -1)
    found = []
    for number, saw in DIMENSIONS.items():
        dimension = number if number < noise else next(each for each in spare if each not in DIMENSIONS or each < 0)
        if dimension < 0:
            continue
        lacking = "" if dimension == number else f" This run has no dimension {number}: here is {dimension}."
        found.append(
            Plate(
                f"dimension-{dimension}",
                f"Images 18 to 22, dimension {number}",
                Traverse(dimension),
                f"One dimension changed has several effects: in the article's model {number} was {saw}.",
                f"What changes along a row, and whether it is the same in each.{lacking} Which dimensions of this run "
                "do most, and where, is what `ganache dimensions` shows.",
            )
        )
    return found


def real_and_fake(data: str) -> Plate:
    """Images 22 and 23."""
    return Plate(
        "real-vs-fake",
        "Images 22 and 23",
        RealVsFake(data=data),
        "Eight real faces, eight by each model: they could still be told apart.",
        "By what one tells them apart: sharpness, symmetry, colours, backgrounds.",
    )
