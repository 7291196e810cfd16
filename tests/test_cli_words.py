"""Every command, by its words: what `--help` prints, how mistakes are answered, and commands that can be copied."""

from __future__ import annotations

import ast
import contextlib
import io
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import run_command as run
from ganache import cli
from ganache.cli.text import LONGEST

SOURCE = Path(__file__).resolve().parents[1] / "src" / "ganache"
WORDS = ["train", *(word for word in cli.commands(None) if word != "train")]
WIDTH = 100


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    """What `--help` of each command prints on a terminal of WIDTH columns, with boxes."""
    texts = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(WIDTH))
        for word in WORDS:
            printed = io.TextIOWrapper(io.BytesIO(), "utf-8")
            with contextlib.redirect_stdout(printed):
                assert run(word, "--help") == 0
            printed.seek(0)
            texts[word] = printed.read()
    return texts


@pytest.mark.parametrize("word", WORDS)
def test_the_help_names_its_values_and_has_no_empty_defaults(word: str, helps: dict[str, str]) -> None:
    text = helps[word]
    assert text.startswith(f"usage: ganache {word} ")
    assert not re.search(r"\bSTR\b", text.partition("options")[0]), "a positional is named as in the pages"
    for wrong in ("(default: )", "(default: '')", "(default: None)", "{None}", "[["):
        assert wrong not in text


@pytest.mark.parametrize("word", WORDS)
def test_no_sentence_of_the_help_is_cut_by_a_line_end(word: str, helps: dict[str, str]) -> None:
    """A line of the box that ends within a sentence has no room for the first word of the next line."""
    lines = [line[2:-2].rstrip() for line in helps[word].splitlines() if line.startswith("│")]
    for line, following in itertools.pairwise(lines):
        if (
            following.strip()
            and not line.endswith((".", ")", ":"))
            and not {line.strip()[:1], following.strip()[:1]} & {"-", "─", ""}
        ):
            assert len(line) + 1 + len(following.split()[0]) > WIDTH - 4, f"{line} / {following}"


def test_an_option_that_cannot_be_used_is_not_shown(helps: dict[str, str]) -> None:
    assert "--data.source" not in helps["train"]
    assert "--data.size" in helps["train"]


def test_the_list_of_commands_has_a_sentence_on_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    lines = capsys.readouterr().out
    for word in WORDS:
        assert re.search(rf"^  {word} +[A-Z].*", lines, re.MULTILINE), word


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ([], "No command is given"),
        (["trian"], "There is no command 'trian': did you mean 'train'?"),
        (["qqq"], "There is no command 'qqq': see  ganache --help"),
        (["--verison"], "There is no option '--verison': did you mean '--version'?"),
        (["train"], "DATA is required: write  ganache train DATA"),
        (["name"], "RUN is required: write  ganache name RUN"),
        (["sample", "x", "--sed", "1"], "There is no option '--sed': did you mean '--seed'"),
        (["sample", "x", "--seed"], "--seed needs a value"),
        (["sample", "x", "--seed", "a"], "--seed: 'a' is not a whole number"),
        (["sample", "x", "--std", "a"], "--std: 'a' is not a number"),
        (["walk", "x", "--way", "slurp"], "--way is 'slurp': did you mean 'slerp'"),
        (["diagnose", "a", "b"], "'b' is one word too many"),
        (["train", "faces", "--data.flip", "maybe"], "--data.flip is 'maybe': choose one of: False, True."),
        (["train", "faces", "--recipe"], "--recipe needs a value"),
        (["train", "faces", "--record.keep-steps", "1", "b"], "--record.keep-steps: 'b' is not a whole number"),
        (["train", "faces", "--schedule.minutes", "none"], "--schedule.minutes: 'none' is not a number"),
    ],
)
def test_a_mistake_is_one_plain_sentence(words: list[str], answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"ganache: {answer}")
    assert printed.err.count("\n") == 1
    assert printed.err.isascii(), "no boxes"


