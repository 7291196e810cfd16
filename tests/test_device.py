"""The device, its number format, and process-wide settings. None of it needs a GPU."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ganache.config.config import Config, from_dict
from ganache.config.sections import PrecisionConfig
from ganache.errors import ConfigError
from ganache.evaluation.features.base import disable_tf32
from ganache.training import build
from ganache.training.device import choose_compute_dtype, choose_device, set_determinism

CPU = torch.device("cpu")
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


# ---- the device and its dtype --------------------------------------------------------------------------------------


def test_auto_prefers_cuda_then_mps_then_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    for cuda, mps, expected in ((True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda cuda=cuda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda mps=mps: mps)
        assert choose_device("auto").type == expected
    with pytest.raises(ConfigError, match="device is 'cuda', which PyTorch does not find on this machine: use cpu"):
        choose_device("cuda")


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"avx512_f": True, "avx2": True}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_auto_takes_bfloat16_if_the_processor_supports_it(
    capabilities: dict[str, bool], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert choose_compute_dtype(PrecisionConfig(), CPU) is expected
    assert choose_compute_dtype(PrecisionConfig("float32"), CPU) is torch.float32
    assert choose_compute_dtype(PrecisionConfig("bfloat16"), CPU) is torch.bfloat16


def test_the_device_is_chosen_once_per_run(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def choose(name: str) -> torch.device:
        calls.append(name)
        return CPU

    monkeypatch.setattr(build, "choose_device", choose)
    resolved = build.resolve(from_dict({"data": {"source": "ring8", "count": 50}, "network": {"name": "mlp"}}))
    data = build.load_dataset(resolved)
    build.state(resolved, data.image_shape), build.stream(resolved, data), build.plan(resolved)
    assert calls == ["auto"]
    assert resolved.with_seed(5).config == from_dict({"seed": 5}, resolved.config)


def test_precision_is_a_context_of_the_resolved_dtype() -> None:
    for compute, expected in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        resolved = build.resolve(Config(device="cpu", precision=PrecisionConfig(compute)))  # type: ignore[arg-type]
        with resolved.precision():
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is expected


# ---- settings of the process ---------------------------------------------------------------------------------------


@pytest.fixture
def _flags_restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = False


@pytest.mark.usefixtures("_flags_restored")
def test_deterministic_algorithms_exclude_benchmarking() -> None:
    set_determinism(torch.device("cuda"), deterministic_algorithms=True)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.benchmark
    set_determinism(torch.device("cuda"), deterministic_algorithms=False)
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cudnn.benchmark


@pytest.mark.usefixtures("_flags_restored")
def test_nothing_is_set_for_a_cpu() -> None:
    set_determinism(CPU, deterministic_algorithms=True)
    assert not torch.are_deterministic_algorithms_enabled()


def test_features_are_computed_without_tf32_and_the_flag_is_restored() -> None:
    before = torch.backends.cudnn.allow_tf32
    with disable_tf32():
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32 == before


PROGRAM = """
import torch
from ganache.training.device import keep_freed_memory

def kilobytes(name):
    lines = open("/proc/self/smaps_rollup")
    return int(next(line for line in lines if line.startswith(name)).split()[1])

assert keep_freed_memory()
before = kilobytes("Rss")
x = torch.ones(2**24)
print(kilobytes("AnonHugePages"), kilobytes("Rss") - before)
del x
print(kilobytes("AnonHugePages"), kilobytes("Rss") - before)
"""


@pytest.mark.skipif(
    not HUGE_PAGES.exists() or "[never]" in HUGE_PAGES.read_text(), reason="this system has no huge pages"
)
def test_freed_memory_is_kept_in_huge_pages_and_no_more_is_taken() -> None:
    printed = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    for line in printed.splitlines():
        huge, resident = map(int, line.split())
        assert huge >= 2**16 - 2**12  # KiB: the tensor, except for its ends
        assert 2**16 <= resident + 2**10 <= 2**16 + 2**13
