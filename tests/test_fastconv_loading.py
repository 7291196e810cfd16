"""Kernels of another version of the source are never used, and never silently missing."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ganache.fastconv import kernels
from ganache.fastconv.kernels import loading
from ganache.fastconv.kernels.version import version


@pytest.fixture
def edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the kernels' folder whose header was edited after the kernels were compiled."""
    folder = tmp_path / "kernels"
    shutil.copytree(loading.FOLDER, folder)
    before = version(folder)
    for processor in ("avx2", "avx512", "avx512_bf16", "default"):
        (folder / f"{processor}-{before}.so").touch()
    with (folder / "vectors.h").open("a") as header:
        header.write("// edited\n")
    assert version(folder) != before
    monkeypatch.setattr(loading, "FOLDER", folder)
    monkeypatch.delenv(loading.REQUIRED, raising=False)
    monkeypatch.delenv("GANACHE_KERNELS", raising=False)
    kernels.library.cache_clear()
    yield folder
    kernels.library.cache_clear()


@pytest.mark.usefixtures("edited")
def test_kernels_of_another_source_warn_once() -> None:
    with pytest.warns(UserWarning, match=r"run `python -m ganache\.fastconv\.kernels\.build`"):
        assert kernels.library() is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kernels.library() is None


def test_a_file_that_does_not_load_is_named_with_the_reason(edited: Path) -> None:
    for processor in ("avx2", "avx512", "avx512_bf16", "default"):
        (edited / f"{processor}-{version(edited)}.so").write_text("no kernels")
    with pytest.warns(UserWarning, match=r"did not load \(.*(invalid ELF header|file too short)\)"):
        assert kernels.library() is None


def test_a_processor_for_which_none_are_compiled_gets_no_warning(edited: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (edited / f"avx2-{version(edited)}.so").touch()
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kernels.library() is None
        assert kernels.processor() is None


@pytest.mark.usefixtures("edited")
def test_kernels_that_are_required_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(loading.REQUIRED, "1")
    with pytest.raises(ImportError, match=r"GANACHE_REQUIRE_KERNELS is set: run `python -m"):
        kernels.library()


@pytest.mark.usefixtures("edited")
def test_kernels_that_are_switched_off_are_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANACHE_KERNELS", "off")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kernels.library() is None


AS_OLDER = """
from ganache.cli.environment import check_environment
check_environment()
import torch
from ganache.fastconv import kernels
library = kernels.library()
print(torch.backends.cpu.get_cpu_capability(), library and library._name, kernels.cpu_has("avx512_bf16", "amx_bf16"))
"""


@pytest.mark.skipif(torch.backends.cpu.get_cpu_capability() != "AVX512", reason="needs a processor with AVX-512")
@pytest.mark.parametrize("level", ["avx2", "avx512"])
def test_an_older_processor_can_be_imitated(level: str) -> None:
    environment = os.environ | {"GANACHE_KERNELS": level}
    told = subprocess.run([sys.executable, "-c", AS_OLDER], env=environment, capture_output=True, text=True, check=True)
    capability, name, has_bfloat16 = told.stdout.split()
    assert (capability.lower(), has_bfloat16) == (level, "False")
    assert name == "None" or Path(name).name.startswith(f"{level}-")


def test_without_any_compiled_file_there_is_no_warning(edited: Path) -> None:
    for file in edited.glob("*.so"):
        file.unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kernels.library() is None


@pytest.mark.usefixtures("edited")
def test_tests_of_kernels_fail_where_kernels_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are skipped without the variable."""
    file = str(Path(__file__).with_name("test_fastconv_kernels.py"))
    with pytest.warns(UserWarning, match="kernels"):
        mark = runpy.run_path(file)["pytestmark"]
    assert (mark.name, mark.args) == ("skipif", (True,))
    monkeypatch.setenv(loading.REQUIRED, "1")
    kernels.library.cache_clear()
    with pytest.raises(ImportError, match=loading.REQUIRED):
        runpy.run_path(file)
