"""Training for the claims: a recipe's method and optimisers on a small network pair and known data."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganache.config.config import Config, from_recipe
from ganache.config.sections import DataConfig, PrecisionConfig, RecordConfig
from ganache.core.evaluating import evaluating
from ganache.core.rendering import generate
from ganache.data import TOYS, Dataset
from ganache.functional.divergences import earth_mover
from ganache.methods import METHODS
from ganache.networks import Network
from ganache.training import build
from ganache.training.loop import train
from ganache.training.state import Report, State
from ganache.types import Critic, Prior

TOY_POINTS = 50_000
"""Number of points in the training set of a toy."""

HELD_OUT_SEED = 1_000_003
"""The seed of points that no training has seen."""

RECENT_STEPS = 20
"""Number of steps whose reports a snapshot contains."""


def method_recipes() -> dict[str, str]:
    """Return, by method, the recipe with the constants, optimisers and critic schedule that the claims use."""
    return {name: method.recipe for name, method in METHODS.items() if method.recipe is not None}


def config(method: str, network: Network, source: str, seed: int, batch: int) -> Config:
    """Return a method with its recipe's optimisers, on the given network and data.

    There is no average of generators: the claims are about the generator that is trained. WGAN takes the paper's 5
    critic steps throughout, without the phases of 100 critic steps of its authors' code: on a toy, these would be most
    of the work.
    """
    settings = from_recipe(method_recipes()[method])
    schedule = replace(settings.schedule, batch=batch, steps=None, ema_half_life=None, boost_first=0, boost_every=0)
    return replace(
        settings,
        seed=seed,
        device="cpu",
        data=DataConfig(source=source, count=TOY_POINTS),
        network=network,
        schedule=schedule,
        precision=PrecisionConfig("float32"),
        record=RecordConfig(average=False),
    )


@dataclass(frozen=True)
class Snapshot:
    """The state of a training at one step."""

    step: int
    state: State
    prior: Prior
    recent: tuple[Report, ...] = ()
    """The reports of the last steps, at most RECENT_STEPS."""

    def images(self, n: int, batch: int = 64) -> Tensor:
        """Return n generated images x [n, *image_shape], from latents that are the same in every snapshot."""
        return generate(self.state.generator, self.prior.sample(n, generator=torch.Generator().manual_seed(1)), batch)

    def recent_mean(self, number: Callable[[Report], float]) -> float:
        """Return the mean of a number of the last steps; NaN before the first."""
        return float(np.mean([number(report) for report in self.recent])) if self.recent else float("nan")

    def points(self, n: int) -> NDArray[np.float64]:
        """Return n generated points [n, 2]."""
        return self.images(n, 512).double().numpy()


def snapshots(
    settings: Config, steps: int, count: int, data: Dataset | None = None, *, also: int | None = None
) -> Iterator[Snapshot]:
    """Train for `steps` generator steps, and yield `count` snapshots: at the start, evenly spaced, and at the end.

    One more is yielded after the step `also`, if it is none of them. A short trial yields as many, so that they take
    the same time in it as in the whole training.
    """
    resolved = build.resolve(settings)
    data = data or build.load_dataset(resolved)
    state, prior = build.state(resolved, data.image_shape), resolved.prior
    recent: deque[Report] = deque(maxlen=RECENT_STEPS)
    snapshot_steps: list[int] = np.linspace(0, steps, count).round().astype(int).tolist()
    if also is not None and also < steps and also not in snapshot_steps:
        snapshot_steps = sorted([*snapshot_steps, also])
    reports = train(state, resolved.method, build.stream(resolved, data), prior, build.plan(resolved))
    for step in snapshot_steps:
        while state.step < step:
            recent.append(next(reports))
        yield Snapshot(step, state, prior, tuple(recent))


def held_out(toy: str, n: int) -> NDArray[np.float64]:
    """Return n points [n, 2] of a toy that no training has seen."""
    return TOYS[toy].sample(n, HELD_OUT_SEED)[0].astype(np.float64)


def em_to_held_out(toy: str, fakes: NDArray[np.float64]) -> float:
    """Return the exact earth mover's (EM) distance from generated to as many held-out points; infinity on NaN."""
    return earth_mover(fakes, held_out(toy, len(fakes))) if np.isfinite(fakes).all() else float("inf")


def em_floor(toy: str, n: int) -> float:
    """Return the EM distance between two held-out sets of n points: that of a perfect generator."""
    return earth_mover(held_out(toy, n), TOYS[toy].sample(n, HELD_OUT_SEED + 1)[0].astype(np.float64))


@torch.no_grad()
def surface(critic: Critic, cells: int, limit: float = 1.5) -> list[list[float]]:
    """Return the critic's scores, minus their mean, on a grid [cells, cells] over [-limit, limit]^2, rows upwards."""
    ticks = torch.linspace(-limit, limit, cells)
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")
    with evaluating(critic):
        values: Tensor = critic(torch.stack([x, y], dim=-1).reshape(-1, 2)).double()
    return rounded((values - values.mean()).reshape(cells, cells).numpy())


def rounded(array: NDArray[np.float64]) -> list[list[float]]:
    """Return the values with four digits, enough for a figure."""
    return [[float(f"{value:.4g}") for value in row] for row in array]
