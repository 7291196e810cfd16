"""What is said of a run before it trains: its duration on this machine, and its memory."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from ganache.cli import main
from ganache.cli.expected import cost_or_reason, describe_memory, duration, forecast, memory
from ganache.config.config import from_dict, recipe
from ganache.config.recipes import read
from ganache.training import build
from ganache.training.forecast import Pace, measured_pace
from ganache.training.resolved import Resolved

SMALL = {"network": {"name": "mlp"}, "data": {"source": "ring8"}}


def with_budget(**schedule: object) -> Resolved:
    return build.resolve(from_dict({**SMALL, "schedule": {"critic_steps": 2, "batch": 10, **schedule}}))


def test_budgets_become_minutes_steps_and_passes() -> None:
    pace = Pace(step=2.0, critic_step=1.0)  # 3 seconds a step with two critic steps
    assert "about 5 minutes for 100 steps = 20.0 passes" in duration(with_budget(steps=100), pace, 100)
    assert "2 minutes, enough for about 40 steps = 8.0 passes" in duration(with_budget(minutes=2.0), pace, 100)
    assert "about a minute for 20 steps" in duration(with_budget(steps=20), pace, 100)
    assert "50 minutes for 1,000 steps, until you stop it" in duration(with_budget(), pace, None)


@pytest.mark.parametrize("critic_steps", [1, 3])
def test_measuring_changes_no_random_state_and_takes_real_steps(critic_steps: int) -> None:
    before, resolved = torch.get_rng_state(), with_budget(critic_steps=critic_steps)
    assert memory(resolved, (2,), 100, cost_or_reason(resolved, (2,)))
    pace = measured_pace(resolved, (2,))
    assert pace.step > 0
    assert torch.equal(torch.get_rng_state(), before)


def test_a_run_says_how_long_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image = pytest.importorskip("PIL.Image")
    monkeypatch.chdir(tmp_path)
    for i in range(12):
        (tmp_path / "pages").mkdir(exist_ok=True)
        Image.new("RGB", (16, 16), (20 * i, 0, 0)).save(tmp_path / "pages" / f"{i}.png")
    small = ["train", "pages", "--recipe", "faces-quick", "--size", "16", "--network.width", "4", "--batch", "4"]
    main([*small, "--steps", "12", "-o", "run"])
    said = capsys.readouterr().out
    assert "16x16, faces-quick: " in said
    assert "steps/s here" in said


def test_memory_that_is_not_free_is_said_with_what_to_do() -> None:
    said = describe_memory(9_000_000_000, 4_000_000_000)
    assert all(part in said for part in ("9.0 GB", "4.0 GB", "--size", "--schedule.batch"))


def test_doctor_and_dry_run_say_what_to_expect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (["doctor", "ring8"], ["train", "ring8", "--steps", "5", "--dry-run"]):
        main(command)
        said = capsys.readouterr().out
        assert " passes over the data" in said
        assert " GB" in said
    main(["doctor", "ring8", "--quick"])
    assert "passes" not in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


class Started:
    """What `forecast` reads of a run."""

    def __init__(self, speed: float | None, steps_done: int = 0, **settings: object) -> None:
        self.config = from_dict(settings, recipe("faces"))
        self.data = SimpleNamespace(image_shape=(3, 64, 64))
        self.log = SimpleNamespace(last={"images_per_second": speed} if speed is not None else None)
        self.state = SimpleNamespace(step=steps_done)

    def progress(self) -> tuple[float, float, str]:
        steps = self.config.schedule.steps
        return self.state.step, math.inf if steps is None else steps, "steps"


def test_a_run_says_its_speed_when_its_pictures_are_good_and_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    described = read("faces")
    monkeypatch.setattr("ganache.cli.expected.read", lambda name: replace(described, good_after=1_000))
    batch = recipe("faces").schedule.batch
    run: Any = Started(2.0 * batch, steps_done=400, schedule={"steps": 4_000})
    assert forecast(run) == "64x64, faces: 2 steps/s here, good pictures in about 5 minutes, done in about 30 minutes."
    run = Started(2.0 * batch, steps_done=1_000, schedule={"steps": None})
    assert forecast(run) == "64x64, faces: 2 steps/s here."
    run = Started(2.0 * batch, network={"width": 8}, schedule={"steps": None})  # nobody has looked at such a run
    assert forecast(run) == "64x64, faces: 2 steps/s here."
    assert forecast(cast("Any", Started(None))) == ""
