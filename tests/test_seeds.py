"""The range of seeds is the same wherever a seed is given, and no two seeds become one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from conftest import run_command
from ganache import recipe
from ganache.config.config import from_dict
from ganache.core.seeds import MAX_SEED
from ganache.data import Stream, load
from ganache.errors import ConfigError
from ganache.functional import latents
from ganache.lab.points import Kept, parse_point, point_from_json
from ganache.lab.serialisation import from_dict as request
from ganache.runs.policy import next_seed
from ganache.training.loop import step_seed
from ganache.types import Prior

GIVEN: dict[str, Callable[[int], object]] = {
    "settings": lambda seed: from_dict({"seed": seed}),
    "recipe": lambda seed: recipe("gan-mlp", seed=seed),
    "latent on the command line": lambda seed: parse_point(str(seed)),
    "latent in JSON": lambda seed: point_from_json([3, seed]),
    "kept latent": lambda seed: Kept("x", seeds=(seed,)),
    "request": lambda seed: request({"kind": "sample", "seed": seed}),
    "points of a request": lambda seed: request({"kind": "walk", "points": [1, seed]}),
    "drawn data": lambda seed: load("ring8", count=10, seed=seed),
}


@pytest.mark.parametrize("seed", [-1, 2**63, 2**64, 2**64 + 1, 10**29])
@pytest.mark.parametrize("where", GIVEN)
def test_seeds_out_of_range_are_refused(where: str, seed: int) -> None:
    with pytest.raises(ConfigError, match=r"is no seed|seed is"):
        GIVEN[where](seed)


@pytest.mark.parametrize("where", GIVEN)
def test_large_seeds_are_accepted(where: str) -> None:
    for seed in (0, 2**53 + 1, MAX_SEED - 200_000):
        GIVEN[where](seed)


def test_neighbouring_large_seeds_differ() -> None:
    pairs = [(2**53, 2**53 + 1), (MAX_SEED - 1, MAX_SEED)]
    points = load("ring8", count=64)
    for a, b in pairs:
        z = latents.from_seeds(Prior(4), [a, b])
        assert not torch.equal(z[0], z[1])
        assert step_seed(a, 0) != step_seed(b, 0)
        assert not torch.equal(Stream(points, 8, seed=a)[0], Stream(points, 8, seed=b)[0])
        drawn = [load("ring8", count=8, seed=seed).images for seed in (a, b)]
        assert not np.array_equal(*drawn)


def test_seeds_that_follow_stay_in_range(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 <= next_seed(MAX_SEED) <= MAX_SEED
    words = ("train", "ring8", "--recipe", "gan-mlp", "--steps", "1", "--dry-run")
    for more in (
        ("--seed", str(MAX_SEED), "--seeds", "2"),
        ("--seeds", "0"),
        ("--seeds", str(10**30)),
        ("--seed", str(2**64)),
    ):
        assert run_command(*words, *more) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert run_command("claims", "--seeds", str(10**30)) == 2
