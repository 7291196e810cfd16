"""Trackers get what the log has, once, in their own run; and whatever they do, the training is the same."""

from __future__ import annotations

import gc
import json
import sys
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from conftest import run_command
from ganache.cli.train import parse_train
from ganache.config.config import Config, from_record, to_dict
from ganache.config.sections import ProbeConfig
from ganache.core.table import Lazy
from ganache.errors import ConfigError, MissingExtra
from ganache.runs.log import read
from ganache.runs.run import Run
from ganache.runs.trackers import TRACKERS
from ganache.runs.trackers.tracker import Begun, Status, Tracker
from ganache.runs.tracking import Sent, Tracking, new_trackers
from test_run import RECORD, bits, complete, same, small


class Fake(Tracker):
    """Notes every call, in one list for all instances; the method `fails` raises an exception instead."""

    calls: ClassVar[list[tuple[Any, ...]]] = []
    fails: ClassVar[str] = ""

    def note(self, *call: Any) -> None:
        if call[0] == Fake.fails:
            raise RuntimeError("the service\nis out of order")
        Fake.calls.append(call)

    def start(self, name: str, settings: Any, folder: Path, earlier: str) -> Begun:
        self.note("start", name, settings["network"]["name"], earlier)
        return Begun(f"run{len(Fake.calls)}", "at home")

    def metrics(self, step: int, numbers: Any) -> None:
        self.note("metrics", step, numbers)

    def image(self, step: int, name: str, picture: np.ndarray) -> None:
        self.note("image", step, picture.shape)

    def text(self, step: int, name: str, sentence: str) -> None:
        self.note("text", step, name, sentence)

    def finish(self, status: Status) -> None:
        self.note("finish", status)


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRACKERS, "fake", Fake)
    monkeypatch.setattr(Fake, "calls", [])
    monkeypatch.setattr(Fake, "fails", "")


def tracked(steps: int = 10, *names: str) -> Config:
    return small(steps, record=replace(RECORD, track=names or ("fake",)), probe=ProbeConfig(share=1.0))


def calls(kind: str) -> list[Any]:
    return [call[1:] for call in Fake.calls if call[0] == kind]


def test_a_tracker_gets_the_log_samples_findings_scores_and_settings(tmp_path: Path) -> None:
    run = complete(tmp_path / "mine", tracked())
    lines = read(run.folder / "log.jsonl")
    assert calls("start") == [("mine", "anime-article", "")]
    steps = {step: numbers for step, numbers in calls("metrics") if "d/real" in numbers}
    assert steps.keys() == set(range(1, 11))
    for line in lines:
        assert steps[line["step"]]["d/real"] == line["d"]["real"]
    assert any("probe/score" in numbers for numbers in steps.values())
    assert [step for step, numbers in calls("metrics") if numbers.keys() == {"score"}] == [4, 8, 10]
    assert [step for step, _ in calls("image")] == [1, 2, 4, 6, 8, 10]
    assert all(shape[2] == 3 and shape[0] > 48 for _, shape in calls("image")), "a grid"
    assert [step for step, name, _ in calls("text") if name == "findings"] == [
        line["step"] for line in lines if "findings" in line
    ]
    assert calls("finish") == [("finished",)]
    moments = [call[1] for call in Fake.calls[1:-1]]
    assert moments == sorted(moments)
    assert run.notices == ["fake records the run: at home"]


def test_a_run_that_was_killed_goes_on_in_the_same_run_without_a_step_twice(tmp_path: Path) -> None:
    run = Run.open(tmp_path, tracked())
    steps = run.training()
    while next(steps).step < 7:
        pass
    assert [step for step, _ in calls("metrics")][-1] == 4, "what may be trained again is not sent"
    run._lock.release()  # as a killed process does, and nothing else
    complete(tmp_path, tracked())
    assert [earlier for _, _, earlier in calls("start")] == ["", "run1"]
    assert [step for step, numbers in calls("metrics") if "d/real" in numbers] == list(range(1, 11))
    assert [step for step, _ in calls("image")] == [1, 2, 4, 6, 8, 10]
    Fake.calls.clear()
    complete(tmp_path, tracked())
    assert Fake.calls == [], "the run is complete"
    complete(tmp_path, tracked(12))
    assert [step for step, numbers in calls("metrics") if "d/real" in numbers] == [11, 12]


def test_a_tracker_that_is_new_to_a_run_gets_its_whole_log(tmp_path: Path) -> None:
    complete(tmp_path, small(4))
    complete(tmp_path, tracked(6))
    assert [step for step, numbers in calls("metrics") if "d/real" in numbers] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("method", ["start", "metrics", "image", "text", "finish"])
