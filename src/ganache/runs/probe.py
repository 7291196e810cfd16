"""A probe of a run in training: State -> Probe, the numbers from which `diagnose` derives its findings.

A probe does not affect training. Where networks must run in training mode or be trained further, it uses copies; it
uses fixed latents and fixed real images. It may draw random numbers, because every training step sets its own seed.
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
from ganache.evaluation.metrics.thumbnails import Tone
from ganache.evaluation.training_score import TrainingScore
from ganache.runs.points import count_modes
from ganache.training.state import BatchSource, Plan, State
from ganache.training.steps import critic_step
from ganache.types import Critic, Generator, Method, Prior

FOLLOWED = 64
"""Number of latents whose images are compared between probes, and number of fakes that are searched for copies."""

SEED = 2_000_000
"""Seed of the latents that the critic scores, and of all other random numbers of a probe."""


@dataclass(frozen=True)
class ProbeInputs:
    """The fixed inputs that all probes of a run share."""

    score: TrainingScore
    """The score, against the real images."""
    thumbnails: Tensor
    """Thumbnails [N, F] of the real images."""
    tone: Tone | None
    """Their brightness, contrast and colour; None for points."""
    y: Tensor | None
    """Their labels [N], if the critic is conditional."""
    z: Tensor
    """Latents [N, z_dim] whose images are compared with the real ones."""
    z_judged: Tensor
    """Latents [M, z_dim] of the fakes that the critic scores, next to the first M real images and their labels."""
    blank_score: float
    """Score of images of the real ones' mean colour, or of points at their mean: the score before any learning."""
    training: Tensor
    """Thumbnails [T, F] of training images, in which copies are searched for."""
    size: int
    """Number of training images."""
    name: str = ""
    """Name of the data; the modes of a 2-D toy are known by it."""

    @property
    def real(self) -> Tensor:
        """Real images x [N, *image_shape]."""
        return self.score.real


