"""What a GPU may take: flags of PyTorch's, set for the process, which need no GPU to be looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from ganache.evaluation.features.base import disable_tf32
from ganache.training.device import set_determinism


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = False


def test_repeatable_forbids_what_the_fastest_needs() -> None:
    set_determinism(torch.device("cuda"), deterministic_algorithms=True)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.benchmark
    set_determinism(torch.device("cuda"), deterministic_algorithms=False)
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cudnn.benchmark


def test_a_cpu_is_left_as_it_is() -> None:
    set_determinism(torch.device("cpu"), deterministic_algorithms=True)
    assert not torch.are_deterministic_algorithms_enabled()


def test_features_are_made_without_tf32_and_leave_the_flag_alone() -> None:
    before = torch.backends.cudnn.allow_tf32
    with disable_tf32():
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32 == before
