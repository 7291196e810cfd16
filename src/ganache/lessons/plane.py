"""A training on points in the plane: real and generated points, the critic's scores, where the points are pushed."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ganache.core.rendering import generate
from ganache.data import TOYS
from ganache.evaluation.metrics.modes import high_quality_share, modes_covered
from ganache.functional.divergences import earth_mover
from ganache.functional.penalties import gradient_norms
from ganache.lessons.scene import Array, Frame, Setup
from ganache.lessons.stepping import Stepping
from ganache.training.state import State
from ganache.types import PrecomputedGenerator

SHOWN, COMPARED, COUNTED = 256, 128, 1_000
"""Generated points that are drawn; that the exact distance compares; in which modes are counted."""
LIMIT, CELLS = 1.5, 32
"""The scene shows [-LIMIT, LIMIT]^2, with the critic's scores on a grid of CELLS x CELLS."""
ARROWS, MESH, BINS, REACH = 96, 13, 41, 2.4
"""Arrows; lines of the net in each direction; bars of a histogram; the net lies in [-REACH, REACH]^2."""
STEEPEST = 3.0
"""The largest slope in the histogram of slopes."""
HELD_OUT_SEED = 1_000_003
"""The seed of the real points that are drawn and compared, which no training sees."""

Numbers = dict[str, float]


class PlaneTraining(Stepping):
    """The scene "plane". `shows` names its further parts: surface, arrows, mesh, latents, weights, slopes."""

    def _begin(self, setup: Setup, before: State | None = None) -> None:
        super()._begin(setup, before)
        toy = TOYS.get(setup.config.data.source) if setup.drawn is None else None
        self.centres, self.std = (toy.centres, toy.std) if toy else (None, None)
        self.real = toy.sample(SHOWN, HELD_OUT_SEED)[0] if toy else np.asarray(self.data.images[:SHOWN])

    def draw(self) -> Frame:
        z = self.prior.sample(COUNTED, generator=torch.Generator().manual_seed(1))
        points = generate(self.shown, z, COUNTED).double().numpy()
        numbers = self.losses()
        if not np.isfinite(points).all():
            return Frame(self.step, numbers, {"real": self.real}, words=("diverged",))
        n = min(COMPARED, len(self.real))
        numbers["distance"] = earth_mover(points[:n], self.real[:n].astype(np.float64))
        if self.centres is not None and self.std is not None:
            numbers["modes"] = modes_covered(points, self.centres, self.std)
            numbers["in a mode"] = high_quality_share(points, self.centres, self.std)
        arrays: dict[str, Array] = {"real": self.real, "points": points[:SHOWN]}
        for part in self.shows:
            arrays[part], more = PARTS[part](self, z)
            numbers |= more
        return Frame(self.step, numbers, arrays)


@torch.no_grad()
def surface(scene: PlaneTraining, z: Tensor) -> tuple[Array, Numbers]:
    """Return the critic's scores [CELLS, CELLS], the lowest row first."""
    ticks = (torch.arange(CELLS) + 0.5) / CELLS * 2 * LIMIT - LIMIT
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")
    scores = scene.state.critic(torch.stack([x, y], dim=-1).reshape(-1, 2))
    return scores.reshape(CELLS, CELLS).numpy(), {}


def arrows(scene: PlaneTraining, z: Tensor) -> tuple[Array, Numbers]:
    """Return points and where gradient descent on the generator's loss moves each, [ARROWS, 4]; their mean length."""
    z = z[:ARROWS]
    x = generate(scene.shown, z, ARROWS).requires_grad_(True)
    real = torch.from_numpy(np.resize(scene.real, (len(x), 2)))
    terms = scene.method.g_terms(PrecomputedGenerator(x), scene.plan.view(scene.state, None), real, z)
    (slope,) = torch.autograd.grad(torch.stack(list(terms.values())).sum() * len(x), x)
    return torch.cat([x.detach(), -slope], dim=1).numpy(), {"push": float(slope.norm(dim=1).mean())}


def mesh(scene: PlaneTraining, z: Tensor) -> tuple[Array, Numbers]:
    """Return the image [MESH, MESH, 2] of a square net in the plane of the first two numbers of a latent."""
    ticks = torch.linspace(-REACH, REACH, MESH)
    net = torch.zeros(MESH * MESH, z.shape[1])
    net[:, :2] = torch.cartesian_prod(ticks, ticks)[:, : z.shape[1]]
    return generate(scene.shown, net, len(net)).reshape(MESH, MESH, 2).numpy(), {}


def latents(scene: PlaneTraining, z: Tensor) -> tuple[Array, Numbers]:
    """Return the latents [SHOWN, 2] of the points that are drawn: their first two numbers, or the only one and 0."""
    flat = torch.zeros(SHOWN, 2)
    flat[:, : z.shape[1]] = z[:SHOWN, :2]
    return flat.numpy(), {}


@torch.no_grad()
def weights(scene: PlaneTraining, z: Tensor) -> tuple[Array, Numbers]:
    """Return how many of the critic's weights lie in each of BINS parts of their range; the share at its ends."""
    every = torch.cat([weight.flatten() for weight in scene.state.critic.parameters()])
    limit = float(getattr(scene.method, "clip", None) or every.abs().max())
    ends = float((every.abs() >= 0.99 * limit).float().mean())
    return torch.histc(every, BINS, -limit, limit).numpy(), {"at the ends": ends, "range": limit}


def slopes(scene: PlaneTraining, z: Tensor) -> tuple[Array, Numbers]:
    """Return how many slopes of the critic between real and generated points lie in each of BINS parts; their mean."""
    real = torch.from_numpy(scene.real)
    fake = generate(scene.shown, z[: len(real)], len(real))
    share = torch.rand(len(fake), 1, generator=torch.Generator().manual_seed(2))
    norms = gradient_norms(scene.state.critic, share * real[: len(fake)] + (1 - share) * fake).detach()
    counts = torch.histc(norms.clamp_max(STEEPEST), BINS, 0.0, STEEPEST)
    return counts.numpy(), {"mean slope": float(norms.mean())}


PARTS = {"surface": surface, "arrows": arrows, "mesh": mesh, "latents": latents, "weights": weights, "slopes": slopes}
"""What a lesson can show beside the points."""