def test_a_failing_tracker_is_switched_off_with_one_sentence_and_changes_no_bit(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fake, "fails", method)
    plain = complete(tmp_path / "plain", replace(tracked(), record=RECORD))
    run = complete(tmp_path / "tracked", tracked())
    said = [each for each in run.notices if "cannot record" in each]
    assert said == [
        "fake cannot record the run (the service), so it gets no more of it: the training continues, and the same "
        "command tries again."
    ]
    assert len(calls("finish")) == 0
    assert same(bits(plain.folder), bits(run.folder))


def test_a_tracker_that_works_changes_no_bit(tmp_path: Path) -> None:
    plain = complete(tmp_path / "plain", replace(tracked(), record=RECORD))
    assert same(bits(plain.folder), bits(complete(tmp_path / "tracked", tracked()).folder))


def test_a_file_that_cannot_be_written_ends_the_tracker_alone(tmp_path: Path) -> None:
    complete(tmp_path, small(1))
    (tmp_path / "trackers.json").mkdir()  # so that it cannot be written
    run = complete(tmp_path, tracked())
    assert run.state.step == 10
    assert [call[0] for call in Fake.calls] == ["start"]
    assert len([each for each in run.notices if "cannot record" in each]) == 1


def test_a_training_that_stops_or_fails_says_so(tmp_path: Path) -> None:
    run = Run.open(tmp_path / "stopped", tracked())
    for report in run.training():
        if report.step == 6:
            break
    run.save(scored=False)
    run.close()
    assert [step for step, numbers in calls("metrics") if "d/real" in numbers][-1] == 6
    assert calls("finish") == [("stopped",)]
    run = Run.open(tmp_path / "failed", tracked())
    run.record = lambda report: 1 / 0  # type: ignore[assignment, method-assign, return-value]
    with pytest.raises(ZeroDivisionError):
        next(run.training())
    assert calls("finish")[1:] == [("failed",)]


def test_trackers_do_not_keep_a_run(tmp_path: Path) -> None:
    """A run whose last reference is gone releases its folder at once, without the garbage collector."""
    run = Run.open(tmp_path, tracked())
    next(run.training())
    gone = weakref.ref(run)
    gc.disable()
    try:
        del run
        assert gone() is None
    finally:
        gc.enable()


def test_a_run_that_goes_back_before_what_was_sent_is_another_run_of_the_tracker(tmp_path: Path) -> None:
    told: list[str] = []
    tracking = Tracking(tmp_path, ["fake"], to_dict(Config()), told.append, lambda *_: None)
    lines = [{"step": step, "d": {"real": 1.0}} for step in range(1, 5)]
    with tracking:
        tracking.follow(lines, 4)
        tracking.follow(lines[:2], 2)  # as policy.retry_nan does
        tracking.follow([*lines[:2], {"step": 3, "d": {"real": 2.0}}], 3)
    assert [earlier for _, _, earlier in calls("start")] == ["", ""]
    assert [step for step, _ in calls("metrics")] == [1, 2, 3, 4, 1, 2, 3]
    assert calls("finish") == [("failed",)]


@pytest.mark.parametrize("text", ["", "[]", '{"fake": 3}', '{"fake": {"id": "../../x"}}', '{"fake": {"lines": -1}}'])
def test_a_damaged_file_of_trackers_begins_a_new_run(text: str, tmp_path: Path) -> None:
    (tmp_path / "trackers.json").write_text(text)
    with Tracking(tmp_path, ["fake"], to_dict(Config()), lambda _: None, lambda *_: None):
        pass
    assert [earlier for _, _, earlier in calls("start")] == [""]
    assert json.loads((tmp_path / "trackers.json").read_text())["fake"]["id"] == "run1"


def test_an_id_is_plain() -> None:
    with pytest.raises(ValueError, match="names no run"):
        Sent(id="a/b")


@pytest.mark.parametrize("name", ["mlflow", "tensorboard", "trackio", "wandb"])
def test_a_missing_library_is_named_with_the_command_that_installs_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [each for each in sys.modules if each.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"ganache.runs.trackers.{name}", raising=False)
    monkeypatch.setitem(TRACKERS._entries, name, Lazy(f"ganache.runs.trackers.{name}:{name.capitalize()}"))
    with pytest.raises(MissingExtra, match=rf"tracker '{name}' needs .* pip install 'ganache\[{name}\]'"):
        new_trackers([name])


def test_an_unknown_tracker_is_noticed_before_the_data_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command("train", "nowhere", "--track", "wand", "-o", str(tmp_path / "run")) == 2
    assert "There is no tracker 'wand': did you mean 'wandb'?" in capsys.readouterr().err


def test_the_option_is_a_setting_and_settings_from_before_it_still_load() -> None:
    (request,) = parse_train(["faces", "--track", "wandb,mlflow"])
    assert request.config.record.track == ("wandb", "mlflow")
    old = to_dict(request.config)
    del old["record"]["track"]
    assert from_record(old).record.track == ()
    with pytest.raises(ConfigError):
        new_trackers(["no-such"])
