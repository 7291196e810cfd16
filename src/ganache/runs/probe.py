"""A look at a run while it trains: State -> Look, a row of numbers that `diagnose` turns into words.

A look changes nothing. It works on copies of the networks where it must run them in training mode or train them
further, on fixed latents and fixed real pictures; and a step's randomness is set anew at each step, so what a look
draws is not missed.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from ganache.core.rendering import generate
from ganache.evaluation.metrics import thumbnails
from ganache.evaluation.metrics.scores import distance
from ganache.evaluation.metrics.thumbnails import Tone
from ganache.training.loop import BatchSource, Plan, State, critic_step
from ganache.types import Critic, Generator, Method, Prior

FOLLOWED = 64
"""Latents whose pictures are followed from look to look, and pictures of which copies are looked for."""

SEED = 2_000_000
"""Of the latents that the critic is asked about, and of all else that a look draws."""


@dataclass(frozen=True)
class ProbeInputs:
    """What every look of a run looks at."""

    real: Tensor
    """Real x [N, *image_shape]."""
    thumbnails: Tensor
    """Of these, rows [N, F]."""
    tone: Tone | None
    """Their light and colour; None for points."""
    y: Tensor | None
    """Their labels [N], where the critic is told them."""
    z: Tensor
    """The latents [N, z_dim] whose pictures are compared with them."""
    z_judged: Tensor
    """The latents [M, z_dim] of the fakes that the critic is asked about, with the first M reals and their labels."""
    blank_score: float
    """What pictures of the reals' mean colour, or points at their mean, score: as good as having learnt nothing."""
    training: Tensor
    """Thumbnails [T, F] of training pictures, to look for copies of them."""
    size: int
    """Pictures in the training set."""