HOSTILE = "\x1b[31m" + "x" * 300 + "\x07"


@pytest.mark.parametrize(
    "words",
    [
        [HOSTILE],
        [f"--{HOSTILE}"],
        ["train", HOSTILE],
        ["train", "faces", f"--data.size={HOSTILE}"],
        ["train", "faces", "--recipe", HOSTILE],
        ["train", "faces", "--data.fit", HOSTILE],
        ["train", "faces", "--seed", HOSTILE],
        *([word, HOSTILE, HOSTILE] for word in ("sample", "render", "diagnose", "invert", "name", "evaluate")),
        ["sample", "x", "-o", HOSTILE],
        ["sample", "x", f"--{HOSTILE}=1"],
        ["walk", "x", "--points", HOSTILE],
        ["doctor", HOSTILE],
        ["recipes", HOSTILE],
        ["claims", HOSTILE],
        ["claims", "--data", HOSTILE],
    ],
    ids=lambda words: " ".join(words).replace(HOSTILE, "HOSTILE"),
)
def test_a_word_is_printed_back_short_and_without_control_characters(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.rstrip("\n").isprintable()
    assert "x" * (LONGEST + 1) not in error


@pytest.mark.parametrize(
    "words",
    [
        ["diagnose", "~/nowhere"],
        ["sample", "~/nowhere@2000"],
        ["doctor", "~/nowhere"],
        ["train", "~/nowhere"],
        ["train", "faces", "--recipe=~/nowhere.toml"],
        ["train", "faces", "--recipe", "~/nowhere.toml"],
        ["render", "x", "~/nowhere.json"],
        ["sample", "x", "--out=~/nowhere"],
        ["sample", "x", "-o", "~/nowhere"],
    ],
    ids=" ".join,
)
def test_the_home_folder_is_found_in_every_word(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setattr("ganache.cli.text.LONGEST", 10_000)
    assert run(*words) == 2
    error = capsys.readouterr().err
    assert str(home / "nowhere") in error
    assert "~" not in error


def test_python_m_runs_the_same_commands() -> None:
    command = [sys.executable, "-m", "ganache", "trian"]
    ended = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert (ended.returncode, ended.stderr) == (2, "ganache: There is no command 'trian': did you mean 'train'?\n")


def test_no_command_for_the_user_is_built_without_quotes() -> None:
    """A message with a command and a value in it, such as f"ganache sample {folder}", would break for other names."""
    fixed = {"prog"}
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.JoinedStr):
                continue
            for text, value in zip(node.values, node.values[1:], strict=False):
                if isinstance(text, ast.Constant) and re.search(r"ganache [a-z-]+ ([^.:`]* )?$", str(text.value)):
                    assert isinstance(value, ast.FormattedValue)
                    assert ast.unparse(value.value) in fixed, f"{file.name}:{node.lineno}: use cli.text.command"


BOM = b"\xef\xbb\xbf"


def test_text_files_of_the_user_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    from ganache.cli.name import read_vector
    from ganache.cli.render import read_request
    from ganache.config.recipes import read
    from ganache.runs.folder import read_names

    (tmp_path / "mine.toml").write_bytes(BOM + b'title = "Mine"\n[schedule]\nsteps = 5\n')
    (tmp_path / "request.json").write_bytes(BOM + b'{"kind": "sample", "n": 9}')
    (tmp_path / "vector.json").write_bytes(BOM + b"[1, 2.5]")
    (tmp_path / "names.json").write_bytes(BOM + b'{"smiling": {"seeds": [3]}}')
    assert read(str(tmp_path / "mine.toml")).title == "Mine"
    assert read_request(str(tmp_path / "request.json")).n == 9  # type: ignore[attr-defined]
    assert read_vector(str(tmp_path / "vector.json")) == (1.0, 2.5)
    assert list(read_names(tmp_path)) == ["smiling"]
