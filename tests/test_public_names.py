"""The public names are those in `__all__`: sorted, importable, and imported lazily."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

import ganache
from ganache.cli import main
from ganache.fastconv import kernels
from ganache.fastconv.kernels import loading

ROOT = Path(__file__).parents[1]


def test_every_public_name_can_be_imported_and_the_list_is_sorted() -> None:
    upper = [name for name in ganache.__all__ if name.isupper()]
    types = [name for name in ganache.__all__ if not name.isupper() and name[0].isupper()]
    functions = [name for name in ganache.__all__ if name.islower()]
    assert ganache.__all__ == sorted(upper) + sorted(types) + sorted(functions)
    for name in ganache.__all__:
        assert getattr(ganache, name).__doc__ or name.isupper()
    assert {name for names in ganache._HOMES.values() for name in names} == set(ganache.__all__)


def test_the_command_line_imports_no_heavy_library_at_the_start() -> None:
    script = "import sys, ganache.cli; print(sorted({'torch', 'numpy', 'PIL', 'matplotlib'} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_the_command_prints_the_versions_and_the_kernels(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ganache.__version__ == version("ganache")
    main(["--version"])
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == f"ganache {ganache.__version__}"
    assert f"Python {platform.python_version()}, PyTorch {torch.__version__}" in second
    loaded = kernels.library()
    expected = "none, PyTorch computes the convolutions" if loaded is None else Path(loaded._name).name.split("-")[0]
    assert third == f"kernels: {expected}"
    monkeypatch.setattr(loading, "library", lambda: None)
    main(["--version"])
    assert "kernels: none" in capsys.readouterr().out


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "src" / "ganache" / "py.typed").exists()