@dataclass(frozen=True)
class Probe:
    """The measurements of one probe. None means undefined here (a 2-D toy has no brightness), or not finite."""

    step: int
    seconds: float
    """Training time in seconds at the probe."""
    non_finite: int
    """Number of NaN or infinite weights, in generator and critic."""
    g_weights: float | None
    """Root mean square of the generator's weights, unrounded: two probes differ unless no weight changed."""
    d_weights: float | None
    """Root mean square of the critic's weights, unrounded."""
    data_size: int
    """Number of training images."""
    data_variety: float | None
    """Mean distance between two real thumbnails, per value: 0 if all images are the same."""
    data_contrast: float | None
    """Contrast within the real images: 0 if each has a single colour."""
    cost: float = 0.0
    """Duration of the probe in seconds."""
    blank_score: float | None = None
    """Score of an image of the data's mean colour: the score before any learning."""
    score: float | None = None
    """Distance between fakes and real images by the `TrainingScore` of the run; lower is better."""
    variety: float | None = None
    """Mean distance between two fakes, divided by that between two real images."""
    nearest_ratio: float | None = None
    """Median distance between a fake and its nearest other fake, divided by the same of real images."""
    coverage: float | None = None
    """Share of real images that have a fake within reach, in thumbnails."""
    precision: float | None = None
    """Share of fakes that have a real image within reach."""
    perceptual_coverage: float | None = None
    """The same as coverage in perceptual features; see `evaluation.training_score`."""
    perceptual_precision: float | None = None
    """The same as precision in perceptual features."""
    regions: dict[str, float] | None = None
    """The distance in each of nine regions of the image, by name."""
    modes_found: float | None = None
    """Share of the modes of a 2-D toy that the points of the fixed latents cover."""
    near_modes: float | None = None
    """Share of these points that are near a mode."""
    brightness_shift: float | None = None
    """Brightness of the fakes minus that of the real images, where black is 0 and white is 1."""
    contrast_ratio: float | None = None
    """Contrast of the fakes, divided by that of the real images."""
    colour_ratio: float | None = None
    """Colourfulness of the fakes, divided by that of the real images."""
    copies: float | None = None
    """Share of fakes that are copies of a training image."""
    drift: float | None = None
    """Distance between a fixed latent's image and its image at the last probe, divided by that of two real images."""
    critic_accuracy: float | None = None
    """Share of real images and fakes that the critic classifies correctly; None if only score differences count."""
    critic_auc: float | None = None
    """Share of (real image, fake) pairs in which the critic scores the real image higher."""
    critic_loss: float | None = None
    """The critic's loss on the fixed real images and latents."""
    critic_headroom: float | None = None
    """Share by which this loss falls when a copy of the critic alone is trained for a few more steps; for a loss near
    0, relative to the spread of the scores."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data; NaN and infinity become None."""
        plain = asdict(self)
        return {name: v if all(map(math.isfinite, values_of(v))) else None for name, v in plain.items()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Probe:
        """Return the probe that `to_json` wrote; unknown keys are ignored."""
        return cls(**{each.name: plain[each.name] for each in fields(cls) if each.name in plain})


def take_probe(
    inputs: ProbeInputs,
    state: State,
    shown: Generator,
    method: Method,
    batches: BatchSource,
    prior: Prior,
    plan: Plan,
    critic_steps: int,
    previous: Tensor | None = None,
) -> tuple[Probe, Tensor | None]:
    """Take a probe; return it and the thumbnails [N, F] of the fixed latents, which are `previous` of the next one.

    `shown` is the generator whose images people see: the averaged one, or the one in training.
    """
    weights = [list(network.parameters()) for network in (state.generator, state.critic)]
    non_finite = sum(int((~tensor.isfinite()).sum()) for network in weights for tensor in network)
    real = inputs.thumbnails
    values: dict[str, Any] = {
        "step": state.step,
        "seconds": round(state.seconds, 3),
        "non_finite": non_finite,
        "g_weights": root_mean_square(weights[0]),
        "d_weights": root_mean_square(weights[1]),
        "data_size": inputs.size,
        "data_variety": float(torch.pdist(real).mean() / math.sqrt(real.shape[1])) if len(real) > 1 else 0.0,
        "data_contrast": None if inputs.tone is None else inputs.tone.contrast,
    }
    followed = None
    if not non_finite and len(real) > 1:
        followed = thumbnails.thumbnails(generate(state.generator, inputs.z[:FOLLOWED]))
        values.update(image_metrics(inputs, generate(shown, inputs.z)))
        values.update(critic_metrics(inputs, state, method, batches, prior, plan, critic_steps))
        if previous is not None:
            values["drift"] = thumbnails.ratio((followed - previous).norm(dim=1).mean(), torch.pdist(real).mean())
    return Probe(**values), followed


def image_metrics(inputs: ProbeInputs, x: Tensor) -> dict[str, Any]:
    """Return the metrics of the images x [N, *image_shape] of the fixed latents."""
    real, fake = inputs.thumbnails, thumbnails.thumbnails(x)
    coverage, precision = thumbnails.coverage_and_precision(real, fake)
    compared = inputs.score.compare(x)
    metrics: dict[str, float | None] = {
        "blank_score": inputs.blank_score,
        "score": compared.score,
        "perceptual_precision": compared.precision,
        "perceptual_coverage": compared.coverage,
        "variety": thumbnails.pairwise_distance_ratio(real, fake),
        "nearest_ratio": thumbnails.nearest_distance_ratio(real, fake),
        "coverage": coverage,
        "precision": precision,
    }
    modes = count_modes(inputs.name, x.numpy()) if x.ndim == 2 else None
    if modes is not None:
        covered, known, metrics["near_modes"] = modes
        metrics["modes_found"] = covered / known
    if inputs.tone is not None:
        real_tone, fake_tone = inputs.tone, thumbnails.mean_tone(x)
        metrics["brightness_shift"] = fake_tone.brightness - real_tone.brightness
        metrics["contrast_ratio"] = fake_tone.contrast / real_tone.contrast if real_tone.contrast else None
        metrics["colour_ratio"] = fake_tone.colour / real_tone.colour if real_tone.colour else None
        copies = thumbnails.copy_share(inputs.training, fake[:FOLLOWED]) * inputs.size / len(inputs.training)
        metrics["copies"] = min(1.0, copies)  # scaled up: only a part of the training images was searched
    return rounded(metrics) | {"regions": None if compared.regions is None else rounded(compared.regions)}


def rounded(numbers: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return the numbers with five digits."""
    return {name: v if v is None else float(f"{v:.5g}") for name, v in numbers.items()}


def critic_metrics(
    inputs: ProbeInputs, state: State, method: Method, batches: BatchSource, prior: Prior, plan: Plan, steps: int
) -> dict[str, float | None]:
    """Return how well the critic separates real images from fakes, and how far it is from its optimum.

    For the headroom, a copy of the critic is trained for `steps` steps against a fixed generator, on the batches that
    the run will use next. The loss is measured on the fixed images before and after.
    """
    G, D, optimiser = copy.deepcopy((state.generator, state.critic, state.d_optimiser))
    copied = replace(state, generator=G.requires_grad_(False), critic=D, d_optimiser=optimiser)
    with torch.random.fork_rng(devices=[]):
        real_scores, fake_scores = scores(inputs, copied, plan)
        before = critic_loss(inputs, copied, method, plan)
        for index in range(state.batch_index, state.batch_index + steps):
            real, y = batches[index], batches.labels(index) if plan.conditional else None
            critic_step(copied, method, real, prior.sample(plan.batch, category=y, device=real.device), y, plan)
        after = critic_loss(inputs, copied, method, plan)
    threshold = method.decision_threshold
    # The denominator must not vanish: losses with a decision threshold are of order 1, others scale with the scores.
    least = float(torch.cat([real_scores, fake_scores]).std()) + 1e-8 if threshold is None else 0.1
    accuracy = None
    if threshold is not None:
        accuracy = float(torch.cat([real_scores > threshold, fake_scores < threshold]).float().mean())
    return {
        "critic_accuracy": accuracy,
        "critic_auc": thumbnails.auc(real_scores, fake_scores),
        "critic_loss": before,
        "critic_headroom": (before - after) / max(abs(before), abs(after), least) if steps else None,
    }


def critic_batches(inputs: ProbeInputs, state: State, plan: Plan) -> Iterator[tuple[Critic, Tensor, Tensor]]:
    """Yield (critic, real x [B, *image_shape], z [B, z_dim]) in training-size batches, to need no more memory than
    training does."""
    device = next(state.generator.parameters()).device
    torch.manual_seed(SEED)
    size = plan.micro_batch or plan.batch
    for begin in range(0, len(inputs.z_judged), size):
        z = inputs.z_judged[begin : begin + size]
        part = slice(begin, begin + len(z))
        y = None if inputs.y is None else inputs.y[part].to(device)
        yield plan.view(state, y), inputs.real[part].to(device), z.to(device)


@torch.no_grad()
def scores(inputs: ProbeInputs, state: State, plan: Plan) -> tuple[Tensor, Tensor]:
    """Return the critic's scores of the fixed real images and of the fakes, [M] each."""
    pairs = []
    for D, real, z in critic_batches(inputs, state, plan):
        with plan.precision():
            pairs.append((D(real).float(), D(state.generator(z)).float()))
    real_scores, fake_scores = zip(*pairs, strict=True)
    return torch.cat(real_scores), torch.cat(fake_scores)


def critic_loss(inputs: ProbeInputs, state: State, method: Method, plan: Plan) -> float:
    """Return the critic's loss (the sum of the method's terms) on the fixed real images and latents."""
    losses = []
    for D, real, z in critic_batches(inputs, state, plan):
        with plan.precision():
            terms = method.d_terms(state.generator, D, real, z)
        losses.append(sum(float(term.detach()) for term in terms.values()))
    return sum(losses) / len(losses)


def values_of(v: float | dict[str, float] | None) -> list[float]:
    """Return the numbers in a field of a probe."""
    return [] if v is None else [*v.values()] if isinstance(v, dict) else [v]


def root_mean_square(weights: list[nn.Parameter]) -> float:
    """Return the root mean square of all weights, summed in float64."""
    total = sum(float(weight.detach().cpu().double().square().sum()) for weight in weights)
    return math.sqrt(total / max(1, sum(weight.numel() for weight in weights)))