@dataclass(frozen=True)
class Probe:
    """What was seen at one step. None: it has no meaning here (a 2-D toy has no brightness), or was no number."""

    step: int
    seconds: float
    """Training time when it was taken."""
    non_finite: int
    """Weights that are infinite or undefined, in generator and critic."""
    g_weights: float | None
    """Root mean square of the generator's weights, all digits: two looks differ unless nothing was learnt between."""
    d_weights: float | None
    data_size: int
    """Pictures in the training set."""
    data_variety: float | None
    """Mean distance between two real thumbnails, per number: 0 where all are the same."""
    data_contrast: float | None
    """Of the real pictures: 0 where each is of one colour."""
    cost: float = 0.0
    """Seconds that the look took."""
    blank_score: float | None = None
    """What a picture of the data's mean colour would score: the score of having learnt nothing."""
    score: float | None = None
    """Distance of the fakes to the reals, as `metrics.scores.distance`; lower is better."""
    variety: float | None = None
    """Mean distance between two fakes over that between two reals."""
    nearest_ratio: float | None = None
    """Median distance of a fake to the next fake, over the same of the reals."""
    coverage: float | None = None
    """Share of reals that have a fake in reach."""
    precision: float | None = None
    """Share of fakes within reach of a real."""
    brightness_shift: float | None = None
    """Brightness of the fakes minus that of the reals; from black to white is 1."""
    contrast_ratio: float | None = None
    """Contrast of the fakes over that of the reals."""
    colour_ratio: float | None = None
    """Colour of the fakes over that of the reals."""
    copies: float | None = None
    """Share of the fakes that are copies of a training picture."""
    drift: float | None = None
    """Distance that a latent's picture has moved since the look before, over that between two reals."""
    critic_accuracy: float | None = None
    """Share of reals and fakes that the critic takes for what they are; None where only differences of scores count."""
    critic_auc: float | None = None
    """Share of pairs, a real and a fake, of which the critic gives the real one the higher score."""
    critic_loss: float | None = None
    """The critic's loss on the fixed reals and latents."""
    critic_headroom: float | None = None
    """Share by which that loss falls when a copy of the critic goes on alone for a few steps; of a loss near 0, the
    share of what scores differ by."""

    def to_json(self) -> dict[str, Any]:
        """Plain data; numbers that are none become None."""
        plain = asdict(self)
        return {name: v if v is None or math.isfinite(v) else None for name, v in plain.items()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Probe:
        """A look as `to_json` wrote it; what another version wrote besides is left out."""
        values: dict[str, Any] = {each.name: plain.get(each.name, each.default) for each in fields(cls)}
        return cls(**values)


def take_probe(
    inputs: ProbeInputs,
    state: State,
    shown: Generator,
    method: Method,
    batches: BatchSource,
    prior: Prior,
    plan: Plan,
    probe_steps: int,
    before: Tensor | None = None,
) -> tuple[Probe, Tensor | None]:
    """A look, and the thumbnails [N, F] by which the next one knows how far pictures have moved (its `before`).

    `shown` is the generator whose pictures people see: the averaged one, or that in training.
    """
    weights = [list(network.parameters()) for network in (state.generator, state.critic)]
    broken = sum(int((~each.isfinite()).sum()) for both in weights for each in both)
    real = inputs.thumbnails
    seen: dict[str, Any] = {
        "step": state.step,
        "seconds": round(state.seconds, 3),
        "non_finite": broken,
        "g_weights": root_mean_square(weights[0]),
        "d_weights": root_mean_square(weights[1]),
        "data_size": inputs.size,
        "data_variety": float(torch.pdist(real).mean() / math.sqrt(real.shape[1])) if len(real) > 1 else 0.0,
        "data_contrast": None if inputs.tone is None else inputs.tone.contrast,
    }
    after = None
    if not broken and len(real) > 1:
        after = thumbnails.thumbnails(generate(state.generator, inputs.z[:FOLLOWED]))
        seen.update(image_metrics(inputs, generate(shown, inputs.z)))
        seen.update(critic_metrics(inputs, state, method, batches, prior, plan, probe_steps))
        if before is not None:
            seen["drift"] = thumbnails.ratio((after - before).norm(dim=1).mean(), torch.pdist(real).mean())
    return Probe(**seen), after


def image_metrics(inputs: ProbeInputs, x: Tensor) -> dict[str, float | None]:
    """What the pictures x [N, *image_shape] of the fixed latents tell."""
    real, fake = inputs.thumbnails, thumbnails.thumbnails(x)
    covered, plausible = thumbnails.coverage(real, fake)
    seen: dict[str, float | None] = {
        "blank_score": inputs.blank_score,
        "score": distance(inputs.real, x),
        "variety": thumbnails.variety(real, fake),
        "nearest_ratio": thumbnails.distinct(real, fake),
        "coverage": covered,
        "precision": plausible,
    }
    if inputs.tone is not None:
        theirs, ours = inputs.tone, thumbnails.tone(x)
        seen["brightness_shift"] = ours.brightness - theirs.brightness
        seen["contrast_ratio"] = ours.contrast / theirs.contrast if theirs.contrast else None
        seen["colour_ratio"] = ours.colour / theirs.colour if theirs.colour else None
        found = thumbnails.copied(inputs.training, fake[:FOLLOWED]) * inputs.size / len(inputs.training)
        seen["copies"] = min(1.0, found)  # as many again are copies of pictures that were left out of the search
    return {name: v if v is None else float(f"{v:.5g}") for name, v in seen.items()}


def critic_metrics(
    inputs: ProbeInputs, state: State, method: Method, batches: BatchSource, prior: Prior, plan: Plan, steps: int
) -> dict[str, float | None]:
    """What the critic tells apart, and by what share its loss still falls in `steps` more steps on a held generator.

    Batches are those that the training will take next; the loss is read on the fixed pictures.
    """
    G, D, optimiser = copy.deepcopy((state.generator, state.critic, state.d_optimiser))
    held = replace(state, generator=G.requires_grad_(False), critic=D, d_optimiser=optimiser)
    with torch.random.fork_rng(devices=[]):
        of_real, of_fake = scores(inputs, held, plan)
        before = critic_loss(inputs, held, method, plan)
        for number in range(state.batch_index, state.batch_index + steps):
            real, y = batches[number], batches.labels(number) if plan.conditional else None
            critic_step(held, method, real, prior.sample(plan.batch, category=y, device=real.device), y, plan)
        after = critic_loss(inputs, held, method, plan)
    line = method.decision_threshold
    # A share of next to nothing says nothing: losses are of order 1 where there is such a line, else as scores differ.
    least = float(torch.cat([of_real, of_fake]).std()) + 1e-8 if line is None else 0.1
    right = None if line is None else float(torch.cat([of_real > line, of_fake < line]).float().mean())
    return {
        "critic_accuracy": right,
        "critic_auc": thumbnails.auc(of_real, of_fake),
        "critic_loss": before,
        "critic_headroom": (before - after) / max(abs(before), abs(after), least) if steps else None,
    }


def critic_batches(inputs: ProbeInputs, held: State, plan: Plan) -> Iterator[tuple[Critic, Tensor, Tensor]]:
    """(the critic as methods meet it, real x [B, *image_shape], z [B, z_dim]), a batch at a time: no more memory than
    training takes."""
    device = next(held.generator.parameters()).device
    torch.manual_seed(SEED)
    for begin in range(0, len(inputs.z_judged), plan.batch):
        z = inputs.z_judged[begin : begin + plan.batch]
        part = slice(begin, begin + len(z))
        y = None if inputs.y is None else inputs.y[part].to(device)
        yield plan.view(held, y), inputs.real[part].to(device), z.to(device)


@torch.no_grad()
def scores(inputs: ProbeInputs, held: State, plan: Plan) -> tuple[Tensor, Tensor]:
    """The critic's scores of the fixed reals and fakes, [M] each."""
    both = []
    for D, real, z in critic_batches(inputs, held, plan):
        with plan.precision():
            both.append((D(real).float(), D(held.generator(z)).float()))
    of_real, of_fake = zip(*both, strict=True)
    return torch.cat(of_real), torch.cat(of_fake)


def critic_loss(inputs: ProbeInputs, held: State, method: Method, plan: Plan) -> float:
    """The sum of the method's terms on the fixed reals and latents, a mean over batches."""
    losses = []
    for D, real, z in critic_batches(inputs, held, plan):
        with plan.precision():
            terms = method.d_terms(held.generator, D, real, z)
        losses.append(sum(float(term.detach()) for term in terms.values()))
    return sum(losses) / len(losses)


def blank_score(real: Tensor) -> float:
    """What pictures of the mean colour of real x [N, *image_shape], or points at their mean, would score."""
    return distance(real, real.mean(dim=[0, *range(2, real.ndim)], keepdim=True).expand_as(real))


def root_mean_square(weights: list[nn.Parameter]) -> float:
    total = sum(float(weight.detach().cpu().double().square().sum()) for weight in weights)
    return math.sqrt(total / max(1, sum(weight.numel() for weight in weights)))
