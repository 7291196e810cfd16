"""Claim 12, in addition to the papers' eleven: near its equilibrium a GAN circles, unless it has an R1 penalty.

The Dirac-GAN (Mescheder et al. 2018): the real data are one point at 0, the generated data one point at theta, and the
critic is D(x) = psi x. The equilibrium is theta = psi = 0. The vector fields are the methods' own gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ganache.claims.claim import Claim, Measurement, Numbers, Size, Unit, runs_of, values, variants
from ganache.claims.verdict import Part
from ganache.methods import Dragan, Gan, Hinge, Lsgan, NoisyGan, R3gan, Wgan, WganGp
from ganache.methods.penalised import Penalised
from ganache.types import Critic, Generator, Method

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Place = tuple[float, float]
"""(theta, psi)"""

METHODS: dict[str, Method] = {
    "gan": Gan(),
    "gan, minimax": Gan("minimax"),
    "wgan, clipped to ±1": Wgan(1.0),
    "wgan-gp": WganGp(1.0),
    "dragan": Dragan(0.5),
    "noisy-gan": NoisyGan(0.0),
    "hinge": Hinge(),
    "lsgan, a = -1, b = 1, c = 0": Lsgan(-1.0, 1.0, 0.0),
    "gan with R1": Penalised(Gan(), r1=1.0),
    "wgan with R1": Penalised(Wgan(None), r1=1.0),
    "r3gan": R3gan(1.0),
}
"""InfoGAN without codes is the GAN, so it is left out, and the noisy GAN has no noise. One-centred penalties have small
weights: if they outweigh the pull towards the equilibrium, psi cannot pass through 0 and the path ends elsewhere, with
these weights at theta = 2."""
CIRCLING = ("gan", "gan, minimax", "wgan, clipped to ±1", "wgan-gp")
ARRIVING = ("gan with R1", "wgan with R1", "r3gan")
RATE, START = 0.1, (1.0, 1.0)
"""Learning rate, and the first (theta, psi)."""
LIMIT, CELLS = 2.4, 13
"""The figure shows [-LIMIT, LIMIT]^2, with CELLS x CELLS arrows."""


@dataclass(frozen=True)
class Descent(Size):
    descent_steps: int = 1000


# ---- the experiment ------------------------------------------------------------------------------------------------


class Points(Generator):
    """A generator with one point per sample: x = theta [B]."""

    z_dim, image_shape = 1, (1,)

    def __init__(self, theta: Tensor) -> None:
        super().__init__()
        self.theta = nn.Parameter(theta)

    def synthesis(self, w: Tensor) -> Tensor:
        return self.theta[:, None]


class Slopes(Critic):
    """The critic D(x) = psi x with one psi per sample [B]: a batch is B independent Dirac-GANs."""

    image_shape = (1,)

    def __init__(self, psi: Tensor) -> None:
        super().__init__()
        self.psi = nn.Parameter(psi)

    def features(self, x: Tensor) -> Tensor:
        return x

    def score(self, h: Tensor) -> Tensor:
        return self.psi.repeat(len(h) // len(self.psi)) * h.flatten()


def directions(method: Method, theta: Tensor, psi: Tensor) -> tuple[Tensor, Tensor]:
    """Return (-dL_G/dtheta, -dL_D/dpsi), each [B], at (theta, psi), each [B]: the directions of gradient descent."""
    G, D, zero = Points(theta), Slopes(psi), torch.zeros(len(theta), 1, dtype=theta.dtype)
    losses = method.g_terms(G, D, zero, zero), method.d_terms(G, D, zero, zero)
    totals = [torch.stack(list(terms.values())).sum() * len(theta) for terms in losses]
    (down,), (slope,) = torch.autograd.grad(totals[0], G.theta), torch.autograd.grad(totals[1], D.psi)
    return -down, -slope


def measure(unit: Unit, size: Descent) -> Numbers:
    method = METHODS[unit.variant]
    ticks = torch.linspace(-LIMIT, LIMIT, CELLS, dtype=torch.float64)
    psi, theta = (grid.flatten() for grid in torch.meshgrid(ticks, ticks, indexing="ij"))
    along, up = directions(method, theta, psi)
    path = trajectory(method, size.descent_steps)
    return {
        "distance": float(np.hypot(*path[-1])),
        "path": path,
        "theta": theta.tolist(),
        "psi": psi.tolist(),
        "along": along.tolist(),
        "up": up.tolist(),
    }


def trajectory(method: Method, steps: int) -> list[Place]:
    """Return (theta, psi) after each step from START on."""
    path = [START]
    for _ in range(steps):
        path.append(descend(method, path[-1], RATE))
    return path


def descend(method: Method, place: Place, rate: float) -> Place:
    """Return (theta, psi) after one step of alternating gradient descent, the critic first, as in training."""
    # A batch of two, because a batch of one has no standard deviation.
    theta, psi = (torch.full((2,), value, dtype=torch.float64) for value in place)
    D = Slopes(psi + rate * directions(method, theta, psi)[1])
    method.after_d_step(D)
    psi = D.psi.detach()
    theta = theta + rate * directions(method, theta, psi)[0]
    return float(theta[0]), float(psi[0])


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    start = float(np.hypot(*START))

    def left(names: Sequence[str]) -> list[float]:
        return [value / start for name in names for value in values(measured, name, "distance")]

    return (
        Part("Smallest final distance without R1, as a share of the first", (min(left(CIRCLING)),), 0.1, 0.01),
        Part("Largest final distance with R1, as a share of the first", (max(left(ARRIVING)),), 0.01, 0.1),
    )


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, figure

    names = variants(measured)
    rows = -(-len(names) // 3)
    fig = figure("Gradients of generator and critic for each method, and the path from the red dot", 2.5 * rows)
    grid = axes(fig, rows, 3, sharex=True, sharey=True).flatten()
    for ax, name in zip(grid, names, strict=False):
        numbers = runs_of(measured, name)[0].numbers
        along, up = np.array(numbers["along"]), np.array(numbers["up"])
        length = np.hypot(along, up) + 1e-12
        arrows: dict[str, Any] = {"color": "#888888", "angles": "xy", "pivot": "mid", "width": 0.005, "scale": 20}
        ax.quiver(numbers["theta"], numbers["psi"], along / length, up / length, **arrows)
        path = np.array(numbers["path"])
        ax.plot(path[:, 0], path[:, 1], color=COLOURS[0], linewidth=1)
        ax.plot(*path[0], "o", color=COLOURS[1], markersize=5)
        ax.plot(0, 0, "+", color="black", markersize=9)
        ax.plot(*path[-1], "s", color=COLOURS[2], markersize=5)
        ax.set(xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT), aspect="equal")
        ax.set_title(name, fontsize=9)
    for ax in grid[len(names) :]:
        ax.axis("off")
    fig.supxlabel(
        "θ, the generated point (the real one is at 0); +: equilibrium, green square: end of the path", fontsize=9
    )
    fig.supylabel("ψ, the critic's slope", fontsize=9)
    return {"fields": fig}


CLAIM = Claim(
    name="dirac",
    number=12,
    statement="Even in the simplest case, a GAN or a Wasserstein GAN circles its equilibrium, or stops beside it, and "
    "does not reach it; with a penalty on the critic's gradient at the real data (R1) it does.",
    source="Mescheder, Geiger & Nowozin 2018, Which training methods for GANs do actually converge?, sections 2 and 4, "
    "figures 1 and 3; in addition to the eleven claims of the two papers",
    protocol="The real data are one point at 0, the generated data one point at θ, and the critic is a straight line "
    "through 0 with slope ψ. The arrows are each method's own gradients. The path is alternating gradient descent "
    "with rate 0.1, 1,000 steps from (1, 1). Penalties that pull the slope towards 1 have weight 1 (WGAN-GP) and 0.5 "
    "(DRAGAN); R1 has weight 1. Judged are GAN, minimax GAN, WGAN and WGAN-GP on one side, and R3GAN, GAN with R1 and "
    "WGAN with R1 on the other. Nothing is random. At the end, without R1, at least a tenth of the first distance to "
    "the equilibrium must remain, and with R1 at most a hundredth.",
    size=lambda settings: Descent(100) if settings.quick else Descent(),
    variants=lambda size: tuple(METHODS),
    measure=measure,
    judge=judge,
    draw=draw,
    seeded=False,
)
