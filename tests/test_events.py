"""TensorBoard's events are those of the log, and their errors end no run."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganache.runs.events import EventFile
from ganache.runs.log import Log, read

pytest.importorskip("tensorboard", reason="an optional library")


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return {tag: [(each.step, each.value) for each in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def line(step: int) -> dict[str, object]:
    return {"step": step, "d": {"real": step / 2}}


def test_tensorboard_reads_what_the_log_holds(tmp_path: Path) -> None:
    log = Log(tmp_path, 0)
    for step in (1, 2, 3, 4):
        log.write(line(step))
    assert scalars(tmp_path) == {"d/real": [(step, step / 2) for step in (1, 2, 3, 4)]} | {
        "step": [(step, float(step)) for step in (1, 2, 3, 4)]
    }
    resumed = Log(tmp_path, 2)  # as a run that goes back to the checkpoint of step 2
    resumed.write(line(3))
    assert [step for step, _ in scalars(tmp_path)["d/real"]] == [1, 2, 3]


def test_a_link_in_the_place_of_the_folder_ends_the_events_alone(tmp_path: Path) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    run.mkdir()
    other.mkdir()
    (run / "tensorboard").symlink_to(other)
    log = Log(run, 0)
    log.write(line(1))
    log.write(line(2))
    assert list(other.iterdir()) == []
    notices = [each["notice"] for each in read(run / "log.jsonl") if each.get("event") == "no events"]
    assert len(notices) == 1
    assert "TensorBoard's events cannot be written" in notices[0]
    with pytest.raises(OSError, match="it is a link"):
        EventFile(run, 0)
