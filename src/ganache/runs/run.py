"""A run and its folder. `Run` is the only writer of logs, samples and checkpoints.

    config.json     all settings                      samples/       images of the fixed latents during training
    log.jsonl       one JSON object per line          samples.png    the same at the end
    checkpoints/    STEP.safetensors                  training.webp  animation of samples/

Opening a folder that holds a run resumes it. The run then ends with the same bits as an uninterrupted one.
"""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from ganache import figures
from ganache.config.config import Config, from_record, to_dict
from ganache.config.rules import warnings
from ganache.core import checkpoint_file, storage
from ganache.core.rendering import generate, render
from ganache.core.storage import write_bytes, write_image, write_json
from ganache.data import Dataset
from ganache.errors import CheckpointError, TrainingError
from ganache.evaluation.training_score import PatchScore
from ganache.functional import latents
from ganache.runs import checkpoint, follower, policy
from ganache.runs.data import DATA_PATHS, data_paths
from ganache.runs.diagnose import findings
from ganache.runs.file_names import PARTS, checkpoint_path, sample_path
from ganache.runs.folder import checkpoints, holds_something_else, read_config, samples, snapshots
from ganache.runs.history import keep_snapshot, remove_others, steps_to_keep
from ganache.runs.lock import lock
from ganache.runs.log import Log, SpeedMeter, non_finite_error, step_line
from ganache.runs.log_lines import DAMAGED
from ganache.runs.points import SHOWN, picture_of_points
from ganache.runs.probe import Probe
from ganache.runs.prober import Prober, scored_latents, scoring
from ganache.runs.resume import (
    DATA_FINGERPRINT,
    keep_old_choices,
    keep_old_split,
    load_newest,
    newest_config,
    refuse_differences,
    refuse_lost_checkpoints,
    remove_leftovers,
    with_parts,
    without_wrong_mirroring,
)
from ganache.runs.retention import remove_old_checkpoints
from ganache.runs.start import freeze, start
from ganache.runs.tracking import Tracking, new_trackers
from ganache.training import build
from ganache.training.device import keep_freed_memory, machine, set_determinism
from ganache.training.loop import train
from ganache.training.processes import ALONE, Processes
from ganache.training.resolved import Resolved
from ganache.training.state import Report, State
from ganache.training.typical import with_typical
from ganache.types import Generator


def new_state(resolved: Resolved, data: Dataset) -> State:
    """Return new networks for these data, with the parts frozen that the settings name."""
    state = build.state(resolved, data.image_shape)
    freeze(state, resolved.config.start.freeze)
    return state


