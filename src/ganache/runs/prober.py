"""When a run is probed, and with which inputs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from ganache.config.sections import ProbeConfig
from ganache.core import images
from ganache.data import Dataset
from ganache.evaluation.metrics import thumbnails
from ganache.evaluation.training_score import TrainingScore, training_score
from ganache.functional import latents
from ganache.runs.probe import SEED, Probe, ProbeInputs, take_probe
from ganache.training.state import BatchSource, Plan, State
from ganache.types import Generator, Method, Prior

SCORED = 256
"""Number of images in a score: two scores of the same generator then differ by a few per cent."""

SCORED_SEED = 1_000_000
"""Seed of the first of their latents, far from the seeds that users look at."""

JUDGED = 64
"""Number of real images, and of fakes, that the critic scores; rounded down to whole batches of smaller size."""

SEARCHED = 10_000
"""Number of training images in which copies are searched for: 30 MB of thumbnails."""

FIRST_PROBE_STEPS = 10
"""A probe takes about as long as this many training steps. Used before the first one, whose duration is unknown."""


class Prober:
    """Probes a run at intervals that keep the cost within the share of training time that the settings allow.

    `score` returns the score of the run; it is called when it is first needed. `earlier` holds the probes of earlier
    sessions of the run, from its log.
    """

    def __init__(
        self,
        settings: ProbeConfig,
        data: Dataset,
        prior: Prior,
        score: Callable[[], TrainingScore],
        earlier: Sequence[Probe] = (),
    ) -> None:
        self.settings, self.data, self.prior, self.score = settings, data, prior, score
        self.last = earlier[-1] if earlier else None
        self._inputs: ProbeInputs | None = None
        self._previous: Tensor | None = None

    def due(self, state: State) -> bool:
        """Whether enough training time has passed since the last probe, given its cost and the allowed share."""
        share, last = self.settings.share, self.last
        if not share:
            return False
        if last is None:
            return state.step >= FIRST_PROBE_STEPS / share
        return state.seconds >= last.seconds + last.cost * (1 + 1 / share)

    def take(self, state: State, shown: Generator, method: Method, batches: BatchSource, plan: Plan) -> Probe:
        """Take a probe and measure its cost."""
        start = time.perf_counter()
        self._inputs = self._inputs or probe_inputs(self.data, self.prior, self.score(), plan)
        steps = self.settings.critic_steps
        probe, self._previous = take_probe(
            self._inputs, state, shown, method, batches, self.prior, plan, steps, self._previous
        )
        self.last = replace(probe, cost=round(time.perf_counter() - start, 4))
        return self.last


def probe_inputs(data: Dataset, prior: Prior, score: TrainingScore, plan: Plan) -> ProbeInputs:
    """Return the inputs of all probes of a run: always the same images and latents."""
    rows, real = evenly_spaced(data, SCORED), score.real
    y = torch.from_numpy(data.labels[rows]) if plan.conditional and data.labels is not None else None
    m = min(JUDGED, len(real))
    m -= m % plan.batch if m > plan.batch else 0
    source = torch.Generator().manual_seed(SEED)
    z_judged = prior.sample(m, category=None if y is None else y[:m], generator=source)
    parts = np.array_split(evenly_spaced(data, SEARCHED), SEARCHED // 500)  # in parts: the images may be large
    training = torch.cat([thumbnails.thumbnails(real_images(data, part)) for part in parts if len(part)])
    return ProbeInputs(
        score=score,
        thumbnails=thumbnails.thumbnails(real),
        tone=thumbnails.mean_tone(real) if real.ndim == 4 else None,
        y=y,
        z=scored_latents(prior, len(real)),
        z_judged=z_judged,
        blank_score=score.score_of_blank_images(),
        training=training,
        size=len(data.training),
        name=data.name,
    )


def scored_latents(prior: Prior, n: int) -> Tensor:
    """Return the latents z [n, z_dim] that every score of a run uses."""
    return latents.samples(prior, n, seed=SCORED_SEED)


def scoring(data: Dataset, name: str) -> Callable[[], TrainingScore]:
    """Return a function that returns the score of this name (`policy.score`), which is built at its first call.

    It compares with the real images that every score of a run uses.
    """
    return cache(lambda: training_score(name, real_images(data, evenly_spaced(data, SCORED))))


def evenly_spaced(data: Dataset, n: int) -> np.ndarray:
    """Return at most n indices of training images, evenly spaced, so that a sorted set contributes every class.

    Training images are used because a small set holds out too few for a score, and memorising them barely improves it.
    """
    indices: np.ndarray = data.training[images.evenly_spaced(len(data.training), n)]
    return indices


def real_images(data: Dataset, rows: np.ndarray) -> Tensor:
    """Return the real images x [N, *image_shape] at these indices."""
    return images.as_x(data.at(rows))
