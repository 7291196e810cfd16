"""Claim 8: a critic at its optimum gives the minimax generator no gradient, and the -log D one an unsteady one."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Size, Unit, of
from ganache.claims.pictures import pictures
from ganache.claims.training import config
from ganache.claims.verdict import Part
from ganache.data import Dataset, Stream
from ganache.methods import Gan
from ganache.networks import Dcgan
from ganache.training import build
from ganache.training.loop import train
from ganache.training.resolved import Resolved
from ganache.training.state import State
from ganache.training.steps import critic_step
from ganache.types import Prior

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EPOCHS = (1, 10, 25)
"""After which the generator is frozen, as in the paper."""
BATCH, EPOCH = 64, 4000
"""Pictures in a batch, and at most in an epoch: of a larger set an epoch is so many of its pictures."""
LOSSES = {"minimax": Gan("minimax"), "-log D": Gan("non-saturating")}


@dataclass(frozen=True)
class Freezing(Size):
    source: str
    fingerprint: str
    """Of the pictures: other ones make another experiment."""
    side: int = 32
    width: int = 16
    batches: int = 16
    """Of latents, over which the gradient's mean and variance are taken."""
    looks: int = 16
    generator_steps: int = 0
    """Until the last freeze."""
    critic_steps: int = 2500
    """From scratch, after each freeze."""


# ---- the experiment ------------------------------------------------------------------------------------------------


def size(settings: Settings) -> Freezing:
    has_digits = importlib.util.find_spec("sklearn") is not None
    given = settings.data.get("mnist") or settings.data.get("faces")
    source = given or ("digits" if has_digits else "faces")
    if settings.quick:
        how = Freezing(source, "", side=16, width=8, batches=4, looks=6, critic_steps=30)
        return replace(how, fingerprint=data(how).fingerprint, generator_steps=25)
    how = Freezing(source, "", side=32 if given else 16)
    there = data(how)
    return replace(
        how, fingerprint=there.fingerprint, generator_steps=EPOCHS[-1] * math.ceil(min(EPOCH, len(there)) / BATCH)
    )


def data(how: Freezing) -> Dataset:
    return pictures(how.source, how.side, EPOCH, held_out=0)


