"""Features and pictures of both sides -> scores, and what there is to say about them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ganache.core.images import as_x
from ganache.evaluation.metrics.codes import named
from ganache.evaluation.metrics.coverage import NEIGHBOURS, precision_recall_density_coverage
from ganache.evaluation.metrics.estimates import mean_of
from ganache.evaluation.metrics.fidelity import frechet, inception_score, kernel
from ganache.evaluation.metrics.memory import copying
from ganache.evaluation.metrics.scores import distance
from ganache.evaluation.metrics.variety import LEAST_SIDE, classes_reached, dissimilarity, entropy
from ganache.evaluation.results import Score

SUBSETS, SUBSET = 10, 1000
"""The distance of patches is a mean over at most ten subsets of at most a thousand pictures."""

SUBSET_VALUES = 2**24
"""... and of at most so many numbers, that large pictures have room."""


@dataclass(frozen=True)
class SampleSets:
    """What is compared."""

    fake: Tensor
    """Features of generated pictures, float32 [N, F]."""
    real: Tensor
    """... of real ones [M, F]."""
    training: Tensor
    """... of these and further ones that training saw [T, F]."""
    held_out: Tensor
    """... of those that training did not see [H, F]; H may be 0."""
    fake_pictures: np.ndarray
    """The first of the generated pictures, uint8 [n, H, W, C], or points [n, 2]."""
    real_pictures: np.ndarray
    """The first of the real ones."""
    fake_logits: Tensor | None
    """What the features say of the classes [N, K], where they say anything."""
    real_logits: Tensor | None
    """[M, K]"""
    own_classes: bool
    """Whether those classes are the data's own."""
    labels: Tensor | None
    """The real pictures' classes [M], where they have any."""
    codes: Tensor | None
    """The categorical codes [M] that the critic reads off the real pictures, where it has a head for them."""
    seed: int


def subset_size(shape: tuple[int, ...]) -> int:
    """How many pictures of that shape a subset has at most."""
    return max(2, min(SUBSET, SUBSET_VALUES // math.prod(shape)))


def scores(sides: SampleSets) -> Iterator[tuple[str, Callable[[], list[Score]]]]:
    """(what is being computed, the function that computes it), for every score that can be had."""
    yield "Frechet distance", partial(by_moments, sides)
    yield "kernel distance", partial(by_kernel, sides)
    yield "nearest neighbours", partial(by_neighbours, sides)
    if sides.fake_logits is not None and sides.real_logits is not None:
        labels = sides.labels if sides.own_classes else None
        yield "classes", partial(by_classes, sides.fake_logits, sides.real_logits, labels, sides.seed)
    if sides.codes is not None and sides.labels is not None:
        yield "codes", partial(by_codes, sides.codes, sides.labels)
    yield "patches", partial(by_patches, sides)
    if has_variety(sides.fake_pictures):
        yield "variety", partial(by_pairs, sides)
    if len(sides.held_out):
        yield "memorisation", partial(by_memory, sides)


def has_variety(pictures: np.ndarray) -> bool:
    """Whether they are pictures, and large enough for structural similarity."""
    return pictures.ndim == 4 and min(pictures.shape[1:3]) >= LEAST_SIDE


def by_moments(sides: SampleSets) -> list[Score]:
    value, limit = frechet(sides.real, sides.fake)
    how = "the jackknife over 10 blocks of both sides"
    return [
        Score("frechet", *value, better="lower", how=how),
        Score("frechet_infinity", *limit, better="lower", how=f"{how}, and the line's residuals"),
    ]


def by_kernel(sides: SampleSets) -> list[Score]:
    return [Score("kernel", *kernel(sides.real, sides.fake), better="lower", how="disjoint subsets of at most 1,000")]


def by_neighbours(sides: SampleSets) -> list[Score]:
    n = min(len(sides.real), len(sides.fake))  # the radii depend on how many there are
    found = precision_recall_density_coverage(sides.real[:n], sides.fake[:n])
    how = f"the spread over pictures ({n:,} of each side, {NEIGHBOURS} neighbours)"
    return [Score(name, *estimate, better="higher", how=how) for name, estimate in found.items()]


def by_classes(fake: Tensor, real: Tensor, labels: Tensor | None, seed: int) -> list[Score]:
    best = inception_score(real, seed).value
    found = [Score("inception_score", *inception_score(fake, seed), better="higher", real=best, how="10 splits")]
    if labels is not None:
        classes = fake.shape[1]
        reached, bits = classes_reached(fake.argmax(dim=1), labels, classes, seed)
        shares = torch.bincount(labels, minlength=classes).numpy() / len(labels)
        there, real_bits, how = float((shares > 0).sum()), entropy(shares), "500 bootstrap resamples"
        counted = f"{how} (a class counts from a quarter of its share on)"
        found.append(Score("classes", *reached, better="higher", real=there, how=counted))
        found.append(Score("class_entropy", *bits, better="higher", real=real_bits, how=how))
    return found


def by_codes(codes: Tensor, labels: Tensor) -> list[Score]:
    accuracy, names = named(codes.numpy(), labels.numpy())
    error = math.sqrt(accuracy * (1 - accuracy) / len(labels))
    stands = ", ".join(f"{code} for {kind}" for code, kind in sorted(names.items()))
    how = f"the spread over {len(labels):,} real pictures (codes stand for classes: {stands})"
    return [Score("code_accuracy", accuracy, error, better="higher", how=how)]


def by_patches(sides: SampleSets) -> list[Score]:
    m = min(len(sides.fake_pictures), len(sides.real_pictures))
    size = min(subset_size(sides.real_pictures.shape[1:]), m // 4)
    count = min(SUBSETS, m // size)

    def subset(pictures: np.ndarray, number: int) -> Tensor:
        return as_x(pictures[number * size : (number + 1) * size])

    reals = range(0, count - 1, 2)
    apart = [distance(subset(sides.real_pictures, k), subset(sides.fake_pictures, k)) for k in range(count)]
    floor = [distance(subset(sides.real_pictures, k), subset(sides.real_pictures, k + 1)) for k in reals]
    how = f"{count} subsets of {size:,}"
    return [Score("patches", *mean_of(torch.tensor(apart)), better="lower", real=float(np.mean(floor)), how=how)]


def by_pairs(sides: SampleSets) -> list[Score]:
    of_fake, of_real = (
        dissimilarity(torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2), seed=sides.seed)
        for pictures in (sides.fake_pictures, sides.real_pictures)
    )
    return [Score("variety", *of_fake, better="higher", real=of_real.value, how="1,000 pairs")]


def by_memory(sides: SampleSets) -> list[Score]:
    found = copying(sides.fake, sides.training, sides.held_out)
    among = f"{len(sides.training):,} training and {len(sides.held_out):,} held-out pictures"
    how = f"exchanging the labels of {among} (p = {found.p_value:.2g})"
    return [Score("memorised", *found.share, better="lower", real=0.0, how=how)]
