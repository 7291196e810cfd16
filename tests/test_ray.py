"""Units of work on a Ray cluster of two nodes, of which one is lost. Needs the extra `cluster`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from ganache.claims import CLAIMS
from ganache.claims.claim import Settings
from ganache.claims.job import Job
from ganache.claims.running import run
from ganache.cli.train import train_command
from ganache.core import checkpoint_file
from ganache.core.executors import OneByOne, OnRay, chosen_executor
from ganache.errors import ConfigError
from ganache.runs.folder import find_checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


LOOPBACK = {"node_ip_address": "127.0.0.2"}
"""Where 127.0.0.1 is named, Ray connects to the machine's address in the network."""


@pytest.fixture
def cluster() -> Iterator[Any]:
    import ray
    from ray.cluster_utils import Cluster

    two = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **LOOPBACK})
    yield two
    ray.shutdown()
    two.shutdown()


def slow(folder: str, place: int) -> int:
    """Write that it began."""
    with open(f"{folder}/{place}", "a") as file:
        file.write("began\n")
    time.sleep(1.0)
    return place * place


def test_all_units_end_once_where_a_node_is_lost(cluster: Any, tmp_path: Path) -> None:
    import ray

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # the workers do not find this file
    lost = cluster.add_node(num_cpus=2, **LOOPBACK)
    executor = OnRay(cluster.address)
    assert executor.workers == 3
    found: dict[int, int] = {}
    for place, square in executor.run(slow, [(str(tmp_path), place) for place in range(12)]):
        assert place not in found, "none twice"
        found[place] = square
        if len(found) == 3:
            cluster.remove_node(lost)
    assert found == {place: place * place for place in range(12)}
    began = [len((tmp_path / str(place)).read_text().split()) for place in range(12)]
    assert max(began) > 1, "a unit ran on the node that was lost, and was run again"


def test_claims_on_ray_are_those_without(cluster: Any, tmp_path: Path) -> None:
    numbers = []
    for name, executor in (("here", OneByOne()), ("ray", OnRay(cluster.address))):
        job = Job.create(CLAIMS["clipping"], Settings(quick=True, seeds=1), tmp_path / name)
        run([job], tmp_path / name, lambda line: None, executor)
        numbers.append([each.numbers for each in job.measured()])
    assert numbers[0] == numbers[1]


def test_an_error_of_a_unit_is_raised_here(cluster: Any) -> None:
    executor = OnRay(cluster.address)
    with pytest.raises(ZeroDivisionError):
        list(executor.run(divmod, [(1, 0)]))


@pytest.mark.parametrize("words", [("cloud", None), ("ray://127.0.0.1:1", None), ("ray://nowhere", None), ("ray", 3)])
def test_what_the_user_can_mend_is_one_sentence(words: tuple[str, int | None]) -> None:
    with pytest.raises(ConfigError) as said:
        chosen_executor(*words)
    assert len(str(said.value).splitlines()) == 1


def test_runs_on_ray_are_those_without(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.add_node(num_cpus=2, **LOOPBACK)
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    words = [
        "ring8",
        "--recipe",
        "points",
        "--data.count",
        "60",
        "--network.hidden",
        "8",
        "--seeds",
        "3",
        "--steps",
        "8",
    ]
    for place, how in {"here": [], "ray": ["--on", "ray"]}.items():
        train_command([*words, "--out", str(tmp_path / place), *how])
    for name in ("ring8-points", "ring8-points-seed1", "ring8-points-seed2"):
        (here, _), (there, header) = (
            checkpoint_file.load(find_checkpoint(tmp_path / place / name)) for place in ("here", "ray")
        )
        assert header["step"] == 8
        assert all(torch.equal(here[key], there[key]) for key in here)


def test_more_than_the_cluster_has_is_refused(cluster: Any) -> None:
    with pytest.raises(ConfigError, match=r"Each task needs 0\.5 GPU, and the Ray cluster has 0 in all"):
        OnRay(cluster.address, gpus=0.5)
