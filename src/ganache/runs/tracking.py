"""What the trackers of a run get, and when: what the log says up to a checkpoint, once the checkpoint is saved.

A resumed run goes on at its newest checkpoint. So no step is sent that is trained again, and none is sent twice. How
far each tracker has come is in `trackers.json`; a tracker that is new to a run gets the whole log.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from PIL import Image

from ganache.core import storage
from ganache.core.strict import numbers_of, parse_json, read_record
from ganache.core.text import in_one_line
from ganache.errors import ConfigError, MissingExtra
from ganache.runs.file_names import MAX_JSON
from ganache.runs.folder import checkpoints, samples, score_of
from ganache.runs.log_lines import DAMAGED
from ganache.runs.trackers import TRACKERS
from ganache.runs.trackers.tracker import Status, Tracker

FILE = "trackers.json"
LONGEST_REASON = 300
"""Characters of an exception's text that a notice repeats."""


@dataclass(frozen=True)
class Sent:
    """How far a tracker has come."""

    id: str = ""
    """What names the run there; empty if it has none yet."""
    lines: int = 0
    """Lines of the log that it has."""
    step: int = -1
    """The checkpoint up to which it has scores."""
    sample: int = -1
    """The step of the newest samples that it has."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w-]{0,100}", self.id, re.ASCII) or self.lines < 0:
            raise ValueError("it names no run of a tracker")


def new_trackers(names: Sequence[str]) -> dict[str, Tracker]:
    """Return a tracker for each name. Raises ConfigError for an unknown one, MissingExtra if its library is missing."""
    found: dict[str, Tracker] = {}
    for name in names:
        try:
            found[name] = TRACKERS.named(name)()
        except ImportError as error:
            raise MissingExtra(f"The tracker '{name}'", name) from error
    return found


class Tracking:
    """The trackers of the run in `folder`, in a context in which it trains. An error switches a tracker off.

    `tell` gets a sentence for the user; `notify` gets one that also goes to the log, and before it a word for programs.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        settings: Mapping[str, Any],
        tell: Callable[[str], None],
        notify: Callable[[str, str], None],
    ) -> None:
        """Raises ConfigError and MissingExtra as `new_trackers` does."""
        self.folder, self.settings, self._tell, self._notify = folder, settings, tell, notify
        self._trackers = new_trackers(names)
        self._is_started = False
        self._sent: dict[str, Sent] = {}

    def __enter__(self) -> None:
        if self._trackers and not self._is_started:
            self._is_started = True
            self._read()
            for name in [*self._trackers]:
                with self._guarded(name):
                    self._start(name)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and kind is not GeneratorExit:  # which only says that nobody asks for more steps
            self.finish("failed")

    def follow(self, lines: Sequence[Mapping[str, Any]], step: int) -> None:
        """Send what is new in the log up to `step`, for which a checkpoint has been saved, and new samples."""
        lines = [line for line in lines if line.get("event") != DAMAGED]
        for name in [*self._trackers] if self._is_started else []:
            with self._guarded(name):
                if len(lines) < self._sent[name].lines or step < self._sent[name].step:
                    self._trackers[name].finish(
                        "failed"
                    )  # the run went back to before what was sent: it is another one
                    self._sent[name] = Sent()
                    self._start(name)
                self._send(name, lines, step)

    def finish(self, status: Status) -> None:
        """End the session of every tracker."""
        for name in [*self._trackers] if self._is_started else []:
            with self._guarded(name):
                self._trackers.pop(name).finish(status)

    def _start(self, name: str) -> None:
        begun = self._trackers[name].start(self.folder.resolve().name, self.settings, self.folder, self._sent[name].id)
        self._keep(name, id=begun.id)
        self._tell(f"{name} records the run: {in_one_line(begun.where)}")

    def _send(self, name: str, lines: Sequence[Mapping[str, Any]], step: int) -> None:
        tracker, sent = self._trackers[name], self._sent[name]
        found = news(self.folder, lines, sent, step)
        newest = max((at for at, kind, _ in found if kind == "samples"), default=sent.sample)
        # Before sending: after a crash in between, nothing is sent twice.
        self._keep(name, lines=len(lines), step=step, sample=newest)
        for at, kind, source in found:
            if kind == "samples":
                tracker.image(at, kind, np.asarray(Image.open(source).convert("RGB")))
            elif kind == "score":
                tracker.metrics(at, {kind: source})
            elif kind == "line":
                tracker.metrics(at, {key: value for key, value in numbers_of(source) if key != "step"})
            else:
                tracker.text(at, kind, source)

    def _read(self) -> None:
        """Read how far each tracker has come. What cannot be read begins anew."""
        try:
            plain = parse_json(storage.read_text(self.folder / FILE, MAX_JSON), FILE)
            self._sent = {name: read_record(Sent, kept, "tracker") for name, kept in dict(plain).items()}
        except (OSError, ValueError, TypeError, ConfigError):
            self._sent = {}
        self._sent |= {name: Sent() for name in self._trackers if name not in self._sent}

    def _keep(self, name: str, **changes: Any) -> None:
        self._sent[name] = replace(self._sent[name], **changes)
        storage.write_json(self.folder / FILE, {name: asdict(sent) for name, sent in self._sent.items()})

    @contextmanager
    def _guarded(self, name: str) -> Iterator[None]:
        """Switch a tracker off if it raises anything: its library, its network and its disk are not the training's."""
        try:
            with redirect_stdout(io.StringIO()):
                yield
        except Exception as error:
            self._trackers.pop(name, None)
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            self._notify(
                "no tracker",
                f"{name} cannot record the run ({in_one_line(reason)[:LONGEST_REASON]}), so it gets no more of it: the "
                "training continues, and the same command tries again.",
            )


def news(folder: Path, lines: Sequence[Mapping[str, Any]], sent: Sent, step: int) -> list[tuple[int, str, Any]]:
    """Return (step, kind, source) of all lines, samples and scores up to `step` that are not sent yet, by step."""
    found: list[tuple[int, str, Any]] = []
    for line in lines[sent.lines :]:
        if "notice" in line:
            found.append((line["step"], line.get("event") or "notice", line["notice"]))
            continue
        found.append((line["step"], "line", line))
        if "findings" in line:
            found.append((line["step"], "findings", "\n".join(line["findings"]) or "None."))
    shown = {int(path.stem): path for path in samples(folder)}
    found += [(at, "samples", path) for at, path in shown.items() if sent.sample < at <= step]
    scores = {int(path.stem): score_of(path) for path in checkpoints(folder)}
    found += [(at, "score", score) for at, score in scores.items() if sent.step < at <= step and np.isfinite(score)]
    return sorted(found, key=lambda each: each[0])
