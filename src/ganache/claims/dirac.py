"""Claim 12, beside the eleven: near its goal a GAN circles, unless its critic's gradient on the data is penalised.

The Dirac-GAN: the real data are one point at 0, the fakes one point at theta, and the critic is D(x) = psi x. The
goal is theta = psi = 0. The fields are the methods' own gradients, by autograd.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ganache.claims.claim import Claim, Measurement, Numbers, Size, Unit, of, values, variants
from ganache.claims.verdict import Part
from ganache.methods import Dragan, Gan, Hinge, Lsgan, NoisyGan, R3gan, Wgan, WganGp
from ganache.methods.penalised import Penalised
from ganache.types import Critic, Generator, Method

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
"""InfoGAN without codes is the GAN. One-centred penalties weigh little here: where they outweigh the pull towards the
goal, psi cannot pass through 0 and the way ends, for these weights at theta = 2. The noisy GAN is without noise."""
CIRCLING = ("gan", "gan, minimax", "wgan, clipped to ±1", "wgan-gp")
ARRIVING = ("gan with R1", "wgan with R1", "r3gan")
RATE, START, REACH, CELLS = 0.1, (1.0, 1.0), 2.4, 13
"""The step of gradient descent, the first (theta, psi), and the field's reach and cells."""


@dataclass(frozen=True)
class Descent(Size):
    descent_steps: int = 1000


# ---- the experiment ------------------------------------------------------------------------------------------------


class Points(Generator):
    """One fake point a sample: x = theta [B]."""

    z_dim, image_shape = 1, (1,)

    def __init__(self, theta: Tensor) -> None:
        super().__init__()
        self.theta = nn.Parameter(theta)

    def synthesis(self, w: Tensor) -> Tensor:
        return self.theta[:, None]


class Slopes(Critic):
    """D(x) = psi x, one psi a sample [B]: so a batch is as many Dirac-GANs side by side."""

    image_shape = (1,)

    def __init__(self, psi: Tensor) -> None:
        super().__init__()
        self.psi = nn.Parameter(psi)

    def features(self, x: Tensor) -> Tensor:
        return x

    def score(self, h: Tensor) -> Tensor:
        return self.psi.repeat(len(h) // len(self.psi)) * h.flatten()


def directions(method: Method, theta: Tensor, psi: Tensor) -> tuple[Tensor, Tensor]:
    """(-dL_G/dtheta, -dL_D/dpsi) [B] at each (theta, psi) [B]: where descent leads."""
    G, D, zero = Points(theta), Slopes(psi), torch.zeros(len(theta), 1, dtype=theta.dtype)
    losses = method.g_terms(G, D, zero, zero), method.d_terms(G, D, zero, zero)
    totals = [torch.stack(list(terms.values())).sum() * len(theta) for terms in losses]
    (down,), (slope,) = torch.autograd.grad(totals[0], G.theta), torch.autograd.grad(totals[1], D.psi)
    return -down, -slope


def measure(unit: Unit, how: Descent) -> Numbers:
    method = METHODS[unit.variant]
    ticks = torch.linspace(-REACH, REACH, CELLS, dtype=torch.float64)
    psi, theta = (grid.flatten() for grid in torch.meshgrid(ticks, ticks, indexing="ij"))
    along, up = directions(method, theta, psi)
    path = trajectory(method, how.descent_steps)
    return {
        "distance": float(np.hypot(*path[-1])),
        "path": path,
        "theta": theta.tolist(),
        "psi": psi.tolist(),
        "along": along.tolist(),
        "up": up.tolist(),
    }


def trajectory(method: Method, steps: int) -> list[tuple[float, float]]:
    """(theta, psi) under alternating descent, the critic first, as in training."""
    path = [START]
    for _ in range(steps):
        theta, psi = (torch.full((2,), value, dtype=torch.float64) for value in path[-1])  # one has no deviation
        D = Slopes(psi + RATE * directions(method, theta, psi)[1])
        method.after_d_step(D)
        psi = D.psi.detach()
        theta = theta + RATE * directions(method, theta, psi)[0]
        path.append((float(theta[0]), float(psi[0])))
    return path


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    start = float(np.hypot(*START))

    def left(names: Sequence[str]) -> list[float]:
        return [value / start for name in names for value in values(measured, name, "distance")]

    return (
        Part("Nearest that any without R1 comes, as a share of its first distance", (min(left(CIRCLING)),), 0.1, 0.01),
        Part("Farthest that any with R1 stays, as a share of its first distance", (max(left(ARRIVING)),), 0.01, 0.1),
    )


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, figure

    names = variants(measured)
    rows = -(-len(names) // 3)
    made = figure("Where each method pulls generator and critic, and the way it goes from the red dot", 2.5 * rows)
    grid = axes(made, rows, 3, sharex=True, sharey=True).flatten()
    for each, name in zip(grid, names, strict=False):
        numbers = of(measured, name)[0].numbers
        along, up = np.array(numbers["along"]), np.array(numbers["up"])
        length = np.hypot(along, up) + 1e-12
        arrows: dict[str, Any] = {"color": "#888888", "angles": "xy", "pivot": "mid", "width": 0.005, "scale": 20}
        each.quiver(numbers["theta"], numbers["psi"], along / length, up / length, **arrows)
        path = np.array(numbers["path"])
        each.plot(path[:, 0], path[:, 1], color=COLOURS[0], linewidth=1)
        each.plot(*path[0], "o", color=COLOURS[1], markersize=5)
        each.plot(0, 0, "+", color="black", markersize=9)
        each.plot(*path[-1], "s", color=COLOURS[2], markersize=5)
        each.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal")
        each.set_title(name, fontsize=9)
    for each in grid[len(names) :]:
        each.axis("off")
    made.supxlabel("θ, the fake point (the real one lies at 0); + the goal, green square: where it ends", fontsize=9)
    made.supylabel("ψ, the critic's slope", fontsize=9)
    return {"fields": made}


CLAIM = Claim(
    name="dirac",
    number=12,
    says="Even in the simplest case a GAN or a Wasserstein GAN circles its goal, or sticks beside it, and does not "
    "arrive; a penalty on the critic's gradient at the real data (R1) makes it arrive.",
    source="Mescheder, Geiger & Nowozin 2018, Which training methods for GANs do actually converge?, sections 2 and "
    "4, figures 1 and 3; beside the eleven claims of the two papers",
    protocol="The real data are one point at 0, the generated data one point at θ, the critic is a straight line of "
    "slope ψ through 0. Arrows are each method's own gradients; the line is alternating gradient descent, rate 0.1, "
    "1,000 steps from (1, 1). Penalties that draw the slope to 1 weigh 1 (WGAN-GP) and 0.5 (DRAGAN), R1 weighs 1. "
    "Judged are GAN, minimax GAN, WGAN and WGAN-GP on one side, R3GAN and GAN and WGAN with R1 on the other. Chance "
    "plays no part. Without R1 at least a tenth of the first distance to the goal "
    "must be left in the end, and with R1 at most a hundredth.",
    size=lambda settings: Descent(100) if settings.quick else Descent(),
    variants=lambda how: tuple(METHODS),
    measure=measure,
    judge=judge,
    draw=draw,
    seeded=False,
)
