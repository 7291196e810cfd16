"""Pictures as scenes: a training that is probed and diagnosed as it goes, and a trained generator with its latents."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import torch

from ganache.claims.pictures import tiled_png
from ganache.core.rendering import generate
from ganache.lessons.scene import Frame, Setup
from ganache.lessons.stepping import Stepping
from ganache.runs.diagnose import findings
from ganache.runs.log import step_line
from ganache.runs.probe import Probe
from ganache.runs.prober import Prober, scoring
from ganache.training.state import State

COLUMNS, ROWS = 8, 5
LOG_EVERY, LINES = 10, 5_000
"""Steps between two lines of the log from which findings are drawn, and the lines that are kept."""


class PictureTraining(Stepping):
    """The scene "pictures": samples of the same latents, losses, and the diagnosis."""

    def _begin(self, setup: Setup, before: State | None = None) -> None:
        self.log: deque[dict[str, Any]] = deque(maxlen=LINES)
        self.probes: dict[int, Probe] = {}
        self.config = setup.config
        super()._begin(setup, before)
        self.latents = self.prior.sample(COLUMNS * ROWS, generator=torch.Generator().manual_seed(1))

    def _start(self) -> None:
        """Start the steps from the present state, without what was recorded of later ones."""
        super()._start()
        self.log = deque((line for line in self.log if line["step"] <= self.step), LINES)
        self.probes = {step: probe for step, probe in self.probes.items() if step <= self.step}
        score = scoring(self.data, self.config.policy.score)
        self.prober = Prober(self.config.probe, self.data, self.prior, score, list(self.probes.values()))

    def advance(self) -> None:
        """Take one step; add a line to the log, and a probe when one is due."""
        start = time.perf_counter()
        super().advance()
        self.state.seconds += time.perf_counter() - start
        if self.report is None or self.step % LOG_EVERY:
            return
        line = step_line(self.report, self.state.seconds, self.report.images / max(self.state.seconds, 1e-9))
        if self.prober.due(self.state):
            probe = self.prober.take(self.state, self.shown, self.method, self.batches, self.plan)
            line["probe"] = probe.to_json()
            self.probes[self.step] = probe
        self.log.append(line)

    def draw(self) -> Frame:
        x = generate(self.shown, self.latents)
        words = [f"{found.sentence} {found.advice}" for found in findings(list(self.log))]
        scores = [p.score / p.blank_score for p in self.probes.values() if p.score is not None and p.blank_score]
        distance = {"distance": scores[-1]} if scores else {}
        return Frame(self.step, self.losses() | distance, pictures=(tiled_png(x, COLUMNS),), words=tuple(words))
