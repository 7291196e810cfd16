"""The named latents of a run, changed by several processes at once: no name is lost, and no reader sees a part."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from conftest import run_command
from forked import run_python
from ganache.errors import CheckpointError, ConfigError
from ganache.lab.points import Kept
from ganache.playground.library import MAX_NAMES, Library
from ganache.runs import lock
from ganache.runs.folder import change_names, forget_name, keep_names, read_names, write_names

TWO_WRITERS_AND_A_READER = """
import os, sys
from pathlib import Path
from ganache.lab.points import Kept
from ganache.runs.folder import forget_name, keep_names, read_names

run = Path(sys.argv[1])
writers = []
for letter in "ab":
    pid = os.fork()
    if pid == 0:
        for number in range(100):
            keep_names(run, Kept(f"{letter}{number}", (number,)))
            if number % 4 == 3:
                forget_name(run, f"{letter}{number}")
        os._exit(0)
    writers.append(pid)
seen, ended = 0, []
while len(ended) < 2:
    names = read_names(run)
    assert len(names) >= seen - 2, "at most two were forgotten since"
    seen = max(seen, len(names))
    pid, status = os.waitpid(-1, os.WNOHANG)
    ended += [status] if pid else []
print(ended, len(read_names(run)))
"""


def test_two_writers_lose_no_name_and_a_reader_sees_whole_files(tmp_path: Path) -> None:
    done = run_python(TWO_WRITERS_AND_A_READER, str(tmp_path))
    assert (done.stdout, done.stderr) == ("[0, 0] 150\n", "")


def test_a_change_that_fails_writes_nothing(tmp_path: Path) -> None:
    keep_names(tmp_path, Kept("a", (1,)))
    before = (tmp_path / "names.json").read_bytes()
    with pytest.raises(ConfigError, match=r"There is no latent named .b."):
        forget_name(tmp_path, "b")
    with pytest.raises(ZeroDivisionError):
        change_names(tmp_path, lambda names: {"x": names["a"]} if 1 // 0 else {})
    assert (tmp_path / "names.json").read_bytes() == before
    keep_names(tmp_path, Kept("b", (2,)))
    assert set(read_names(tmp_path)) == {"a", "b"}, "the lock is free again"


def test_a_page_may_replace_a_name_of_a_full_run_and_add_none(tmp_path: Path) -> None:
    library = Library([str(tmp_path)], live=True)
    library.path = lambda which: tmp_path  # type: ignore[method-assign, assignment]
    write_names(tmp_path, {f"n{k}": Kept(f"n{k}", (k,)) for k in range(MAX_NAMES)})
    library.keep(0, Kept("n3", (77,)))
    with pytest.raises(ConfigError, match="forget some first"):
        library.keep(0, Kept("more", (1,)))
    assert read_names(tmp_path)["n3"].seeds == (77,)
    assert len(read_names(tmp_path)) == MAX_NAMES


@pytest.mark.parametrize("damage", ["held", "link", "folder"])
def test_a_lock_that_cannot_be_had_gives_a_sentence(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.05)
    path, target = tmp_path / lock.NAMES_LOCK, tmp_path / "target"
    target.write_text("somebody else's")
    held = FileLock(path)
    if damage == "held":
        held.acquire()
    elif damage == "link":
        path.symlink_to(target)
    else:
        path.mkdir()
    with pytest.raises(CheckpointError, match=r"names\.lock cannot be locked"):
        keep_names(tmp_path, Kept("a", (1,)))
    held.release()
    assert target.read_text() == "somebody else's"
    assert not (tmp_path / "names.json").exists()


def test_the_command_and_the_page_change_names_by_the_same_function(tmp_path: Path) -> None:
    """Nobody but `runs/folder.py` writes the names."""
    source = Path(lock.__file__).parents[1]
    writers = {
        path.relative_to(source).as_posix() for path in source.rglob("*.py") if "write_names" in path.read_text()
    }
    assert writers == {"runs/folder.py"}
    assert run_command("name", str(tmp_path), "x", "--seeds", "3") == 2, "this is no run"
    assert not (tmp_path / "names.json").exists()
