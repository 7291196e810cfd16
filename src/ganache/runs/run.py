"""A run and its folder: the only writer of logs, samples and weights.

    config.json     every setting, resolved           samples/       the fixed latents, through training
    log.jsonl       one object a line                 samples.png    the same at the end
    checkpoints/    STEP.safetensors                  training.webp  the animation of samples/

Opening a folder that holds a run resumes it; the run then ends with the same bits as one that was never stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganache import figures
from ganache.config.config import Config, name_of, to_dict
from ganache.config.rules import warnings
from ganache.config.sections import DataConfig
from ganache.core import storage
from ganache.core.rendering import generate, render
from ganache.core.storage import write_image, write_json
from ganache.data import Dataset
from ganache.errors import CheckpointError, TrainingError
from ganache.evaluation.metrics.sliced_wasserstein import sliced_distance
from ganache.functional import latents
from ganache.runs import checkpoint, policy
from ganache.runs.diagnose import findings
from ganache.runs.folder import best_checkpoints, checkpoint_path, checkpoints, holds_something_else, lock, read_config
from ganache.runs.log import Log, not_numbers
from ganache.runs.probe import Probe, blank_score
from ganache.runs.prober import SCORED, Prober, evenly_spaced, real_pictures, scored_latents
from ganache.runs.resume import newest_whole, refuse_differences
from ganache.training import build
from ganache.training.device import set_determinism
from ganache.training.device import keep_freed_memory
from ganache.training.loop import train
from ganache.training.state import Report, State
from ganache.types import Generator


class Run:
    """A run being trained. Make one with `Run.open`."""

    def __init__(self, folder: Path, config: Config, data: Dataset, state: State) -> None:
        self.folder, self.config, self.data, self.state = folder, config, data, state
        self.prior = build.prior(config)
        self.notices = [*warnings(config)]
        self.restarts = 0
        """How often the run began again with another seed, which is then `config.seed`."""
        self._lock = lock(folder)
        self._ticked = time.perf_counter()
        self._resume(checkpoints(folder))
        self._set_out()
        self.over = self._past_peak()
        """Why the run is over before its budget is spent, or None."""
        self.notices += [self.over] if self.over else []

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
        if (
            known is not None
            and config.data.held_out == DataConfig.held_out
            and not known.get("data", {}).get("held_out")
        ):
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
        how = ", as CUDA graphs" if build.uses_cuda_graphs(config) else ""
        return f"{names}, batch {config.schedule.batch}, on {on} in {dtype}{how}"

    # ---- training ------------------------------------------------------------------------------------------------

    def training(self) -> Iterator[Report]:
        """Train until the budget is spent; each report has been recorded when it is yielded."""
        keep_freed_memory()
        set_determinism(build.device(self.config), self.config.precision.deterministic)
        self._ticked = time.perf_counter()
        while not self.done():
            try:
                yield from self._attempt()
            except TrainingError as error:
                self._go_back(error)

    def _attempt(self) -> Iterator[Report]:
        """Train until the budget is spent, or until the run has to begin again."""
        for report in train(self.state, self.method, self.batches, self.prior, self.plan):
            self.record(report)
            again = self._has_failed_to_form()
            if again:
                self._begin_again()
            yield report
            if again or self.done():
                return

    def progress(self) -> tuple[float, float, str]:
        """(how much is done, of how much, in what); the whole is infinite without a budget."""
        schedule, state = self.config.schedule, self.state
        if schedule.minutes is not None:
            return state.seconds / 60, schedule.minutes, "minutes"
        if schedule.images is not None:
            return state.batch_index * schedule.batch, schedule.images, "images"
        return state.step, schedule.steps or math.inf, "steps"

    def done(self) -> bool:
        """Whether the budget is spent, or the run over for another reason."""
        done, whole, _ = self.progress()
        return done >= whole or self.over is not None

    def record(self, report: Report) -> None:
        """Write what is due after this step: a line of the log, a picture, a checkpoint."""
        now = time.perf_counter()
        self.state.seconds += now - self._ticked
        self._ticked = now
        record, step = self.config.record, report.step
        checkpoint_due = step % record.checkpoint_every == 0 or step in record.keep_steps
        if checkpoint_due or step == 1 or step % record.log_every == 0:
            self.log.write(self._line(report) | self._seen())
        if step == 1 or step % record.sample_every == 0:
            self.sample(self.folder / "samples" / f"{step:09d}.png")
        if checkpoint_due:
            self.save()

    def sample(self, path: Path) -> None:
        """The fixed latents' pictures, to a file."""
        z = latents.samples(self.prior, self.config.record.samples)
        write_image(figures.picture(render(self._shown(), z)), path)

    def save(self, scored: bool = True) -> Path:
        """Write a checkpoint of this moment, and let go of those that are not to be kept.

        `scored` = False leaves out the score, which for a large generator takes a while: somebody may be waiting.
        Raises TrainingError, and saves nothing, where a weight is no number any more.
        """
        path = checkpoint_path(self.folder, self.state.step)
        if path.exists() and not scored:
            return path  # it may have a score, which would be lost
        tensors = checkpoint.state_tensors(self.state)
        for name, tensor in tensors.items():
            if not tensor.isfinite().all():
                raise not_numbers(self.state.step, name)
        header = {
            "step": self.state.step,
            "batch_index": self.state.batch_index,
            "seconds": self.state.seconds,
            "augment_p": self.state.augment_p,
            "lr_scale": self.state.lr_scale,
            "restarts": self.restarts,
            "score": self.score() if scored else None,
            "config": to_dict(self.config),
            "image_shape": list(self.data.image_shape),
            "data_fingerprint": self.data.fingerprint,
        }
        storage.save(path, tensors, header)
        self._prune()
        if self.over is None:
            self.over = self._past_peak()
            if self.over:
                self._say("stop", self.over)
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
        self._lock.release()

    def score(self) -> float:
        """Distance of pictures of the generator to real ones, from their patches; lower is better."""
        real = real_pictures(self.data, evenly_spaced(self.data, SCORED))
        return sliced_distance(real, generate(self._shown(), scored_latents(self.prior, len(real))))

    # ---- inside --------------------------------------------------------------------------------------------------

    def _shown(self) -> Generator:
        return self.state.average if self.config.record.average else self.state.generator

    def _seen(self) -> dict[str, Any]:
        """A look and the findings, where a look is due; they stand in a line of the log."""
        if not self.prober.due(self.state):
            return {}
        look = self.prober.look(self.state, self._shown(), self.method, self.batches, self.plan)
        line = {"probe": look.to_json()}
        self.findings = findings([*self.log.lines, line])
        return line | {"findings": [finding.sentence for finding in self.findings]}

    def _set_out(self) -> None:
        """What follows from settings, folder and state, before the next step is taken."""
        state = self.state
        self.method, self.plan = build.method(self.config), build.plan(self.config)
        self.batches = build.stream(self.config, self.data)
        self.log = Log(self.folder, state.step)
        self._line_before = (state.batch_index, state.seconds)
        looks = [Probe.from_json(line["probe"]) for line in self.log.lines if "probe" in line]
        self.prober = Prober(self.config.probe, self.data, self.prior, looks)
        self.findings = findings(self.log.lines)

    def _resume(self, paths: Sequence[Path]) -> None:
        """The state of the newest of these checkpoints that is whole, if there is one."""
        found, remarks = newest_whole(self.folder, paths)
        self.notices += remarks
        if found is None:
            return
        tensors, header = found
        checkpoint.restore(self.state, tensors, header)
        self.restarts = header.get("restarts", 0)
        if self.restarts:
            self.config = replace(self.config, seed=header["config"]["seed"])

    def _line(self, report: Report) -> dict[str, Any]:
        """A report in numbers, with the speed since the line before."""
        state, batch = self.state, self.config.schedule.batch
        batches, seconds = self._line_before
        self._line_before = (state.batch_index, state.seconds)
        speed = (state.batch_index - batches) * batch / max(state.seconds - seconds, 1e-9)
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
        } | ({"augment_p": round(state.augment_p, 4)} if self.config.view.adaptive else {})

    def _prune(self) -> None:
        record, kept = self.config.record, checkpoints(self.folder)
        stay = {*kept[-record.keep :], *best_checkpoints(self.folder, self.config.policy.keep_best)}
        stay |= {checkpoint_path(self.folder, mark) for mark in record.keep_steps}
        if self.config.policy.retry_nan:
            stay |= set(policy.regular(kept, record)[-1:])
        for path in kept:
            if path not in stay:
                path.unlink()

    # ---- what a run does by itself ---------------------------------------------------------------------------------

    def _say(self, event: str, sentence: str) -> None:
        """Tell it to whoever watches, and to the log."""
        self.notices.append(sentence)
        self.log.say(self.state.step, event, sentence)

    def _past_peak(self) -> str | None:
        return policy.past_peak(self.folder, self.config.policy.stop_past_peak, self.config.schedule.batch)

    def _has_failed_to_form(self) -> bool:
        """Whether this is the step to begin again: nothing has formed, and there are seeds left to try."""
        after = self.config.policy.restart_after
        if self.state.step != after or self._has_formed():
            return False
        if self.restarts == policy.MOST_RESTARTS:
            self._say(
                "gave up",
                f"Nothing has formed after {after} steps with {self.restarts + 1} seeds: the run goes on with this "
                "one, but rather the learning rates or the data are at fault.",
            )
            return False
        return True

    def _has_formed(self) -> bool:
        return policy.has_formed(self.score(), blank_score(real_pictures(self.data, evenly_spaced(self.data, SCORED))))

    def _begin_again(self) -> None:
        """Fresh weights of another seed; what the failed attempt left is cleared away."""
        steps, before, seconds = self.state.step, self.config.seed, self.state.seconds
        self.restarts += 1
        self.config = replace(self.config, seed=policy.seed_after(before))
        for path in (*checkpoints(self.folder), *(self.folder / "samples").glob("*.png")):
            path.unlink()
        self.state = build.state(self.config, self.data.image_shape)
        self.state.seconds = seconds
        self._set_out()
        self.save()
        self._say(
            "restart",
            f"Nothing had formed after {steps} steps with seed {before}: the run began again with seed "
            f"{self.config.seed} (policy.restart_after).",
        )

    def _go_back(self, error: TrainingError) -> None:
        """To the last regular checkpoint, with halved rates; raises `error` where that is not wanted, or was done."""
        self.log.say(self.state.step, "not numbers", str(error))
        if not self.config.policy.retry_nan or self.state.lr_scale < 1:
            raise error
        failed, seconds = self.state.step, self.state.seconds
        self.state = build.state(self.config, self.data.image_shape)
        self._resume(policy.regular(checkpoints(self.folder), self.config.record))
        for path in checkpoints(self.folder):
            if path > checkpoint_path(self.folder, self.state.step):
                path.unlink()
        self.state.seconds, self.state.lr_scale = seconds, self.state.lr_scale / 2
        self._set_out()
        self.save()
        self._say(
            "retry",
            f"At step {failed} a number stopped being one: the run went back to step {self.state.step} and goes on "
            "with both learning rates halved (policy.retry_nan).",
        )
