"""A run and its folder: the only writer of logs, samples and weights.

    config.json     every setting, resolved           samples/       the fixed latents, through training
    log.jsonl       one object a line                 samples.png    the same at the end
    checkpoints/    STEP.safetensors                  training.webp  the animation of samples/

Opening a folder that holds a run resumes it; the run then ends with the same bits as one that was never stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganache import build, checkpoint, figures, images
from ganache.config import Config, differences, from_record, name_of, to_dict
from ganache.data import Dataset
from ganache.errors import CheckpointError, ConfigError
from ganache.explore import Sample, generate, render
from ganache.folder import (
    best_checkpoint,
    checkpoint_path,
    checkpoints,
    holds_something_else,
    lock,
    read_config,
    write_json,
    write_picture,
)
from ganache.log import Log, not_numbers
from ganache.metrics.scores import distance
from ganache.rules import warnings
from ganache.sections import DataConfig
from ganache.train import Report, State, train
from ganache.types import Generator

FREE = ("schedule.steps", "schedule.minutes", "schedule.images", "record.", "data.source", "device", "recipe")
"""Settings that may change when a run is resumed (the data are known by their fingerprint, not by their path)."""

SCORED = 256
"""Pictures in the score that names the best checkpoint."""

SCORED_SEED = 1_000_000
"""The first of their latents: far from those that anybody looks at."""


class Run:
    """A run being trained. Make one with `Run.open`."""

    def __init__(self, folder: Path, config: Config, data: Dataset, state: State) -> None:
        self.folder, self.config, self.data, self.state = folder, config, data, state
        self.prior = build.prior(config)
        self.batches = build.stream(config, data)
        self.notices = [*warnings(config)]
        self._lock = lock(folder)
        self._ticked = time.perf_counter()
        self._resume()
        self._line_before = (state.batches, state.seconds)
        self.log = Log(folder, state.step)

    @classmethod
    def open(cls, folder: str | Path, config: Config, data: Dataset | None = None, *, force: bool = False) -> Run:
        """Begin a run in `folder`, or go on with the one that is there.

        Raises ConfigError where the run there has other settings, unless `force`; CheckpointError where the folder
        holds something else.
        """
        folder = Path(folder)
        data = data if data is not None else build.dataset(config)
        known = read_config(folder)
        if known is None and holds_something_else(folder):
            raise CheckpointError(f"The folder {folder} holds something that is no run: name another with --out.")
        if known is not None and config.data.held_out == DataConfig.held_out and not known["data"].get("held_out"):
            # It has seen every picture, for it is from before pictures were held out or was told to hold out none.
            config, data = replace(config, data=replace(config.data, held_out=0.0)), data.split(0.0)
        if known is not None and not force:
            refuse_differences(folder, known, config, data)
        state = build.state(config, data.image_shape)
        for part in ("samples", "checkpoints"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        run = cls(folder, config, data, state)
        write_json(folder / "config.json", to_dict(config) | {"data_fingerprint": data.fingerprint})
        return run

    def describe(self) -> str:
        """Network, method, device and precision in a few words."""
        config, on = self.config, build.device(self.config)
        names = " + ".join(name_of(section, getattr(config, section)) for section in ("network", "method"))
        dtype = str(build.compute_dtype(config.precision, on)).removeprefix("torch.")
        return f"{names}, batch {config.schedule.batch}, on {on} in {dtype}"

    # ---- training ------------------------------------------------------------------------------------------------

    def training(self) -> Iterator[Report]:
        """Train until the budget is spent; each report has been recorded when it is yielded."""
        self._ticked = time.perf_counter()
        if self.done():
            return
        method, plan = build.method(self.config), build.plan(self.config)
        steps = train(self.state, method, self.batches, self.prior, plan)
        for report in steps:
            self.record(report)
            yield report
            if self.done():
                return

    def progress(self) -> tuple[float, float, str]:
        """(how much is done, of how much, in what); the whole is infinite without a budget."""
        schedule, state = self.config.schedule, self.state
        if schedule.minutes is not None:
            return state.seconds / 60, schedule.minutes, "minutes"
        if schedule.images is not None:
            return state.batches * schedule.batch, schedule.images, "images"
        return state.step, schedule.steps or math.inf, "steps"

    def done(self) -> bool:
        """Whether the budget is spent."""
        done, whole, _ = self.progress()
        return done >= whole

    def record(self, report: Report) -> None:
        """Write what is due after this step: a line of the log, a picture, a checkpoint."""
        now = time.perf_counter()
        self.state.seconds += now - self._ticked
        self._ticked = now
        record, step = self.config.record, report.step
        checkpoint_due = step % record.checkpoint_every == 0 or step in record.marks
        if checkpoint_due or step == 1 or step % record.log_every == 0:
            self.log.write(self._line(report))
        if step == 1 or step % record.sample_every == 0:
            self.sample(self.folder / "samples" / f"{step:09d}.png")
        if checkpoint_due:
            self.save()

    def sample(self, path: Path) -> None:
        """The fixed latents' pictures, to a file."""
        z = Sample(n=self.config.record.samples).latents(self.prior)
        write_picture(figures.picture(render(self._shown(), z)), path)

    def save(self, scored: bool = True) -> Path:
        """Write a checkpoint of this moment, and let go of those that are not to be kept.

        `scored` = False leaves out the score, which for a large generator takes a while: somebody may be waiting.
        Raises TrainingError, and saves nothing, where a weight is no number any more.
        """
        tensors = checkpoint.state_tensors(self.state)
        for name, tensor in tensors.items():
            if not tensor.isfinite().all():
                raise not_numbers(self.state.step, name)
        path = checkpoint_path(self.folder, self.state.step)
        header = {
            "step": self.state.step,
            "batches": self.state.batches,
            "seconds": self.state.seconds,
            "strength": self.state.strength,
            "score": self.score() if scored else None,
            "config": to_dict(self.config),
            "image_shape": list(self.data.image_shape),
            "data_fingerprint": self.data.fingerprint,
        }
        checkpoint.save(path, tensors, header)
        self._prune()
        return path

    def finish(self) -> None:
        """The last checkpoint, `samples.png` and the animation; then the folder is free for others."""
        if not checkpoint_path(self.folder, self.state.step).exists():
            self.save()
        self.sample(self.folder / "samples.png")
        frames = sorted((self.folder / "samples").glob("*.png"))
        figures.animation(frames, self.folder / "training.webp")
        self.close()

    def close(self) -> None:
        """Let others open the folder. A run that ended or was collected as garbage is closed already."""
        if self._lock is not None:
            self._lock.close()

    def score(self) -> float:
        """Distance of pictures of the generator to real ones, from their patches; lower is better."""
        real = some_real(self.data, SCORED)
        z = Sample(n=len(real), seed=SCORED_SEED).latents(self.prior)
        return distance(real, generate(self._shown(), z))

    # ---- inside --------------------------------------------------------------------------------------------------

    def _shown(self) -> Generator:
        return self.state.average if self.config.record.average else self.state.generator

    def _resume(self) -> None:
        """Take the newest checkpoint that is whole; name those that are damaged, clear away what was cut short."""
        for half_written in (self.folder / "checkpoints").glob(".*"):
            half_written.unlink()
        for path in reversed(checkpoints(self.folder)):
            try:
                tensors, header = checkpoint.load(path)
            except CheckpointError as error:
                self.notices.append(f"{error} The one before is taken; the damaged one is now {path.name}.damaged.")
                path.rename(path.with_name(path.name + ".damaged"))
                continue
            checkpoint.restore(self.state, tensors, header)
            break

    def _line(self, report: Report) -> dict[str, Any]:
        """A report in numbers, with the speed since the line before."""
        state, batch = self.state, self.config.schedule.batch
        batches, seconds = self._line_before
        self._line_before = (state.batches, state.seconds)
        speed = (state.batches - batches) * batch / max(state.seconds - seconds, 1e-9)
        return {
            "step": report.step,
            "images": report.images,
            "seconds": round(state.seconds, 3),
            "images_per_second": round(speed, 1),
            "d": {name: float(term) for name, term in report.d.items()},
            "g": {name: float(term) for name, term in report.g.items()},
            "estimates": {name: float(value) for name, value in report.estimates.items()},
            "d_gradient_norm": float(report.d_gradient_norm),
            "g_gradient_norm": float(report.g_gradient_norm),
        } | ({"augment_strength": round(state.strength, 4)} if self.config.view.adaptive else {})

    def _prune(self) -> None:
        record, kept = self.config.record, checkpoints(self.folder)
        stay = {*kept[-record.keep :], best_checkpoint(self.folder)}
        stay |= {checkpoint_path(self.folder, mark) for mark in record.marks}
        for path in kept:
            if path not in stay:
                path.unlink()


