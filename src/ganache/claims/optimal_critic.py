"""Claim 8: with an optimal critic, the minimax generator's gradient vanishes, and that of -log D is unsteady."""

from __future__ import annotations

import importlib.util
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Size, Unit, runs_of
from ganache.claims.pictures import pictures
from ganache.claims.training import config
from ganache.claims.verdict import Control, Part
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
"""The generator is frozen after each of these numbers of epochs, as in the paper."""
BATCH = 64
EPOCH = 4000
"""Largest number of pictures in an epoch: of a larger set, an epoch uses this many."""
RECENT = 20
"""Last steps of a critic whose losses are averaged."""
LOSSES = {"minimax": Gan("minimax"), "-log D": Gan("non-saturating")}


@dataclass(frozen=True)
class Freezing(Size):
    source: str
    fingerprint: str
    """Of the pictures: with other pictures it is another experiment."""
    image_size: int = 32
    width: int = 16
    batches: int = 16
    """Number of batches of latents over which the mean and variance of the gradient are computed."""
    snapshots: int = 16
    generator_steps: int = 0
    """Generator steps until the last freeze."""
    critic_steps: int = 2500
    """Steps of the new critic after each freeze."""


# ---- the experiment ------------------------------------------------------------------------------------------------


def choose_size(settings: Settings) -> Freezing:
    has_digits = importlib.util.find_spec("sklearn") is not None
    given = settings.data.get("mnist") or settings.data.get("faces")
    source = given or ("digits" if has_digits else "faces")
    small = 8 if source == "digits" else 16
    if settings.quick:
        size = Freezing(source, "", image_size=small, width=8, batches=4, snapshots=6, critic_steps=30)
        return replace(size, fingerprint=data(size).fingerprint, generator_steps=25)
    size = Freezing(source, "", image_size=32 if given else small)
    dataset = data(size)
    return replace(
        size, fingerprint=dataset.fingerprint, generator_steps=EPOCHS[-1] * math.ceil(min(EPOCH, len(dataset)) / BATCH)
    )


def data(size: Freezing) -> Dataset:
    return pictures(size.source, size.image_size, EPOCH, held_out=0)


