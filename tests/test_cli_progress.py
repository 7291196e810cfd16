"""What a command prints while it works: bars that end at 100 %, and nothing that a library says."""

from __future__ import annotations

import ast
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import run_command as run
from forked import run_ganache
from ganache.cli.progress import percentage
from ganache.core.progress import Bar

SOURCE = Path(__file__).resolve().parents[1] / "src" / "ganache"
TINY = ["--size", "16", "--batch", "4", "--network.width", "4", "--data.count", "30", "--record.samples", "4"]
TINY += ["--projected.weight", "0"]


@given(st.lists(st.just(0.0) | st.floats(1e-3, 40), min_size=1), st.floats(1, 100), st.booleans())
def test_no_bar_passes_its_end(amounts: list[float], total: float, reaches: bool) -> None:
    printed = io.StringIO()
    done = 0.0
    with Bar(total=total, file=printed, mininterval=0, miniters=0, bar_format="{percentage:3.0f}%|") as bar:
        for amount in amounts:
            done += amount
            bar.reach(done) if reaches else bar.update(amount)
    assert bar.n == pytest.approx(min(done, total))
    assert max(map(int, re.findall(r"(\d+)%", printed.getvalue())), default=0) <= 100
    assert percentage(done, total) in [f"{share}%, " for share in range(101)]


def test_every_bar_is_one_of_ours() -> None:
    for file in SOURCE.rglob("*.py"):
        modules = [node.module for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
        assert "tqdm" not in modules or file.name == "progress.py", file


def test_a_budget_that_is_passed_is_shown_as_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ganache.cli.progress.QUIET_SECONDS", -1.0)
    assert run("train", "faces", *TINY, "--images", "5", "--out", str(tmp_path / "a run")) == 0
    printed = capsys.readouterr().out
    assert "step 2, 100%, " in printed, "8 images of 5"
    commands = [line for line in printed.splitlines() if "ganache " in line]
    folder = f"'{tmp_path}/a run'"
    assert commands == [f"  ganache {word} {folder}" for word in ("sample", "explore")], "each is alone on its line"
    assert run("sample", str(tmp_path / "a run"), "-n", "1", "-o", str(tmp_path / "s.png")) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"  ganache render {folder} ")


NOISY = """
import logging, sys, warnings
warnings.warn("loud library", UserWarning)
warnings.warn("old library", DeprecationWarning)
warnings.warn_explicit("overflow", RuntimeWarning, "library.py", 1)
logging.getLogger("library").warning("loud logger")
"""


def test_our_own_warnings_reach_the_user(tmp_path: Path) -> None:
    code = "import warnings, ganache.errors\nwarnings.warn('This is so.', ganache.errors.GanacheWarning)\n"
    (tmp_path / "own.py").write_text(code)
    done = run_ganache("recipes", "gan-mlp", GANACHE_PLUGINS=str(tmp_path / "own.py"))
    assert (done.returncode, done.stderr) == (0, "ganache: This is so.\n")
    for path in SOURCE.rglob("*.py"):
        for call in path.read_text(encoding="utf-8").split("warnings.warn(")[1:]:
            is_fastconv = path.is_relative_to(SOURCE / "fastconv")  # which has a filter of its own
            assert "GanacheWarning" in call[:400] or is_fastconv, (
                f"{path}: the command line silences all other warnings"
            )


def test_no_warning_of_a_library_reaches_the_user(tmp_path: Path) -> None:
    (tmp_path / "noisy.py").write_text(NOISY)
    done = run_ganache("recipes", "gan-mlp", GANACHE_PLUGINS=str(tmp_path / "noisy.py"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "gan-mlp" in done.stdout