def refuse_differences(folder: Path, known: dict[str, Any], config: Config, data: Dataset) -> None:
    """Raise ConfigError where the run in `folder` has other settings or other data."""
    old_print = known.pop("data_fingerprint", data.fingerprint)
    known = to_dict(from_record(known))
    changed = [
        f"{name}: {before} -> {after}"
        for name, before, after in differences(known, to_dict(config))
        if not name.startswith(FREE)
    ]
    if old_print != data.fingerprint:
        changed.append(f"the data: {old_print[:12]} -> {data.fingerprint[:12]}")
    if changed:
        raise ConfigError(
            f"The run in {folder} has other settings ({'; '.join(changed)}): give the old ones to go on with it, "
            "--out FOLDER to begin another, or --force to go on with the new ones."
        )


def some_real(data: Dataset, n: int) -> Tensor:
    """At most n real x [n, *image_shape], evenly spread over the training data, so that every class of a sorted set is
    there. (Of a small set too few are held out for a score of patches, which gains little by learning them by heart.)
    """
    chosen = np.unique(np.linspace(0, len(data.training) - 1, min(n, len(data.training))).round().astype(int))
    picked = data.images[data.training[chosen]]
    return torch.from_numpy(picked) if picked.ndim == 2 else images.to_float(picked)
