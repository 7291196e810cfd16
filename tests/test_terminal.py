"""No control character of a file or a name reaches the terminal, and progress bars still work."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tqdm import tqdm

from conftest import run_command
from ganache.cli.terminal import PlainStream, plain_streams
from ganache.core.text import CONTROL
from ganache.figures.page import environment

ATTACK = "a\x1b]0;title\x07\x1b[2J\rb\x9b31m\x00\x7f\u202eevil\ud800"


@given(st.text(st.characters(codec=None)), st.booleans())
def test_whatever_is_written_has_no_control_characters(text: str, progress: bool) -> None:
    raw = io.StringIO()
    stream = PlainStream(raw, progress)
    assert stream.write(f"file {text}") == len(text) + 5
    stream.writelines([f" {text}"])
    assert not CONTROL.search(raw.getvalue())


def test_text_that_the_terminal_cannot_show_is_escaped() -> None:
    raw = io.BytesIO()
    stream = PlainStream(io.TextIOWrapper(raw, encoding="ascii"))
    print("Fälle ✓", file=stream, flush=True)
    assert raw.getvalue() == b"F\\xe4lle \\u2713\n"


def bars(stream: Any) -> None:
    options = {"file": stream, "mininterval": 0, "miniters": 1}
    with tqdm(total=3, bar_format="{n}", **options) as bar:
        with tqdm(position=1, bar_format="{desc}", leave=False, **options) as below:
            for number in range(3):
                bar.update()
                below.set_description_str(f"note {number}")
        tqdm.write("message", file=stream)


def test_progress_bars_move_as_before() -> None:
    plain, wrapped = io.StringIO(), io.StringIO()
    bars(plain)
    bars(PlainStream(wrapped, progress=True))
    assert wrapped.getvalue() == plain.getvalue()
    assert "\x1b[A" in plain.getvalue()


def test_a_description_cannot_leave_its_line() -> None:
    raw = io.StringIO()
    with tqdm(file=PlainStream(raw, progress=True), bar_format="{desc}") as bar:
        bar.set_description_str("\x1b[A\x1b[2Jhidden\rover")
    assert "\x1b[A\\x1b" not in raw.getvalue()
    assert raw.getvalue().count("\r") == raw.getvalue().replace("\r", "\n").count("\n") - raw.getvalue().count("\n")
    assert "\\x1b[A\\x1b[2Jhidden\\rover" in raw.getvalue()


def test_the_streams_are_restored() -> None:
    before = sys.stdout, sys.stderr
    with plain_streams():
        assert isinstance(sys.stderr, PlainStream)
    assert (sys.stdout, sys.stderr) == before


def test_a_page_shows_control_characters_as_text() -> None:
    page = environment("ganache.output.report").from_string("<p>{{ text }}</p>").render(text=ATTACK + "<b>")
    assert not CONTROL.search(page)
    assert "<b>" not in page
    page.encode()


@pytest.mark.parametrize(
    "words",
    [
        ["doctor", "{folder}"],
        ["render", "{folder}", "{folder}/request.json"],
        ["sample", "{folder}"],
        ["train", "{folder}", "--recipe", "{folder}/recipe.toml"],
        ["name", "{folder}"],
        ["report", "{folder}", "{folder}/request.json"],
        ["compare", "{folder}", "-o", "{folder}/x.png"],
        ["diagnose", "{folder}"],
        ["x" * 10_000],
        ["diagnose", "x" * 10_000],
        ["sample", "run@" + "9" * 10_000],
        ["sample", "run@\u00b2"],
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_names_and_texts_of_files_are_neutralised(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "a\x1b[31m\r\nb\x07"
    folder.mkdir()
    (folder / "p\x1b[2J.png").write_bytes(b"no picture")
    (folder / "n\x1b[2J.npy").write_bytes(b"\x93NUMPY\x01\x00\x20\x00{'\x1b[2J': 1}")
    (folder / "request.json").write_text('{"kind": "\\u001b[2J", "a": "' + "x" * 10_000 + '"}')
    (folder / "recipe.toml").write_text('["\\u001b[2J"]\nx = 1\n')
    (folder / "config.json").write_text('{"\\u001b[2J' + "x" * 10_000 + '": 1}')
    shutil.copy(folder / "config.json", folder / "log.jsonl")
    code = run_command(*(word.format(folder=folder) for word in words))
    printed = capsys.readouterr()
    assert code in (0, 2)
    for text in (printed.out, printed.err):
        assert not CONTROL.search(text)
        assert not any(line.startswith("b\\x07") for line in text.splitlines()), "a name stays in its line"
        assert len(text) < 4_000
