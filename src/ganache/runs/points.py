"""The picture of a run on points in the plane: real and generated points, the critic's field, and the modes found."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from ganache.core.evaluating import evaluating
from ganache.core.images import Pictures
from ganache.core.rendering import render
from ganache.data import TOYS, Dataset
from ganache.evaluation.metrics.modes import high_quality_share, modes_covered
from ganache.figures import Plane, draw_plane
from ganache.functional import latents
from ganache.types import Critic, Generator, Prior

SHOWN = 1_000
"""Generated points in a picture; fewer would not show which modes are missing."""
CELLS = 48
"""The critic scores CELLS x CELLS places."""


def picture_of_points(generator: Generator, critic: Critic, prior: Prior, data: Dataset, n: int = SHOWN) -> Image.Image:
    """Return a picture of n generated points, always of the same latents, on axes that the data fix."""
    points = render(generator, latents.samples(prior, n), 512)
    plane = Plane.of(data.images, points)
    return draw_plane(plane, points, field=critic_field(critic, plane), below=describe_modes(data.name, points))


def critic_field(critic: Critic, plane: Plane) -> np.ndarray | None:
    """Return the critic's scores at `plane.grid(CELLS)`; None if they also depend on a class."""
    if critic.classes is not None:
        return None
    parameter = next(critic.parameters())
    with evaluating(critic), torch.no_grad():
        scores: np.ndarray = critic(torch.from_numpy(plane.grid(CELLS)).to(parameter.device)).float().cpu().numpy()
    return scores


def count_modes(name: str, points: Pictures) -> tuple[int, int, float] | None:
    """Return (modes of this toy that points [N, 2] cover, all its modes, the share of points near one).

    None for data without known modes.
    """
    toy = TOYS.get(name)
    if toy is None or toy.centres is None or toy.std is None:
        return None
    share = high_quality_share(points, toy.centres, toy.std)
    return modes_covered(points, toy.centres, toy.std), len(toy.centres), share


def describe_modes(name: str, points: Pictures) -> str:
    """Return how many modes the points cover, as a sentence; empty for data without known modes."""
    found = count_modes(name, points)
    if found is None:
        return ""
    covered, known, share = found
    return f"{covered} of {known} modes found; {100 * share:.0f} % of the generated points are near one."
