"""Whatever lies in a run folder, a command works, or refuses in one sentence: no traceback, nothing live on a page.

Every field of every file is replaced by each hostile value of `hostile.py`, for every command that reads the file.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hostile
from ganache.errors import GanacheError
from ganache.lab.serialisation import from_json
from ganache.runs import log
from ganache.runs.checkpoint import load_generator
from ganache.runs.diagnose import critic_loss_finding, describe_probes, findings
from ganache.runs.folder import evaluation_files, read_evaluation, read_names
from ganache.runs.settings import recorded_settings

READERS: dict[str, Callable[[Path], Any]] = {
    "config.json": lambda run: recorded_settings(run),
    "log.jsonl": lambda run: diagnosed(log.read(run / "log.jsonl")),
    "names.json": read_names,
    "request.json": lambda run: from_json((run / "request.json").read_bytes().decode("utf-8", "replace")),
    "evaluations": lambda run: [read_evaluation(path) for path in evaluation_files(run)],
    "checkpoints": lambda run: load_generator(run / hostile.LAST),
}
"""By the first part of its path: what reads a file for the commands."""


STRIDES = {"config.json": 7, "checkpoints": 17}
"""Only every n-th case of large files."""


def diagnosed(lines: list[dict[str, Any]]) -> Any:
    return findings(lines), critic_loss_finding(lines), describe_probes(lines)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANACHE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        return hostile.prepare(tmp_path_factory.mktemp("schema"))


@pytest.mark.parametrize("file", READERS)
def test_a_reader_gives_what_it_declares_or_a_sentence(file: str, run: Path, tmp_path: Path) -> None:
    """Every field and value; of many settings only some."""
    shutil.copytree(run, tmp_path / "run")
    cases = [case for case in hostile.cases(run) if case.file.startswith(file) and case.place]
    for case in cases[:: STRIDES.get(file, 1)]:
        case.write(tmp_path / "run")
        try:
            READERS[file](tmp_path / "run")
        except GanacheError:
            pass
        except Exception as error:
            pytest.fail(f"{case}: {error!r}")


def selected(run: Path) -> list[hostile.Case]:
    """Some cases for every command: what is shown of each file, and files that are damaged as a whole."""
    shown = {"recipe", "notice", "better", "name"}
    by_field = [c for c in hostile.cases(run) if c.value == "escapes" and c.place and c.place[-1] in shown]
    whole = [c for c in hostile.cases(run) if c.value in ("zeros", "another size", "with foreign things")]
    return [*by_field[:4], *whole[::6]]


def test_commands_read_hostile_files(run: Path, tmp_path: Path) -> None:
    for case in selected(run):
        for found in hostile.outcome(run, case, tmp_path):
            pytest.fail(found)


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("part", range(16))
def test_every_command_reads_every_hostile_value(part: int, run: Path, tmp_path: Path) -> None:
    for case in list(hostile.cases(run))[part::16]:
        for found in hostile.outcome(run, case, tmp_path):
            pytest.fail(found)
