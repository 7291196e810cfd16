"""Whatever lies in a run folder, a command works, or refuses in one sentence: no traceback, nothing live on a page.

Every field of every file is replaced by each hostile value of `hostile.py`, for every command that reads the file. No
value makes a command reserve much memory.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import hostile
from ganache.config.config import Config
from ganache.errors import GanacheError
from ganache.lab.serialisation import from_json
from ganache.runs import log
from ganache.runs.checkpoint import load_generator
from ganache.runs.diagnose import critic_loss_finding, describe_probes, findings
from ganache.runs.folder import evaluation_files, read_config, read_evaluation, read_names
from ganache.runs.resume import keep_old_choices, keep_old_split, refuse_differences, without_wrong_mirroring
from ganache.runs.settings import recorded_settings
from ganache.training import build

READERS: dict[str, Callable[[Path], Any]] = {
    "config.json": lambda run: (compared(run), recorded_settings(run)),
    "log.jsonl": lambda run: diagnosed(log.read(run / "log.jsonl")),
    "names.json": read_names,
    "request.json": lambda run: from_json((run / "request.json").read_bytes().decode("utf-8", "replace")),
    "evaluations": lambda run: [read_evaluation(path) for path in evaluation_files(run)],
    "checkpoints": lambda run: load_generator(run / hostile.LAST),
}
"""By the first part of its path: what reads a file for the commands."""


STRIDES = {"config.json": 7, "checkpoints": 17}
"""Only every n-th case of large files, and every one of what lies beside the settings in them."""
MOST_RESERVED = 2**31
"""Bytes of addresses that the commands may reserve, besides those of the process at the start."""


@pytest.fixture(autouse=True)
def bounded_memory() -> Iterator[None]:
    """Let the system refuse more memory than MOST_RESERVED: the command then ends with a traceback."""
    if sys.platform != "linux":
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    reserved = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (reserved + MOST_RESERVED, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def compared(run: Path) -> None:
    """Compare the settings in the run with others, as training does before it resumes."""
    known = read_config(run)
    if known is not None:
        data: Any = SimpleNamespace(fingerprint="0" * 32, is_text=True, split=lambda share: data)
        resolved = build.resolve(keep_old_choices(known, Config()))
        keep_old_split(known, without_wrong_mirroring(known, resolved, data)[0], data)
        refuse_differences(run, known, resolved.config, data)


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
    stride = STRIDES.get(file, 1)
    chosen = {id(case): case for case in cases[::stride] + [case for case in cases if is_beside_settings(case)]}
    for case in chosen.values():
        case.write(tmp_path / "run")
        try:
            READERS[file](tmp_path / "run")
        except GanacheError:
            pass
        except Exception as error:
            pytest.fail(f"{case}: {error!r}")


def is_beside_settings(case: hostile.Case) -> bool:
    return len(case.place) == 1 and str(case.place[0]).startswith("data_")


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
