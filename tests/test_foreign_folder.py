"""Commands that are called in somebody else's folder neither run its modules nor obey its settings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from ganache.core import executors

WORKERS = """
import sys
from ganache.claims.running import measure
from ganache.core.executors import ProcessPool
if __name__ == "__main__":
    try:
        list(ProcessPool(1).run(measure, [("no claim", None, None)]))
    except KeyError as error:
        print("a worker looked for", error)
"""
SETTINGS = """
import os
from ganache.cli.environment import ignore_matplotlibrc
here = os.getcwd()
ignore_matplotlibrc()
import matplotlib
print(matplotlib.rcParams["text.usetex"], os.getcwd() == here)
"""


def run(code: str, script: Path, folder: Path) -> str:
    """Return what a new interpreter prints that runs a script in a folder."""
    script.write_text(code)
    return run_interpreter(folder, str(script))


def run_code(code: str, folder: Path) -> str:
    """Return what a new interpreter prints that runs code in a folder, without the packages that are installed."""
    return run_interpreter(folder, "-S", "-c", code)


def run_interpreter(folder: Path, *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_the_workers_of_claims_import_no_module_of_the_working_directory(tmp_path: Path) -> None:
    """Two new interpreters import PyTorch, which takes five seconds or more."""
    (tmp_path / "folder").mkdir()
    for name in ("pickle", "socket", "multiprocessing", "torch", "runpy"):
        (tmp_path / "folder" / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    assert run(WORKERS, tmp_path / "script.py", tmp_path / "folder") == "a worker looked for 'no claim'"
    assert not (tmp_path / "ran").exists()


def test_interpreters_that_workers_start_do_not_search_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pool:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def submit(self, *_: object) -> Future[str]:
            done: Future[str] = Future()
            done.set_result(run_code("import sys; print('' in sys.path)", tmp_path))
            return done

        def shutdown(self, **_: object) -> None:
            pass

    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    monkeypatch.setattr(executors, "ProcessPoolExecutor", Pool)
    assert run_code("import sys; print('' in sys.path)", tmp_path) == "True"
    assert list(executors.ProcessPool(1).run(print, [()])) == [(0, "False")]
    assert "PYTHONSAFEPATH" not in os.environ


@pytest.mark.skipif(os.name != "posix", reason="needs pipes")
@pytest.mark.parametrize(
    "create",
    [
        lambda path: path.write_text("text.usetex: True"),
        lambda path: path.write_bytes(b"\xff\xfe"),
        os.mkfifo,
        lambda path: path.symlink_to("/dev/zero"),
    ],
)
def test_the_settings_of_matplotlib_in_the_working_directory_are_not_read(
    create: Callable[[Path], Any], tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    create(tmp_path / "folder" / "matplotlibrc")
    assert run(SETTINGS, tmp_path / "script.py", tmp_path / "folder") == "False True"
