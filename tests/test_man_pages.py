"""The manual pages in `docs/man/` are those of the commands, and the wheel installs them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ganache.cli import commands
from ganache.cli.help_page import Option, read_help

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import man_pages  # noqa: E402

PAGES = sorted((ROOT / "docs" / "man").iterdir())


def test_every_page_is_that_of_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANACHE_PLUGINS", raising=False)
    found = {path.name: path.read_text(encoding="utf-8") for path in PAGES}
    assert found == man_pages.manual(), "run  python tools/man_pages.py"
    assert found.keys() == {"ganache.1", *(f"ganache-{word}.1" for word in commands(None))}


def test_the_wheel_installs_them_where_man_looks() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"] == {"docs/man": "share/man/man1"}


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_a_page_is_read_without_a_warning_and_has_every_option() -> None:
    for page in PAGES:
        command = ["groff", "-man", "-Tutf8", "-ww", "-P-c", "-k", str(page)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stderr == "", page.name
        text = re.sub(".\x08", "", done.stdout)  # bold letters are printed twice
        assert max(map(len, text.splitlines())) <= 80, page.name
        if page.name == "ganache-train.1":
            assert "--schedule.ema-half-life NUMBER" in text


def test_the_help_is_read_as_data() -> None:
    text = """usage: ganache mine [-h]
    [OPTIONS]

Do it. And
more.

 options
 -------
  Some
  text.
  -----
  -o PATH, --out PATH   Where
                        to.
  --long-option {a,b}
                        Which.
"""
    page = read_help(text)
    assert (page.usage, page.summary, page.text) == ("ganache mine [-h] [OPTIONS]", "Do it.", "Do it. And more.")
    (section,) = page.sections
    assert section.text == "Some text."
    assert section.options == [Option("-o PATH, --out PATH", "Where to."), Option("--long-option {a,b}", "Which.")]
    assert [option.names for option in page.options] == [["-o", "--out"], ["--long-option"]]
    assert page.options[1].choices == ["a", "b"]
    assert [option.takes_value for option in page.options] == [True, True]