def measure(unit: Unit, how: Freezing) -> Numbers:
    there = data(how)
    settings = config("gan", Dcgan(z_dim=100, width=how.width), how.source, unit.seed, BATCH)
    resolved = build.resolve(replace(settings, device="auto"))
    state, prior, numbers = build.state(resolved, there.image_shape), resolved.prior, Numbers()
    reports = train(state, Gan(), build.stream(resolved, there), prior, build.plan(resolved))
    for epochs in EPOCHS:
        while state.step < max(1, how.generator_steps * epochs // EPOCHS[-1]):
            next(reports)
        curves = frozen(state, resolved, there, how)
        numbers |= {f"{name} after {epochs}": found for name, found in curves.items()}
    return numbers


def frozen(state: State, resolved: Resolved, there: Dataset, how: Freezing) -> dict[str, list[float]]:
    """A new critic against the generator as it is, which stays: series over the critic's steps."""
    seed, on, prior = resolved.config.seed, resolved.device, resolved.prior
    fresh = build.state(resolved.with_seed(seed + 1_000_000), there.image_shape)
    fresh.generator.load_state_dict(state.generator.state_dict())
    batches, plan = Stream(there, BATCH, seed=seed + 1, device=on), build.plan(resolved)
    steps = [0, *np.geomspace(1, how.critic_steps, how.looks).round().astype(int).tolist()]
    series: dict[str, list[float]] = {"critic steps": steps}
    torch.manual_seed(seed)
    done = 0
    for step in steps:
        fresh.generator.requires_grad_(False)
        for number in range(done, step):
            critic_step(fresh, Gan(), batches[number], prior.sample(BATCH, device=on), None, plan)
        done = step
        for name, method in LOSSES.items():
            norm, variance = gradient(fresh, method, prior, how.batches)
            series.setdefault(f"{name} norm", []).append(norm)
            series.setdefault(f"{name} variance", []).append(variance)
    return series


def gradient(state: State, method: Gan, prior: Prior, batches: int) -> tuple[float, float]:
    """Of the loss with respect to the generator's weights: the mean of the norms over batches of latents, and the
    variance summed over the weights. The batches are the same at every look."""
    G, D = state.generator, state.critic
    G.requires_grad_(True)
    weights, device = list(G.parameters()), next(G.parameters()).device
    rows: list[Tensor] = []
    for number in range(batches):
        z = prior.sample(BATCH, generator=torch.Generator().manual_seed(number)).to(device)
        loss = method.g_terms(G, D, z, z)["fake"]
        rows.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss, weights)]).double().cpu())
    gradients = torch.stack(rows)  # [batches, weights]
    return float(gradients.norm(dim=1).mean()), float(gradients.var(dim=0).sum())


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    """From the step where the minimax gradient is largest to the last: before it, the new critic knows nothing yet
    and gives neither generator a gradient."""

    def gained(numbers: Numbers, name: str) -> float:
        """Orders of magnitude, averaged over the freezes."""
        orders = []
        for epochs in EPOCHS:
            peak = int(np.argmax(numbers[f"minimax norm after {epochs}"]))
            curve = numbers[f"{name} after {epochs}"]
            orders.append(math.log10(max(curve[-1], 1e-30) / max(curve[peak], 1e-30)))
        return sum(orders) / len(orders)

    lost = tuple(-gained(each.numbers, "minimax norm") for each in measured)
    grown = tuple(gained(each.numbers, "-log D variance") for each in measured)
    return (
        Part("Orders of magnitude that the minimax gradient loses", lost, holds=2.0, fails=0.5),
        Part("Orders of magnitude that the variance of the -log D gradient gains", grown, holds=0.5, fails=0.0),
    )


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, band, figure, label

    made = figure("The gradient that two generators get while a new critic learns to judge them", 5.8)
    grid = axes(made, 2, 2, sharex=True, sharey="row")
    runs = [each.numbers for each in of(measured, "frozen generator")]
    for column, loss in enumerate(LOSSES):
        for row, what in enumerate(("norm", "variance")):
            each = grid[row, column]
            for epochs, colour in zip(EPOCHS, COLOURS, strict=False):
                curves = [n[f"{loss} {what} after {epochs}"] for n in runs]
                ticks = [step + 0.5 for step in runs[0][f"critic steps after {epochs}"]]
                words = f"frozen after {epochs} epoch" + ("s" if epochs > 1 else "")
                band(each, ticks, curves, colour, words)
            each.set(xscale="log", yscale="log")
            beneath = "steps of the new critic" if row else ""
            label(each, beneath, f"{what} of the gradient", f"{loss} generator", legend=row == column == 0)
    return {"gradients": made}


CLAIM = Claim(
    name="optimal-critic",
    number=8,
    says="The better the critic, the less the original (minimax) generator can learn from it: its gradient vanishes. "
    "The usual remedy, -log D, gets a large but ever more unsteady gradient.",
    source="Arjovsky & Bottou 2017, Towards principled methods for training GANs, section 2, figures 2 and 3",
    protocol="A DCGAN learns small pictures (MNIST or faces at 32x32 where given, else 8x8 digits, else drawn faces "
    "at 16x16; an epoch is at most 4,000 of them; 16 channels next to the picture, where the paper's network has 64) "
    "and is frozen after 1, 10 and 25 epochs. Against each frozen generator a new critic learns from "
    "scratch. At its steps, on a logarithmic scale, the gradient of either generator loss with respect to the "
    "generator's weights is taken for 16 batches of 64 latents: the mean of its norm, and its variance over the "
    "batches summed over all weights. Compared are the step where the minimax gradient is largest (before it the new "
    "critic knows nothing, and gives neither generator a gradient) and the last of 2,500, averaged over the three "
    "freezes: the minimax gradient must lose at least two orders of magnitude, and the variance of the other must "
    "grow at least threefold (half an order).",
    size=size,
    variants=lambda how: ("frozen generator",),
    measure=measure,
    judge=judge,
    draw=draw,
)
