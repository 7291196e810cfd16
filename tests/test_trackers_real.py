"""What Weights & Biases, trackio and MLflow have recorded of a run that was killed and resumed, read back offline."""

from __future__ import annotations

import importlib.util
import json
import os
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

SCRIPT = """
import os, sys
from dataclasses import replace
sys.path.insert(0, sys.argv[1])
from test_run import RECORD, small
from ganache.config.sections import ProbeConfig
from ganache.runs.run import Run
config = small(10, record=replace(RECORD, track=(sys.argv[2],)), probe=ProbeConfig(share=1.0))
run = Run.open("mine", config)
for report in run.training():
    if report.step == int(sys.argv[3]):
        run.save()
        run.close()
        os._exit(0)
run.finish()
print(*run.notices)
"""
"""Train 10 steps with a tracker, or stop at another step."""
STEPS = list(range(1, 11))


def train(name: str, folder: Path, **variables: str) -> None:
    """Train with a tracker, in a folder of its own; skip the test without its library."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed: pip install 'ganache[{name}]'")
    for stop in (6, 0):
        words = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), name, str(stop)]
        own = os.environ | {"HOME": str(folder)} | variables
        done = subprocess.run(words, cwd=folder, env=own, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "cannot record" not in done.stdout


def log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "mine" / "log.jsonl").read_text().splitlines()]


def test_mlflow_has_the_run_in_its_data_base(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/mlflow.db"
    train("mlflow", tmp_path, MLFLOW_TRACKING_URI=address)
    from mlflow import MlflowClient

    client = MlflowClient(address)
    (experiment,) = client.search_experiments(filter_string="name = 'ganache'")
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == ("mine", "FINISHED")
    assert run.data.params["network.name"] == "anime-article"
    history = client.get_metric_history(run.info.run_id, "d/real")
    assert [(each.step, each.value) for each in history] == [
        (line["step"], line["d"]["real"]) for line in log(tmp_path)
    ]
    assert [each.step for each in client.get_metric_history(run.info.run_id, "score")] == [4, 6, 8, 10]
    pictures = [each.path for each in client.list_artifacts(run.info.run_id, "images") if each.path.endswith(".png")]
    assert len(pictures) == 6, "of the steps 1, 2, 4, 6, 8, 10"
    assert any(name.startswith("findings ") for name in run.data.tags)


def test_trackio_has_the_run_in_its_data_base(tmp_path: Path) -> None:
    train("trackio", tmp_path, TRACKIO_DIR=str(tmp_path / "trackio"))
    base = sqlite3.connect(tmp_path / "trackio" / "ganache.db")
    rows = [(step, json.loads(text)) for step, text in base.execute("select step, metrics from metrics order by id")]
    numbers = [(step, row["d/real"]) for step, row in rows if "d/real" in row]
    assert numbers == [(line["step"], line["d"]["real"]) for line in log(tmp_path)]
    assert [step for step, row in rows if "score" in row] == [4, 6, 8, 10]
    pictures = [row["samples"]["file_path"] for _, row in rows if "samples" in row]
    assert len(pictures) == 6
    assert all((tmp_path / "trackio" / "media" / path).is_file() for path in pictures)
    assert any("findings" in row for _, row in rows)
    (settings,) = {text for (text,) in base.execute("select config from configs")}
    assert json.loads(settings)["network"]["name"] == "anime-article"


def test_wandb_has_the_run_in_its_offline_files(tmp_path: Path) -> None:
    train("wandb", tmp_path, WANDB_MODE="offline")
    files = sorted((tmp_path / "mine" / "wandb").glob("offline-run-*/*.wandb"))
    assert len(files) == 2
    assert len({file.name for file in files}) == 1, "the same run goes on"
    found = [record for file in files for record in records(file)]
    rows = [values(record.history.item) for record in found if record.WhichOneof("record_type") == "history"]
    numbers = [(row["_step"], row["d/real"]) for row in rows if "d/real" in row]
    assert numbers == [(line["step"], line["d"]["real"]) for line in log(tmp_path)]
    assert [row["_step"] for row in rows if "score" in row] == [4, 6, 8, 10]
    pictures = [row["samples/path"] for row in rows if "samples/path" in row]
    assert len(pictures) == 6
    assert any("findings" in row for row in rows)
    started = [record.run for record in found if record.WhichOneof("record_type") == "run"]
    assert {(run.display_name, run.project, run.git.remote_url) for run in started} == {("mine", "ganache", "")}
    assert values(started[0].config.update)["network"]["name"] == "anime-article"
    assert [record.exit.exit_code for record in found if record.WhichOneof("record_type") == "exit"] == [0, 0]


def values(items: Any) -> dict[str, Any]:
    """Return the values of protocol items by name."""
    return {"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in items}


def records(path: Path) -> Iterator[Any]:
    """Yield the records of a .wandb file: LevelDB's log format, in blocks of 32 KiB, after 7 bytes of wandb's own."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, whole = path.read_bytes(), 7, b""
    assert content.startswith(b":W&B")
    while at + 7 <= len(content):
        if (room := 2**15 - at % 2**15) < 7:
            at += room
            continue
        _, size, kind = struct.unpack_from("<IHB", content, at)
        whole += content[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):  # a whole record, or the last part of one
            yield Record.FromString(whole)
            whole = b""
