"""Automatic decisions of a run: they are logged, survive an interruption, and are the same each time."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from ganache.config.config import Config, from_dict
from ganache.core import checkpoint_file
from ganache.errors import ConfigError, TrainingError
from ganache.runs import policy
from ganache.runs.folder import best_checkpoints, checkpoints, find_checkpoint
from ganache.runs.run import Run
from ganache.training.state import Report

SMALL: dict[str, Any] = {
    "data": {"source": "ring8", "count": 200},
    "network": {"name": "mlp", "z_dim": 2, "hidden": 8, "layers": 1},
    "schedule": {"batch": 8, "steps": 12},
    "record": {"log_every": 1, "sample_every": 100, "samples": 4, "checkpoint_every": 1, "keep": 2},
}


def config(**policies: Any) -> Config:
    return from_dict({"policy": policies}, from_dict(SMALL))


def scores(monkeypatch: pytest.MonkeyPatch, of_step: dict[int, float], otherwise: float = 9.0) -> None:
    """Replace the scores of a run by given ones, by step."""
    monkeypatch.setattr(Run, "score", lambda run: of_step.get(run.state.step, otherwise))


def finished(folder: Path, settings: Config) -> Run:
    run = Run.open(folder, settings)
    list(run.training())
    run.finish()
    return run


def events(folder: Path) -> list[tuple[int, str]]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [(line["step"], line["event"]) for line in lines if "event" in line]


def same_bits(a: Path, b: Path) -> bool:
    one, two = (checkpoint_file.load(find_checkpoint(folder))[0] for folder in (a, b))
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_the_best_k_checkpoints_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores(monkeypatch, {2: 3.0, 5: 1.0, 7: 2.0})
    for keep, best in ((3, [5, 7, 2]), (1, [5]), (0, [])):
        folder = tmp_path / str(keep)
        finished(folder, config(keep_best=keep))
        kept = [int(path.stem) for path in checkpoints(folder)]
        assert kept == sorted({*best, 11, 12})
        assert [int(path.stem) for path in best_checkpoints(folder, 3)[: len(best)]] == best


def test_a_run_past_its_best_stops_and_stays_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores(monkeypatch, {3: 1.0, 4: 2.0})
    run = finished(tmp_path, config(stop_past_peak=32))
    assert run.state.step == 3 + 32 // 8
    assert "step 3 scored 1" in run.notices[-1]
    assert events(tmp_path) == [(7, "stop")]
    again = Run.open(tmp_path, config(stop_past_peak=32))
    assert list(again.training()) == []
    assert again.stop_reason in again.notices
    again.close()
    assert finished(tmp_path, config(stop_past_peak=33)).state.step == 8, "more patience, and it resumes"
    assert finished(tmp_path, config()).state.step == 12


def test_a_better_score_resets_the_patience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores(monkeypatch, {3: 2.0, 6: 1.0})
    assert finished(tmp_path, config(stop_past_peak=32)).state.step == 10


def test_a_checkpoint_without_a_score_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores(monkeypatch, {2: 1.0})
    settings = from_dict({"record": {"checkpoint_every": 2}}, config(stop_past_peak=24))
    for stop in (2, 5):  # at step 2 the score exists already and is kept
        run = Run.open(tmp_path, settings)
        assert next(report.step for report in run.training() if report.step == stop) == stop
        run.save(scored=False)
        run.close()
    assert finished(tmp_path, settings).state.step == 6, "the next scored one decides"


def test_a_run_in_which_nothing_forms_restarts_with_another_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def formed(score: float, blank: float) -> bool:
        tried.append(1)
        return len(tried) == 3

    monkeypatch.setattr(policy, "has_formed", formed)
    settings = config(restart_after=5)
    run = Run.open(tmp_path / "restarted", settings)
    steps = [report.step for report in run.training()]
    run.finish()
    assert steps == [*range(1, 6), *range(1, 6), *range(1, 13)]
    assert run.config.seed == 2000
    assert events(tmp_path / "restarted") == [(0, "restart"), (0, "restart")]
    lines = [line["step"] for line in run.log.lines if "d" in line]
    assert lines == list(range(1, 13)), "the log is that of the last attempt"
    assert "seed 1000" in run.notices[-1]
    assert "seed 2000" in run.notices[-1]
    finished(tmp_path / "plain", from_dict({"seed": 2000}, from_dict(SMALL)))
    assert same_bits(tmp_path / "restarted", tmp_path / "plain")


def test_a_restart_survives_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "has_formed", lambda score, blank: False)
    monkeypatch.setattr(policy, "MAX_RESTARTS", 2)
    settings = config(restart_after=5)
    finished(tmp_path / "whole", settings)
    for stop in (3, 5, 9, 14):  # in the first attempt, at its last step, in the second, in the third
        run = Run.open(tmp_path / "parts", settings)
        for _, _ in zip(range(stop), run.training(), strict=False):
            pass
        run.save(scored=False)
        run.close()
    run = finished(tmp_path / "parts", settings)
    assert run.restarts == 2
    assert run.config.seed == 2000
    assert events(tmp_path / "parts") == events(tmp_path / "whole") == [(0, "restart")] * 2 + [(5, "gave up")]
    assert same_bits(tmp_path / "whole", tmp_path / "parts")


def test_formed_images_are_closer_than_a_blank_image(tmp_path: Path) -> None:
    faces = {"data": {"source": "faces", "count": 20, "size": "16"}, "network": {"name": "dcgan", "width": 2}}
    run = Run.open(tmp_path, from_dict(faces))
    assert not run._has_formed(), "untrained"
    run.close()
    assert policy.has_formed(0.8, 1.0)
    assert not policy.has_formed(0.9, 1.0)
    assert not policy.has_formed(math.nan, 1.0)


@pytest.fixture
def breaks_at_7(monkeypatch: pytest.MonkeyPatch) -> None:
    """The critic's weights become NaN after step 7, unless the learning rates have been halved."""
    record = Run.record

    def broken(run: Run, report: Report) -> None:
        if report.step == 7 and run.state.lr_scale == 1:
            next(run.state.critic.parameters()).data.fill_(math.nan)
        record(run, report)

    monkeypatch.setattr(Run, "record", broken)


