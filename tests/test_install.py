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
    """The part of hatchling's classes that the hooks use."""

    def __init__(self, root: Path) -> None:
        self.root, self.warnings = str(root), list[str]()
        self.app = types.SimpleNamespace(display_warning=self.warnings.append)


def hook(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the hook of this name in `hatch_build.py`, for the checkout `root`, without hatchling."""
    for kind, cls in (("builders.hooks", "BuildHookInterface"), ("metadata", "MetadataHookInterface")):
        words = f"hatchling.{kind}.plugin.interface".split(".")
        for end in range(1, len(words) + 1):
            monkeypatch.setitem(sys.modules, ".".join(words[:end]), types.ModuleType(words[end - 1]))
        setattr(sys.modules[".".join(words)], cls, FakeHook)
    return runpy.run_path(str(ROOT / "hatch_build.py"))[name](root)


def install(root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], dict[str, Any]]:
    """Run the build hook on the checkout `root`; return (warnings, build data)."""
    kernels = hook("Kernels", root, monkeypatch)
    data: dict[str, Any] = {}
    kernels.initialize("standard", data)
    return kernels.warnings, data


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
    for variable in ("GANACHE_KERNELS", "GANACHE_REQUIRE_KERNELS"):
        monkeypatch.delenv(variable, raising=False)
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
    assert data == {"pure_python": False, "tag": "py3-none-linux_x86_64", "artifacts": [f"{FOLDER}/*.so"]}
    names = {path.name.partition("-")[0] for path in (checkout / FOLDER).glob("*.so")}
    assert names == set(build.PROCESSORS)


def test_kernels_that_are_required_fail_the_build(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "false")
    monkeypatch.setenv("GANACHE_REQUIRE_KERNELS", "1")
    with pytest.raises(build.subprocess.CalledProcessError):
        install(checkout, monkeypatch)


def test_a_wheel_without_kernels_calls_no_compiler(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "./writes")
    monkeypatch.setenv("GANACHE_KERNELS", "off")
    assert install(checkout, monkeypatch) == ([], {})
    assert [path.name for path in (checkout / FOLDER).glob("*.so")] == ["old.so"]


@pytest.mark.parametrize("address", ["", "https://example.org/o/ganache/"])
def test_links_of_the_readme_have_the_address_of_the_repository(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = "![a](docs/a.webp) [b](docs/b.md#c), [d](https://example.org/d), [e](#e)\n"
    (tmp_path / "README.md").write_text(readme)
    monkeypatch.setenv("GANACHE_REPOSITORY", address)
    metadata: dict[str, Any] = {}
    hook("Page", tmp_path, monkeypatch).update(metadata)
    base = address.rstrip("/")
    expected = readme.replace("(docs/a", f"({base}/raw/HEAD/docs/a").replace("(docs/b", f"({base}/blob/HEAD/docs/b")
    assert metadata["readme"]["text"] == (expected if address else readme)
    assert metadata["urls"].get("Repository", "") == base


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
