"""When a run looks at itself, and what it looks at."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ganache.config.sections import ProbeConfig
from ganache.core import images
from ganache.data import Dataset
from ganache.evaluation.metrics import thumbnails
from ganache.functional import latents
from ganache.runs.probe import SEED, Probe, ProbeInputs, blank_score, take_probe
from ganache.training.loop import BatchSource, Plan, State
from ganache.types import Generator, Method, Prior

SCORED = 256
"""Pictures in a score: enough that two scores of one generator differ by a few per cent."""

SCORED_SEED = 1_000_000
"""The first of their latents: far from those that anybody looks at."""

JUDGED = 64
"""Real pictures, and fakes, that the critic is asked about: whole batches of them where a batch is smaller."""

SEARCHED = 10_000
"""Training pictures among which copies are looked for: 30 MB of thumbnails."""

FIRST = 10
"""A look takes about as long as so many steps of training: what the first one, whose cost nobody knows, must wait."""


class Prober:
    """Takes looks at a run, so far apart that they cost no more than their share of the time.

    `looks` are those of an earlier start of the run, from its log.
    """

    def __init__(self, settings: ProbeConfig, data: Dataset, prior: Prior, looks: Sequence[Probe] = ()) -> None:
        self.settings, self.data, self.prior = settings, data, prior
        self.last = looks[-1] if looks else None
        self._scene: ProbeInputs | None = None
        self._before: Tensor | None = None

    def due(self, state: State) -> bool:
        """Whether as much time has gone by since the last look as its cost and the share demand."""
        share, last = self.settings.share, self.last
        if not share:
            return False
        if last is None:
            return state.step >= FIRST / share
        return state.seconds >= last.seconds + last.cost * (1 + 1 / share)

    def look(self, state: State, shown: Generator, method: Method, batches: BatchSource, plan: Plan) -> Probe:
        """A look, with its cost."""
        begun = time.perf_counter()
        self._scene = self._scene or probe_inputs(self.data, self.prior, plan)
        steps = self.settings.critic_steps
        seen, self._before = take_probe(
            self._scene, state, shown, method, batches, self.prior, plan, steps, self._before
        )
        self.last = replace(seen, cost=round(time.perf_counter() - begun, 4))
        return self.last


def probe_inputs(data: Dataset, prior: Prior, plan: Plan) -> ProbeInputs:
    """What every look of a run looks at: always the same pictures and latents."""
    rows = evenly_spaced(data, SCORED)
    real = real_pictures(data, rows)
    y = torch.from_numpy(data.labels[rows]) if plan.conditional and data.labels is not None else None
    m = min(JUDGED, len(real))
    m -= m % plan.batch if m > plan.batch else 0
    source = torch.Generator().manual_seed(SEED)
    z_judged = prior.sample(m, category=None if y is None else y[:m], generator=source)
    searched = np.array_split(
        evenly_spaced(data, SEARCHED), SEARCHED // 500
    )  # piece by piece: the pictures may be large
    searched_rows = [thumbnails.thumbnails(real_pictures(data, part)) for part in searched if len(part)]
    z = scored_latents(prior, len(real))
    tone = thumbnails.tone(real) if real.ndim == 4 else None
    return ProbeInputs(
        real,
        thumbnails.thumbnails(real),
        tone,
        y,
        z,
        z_judged,
        blank_score(real),
        torch.cat(searched_rows),
        len(data.training),
    )


def scored_latents(prior: Prior, n: int) -> Tensor:
    """The latents z [n, z_dim] of every score of a run."""
    return latents.samples(prior, n, seed=SCORED_SEED)


def evenly_spaced(data: Dataset, n: int) -> np.ndarray:
    """At most n places in the training data, evenly spread, so that every class of a sorted set is among them.

    Of a small set too few are held out for a score of patches, which gains little by learning them by heart.
    """
    chosen = np.linspace(0, len(data.training) - 1, min(n, len(data.training)))
    places: np.ndarray = data.training[np.unique(chosen.round().astype(int))]
    return places


def real_pictures(data: Dataset, rows: np.ndarray) -> Tensor:
    """The real x [N, *image_shape] at these places."""
    return images.as_x(data.at(rows))
