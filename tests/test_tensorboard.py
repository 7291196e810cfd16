"""TensorBoard reads what a run recorded, and a file that cannot be written ends no run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from test_run import RECORD, complete, small

pytest.importorskip("tensorboard", reason="an optional library")
CONFIG = small(6, record=replace(RECORD, track=("tensorboard",)))


def events(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder / "tensorboard"))
    found.Reload()
    return found


def test_tensorboard_reads_numbers_pictures_and_texts(tmp_path: Path) -> None:
    complete(tmp_path, replace(CONFIG, schedule=replace(CONFIG.schedule, steps=4)))
    complete(tmp_path, CONFIG)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    found = events(tmp_path)
    numbers = [(each.step, each.value) for each in found.Scalars("d/real")]
    assert numbers == [(line["step"], pytest.approx(line["d"]["real"])) for line in lines]
    assert [each.step for each in found.Images("samples")] == [1, 2, 4, 6]
    assert found.Images("samples")[0].width > 48
    (settings,) = found.Tensors("settings")
    assert '"anime-article"' in settings.tensor_proto.string_val[0].decode()
    assert [each.step for each in found.Scalars("score")] == [4, 6]


def test_a_link_in_the_place_of_the_folder_ends_the_events_alone(tmp_path: Path) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    other.mkdir()
    complete(run, small(2))
    (run / "tensorboard").symlink_to(other)
    done = complete(run, CONFIG)
    assert done.state.step == 6
    assert list(other.iterdir()) == []
    assert len([each for each in done.notices if "tensorboard cannot record the run" in each]) == 1