@pytest.mark.parametrize(("every", "back"), [(5, 5), (100, 0)])
@pytest.mark.usefixtures("breaks_at_7")
def test_nan_makes_the_run_go_back_with_halved_rates(every: int, back: int, tmp_path: Path) -> None:
    settings = from_dict({"record": {"checkpoint_every": every}}, config(retry_nan=True))
    run = Run.open(tmp_path / "whole", settings)
    steps = [report.step for report in run.training()]
    run.finish()
    assert steps == [*range(1, 8), *range(back + 1, 13)]
    assert run.state.lr_scale == 0.5
    assert run.state.g_optimiser.param_groups[0]["lr"] == settings.generator_optimiser.lr / 2
    assert events(tmp_path / "whole") == [(back, "retry")]
    assert f"went back to step {back}" in run.notices[-1]
    for stop in (6, 9):  # the checkpoint of step 6 is not used: an uninterrupted run does not have it
        part = Run.open(tmp_path / "parts", settings)
        assert next(report.step for report in part.training() if report.step == stop) == stop
        part.save(scored=False)
        part.close()
    finished(tmp_path / "parts", settings)
    assert finished(tmp_path / "parts", settings).state.lr_scale == 0.5
    assert same_bits(tmp_path / "whole", tmp_path / "parts")


@pytest.fixture
def breaks_always(monkeypatch: pytest.MonkeyPatch) -> None:
    record = Run.record

    def broken(run: Run, report: Report) -> None:
        if report.step == 7:
            next(run.state.critic.parameters()).data.fill_(math.nan)
        record(run, report)

    monkeypatch.setattr(Run, "record", broken)


@pytest.mark.usefixtures("breaks_always")
def test_it_goes_back_only_once_and_only_if_enabled(tmp_path: Path) -> None:
    run = Run.open(tmp_path / "asked", config(retry_nan=True))
    with pytest.raises(TrainingError):
        list(run.training())
    assert [event for _, event in events(tmp_path / "asked")] == ["retry", "non-finite"]
    run = Run.open(tmp_path / "unasked", config())
    with pytest.raises(TrainingError, match="retry-nan"):
        list(run.training())
    assert events(tmp_path / "unasked") == [(7, "non-finite")]


def test_policies_may_change_when_a_run_is_resumed_and_bad_values_are_refused(tmp_path: Path) -> None:
    finished(tmp_path, from_dict({"schedule": {"steps": 3}}, config()))
    changed = from_dict({"schedule": {"steps": 4}, "probe": {"share": 0.5}}, config(keep_best=4, retry_nan=True))
    assert finished(tmp_path, changed).state.step == 4
    for wrong, words in (
        ({"keep_best": -1}, "use 0 or more"),
        ({"stop_past_peak": 0}, "use 1 or more"),
        ({"restart_after": 0}, "use 1 or more"),
        ({"keep_best": 0, "stop_past_peak": 5}, "set it to 1 or more"),
    ):
        with pytest.raises(ConfigError, match=words):
            config(**wrong)
    with pytest.raises(ConfigError, match=r"probe\.share"):
        from_dict({"probe": {"share": 1.5}})
