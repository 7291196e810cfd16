"""What the command sets before PyTorch loads: threads within the quota of a container."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganache.cli import environment
from ganache.cli.environment import compute_within_quota, cores_of_quota

V1, V2 = "4:cpu,cpuacct:/docker/a\n3:memory:/docker/a\n", "0::/user/a\n"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        (V2, {}, None),
        (V2, {"user/a/cpu.max": "max 100000\n"}, None),
        (V2, {"user/a/cpu.max": "200000 100000\n"}, 2),
        (V2, {"user/a/cpu.max": "150000 100000\n"}, 2),
        (V2, {"user/a/cpu.max": "1000 100000\n"}, 1),
        (V2, {"user/a/cpu.max": "max 100000\n", "user/cpu.max": "300000 100000\n"}, 3),
        (V2, {"cpu.max": "400000 100000\n"}, 4),
        (V2, {"user/a/cpu.max": "what\n"}, None),
        (V1, {"cpu/docker/a/cpu.cfs_quota_us": "-1\n", "cpu/docker/a/cpu.cfs_period_us": "100000\n"}, None),
        (V1, {"cpu/docker/a/cpu.cfs_quota_us": "250000\n", "cpu/docker/a/cpu.cfs_period_us": "100000\n"}, 3),
        (V1, {"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        (V1, {"cpu.max": "100000 100000\n"}, None),
        ("", {"cpu.max": "100000 100000\n"}, None),
    ],
)
def test_cores_of_a_quota(own: str, files: dict[str, str], expected: int | None, tmp_path: Path) -> None:
    write(tmp_path, {"own": own, **{f"groups/{name}": text for name, text in files.items()}})
    assert cores_of_quota(tmp_path / "groups", tmp_path / "own") == expected


def test_without_control_groups_there_is_no_quota(tmp_path: Path) -> None:
    assert cores_of_quota(tmp_path, tmp_path / "missing") is None


@pytest.mark.parametrize(("quota", "given", "expected"), [(None, None, None), (1, None, "1"), (1, "7", "7")])
def test_threads_stay_within_the_quota(
    quota: int | None, given: str | None, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "cores_of_quota", lambda: quota)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if given:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    compute_within_quota()
    assert os.environ.get("OMP_NUM_THREADS") == expected


def test_a_quota_above_the_cores_is_no_reason_for_more_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "cores_of_quota", lambda: 10_000)
    monkeypatch.setenv("OMP_NUM_THREADS", "")  # so that the value of before comes back
    monkeypatch.delenv("OMP_NUM_THREADS")
    compute_within_quota()
    assert int(os.environ["OMP_NUM_THREADS"]) == len(os.sched_getaffinity(0))
