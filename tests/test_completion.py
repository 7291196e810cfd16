"""Shells complete commands, options, values and files by the scripts that ganache writes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import run_command
from ganache.cli import commands
from ganache.cli import run_command as run_words
from ganache.cli.completion import MARK, place, script
from ganache.cli.help_page import Page, help_page

WORDS = ("train", "sample", "render")
CASES = (
    ("ganache tra", {"train", "traverse"}),
    ("ganache train --data.f", {"--data.fit", "--data.flip"}),
    ("ganache train --method.name wg", {"wgan", "wgan-gp"}),
    ("ganache train --track w", {"wandb"}),
    ("ganache sample --space ", {"w", "z"}),
    ("ganache sample ru", {"runs"}),
)
"""(what was typed, what completes it)."""


@pytest.fixture(scope="module")
def pages() -> dict[str, Page]:
    return {word: help_page(word, run_words) for word in (*WORDS, "traverse")}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "runs").mkdir()


def answers(*command: str, folder: Path) -> set[str]:
    """The last words that a shell printed, one per line."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return {line.split("\t")[0].strip().rstrip("/") for line in done.stdout.splitlines()} - {""}


@pytest.mark.parametrize(("typed", "expected"), CASES)
def test_bash(typed: str, expected: set[str], pages: dict[str, Page], tmp_path: Path) -> None:
    (tmp_path / "script").write_text(script("bash", pages))
    *before, last = typed.split(" ")
    words = " ".join(f"'{word}'" for word in (*before, last))
    ask = f'. ./script; COMP_WORDS=({words}); COMP_CWORD={len(before)}; _ganache; printf "%s\\n" "${{COMPREPLY[@]}}"'
    found = answers("bash", "--norc", "-c", ask, folder=tmp_path)
    assert found == (expected - {"runs"}), "bash itself completes files where there is nothing else"
    assert "-o default" in answers("bash", "--norc", "-c", ". ./script; complete -p ganache", folder=tmp_path).pop()


@pytest.mark.parametrize(("typed", "expected"), CASES)
def test_fish(typed: str, expected: set[str], pages: dict[str, Page], tmp_path: Path) -> None:
    (tmp_path / "script").write_text(script("fish", pages))
    assert answers("fish", "-c", f"source script; complete -C '{typed}'", folder=tmp_path) == expected


ZSH = """
fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D
compadd() { while [[ $1 == -* && $1 != -- ]]; do shift; done; shift; print -l -- "$@" }
_describe() { print -l -- "${(@)${(P)2}%%:*}" }
_files() { print -l -- * }
words=(%s); CURRENT=%d; . ./_ganache
"""
"""What zsh calls for a completion, with functions that print instead of its own."""


@pytest.mark.parametrize(("typed", "expected"), CASES)
def test_zsh(typed: str, expected: set[str], pages: dict[str, Page], tmp_path: Path) -> None:
    (tmp_path / "_ganache").write_text(script("zsh", pages))
    words = typed.split(" ")
    ask = ZSH % (" ".join(f"'{word}'" for word in words), len(words))
    found = answers("zsh", "-f", "-c", ask, folder=tmp_path)
    assert {word for word in found if word.startswith(words[-1])} == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_command_says_what_it_wrote_and_how_to_undo_it(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = commands("render")
    monkeypatch.setattr("ganache.cli.commands", lambda _: {"render": known["render"]})
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    assert run_command("--install-completion") == 0
    path = place(shell)
    assert "--no-average" in path.read_text() or "-l no-average" in path.read_text()
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"Written: {path}"
    assert said[-1].split() == ["rm", str(path)]
    assert run_command("--install-completion", shell) == 0, "an own file is replaced"
    path.write_text("somebody else's")
    assert run_command("--install-completion", shell) == 2
    assert "ganache has not written it" in capsys.readouterr().err
    assert path.read_text() == "somebody else's"


def test_another_shell_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SHELL", "/bin/sh")
    assert run_command("--install-completion") == 2
    assert "name one of bash, zsh and fish" in capsys.readouterr().err


def test_no_text_of_a_plugin_can_end_its_quotes() -> None:
    page = Page("", "It's `$(touch x)` here.", [])
    for shell in ("zsh", "fish"):
        assert MARK in script(shell, {"mine": page})
    assert "-d 'It\\'s `$(touch x)` here'" in script("fish", {"mine": page})
