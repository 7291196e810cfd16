"""Whether a direction from examples moves other pictures towards the feature, as perceptual features see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ganache.core.rendering import Model, render
from ganache.evaluation.features.extract import picture_features, suitable_features
from ganache.evaluation.metrics.thumbnails import auc
from ganache.functional.directions import separating_direction
from ganache.lab.directions import direction_between, one_step
from ganache.lab.latent_source import LatentSource

SEED = 3_000_000
"""Of the other latents, far from the seeds that users look at; none of them is an example."""

OTHERS = 24
"""Latents that are moved."""

RANDOM = 5
"""Sets of random examples, whose directions show the chance level."""


@dataclass(frozen=True)
class DirectionCheck:
    """How well pictures of other latents, moved forth and back along a direction, are told apart."""

    auc: float
    """Probability that a picture moved forth has more of the feature than one moved back."""
    chance: tuple[float, ...]
    """The same for directions from as many random examples."""
    features: str
    steps: tuple[float, float]

    def describe(self) -> str:
        """Return the check as two sentences, the verdict first."""
        low, high = self.steps
        works = self.auc > max(self.chance)
        verdict = "the direction adds the feature" if works else "the direction is no better than chance; add examples"
        return (
            f"Check on {OTHERS} other latents: {verdict}. Pictures moved by {high:+g} have more of it than those moved "
            f"by {low:+g} with probability {self.auc:.2f} (chance: {min(self.chance):.2f} to {max(self.chance):.2f}, "
            f"by {len(self.chance)} directions from random examples; {self.features} features)."
        )


def check_direction(
    source: LatentSource,
    model: Model,
    direction: Tensor,
    having: Tensor,
    lacking: Tensor,
    ridge: float,
    steps: tuple[float, float],
    layers: Sequence[int] = (),
) -> DirectionCheck | None:
    """Measure whether the direction [1, noise] of examples moves their feature in pictures of other latents.

    In W, `layers` are the first and the last layer that it changes.

    A logistic regression tells the pictures of the examples `having` [N, z_dim] and `lacking` [M, z_dim] apart by their
    features; its scores compare the pictures of the other latents, moved along the direction by either step. Direction
    and regression share what the examples have in common by accident, so the chance level is above 0.5: it is measured
    on N + M random latents, M of them called lacking. Returns None for points and tiny pictures: they have no features.
    """
    extractor = suitable_features(model.generator.image_shape)
    if extractor is None:
        return None
    n, total = len(having), len(having) + len(lacking)
    others = source.from_seeds(*range(SEED, SEED + OTHERS))

    def features(z: Tensor) -> Tensor:
        return picture_features(render(model.generator, z), extractor)

    def told_apart(row: Tensor, having: Tensor, lacking: Tensor) -> float:
        normal = separating_direction(features(having), features(lacking))[0].float()
        back, forth = (features(moved(others, row, step)) @ normal for step in steps)
        return auc(forth, back)

    chance = []
    for first in range(SEED + OTHERS, SEED + OTHERS + RANDOM * total, total):
        random = source.from_seeds(*range(first, first + total))
        row = one_step(model, direction_between(model, random[:n], random[n:], ridge, layers))[0]
        chance.append(told_apart(row, random[:n], random[n:]))
    return DirectionCheck(told_apart(direction[0], having, lacking), tuple(chance), extractor.name, steps)


def moved(z: Tensor, row: Tensor, step: float) -> Tensor:
    """Return z [N, z_dim] with the noise moved by step times row [noise]."""
    z = z.clone()
    z[:, : len(row)] += step * row.to(z)
    return z