class Run:
    """A run in training. Create one with `Run.open`."""

    def __init__(
        self,
        folder: Path,
        resolved: Resolved,
        data: Dataset,
        state: State,
        start_again: bool = False,
        started: str = "",
    ) -> None:
        """`started`: a sentence on the model that `state` starts from; then there is no checkpoint to restore."""
        self.folder, self.resolved, self.data, self.state = folder, resolved, data, state
        self._scoring = scoring(data, self.config.policy.score)
        self._data_paths = data_paths(self.config.data.source, folder)
        self.notices = [*warnings(self.config)]
        """Sentences for the user, oldest first."""
        self._closed = False
        # The trackers do not hold the run: with the last other reference to it, its lock is released.
        own = weakref.proxy(self)
        self._tracking = Tracking(
            folder,
            self.config.record.track,
            to_dict(self.config),
            self.notices.append,
            lambda event, sentence: own.notify(event, sentence),
        )
        self.restarts = 0
        """Number of restarts with another seed; `config.seed` is the current one."""
        self._lock = lock(folder)
        self._last_time = time.perf_counter()
        remove_leftovers(folder)
        started = started or self._restore(checkpoints(folder), start_again)
        self._prepare()
        if started:
            self.notify("start", started)
        self.notices += [line["notice"] for line in self.log.lines if line.get("event") == DAMAGED]
        self.stop_reason = self._past_best()
        """Why the run stops before its budget is spent, or None."""
        self.notices += [self.stop_reason] if self.stop_reason else []

    @classmethod
    def open(
        cls,
        folder: str | Path,
        config: Config,
        data: Dataset | None = None,
        *,
        force: bool = False,
        progress: bool = False,
        mirror_text: bool = False,
        processes: Processes = ALONE,
    ) -> Run:
        """Start a run in `folder`, or resume the run that is there.

        `data` defaults to the data that `config` names; `progress` shows a bar while they are prepared; `mirror_text`
        lets the data.flip of a recipe mirror written characters; `processes` are those that train together, of which
        this one must be the first. Raises ConfigError if settings cannot work or differ
        from those of the run in `folder` (unless `force`), and CheckpointError if the folder holds something else or
        another process trains in it.
        """
        folder = Path(folder)
        if folder.is_file():
            raise CheckpointError(f"{folder} is a file, and a run is a folder: name another path with --out.")
        new_trackers(config.record.track)  # a missing one is noticed before the data are read
        known = read_config(folder) or newest_config(folder)
        resolved = build.resolve(keep_old_choices(known, with_parts(known, config, processes)), processes)
        data = data if data is not None else build.load_dataset(resolved, progress=progress)
        if known is None and holds_something_else(folder):
            raise CheckpointError(
                f"The folder {folder} holds files that are no run of ganache: choose another folder with --out."
            )
        mirrored = ""
        if not mirror_text:
            resolved, mirrored = without_wrong_mirroring(known, resolved, data)
        if known is not None:
            resolved, data = keep_old_split(known, resolved, data)
            if not force:
                refuse_differences(folder, known, resolved.config, data)
                refuse_lost_checkpoints(folder, known)
        data = with_typical(data, resolved.config.data)
        state = new_state(resolved, data)
        started = "" if checkpoints(folder) else start(state, resolved.config)
        try:
            for part in PARTS:
                storage.create_folder(folder / part)
        except OSError as error:
            raise CheckpointError(
                f"The folder {folder} cannot be used ({error}): choose another folder with --out."
            ) from None
        run = cls(folder, resolved, data, state, force, started)
        follower.lead(processes, run.resolved, data)
        run.notices += [mirrored] if mirrored else []
        about = run.about_data() | {"machine": machine(resolved.device)}
        write_json(folder / "config.json", to_dict(resolved.config) | about)
        return run

    @property
    def config(self) -> Config:
        """The settings, with the seed of the current attempt."""
        return self.resolved.config

    # ---- training ------------------------------------------------------------------------------------------------

    def training(self) -> Iterator[Report]:
        """Train until the budget is spent; each report has been recorded when it is yielded.

        Raises TrainingError on NaN or infinity, unless `policy.retry_nan` can still handle it.
        """
        keep_freed_memory()
        set_determinism(self.resolved.device, self.config.precision.deterministic)
        self._last_time = time.perf_counter()
        if self.done():
            return
        with self._tracking:
            while not self.done():
                try:
                    yield from self._attempt()
                except TrainingError as error:
                    self._return_to_checkpoint(error)

    def _attempt(self) -> Iterator[Report]:
        """Train until the budget is spent or the run has to restart."""
        resolved, processes = self.resolved, self.resolved.processes
        follower.send(processes, self.state, resolved.config.seed)
        reports = train(self.state, resolved.method, self.batches, resolved.prior, self.plan)
        while True:
            processes.tell(follower.STEP)
            report = next(reports)
            self.record(report)
            restarts = self._has_failed_to_form()
            if restarts:
                self._restart()
            yield report
            if restarts or self.done():
                return

    def progress(self) -> tuple[float, float, str]:
        """Return (amount done, budget, unit); the budget is infinite if none is set."""
        schedule, state = self.config.schedule, self.state
        if schedule.minutes is not None:
            return state.seconds / 60, schedule.minutes, "minutes"
        if schedule.images is not None:
            return state.batch_index * schedule.batch, schedule.images, "images"
        return state.step, schedule.steps or math.inf, "steps"

    def done(self) -> bool:
        """Whether the budget is spent or the run has stopped for another reason."""
        done, budget, _ = self.progress()
        return done >= budget or self.stop_reason is not None

    def record(self, report: Report) -> None:
        """Write whatever is due after this step: a log line, samples, a checkpoint."""
        now = time.perf_counter()
        self.state.seconds += now - self._last_time
        self._last_time = now
        record, step = self.config.record, report.step
        checkpoint_due = step % record.checkpoint_every == 0 or step in record.keep_steps
        if checkpoint_due or step == 1 or step % record.log_every == 0:
            self._lock.require()
            self.log.write(self._line(report) | self._probe_if_due())
        if step == 1 or step % record.sample_every == 0:
            self.sample(sample_path(self.folder, step))
        if step in steps_to_keep(step):
            part = "generator" if self._shown() is self.state.generator else "average"
            keep_snapshot(self.folder, step, self._shown(), part, self._header())
        if checkpoint_due:
            self.save()

    def sample(self, path: Path) -> None:
        """Write the images of the fixed latents to a PNG file; points, with the real ones and the critic's field."""
        prior, n = self.resolved.prior, self.config.record.samples
        if len(self.data.image_shape) == 1:
            drawn = picture_of_points(self._shown(), self.state.critic, prior, self.data, max(n, SHOWN))
        else:
            drawn = figures.picture(render(self._shown(), latents.samples(prior, n)))
        write_image(drawn, path)

    def save(self, scored: bool = True) -> Path:
        """Write a checkpoint of the current state, remove those that are no longer kept, and return its path.

        `scored=False` omits the score, which takes time for a large generator, for example when the user is waiting.
        Raises TrainingError, and writes nothing, if a weight is NaN or infinite; CheckpointError if another machine has
        taken the folder, as after a pause of this one.
        """
        self._lock.require()
        path = checkpoint_path(self.folder, self.state.step)
        if path.exists() and not scored:
            return path  # it may hold a score, which would be lost
        tensors = checkpoint.state_tensors(self.state)
        for name, tensor in tensors.items():
            if not tensor.isfinite().all():
                raise non_finite_error(self.state.step, name)
        checkpoint_file.save(path, tensors, self._header() | {"score": self.score() if scored else None})
        remove_old_checkpoints(self.folder, self.config.record, self.config.policy)
        if self.stop_reason is None:
            self.stop_reason = self._past_best()
            if self.stop_reason:
                self.notify("stop", self.stop_reason)
        self._tracking.follow(self.log.lines, self.state.step)
        return path

    def _header(self) -> dict[str, Any]:
        """Return the header of a checkpoint of the current state, without a score."""
        return checkpoint.state_header(self.state) | {
            "restarts": self.restarts,
            "config": to_dict(self.config),
            "image_shape": list(self.data.image_shape),
            **self.about_data(),
        }

    def about_data(self) -> dict[str, Any]:
        """Return what a run keeps to find its data again, and to tell them from others."""
        return {DATA_FINGERPRINT: self.data.fingerprint, DATA_PATHS: self._data_paths}

    def notify(self, event: str, sentence: str) -> None:
        """Tell the user, and write it to the log: one word for programs, one sentence for people."""
        self.notices.append(sentence)
        self.log.notice(self.state.step, event, sentence)

    def skip_pause(self) -> None:
        """Do not count the time since the last step as training time, because the process was stopped meanwhile."""
        self._last_time = time.perf_counter()

    def finish(self) -> None:
        """Write the last checkpoint, `samples.png` and the animation, and release the folder."""
        if not checkpoint_path(self.folder, self.state.step).exists():
            self.save()
        last = sample_path(self.folder, self.state.step)
        self.sample(last)
        write_bytes(self.folder / "samples.png", last.read_bytes())
        figures.animation(samples(self.folder), self.folder / "training.webp")
        self._tracking.follow(self.log.lines, self.state.step)
        self._tracking.finish("finished")
        self.close()

    def close(self) -> None:
        """Release the folder for other processes. A run that was finished or garbage-collected is closed already."""
        if not self._closed:
            self._closed = True
            self._tracking.finish("stopped")
            self.resolved.processes.tell(follower.STOP)
        self._lock.release()

    def score(self) -> float:
        """Return the distance between generated and real images (`policy.score`); lower is better."""
        return self._scoring().compare(self._scored_images()).score

    # ---- inside --------------------------------------------------------------------------------------------------

    def _scored_images(self) -> Tensor:
        """Return the images x of the latents that every score uses, as many as real ones."""
        return generate(self._shown(), scored_latents(self.resolved.prior, len(self._scoring().real)))

    def _shown(self) -> Generator:
        """The generator that samples and scores come from."""
        return self.state.average if self.config.record.average else self.state.generator

    def _prepare(self) -> None:
        """Create everything that follows from settings, folder and state, before the next step."""
        self.plan = build.plan(self.resolved)
        self.batches = build.stream(self.resolved, self.data)
        alone = self.resolved.alone()
        self._of_probes = build.stream(alone, self.data), build.plan(alone)
        self.log = Log(self.folder, self.state.step)
        self._speed = SpeedMeter(self.config.schedule.batch, self.state)
        earlier = [Probe.from_json(line["probe"]) for line in self.log.lines if "probe" in line]
        self.prober = Prober(self.config.probe, self.data, self.resolved.prior, self._scoring, earlier)
        self.findings = findings(self.log.lines)

    def _restore(self, paths: Sequence[Path], start_again: bool = False) -> str:
        """Restore the state from the newest undamaged checkpoint among `paths`, if there is one.

        Otherwise start from the model that the settings name, if they do; return a sentence on it.
        """
        found, notices = load_newest(self.folder, paths, start_again)
        self.notices += notices
        if found is None:
            return start(self.state, self.config)
        tensors, header = found
        checkpoint.restore(self.state, tensors, header)
        self.restarts = header.get("restarts", 0)
        if self.restarts:
            self.resolved = self.resolved.with_seed(from_record(header["config"]).seed)
        return ""

    def _line(self, report: Report) -> dict[str, Any]:
        """Return the log line of a step."""
        line = step_line(report, self.state.seconds, self._speed.images_per_second(self.state))
        return line | ({"augment_p": round(self.state.augment_p, 4)} if self.config.view.adaptive else {})

    def _probe_if_due(self) -> dict[str, Any]:
        """Return a probe and the findings as entries of a log line; empty if no probe is due."""
        if not self.prober.due(self.state):
            return {}
        probe = self.prober.take(self.state, self._shown(), self.resolved.method, *self._of_probes)
        line = {"probe": probe.to_json()}
        self.findings = findings([*self.log.lines, line])
        return line | {"findings": [finding.sentence for finding in self.findings]}

    # ---- automatic decisions, see the section `policy` of the settings ---------------------------------------------

    def _past_best(self) -> str | None:
        return policy.past_best(self.folder, self.config.policy.stop_past_peak, self.config.schedule.batch)

    def _has_failed_to_form(self) -> bool:
        """Whether the run has to restart at this step: its images show nothing yet, and seeds are left to try."""
        restart_after = self.config.policy.restart_after
        if self.state.step != restart_after or self._has_formed():
            return False
        if self.restarts == policy.MAX_RESTARTS:
            self.notify("gave up", policy.gave_up_sentence(restart_after, self.restarts + 1))
            return False
        return True

    def _has_formed(self) -> bool:
        patches = PatchScore(self._scoring().real)
        return policy.has_formed(patches.compare(self._scored_images()).score, patches.score_of_blank_images())

    def _restart(self) -> None:
        """Replace the networks by new ones of another seed, and remove the files of the failed attempt."""
        steps, old_seed, seconds = self.state.step, self.config.seed, self.state.seconds
        self.restarts += 1
        self.resolved = self.resolved.with_seed(policy.next_seed(old_seed))
        self.state = new_state(self.resolved, self.data)
        start(self.state, self.config)
        self.state.seconds = seconds
        self._prepare()  # the lines of the log go before the checkpoints: without these, they would seem to be lost
        for path in (*checkpoints(self.folder), *snapshots(self.folder), *samples(self.folder)):
            path.unlink()
        self.save()
        self.notify("restart", policy.restart_sentence(steps, old_seed, self.config.seed))

    def _return_to_checkpoint(self, error: TrainingError) -> None:
        """Return to the last regular checkpoint with halved rates; raise `error` if that is off or was done before."""
        self.log.notice(self.state.step, "non-finite", str(error))
        if not self.config.policy.retry_nan or self.state.lr_scale < 1:
            raise error
        failed_step, seconds = self.state.step, self.state.seconds
        self.state = new_state(self.resolved, self.data)
        self._restore(policy.regular(checkpoints(self.folder), self.config.record))
        for path in checkpoints(self.folder):
            if path > checkpoint_path(self.folder, self.state.step):
                path.unlink()
        remove_others(self.folder, self.state.step)
        self.state.seconds, self.state.lr_scale = seconds, self.state.lr_scale / 2
        self._prepare()
        self.save()
        self.notify("retry", policy.retry_sentence(failed_step, self.state.step))