def measure(unit: Unit, size: Freezing) -> Numbers:
    dataset = data(size)
    settings = config("gan", Dcgan(z_dim=100, width=size.width), size.source, unit.seed, BATCH)
    resolved = build.resolve(replace(settings, device="auto"))
    state, prior, numbers = build.state(resolved, dataset.image_shape), resolved.prior, Numbers()
    reports = train(state, Gan(), build.stream(resolved, dataset), prior, build.plan(resolved))
    for epochs in EPOCHS:
        while state.step < max(1, size.generator_steps * epochs // EPOCHS[-1]):
            next(reports)
        curves = frozen(state, resolved, dataset, size)
        numbers |= {f"{name} after {epochs}": found for name, found in curves.items()}
    return numbers


def frozen(state: State, resolved: Resolved, dataset: Dataset, size: Freezing) -> dict[str, list[float]]:
    """Train a new critic with the generator fixed. Returns norm and variance of the gradients over the critic's
    steps."""
    seed, on, prior = resolved.config.seed, resolved.device, resolved.prior
    fresh = build.state(resolved.with_seed(seed + 1_000_000), dataset.image_shape)
    fresh.generator.load_state_dict(state.generator.state_dict())
    batches, plan = Stream(dataset, BATCH, seed=seed + 1, device=on), build.plan(resolved)
    steps = [0, *np.geomspace(1, size.critic_steps, size.snapshots).round().astype(int).tolist()]
    series: dict[str, list[float]] = {"critic steps": steps}
    torch.manual_seed(seed)
    done, recent = 0, deque[float](maxlen=RECENT)
    for step in steps:
        fresh.generator.requires_grad_(False)
        for number in range(done, step):
            terms, _ = critic_step(fresh, Gan(), batches[number], prior.sample(BATCH, device=on), None, plan)
            recent.append(float(sum(terms.values())))
        done = step
        for name, method in LOSSES.items():
            norm, variance = gradient(fresh, method, prior, size.batches)
            series.setdefault(f"{name} norm", []).append(norm)
            series.setdefault(f"{name} variance", []).append(variance)
    return series | {"last losses": [*recent]}


def gradient(state: State, method: Gan, prior: Prior, batches: int) -> tuple[float, float]:
    """Return statistics of the gradient of the loss with respect to the generator's weights, over batches of latents.

    These are the mean of the norms, and the variance summed over all weights. The batches are the same at every
    snapshot.
    """
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
    """Compare the last step with the step at which the minimax gradient is largest.

    Before that step the new critic has not learned anything, and neither loss has a gradient.
    """

    def growth(numbers: Numbers, name: str) -> float:
        """Return the growth in orders of magnitude, averaged over the freezes."""
        orders = []
        for epochs in EPOCHS:
            peak = int(np.argmax(numbers[f"minimax norm after {epochs}"]))
            curve = numbers[f"{name} after {epochs}"]
            orders.append(math.log10(max(curve[-1], 1e-30) / max(curve[peak], 1e-30)))
        return sum(orders) / len(orders)

    lost = tuple(-growth(run.numbers, "minimax norm") for run in measured)
    grown = tuple(growth(run.numbers, "-log D variance") for run in measured)
    return (
        Part("Orders of magnitude by which the minimax gradient falls", lost, holds=2.0, fails=0.5),
        Part("Orders of magnitude by which the variance of the -log D gradient grows", grown, holds=0.5, fails=0.0),
    )


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    def worst(numbers: Numbers) -> float:
        return max(float(np.mean(numbers[f"last losses after {epochs}"])) for epochs in EPOCHS)

    reason = "The claim is about a critic at its optimum, which tells the images of a fixed generator from real ones."
    words = "Largest loss of the new critics at the end (that of one that knows nothing is 1.39)"
    return (Control(words, tuple(worst(run.numbers) for run in measured), 0.1, reason),)


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, band, figure, label

    fig = figure("The gradient of two generator losses while a new critic is trained", 5.8)
    grid = axes(fig, 2, 2, sharex=True, sharey="row")
    runs = [run.numbers for run in runs_of(measured, "frozen generator")]
    for column, loss in enumerate(LOSSES):
        for row, what in enumerate(("norm", "variance")):
            ax = grid[row, column]
            for epochs, colour in zip(EPOCHS, COLOURS, strict=False):
                curves = [n[f"{loss} {what} after {epochs}"] for n in runs]
                ticks = [step + 0.5 for step in runs[0][f"critic steps after {epochs}"]]
                words = f"frozen after {epochs} epoch" + ("s" if epochs > 1 else "")
                band(ax, ticks, curves, colour, words)
            ax.set(xscale="log", yscale="log")
            x_label = "steps of the new critic" if row else ""
            label(ax, x_label, f"{what} of the gradient", f"{loss} generator", legend=row == column == 0)
    return {"gradients": fig}


CLAIM = Claim(
    name="optimal-critic",
    number=8,
    statement="The better the critic, the less the original (minimax) generator can learn from it: its gradient "
    "vanishes. The usual remedy, -log D, gives a large gradient, but one with a growing variance.",
    source="Arjovsky & Bottou 2017, Towards principled methods for training GANs, section 2, figures 2 and 3",
    protocol="A DCGAN is trained on small pictures (MNIST or faces of 32x32 if given, else digits of 8x8, else drawn "
    "faces of 16x16; an epoch has at most 4,000 of them; 16 channels in the layer next to the picture, the paper's "
    "network has 64). It is frozen after 1, 10 and 25 epochs. With each frozen generator, a new critic is trained "
    "from scratch. At its steps, on a logarithmic scale, the gradients of both generator losses with respect to the "
    "generator's weights are computed for 16 batches of 64 latents: the mean of the norm, and the variance over the "
    "batches, summed over all weights. The last of 2,500 steps is compared with the step at which the minimax "
    "gradient is largest (before that step the new critic has not learned anything, and neither loss has a gradient), "
    "averaged over the three freezes. Before the claim is judged, the loss of each new critic must be at most 0.1. The "
    "minimax gradient must fall by at least two orders of magnitude, and the "
    "variance of the other must grow at least threefold (half an order).",
    size=choose_size,
    variants=lambda size: ("frozen generator",),
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
)
