"""A training as a scene that can go back: every n-th state is kept, and the steps between are taken again.

It is the training of `ganache train`: the same settings and seed give the same samples at the same step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganache.core.evaluating import evaluating
from ganache.data import Dataset
from ganache.errors import CheckpointError
from ganache.lessons.scene import Frame, Setup
from ganache.runs import checkpoint
from ganache.training import build
from ganache.training.loop import train
from ganache.training.state import Report, State
from ganache.types import Generator

KEPT, FIRST_EVERY = 48, 10
"""States that are kept, at most, and between how many steps at first; twice as many whenever there are too many."""


class Stepping:
    """A training that can be shown at each step, go back, and change its settings on the way."""

    def __init__(self, setup: Setup, shows: tuple[str, ...] = ()) -> None:
        self.shows = shows
        self.setups: list[tuple[int, Setup]] = [(0, setup)]
        """The first step of each setup."""
        self.kept: dict[int, tuple[dict[str, Tensor], dict[str, Any]]] = {}
        """Step -> the tensors and the header of a checkpoint."""
        self.every = FIRST_EVERY
        self._begin(setup)
        self.keep()

    @property
    def step(self) -> int:
        """Generator steps done."""
        return self.state.step

    @property
    def shown(self) -> Generator:
        """The generator whose samples are drawn: the averaged one, unless the settings say otherwise."""
        return self.state.average if self.setup.config.record.average else self.state.generator

    @property
    def setup(self) -> Setup:
        """The present settings."""
        return self.setups[-1][1]

    def _begin(self, setup: Setup, before: State | None = None) -> None:
        """Build a training of these settings, with the networks and the step of `before` if there is one."""
        resolved = build.resolve(setup.config)
        data = build.load_dataset(resolved)
        if setup.drawn is not None:
            data = points_of(setup.drawn, data)
        new = build.state(resolved, data.image_shape)
        if before is not None:
            continue_from(new, before)
        self.state, self.data, self.prior, self.method = new, data, resolved.prior, resolved.method
        self.batches, self.plan = build.stream(resolved, data), build.plan(resolved)
        self._start()

    def _start(self) -> None:
        """Start the steps from the present state."""
        self.report: Report | None = None
        self.reports: Iterator[Report] = train(self.state, self.method, self.batches, self.prior, self.plan)

    def advance(self) -> None:
        """Take one generator step, after the critic's."""
        self.report = next(self.reports)
        if self.step % self.every == 0:
            self.keep()

    def keep(self) -> None:
        """Keep the state of this step."""
        tensors = {name: tensor.clone() for name, tensor in checkpoint.state_tensors(self.state).items()}
        self.kept[self.step] = tensors, checkpoint.state_header(self.state)
        if len(self.kept) > KEPT:
            self.every *= 2
            begins = {step for step, _ in self.setups}
            self.kept = {step: kept for step, kept in self.kept.items() if step % self.every == 0 or step in begins}

    def change(self, setup: Setup) -> None:
        """Go on with other settings; with other networks, begin anew.

        Raises ConfigError for settings that cannot work, and goes on as before.
        """
        try:
            self._begin(setup, self.state)
        except CheckpointError:  # other networks
            self._begin(setup)
            self.setups, self.kept, self.every = [], {}, FIRST_EVERY
        self.kept = {step: kept for step, kept in self.kept.items() if step < self.step}
        self.setups = [each for each in self.setups if each[0] < self.step] + [(self.step, setup)]
        self.keep()

    def go(self, step: int) -> None:
        """Go to a step, from the nearest state before it that was kept, by the same steps as then."""
        start = max(each for each in self.kept if each <= step)
        if step < self.step or start > self.step:
            while self.setups[-1][0] > start:
                self.setups.pop()
                self._begin(self.setup)
            self.kept = {each: kept for each, kept in self.kept.items() if each <= start}
            tensors, header = self.kept[start]
            # Copies: an optimiser would go on in the tensors that it is given.
            checkpoint.restore(self.state, {name: tensor.clone() for name, tensor in tensors.items()}, header)
            self._start()
        while self.step < step:
            self.advance()

    def frame(self) -> Frame:
        """Return what is drawn. The training stays as it is: networks in `eval` mode, random numbers of its own."""
        with torch.random.fork_rng(devices=[]), evaluating(self.state.generator, self.state.critic):
            return self.draw()

    def draw(self) -> Frame:
        """Return the frame of this step."""
        raise NotImplementedError

    def losses(self) -> dict[str, float]:
        """Return the losses of the last step, and the norm of the generator's gradient; nothing before the first."""
        if self.report is None:
            return {}
        d, g = (float(sum(map(float, terms.values()))) for terms in (self.report.d, self.report.g))
        return {"critic loss": d, "generator loss": g, "generator gradient": float(self.report.g_gradient_norm)}


def continue_from(new: State, state: State) -> None:
    """Give a new state the networks of another, its optimisers if they are of the same kind, and its counters.

    Raises CheckpointError, and changes nothing, if the networks differ.
    """
    tensors, header = checkpoint.state_tensors(state), checkpoint.state_header(state)
    try:
        checkpoint.restore(new, tensors, header)
    except CheckpointError:
        for part in ("generator", "critic"):
            checkpoint.require_same_weights(getattr(new, part), tensors, f"{part}.")
        for part in ("generator", "critic", "average"):
            getattr(new, part).load_state_dict(getattr(state, part).state_dict())
        new.step, new.batch_index = state.step, state.batch_index


def points_of(drawn: NDArray[np.float32], like: Dataset) -> Dataset:
    """Return the reader's points [N, 2] as data."""
    return replace(like, name="drawn", images=drawn, labels=None, label_names=(), held_out=np.empty(0, np.int64))
