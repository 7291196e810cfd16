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
from ganache.cli.layout import FIRST_COMMANDS, GROUPS, grouped
from ganache.cli.other_tools import COMMANDS, OPTIONS, plain
from ganache.cli.parsing import option_names
from ganache.cli.text import LONGEST
from ganache.cli.train_help import option_rows
from ganache.config.config import from_recipe, name_of
from ganache.config.recipes import names

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
                assert run(word, "--help-all") == 0
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


@pytest.mark.parametrize("columns", [40, 80])
def test_no_word_of_a_description_is_broken_by_a_narrow_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for words in (["evaluate", "--help"], ["train", "--help"], ["train", "--help-all"], ["--help"], []):
        assert run(*words) == 0
        text = re.split(r".*(?:positional arguments|\.\.\.ments)", capsys.readouterr().out)[0]
        free = [line for line in text.splitlines() if not line.startswith("usage")]
        assert max(map(len, free)) <= columns
        assert not any(line.endswith("-") for line in free), "--help-all stays whole"


def test_without_a_command_ten_lines_tell_where_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert len(lines) == 10
    assert [line.split()[1] for line in lines[1:4]] == ["train", "watch", "explore"]
    assert [line.split()[0] for line in lines[4:9]] == list(GROUPS)
    assert "ganache --version" in lines[9]
    listed = [name for names in grouped(WORDS).values() for name in names]
    assert sorted(listed) == sorted(WORDS), "each command is in one group"
    assert grouped([*WORDS, "mine"])["explore"][-1] == "mine", "a plugin's"
    for command, _ in FIRST_COMMANDS:
        assert command.split()[1] in WORDS


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["faces"], ["Default: faces", "64 with this recipe", "Default: 32", "6,000 if no other", "runs/faces-faces"]),
        (["faces", "--recipe", "wgan-gp"], ["Default: wgan-gp", "Default: 64.", "10,000", "runs/faces-wgan-gp"]),
        (["--recipe=faces-quick,dcgan"], ["recipe faces-quick"]),
        (["ring8"], ["recipe points", "runs/ring8-points"]),
    ],
    ids=lambda words: " ".join(words)[:20],
)
def test_the_help_of_train_spells_out_what_is_taken(
    words: list[str], expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", *words, "--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in expected:
        assert part in text
    assert len(re.findall(r" --[a-z.-]+(?: [A-Z]+)? [A-Z]", text)) <= 16, "a dozen options and a few"


def test_every_default_in_the_short_help_is_that_of_the_settings() -> None:
    for name in names():
        rows = dict(option_rows("faces", name))
        config = from_recipe(name)
        assert rows["--batch N"].endswith(f"Default: {config.schedule.batch}.")
        assert rows["--method.name NAME"].endswith(f"Default: {name_of('method', config.method)}.")
        assert rows["--recipe RECIPE"].endswith(f"Default: {name}.")
        if "--size SIZE" in rows:
            assert f"Default: {config.data.size or 'the size'}" in rows["--size SIZE"]
            assert f"Default: {config.data.flip}" in rows["--data.flip BOOL"]
        for option, limit in (("--steps N", config.schedule.steps), ("--images N", config.schedule.images)):
            assert ("if no other limit" in rows[option]) == (limit is not None)


def test_the_list_of_commands_has_a_sentence_on_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    lines = capsys.readouterr().out
    for word in WORDS:
        assert re.search(rf"^  {word} +[A-Z].*", lines, re.MULTILINE), word


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["trian"], "There is no command 'trian': did you mean 'train'?"),
        (["qqq"], "There is no command 'qqq': see  ganache --help"),
        (["--verison"], "There is no option '--verison': did you mean '--version'?"),
        (["train"], "DATA is required: write  ganache train DATA"),
        (["name"], "RUN is required: write  ganache name RUN"),
        (["sample", "x", "--sed", "1"], "There is no option '--sed': did you mean '--seed'"),
        (["sample", "x", "--seed"], "--seed needs a value"),
        (["doctor", "x", "--data.range", "1"], "--data.range needs 2 values"),
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


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["generate", "x"], "There is no command 'generate': write  ganache sample"),
        (["fit"], "There is no command 'fit': write  ganache train"),
        (["predict"], "There is no command 'predict': write  ganache sample"),
        (["eval", "x"], "There is no command 'eval': did you mean 'evaluate'?"),
        (["dataset"], "There is no command 'dataset': write  ganache doctor"),
        (["neighbors", "x"], "There is no command 'neighbors': did you mean 'neighbours'?"),
        (["help"], "There is no command 'help': write  ganache --help"),
        (["-v"], "There is no option '-v': write  ganache --version"),
        (["train", "faces", "--epochs", "10"], "There is no option '--epochs': write  --images N, --steps N or"),
        (["train", "--epochs", "10"], "There is no option '--epochs': write  --images N, --steps N or"),
        (["train", "faces", "--batchsize", "8"], "There is no option '--batchsize': write  --batch N."),
        (["train", "faces", "--batch_size=8"], "There is no option '--batch_size': write  --batch N."),
        (["train", "faces", "--gpu", "0"], "There is no option '--gpu': write  --device cuda."),
        (["train", "faces", "--lr", "1e-4"], "There is no option '--lr': write  --generator-optimiser.lr and"),
        (["train", "faces", "--device", "cuda:0"], "--device is 'cuda:0': did you mean 'cuda'?"),
        (["train", "--dataroot", "x"], "There is no option '--dataroot': name the data without a flag"),
        (["train", "faces", "--resume"], "There is no option '--resume': leave it out"),
        (
            ["train", "faces", "--boost-first", "3"],
            "There is no option '--boost-first': write  --schedule.boost-first.",
        ),
        (["train", "faces", "--method.name", "WGAN_GP"], "There is no method 'WGAN_GP': did you mean 'wgan-gp'?"),
        (["train", "faces", "--recipe", "DCGAN"], "There is no recipe 'DCGAN': did you mean 'dcgan'?"),
        (["sample", "x", "--num-images", "4"], "There is no option '--num-images': write  -n N."),
        (["sample", "x", "--truncation", "1"], "There is no option '--truncation': write  --std NUMBER."),
        (["picture", "x", "--seed", "3"], "There is no option '--seed': write  --points N, where a number is the seed"),
        (["walk", "x", "--seeds", "3"], "There is no option '--seeds': write  --points N, where a number is the seed"),
        (["traverse", "x", "--dim", "3"], "There is no option '--dim': write  --dimension N."),
        (["picture", "x", "--dim", "3"], "There is no option '--dim': write  --dimensions N."),
        (["arithmetic", "x", "--weights", "1"], "There is no option '--weights': write  --weight NUMBER."),
        (["directions", "x", "--method", "pca"], "There is no option '--method': write  --how sefa, pca or examples."),
        (["sample", "--network", "x.pkl"], "There is no option '--network': name the run without a flag"),
        (["report", "x", "--outdir", "y"], "There is no option '--outdir': write  --out PATH."),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_words_of_other_tools_are_answered_by_what_they_are_called_here(
    words: list[str], answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    assert capsys.readouterr().err.startswith(f"ganache: {answer}")


def test_the_words_of_other_tools_are_none_of_ours_and_lead_to_what_exists(helps: dict[str, str]) -> None:
    assert set(COMMANDS) <= set(WORDS)
    words = [word for names in COMMANDS.values() for word in names.split()]
    assert not set(words) & {name for name in WORDS if name not in COMMANDS}
    known = {option for text in helps.values() for option in option_names(re.sub("[│]", " ", text))}
    known |= {"--method.clip"}  # of wgan
    for ours, answer in OPTIONS:
        assert set(re.findall(r"(?<!\S)--?[a-z][\w.-]*", answer)) <= known, answer
        for word in ours.split():
            assert word == plain(word)


PYTHON = re.compile(r"\b(int|str|bool|float|tuple|dict|list|NoneType|Literal|Union|Optional|integer|valid string)\b")


def typed_options(text: str) -> list[tuple[str, str]]:
    """Return (option, name of its value) for each option of a help that takes a value of a fixed kind."""
    return re.findall(r"^│? *(?:-\w \w+, )?(--[a-z][\w.-]*) ((?:N|NUMBER)(?= |$)|\{[^}]*\})", text, re.MULTILINE)


@pytest.mark.parametrize("word", WORDS)
def test_a_value_of_the_wrong_kind_is_answered_without_types_of_python(
    word: str, helps: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One option of each kind; all have the same parser."""
    of_kind = {re.sub(r"\{.*", "{", kind): option for option, kind in typed_options(helps[word])}
    for option in of_kind.values():
        assert run(word, "x", option, "w?") == 2
        error = capsys.readouterr().err
        assert option in error or "too many" in error
        assert not PYTHON.search(error), error
    assert not re.search(r"\b(INT|FLOAT|STR)\b", helps[word])


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
