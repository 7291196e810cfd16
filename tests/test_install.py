"""Installation: whatever the compiler does, ganache is installed, in bounded time."""

from __future__ import annotations

import runpy
import sys
import time
import types
from pathlib import Path
from typing import Any

import pytest

from ganache.fastconv.kernels import build

ROOT = Path(__file__).resolve().parents[1]
FOLDER = Path("src/ganache/fastconv/kernels")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are compiled on Linux")


class FakeHook:
    """The part of hatchling's class that the hook uses."""

    def __init__(self, root: Path) -> None:
        self.root, self.warnings = str(root), list[str]()
        self.app = types.SimpleNamespace(display_warning=self.warnings.append)


def install(root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], dict[str, Any]]:
    """Run the build hook on the checkout `root`; return (warnings, build data)."""
    names = ["hatchling", "hatchling.builders", "hatchling.builders.hooks", "hatchling.builders.hooks.plugin"]
    for name in names:
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    interface = types.ModuleType(f"{names[-1]}.interface")
    interface.BuildHookInterface = FakeHook  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    hook = runpy.run_path(str(ROOT / "hatch_build.py"))["Kernels"](root)
    data: dict[str, Any] = {}
    hook.initialize("standard", data)
    return hook.warnings, data


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the files that compiling needs, with an old kernel, and scripts that stand for compilers."""
    (tmp_path / FOLDER).mkdir(parents=True)
    for name in ("build.py", "version.py"):
        (tmp_path / FOLDER / name).write_bytes((ROOT / FOLDER / name).read_bytes())
    (tmp_path / FOLDER / "kernels.cpp").write_text("int x;")
    (tmp_path / FOLDER / "old.so").touch()
    scripts = {
        "writes": 'while [ "$1" != -o ]; do shift; done; echo done > "$2"',
        "reads": "cat",
        "hangs": "sleep 1000 & echo $! >> pids; wait",
        "second-hangs": 'case "$*" in *v4*) sleep 1000;; *) exit 1;; esac',
    }
    for name, text in scripts.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "compiler",
    [
        'c++ "', "'", "   ", "\\", "/nowhere/c++", "/", "false", "true", "./reads", "./second-hangs",
        "c++ --no-such-option", "\udcff", "sh -c 'kill -9 $$'",
    ],
)  # fmt: skip
def test_no_compiler_fails_the_installation(compiler: str, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", compiler)
    warnings, data = install(checkout, monkeypatch)
    assert len(warnings) == 1
    assert "installed without them" in warnings[0]
    assert data == {}
    assert [path.name for path in (checkout / FOLDER).glob("*.so")] == ["old.so"]


def test_compiled_kernels_replace_the_old_ones(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "./writes")
    warnings, data = install(checkout, monkeypatch)
    assert warnings == []
    assert data == {"pure_python": False, "infer_tag": True}
    names = {path.name.partition("-")[0] for path in (checkout / FOLDER).glob("*.so")}
    assert names == set(build.PROCESSORS)


def test_a_compiler_that_hangs_is_ended_with_what_it_started(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "./hangs")
    with pytest.raises(build.subprocess.TimeoutExpired):
        build.compile_kernels(checkout / FOLDER, limit=0.5)
    for pid in map(int, Path("pids").read_text().split()):
        for _ in range(100):
            if not is_running(pid):
                break
            time.sleep(0.05)
        assert not is_running(pid)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
