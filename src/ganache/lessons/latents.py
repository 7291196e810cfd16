"""The scene "latents": pictures of the example's generator, whose latents change from step to step."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from ganache.core import images
from ganache.core.rendering import Model, render
from ganache.functional.latents import samples, slerp
from ganache.lab.directions import generator_directions
from ganache.lessons.scene import Frame, Setup
from ganache.playground.encoding import encode
from ganache.runs.folder import find_checkpoint
from ganache.runs.models import load_model
from ganache.runs.named import EXAMPLE

COLUMNS, ROWS = 5, 3
SHOWN = COLUMNS * ROWS
WALK, MEAN, NUMBER, DIRECTION = range(4)
"""The positions of the lesson's first knob: what changes."""
SPREADS = (0.4, 1.0, 2.0)
"""The positions of its second knob: the standard deviation of the latents."""
SEGMENT = 60
"""Steps from one sample to the next."""
PERIOD = 120
"""Steps of a change from 0 up, down and back."""
LARGEST = {MEAN: 0.5, NUMBER: 3.0, DIRECTION: 3.0}
"""How far latents move: a mean, or steps along one number or one direction."""
CHANGED = 0
"""The number of the latent that changes."""


class Latents:
    """Pictures of the same latents, which move as the first knob says. There is no training."""

    def __init__(self, setup: Setup, shows: tuple[str, ...] = ()) -> None:
        self.model, self.direction = example()
        self.step = 0
        self.change(setup)

    def change(self, setup: Setup) -> None:
        """Go on with other positions of the knobs."""
        self.setup = setup
        self.start = render(self.model.generator, self.latents(0))

    def advance(self) -> None:
        """Go on by one step."""
        self.step += 1

    def go(self, step: int) -> None:
        """Go to a step."""
        self.step = step

    def latents(self, step: int) -> Tensor:
        """Return the latents [SHOWN, z_dim] at a step."""
        what, spread = self.setup.positions
        prior, std = self.model.prior, SPREADS[spread]
        if what == WALK:
            sample, place = divmod(step, SEGMENT)
            here, there = (samples(prior, SHOWN, std=std, seed=SHOWN * each) for each in (sample, sample + 1))
            return slerp(here, there, place / SEGMENT)
        z = samples(prior, SHOWN, std=std)
        return z + self.amount(step) * {MEAN: torch.ones_like(z[0]), DIRECTION: self.direction}.get(what, one(z))

    def amount(self, step: int) -> float:
        """Return how far the latents have moved at a step; for a walk, how many samples far."""
        what = self.setup.positions[0]
        return step / SEGMENT if what == WALK else LARGEST[what] * math.sin(2 * math.pi * step / PERIOD)

    def frame(self) -> Frame:
        """Return the pictures, how much they differ from each other, and from those of step 0 (shares of the range)."""
        shown = render(self.model.generator, self.latents(self.step))
        numbers = {
            "amount": self.amount(self.step),
            "variety": float(abs(shown[:, None].astype(float) - shown[None]).mean() * SHOWN / (SHOWN - 1) / 255),
            "change": float(abs(shown.astype(float) - self.start).mean() / 255),
        }
        return Frame(self.step, numbers, pictures=(encode(images.tile(shown, COLUMNS, pad=1), "JPEG"),))


def one(z: Tensor) -> Tensor:
    """Return the direction [z_dim] of one number of latents z [N, z_dim]."""
    return torch.nn.functional.one_hot(torch.tensor(CHANGED), z.shape[1]).to(z)


@cache
def example() -> tuple[Model, Tensor]:
    """Return the example's model, and the direction [z_dim] that changes its first layer most."""
    model, _ = load_model(find_checkpoint(EXAMPLE), EXAMPLE)
    return model, generator_directions(model, "sefa", 1)[0][0].float()
