"""What the documentation shows works: commands parse, Python examples run, links lead somewhere."""

from __future__ import annotations

import ast
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ganache
from forked import run_python
from ganache import cli
from ganache.cli.train import parse_train
from ganache.config.config import from_recipe
from ganache.methods import METHODS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
EXTENDING = ROOT / "docs" / "extending.md"
PLACEHOLDERS = re.compile(r"\b(COMMAND|NAME|\.\.\.)|--help|--keep$|--install-completion")
"""An inline command with one of these is a pattern for the reader, not a command, or writes to the home folder."""


def page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def code_blocks(page: Path, language: str) -> Iterator[str]:
    """Yield the fenced code blocks of a page that are in this language ("" for none)."""
    for block in re.finditer(r"^ *```(\w*)\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        if block[1] == language:
            yield block[2]


def commands(page: Path) -> Iterator[str]:
    """Yield every command of ganache that a page shows, in code blocks and inline."""
    for block in code_blocks(page, ""):
        for line in block.replace("\\\n", " ").splitlines():
            for part in line.split("&&"):
                if re.match(r"\s*(\S+=\S+ )*(\S*/)?ganache ", part):
                    yield part.strip()
    prose = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for inline in re.findall(r"`([^`]+)`", prose):
        command = " ".join(inline.split())
        if re.match(r"(\S*/)?ganache \S+ \S", command) and not PLACEHOLDERS.search(command):
            yield command


@pytest.fixture
def parse(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """Parse a command as the command line would, stop before it does anything, and return the exit code."""
    parse_call = cli.parse

    def parse_only(command: Callable[..., Any], words: list[str], prog: str) -> Callable[[], Any]:
        parse_call(command, words, prog)
        return lambda: None

    monkeypatch.setitem(METHODS, "squared-hinge", METHODS["hinge"])  # CONTRIBUTING.md adds it by hand
    monkeypatch.setattr(cli, "parse", parse_only)
    monkeypatch.setattr(cli, "train_command", parse_train)
    train = sys.modules[parse_train.__module__]
    monkeypatch.setattr(train, "settings_of_source", lambda _, recipe, args: from_recipe(recipe or "style-small"))

    def exit_code(command: str) -> int:
        words = shlex.split(command, comments=True)
        first = next(place for place, word in enumerate(words) if word.rpartition("/")[2] == "ganache")
        try:
            cli.main(words[first + 1 :])
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    return exit_code


@pytest.mark.parametrize("page", [page for page in PAGES if page != EXTENDING], ids=page_name)
def test_the_commands_of_a_page_parse(page: Path, parse: Callable[[str], int]) -> None:
    for command in commands(page):
        assert parse(command) == 0, f"{page_name(page)}: {command}"


def test_the_commands_are_found() -> None:
    assert sum(len(list(commands(page))) for page in PAGES) > 80


@pytest.mark.parametrize(
    "wrong",
    ["ganache train faces --watch.share 0", "ganache traverse runs/mine --dimensions 28", "ganache smaple runs/mine"],
)
def test_a_wrong_command_is_noticed(wrong: str, parse: Callable[[str], int]) -> None:
    assert parse(wrong) != 0


@pytest.mark.parametrize("page", [*PAGES, ROOT / "bench" / "gpu.md"], ids=page_name)
def test_the_links_of_a_page_lead_to_files_and_headings(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, heading = link.partition("#")
        if "://" in path:
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page_name(page)}: {link}"
        if heading and target.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
            assert heading in anchors, f"{page_name(page)}: {link}"


def test_the_files_that_the_pages_name_exist() -> None:
    for page in PAGES:
        for path in re.findall(r"`([a-z_/]+\.(?:py|md|toml|txt))`", page.read_text(encoding="utf-8")):
            if "/" in path:
                assert (ROOT / path).exists() or (ROOT / "src" / "ganache" / path).exists(), (
                    f"{page_name(page)}: {path}"
                )


def test_the_first_command_and_the_check_stand_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    install = "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e "
    assert f"{install}. && .venv/bin/ganache explore example" in readme
    assert f"{install}'.[dev]' && scripts/check" in readme


@pytest.mark.timeout(600)
@pytest.mark.slow
def test_the_plugins_of_the_page_about_extending_work(tmp_path: Path) -> None:
    """Write the files that the page shows, and run its commands in a process that loads them."""
    text = EXTENDING.read_text(encoding="utf-8")
    plugins = re.findall(r"^<!-- plugin: (\S+) -->\n```\w+\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "plugins").mkdir()
    for name, source in plugins:
        (tmp_path / "plugins" / name).write_text(source, encoding="utf-8")
    assert len(plugins) == len(re.findall(r"^## An? ", text, re.MULTILINE))
    shown = [
        shlex.split(line)[1:]
        for block in code_blocks(EXTENDING, "")
        for line in re.findall("^ganache .*", block, re.MULTILINE)
    ]
    script = "import sys, json; from ganache.cli import main; [main(command) for command in json.load(sys.stdin)]"
    done = run_python(script, cwd=tmp_path, stdin=json.dumps(shown), GANACHE_PLUGINS="plugins")
    assert done.returncode == 0, done.stderr
    assert len(shown) > len(plugins)


@pytest.fixture
def small_recipes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let `ganache.recipe` give a tiny network, few pictures and two steps, in an empty folder."""
    original = ganache.recipe

    def small(name: str, data: str = "faces", steps: int = 0) -> Any:
        config = original(name, data="faces", steps=2)
        return replace(
            config,
            data=replace(config.data, size="16", count=480),
            network=replace(config.network, width=4),
            record=replace(config.record, checkpoint_every=1),
        )

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ganache, "recipe", small, raising=False)


def smaller(source: str) -> str:
    return source.replace("n=2000", 'n=100, features="pixels"')


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("small_recipes")
def test_the_python_page_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ganache, "to_html", lambda model: "", raising=False)  # slow, and has tests of its own
    names: dict[str, Any] = {}
    for block in code_blocks(ROOT / "docs" / "python.md", "python"):
        exec(compile(smaller(block), "docs/python.md", "exec"), names)
    assert {path.name for path in Path().iterdir()} >= {"model.html", "report.html", "runs", "traverse.png"}


@pytest.mark.usefixtures("small_recipes")
def test_the_example_of_the_package_runs() -> None:
    assert ganache.__doc__
    source = "\n".join(line[4:] for line in ganache.__doc__.splitlines() if not line or line.startswith("    "))
    assert len(ast.parse(source).body) > 5
    exec(compile(source, "ganache", "exec"), {})
