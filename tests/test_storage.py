"""Files are written whole or not at all, and a run's folder is locked against other processes."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from ganache.config.config import from_dict, recipe
from ganache.core import checkpoint_file, storage
from ganache.errors import CheckpointError
from ganache.figures.bulk import save_many
from ganache.runs import lease
from ganache.runs.lock import LOCK, lock
from ganache.runs.run import Run

WRITERS: dict[str, Callable[[Path], None]] = {
    "bytes": lambda path: storage.write_bytes(path, b"new"),
    "text": lambda path: storage.write_text(path, "new"),
    "json": lambda path: storage.write_json(path, {"new": 1}),
    "image": lambda path: storage.write_image(Image.new("RGB", (2, 2)), path),
    "tensors": lambda path: checkpoint_file.save(path, {"x": torch.ones(2)}, {"step": 1}),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_written_file_replaces_the_old_one_and_leaves_nothing_else(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    WRITERS[kind](path)
    assert path.read_bytes() != b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("kind", WRITERS)
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk is full"):
        WRITERS[kind](path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs inotify")
@pytest.mark.parametrize("kind", WRITERS)
def test_no_writer_creates_a_file_that_would_stay_if_its_process_were_killed(kind: str, tmp_path: Path) -> None:
    """Libraries may create temporary files of their own, which nobody removes later."""
    libc = ctypes.CDLL(None, use_errno=True)
    events = libc.inotify_init()
    assert libc.inotify_add_watch(events, os.fsencode(tmp_path), 0x100) >= 0, "files that are created"
    WRITERS[kind](tmp_path / "file.png")
    with os.fdopen(events, "rb", buffering=0) as file:
        content, names = file.read(2**16), list[str]()
    while content:
        length = int.from_bytes(content[12:16], sys.byteorder)
        names.append(content[16 : 16 + length].rstrip(b"\0").decode())
        content = content[16 + length :]
    assert names
    assert [name for name in names if not storage.is_temporary(name, "file.png")] == []


@pytest.mark.parametrize("opened", [storage.atomic_file, storage.atomic_path])
def test_an_exception_inside_the_block_leaves_the_old_file(opened: Any, tmp_path: Path) -> None:
    path = tmp_path / "file.npy"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), opened(path):
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.npy"]


@pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")
@pytest.mark.parametrize("kind", WRITERS)
def test_a_link_is_replaced_and_its_target_is_not_written(kind: str, tmp_path: Path) -> None:
    target, path = tmp_path / "target", tmp_path / "file"
    target.write_bytes(b"somebody else's")
    path.symlink_to(target)
    WRITERS[kind](path)
    assert target.read_bytes() == b"somebody else's"
    assert not path.is_symlink()


@pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")
def test_a_temporary_file_is_never_opened_through_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"somebody else's")
    monkeypatch.setattr(storage.secrets, "token_hex", lambda _: "guessed")
    (tmp_path / f"{storage.TEMPORARY}guessed-file").symlink_to(target)
    with pytest.raises(FileExistsError):
        storage.write_bytes(tmp_path / "file", b"new")
    assert target.read_bytes() == b"somebody else's"


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_has_the_permissions_of_any_new_file(kind: str, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        WRITERS[kind](tmp_path / "file")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_what_killed_processes_left_of_one_file_is_removed(tmp_path: Path) -> None:
    for name in ("config.json", "names.json"):
        storage.create_temporary(tmp_path / name)[1].close()
    storage.remove_temporaries(tmp_path, "config.json")
    (left,) = os.listdir(tmp_path)
    assert left.endswith("-names.json")


def test_a_folder_is_renamed_unless_there_is_one(tmp_path: Path) -> None:
    for whether, text in ((True, "first"), (False, "second")):
        temporary = storage.create_temporary_folder(tmp_path)
        (temporary / "file").write_text(text)
        assert storage.rename_folder(temporary, tmp_path / "folder") is whether
    assert (tmp_path / "folder" / "file").read_text() == "first"


def test_many_pictures_are_whole_or_not_there(tmp_path: Path) -> None:
    def parts() -> Any:
        yield torch.zeros(2, 4, 4, 3, dtype=torch.uint8).numpy()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_many(parts(), tmp_path / "many.npy", 4)
    assert os.listdir(tmp_path) == []


# ---- the lock of a run's folder --------------------------------------------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from ganache.runs.lock import lock
held = lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.readline()
held.release()
print("released", flush=True)
sys.stdin.readline()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock, releases it at the first line it reads, and ends at the second."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_two_processes_cannot_hold_the_lock_and_it_is_free_when_released(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with pytest.raises(CheckpointError, match="is in use by another process"):
            lock(tmp_path)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "released\n"
        lock(tmp_path).release()


def test_the_lock_is_free_when_its_process_dies(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.kill()
        assert process.wait() in (-signal.SIGKILL, 1)
        lock(tmp_path).release()


def test_a_second_lock_in_one_process_is_refused(tmp_path: Path) -> None:
    held = lock(tmp_path)
    with pytest.raises(CheckpointError, match="still open in this one"):
        lock(tmp_path)
    held.release()
    lock(tmp_path).release()


def test_the_lock_is_free_when_nobody_refers_to_it(tmp_path: Path) -> None:
    held = lock(tmp_path)
    del held
    lock(tmp_path).release()


def test_the_lock_file_is_never_truncated(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("content")
    held = lock(tmp_path)
    with pytest.raises(CheckpointError):
        lock(tmp_path)
    held.release()
    assert not (tmp_path / LOCK).exists() or (tmp_path / LOCK).read_text() == "content"  # Windows removes it


@pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")
def test_a_lock_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target").write_text(json.dumps("somebody else's"))
    (tmp_path / LOCK).symlink_to(tmp_path / "target")
    with pytest.raises(CheckpointError, match="cannot be locked"):
        lock(tmp_path)
    assert (tmp_path / "target").read_text() == json.dumps("somebody else's")


# ---- the lease against other machines --------------------------------------------------------------------------------


@pytest.fixture
def fast_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"BEAT": 0.05, "GONE": 0.6, "SETTLE": 0.1}.items():
        monkeypatch.setattr(lease, name, seconds)


def as_machine(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process look like one of another machine, whose locks do not hold here."""
    monkeypatch.setattr(lease, "machine", lambda: name)


@pytest.mark.usefixtures("fast_lease")
def test_a_folder_that_another_machine_holds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = lease.Lease(tmp_path)
    as_machine("another", monkeypatch)
    with pytest.raises(CheckpointError, match="is in use by a process of the machine"):
        lease.Lease(tmp_path)
    held.require()
    held.release()
    assert not (tmp_path / lease.LEASE).exists()
    lease.Lease(tmp_path).release()


@pytest.mark.usefixtures("fast_lease")
def test_the_lease_of_a_machine_that_is_gone_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lease.write(tmp_path / lease.LEASE, lease.Holder("gone", "node\x1b[31m7", "token", 12))
    taken = lease.Lease(tmp_path)
    assert "was in use by the machine node" in capsys.readouterr().err
    taken.require()
    time.sleep(0.3)
    found = lease.read(tmp_path / lease.LEASE)
    assert found is not None
    assert (found.token, found.beats > 1) == (taken.holder.token, True)
    taken.release()


@pytest.mark.usefixtures("fast_lease")
def test_a_process_that_was_stopped_for_long_writes_nothing_more(tmp_path: Path) -> None:
    """A machine is suspended, another one takes its run, and the first wakes up."""
    few = {"schedule": {"steps": 5}, "record": {"log_every": 1}, "data": {"count": 50}}
    run = Run.open(tmp_path / "run", from_dict(few, recipe("points", data="ring8")))
    steps = run.training()
    next(steps)
    lease.write(tmp_path / "run" / lease.LEASE, lease.Holder("another", "node7", "token"))
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(CheckpointError, match="in use by a process of the machine node7"):
        next(steps)
    with pytest.raises(CheckpointError, match="in use by a process of the machine node7"):
        run.save()
    run.close()
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


@pytest.mark.usefixtures("fast_lease")
def test_of_two_machines_that_take_a_lease_at_once_one_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that the other one wrote last is the one that counts."""
    lease.write(tmp_path / lease.LEASE, lease.Holder("gone", "node7", "token"))
    write = lease.write

    def and_another(path: Path, holder: lease.Holder) -> None:
        write(path, holder)
        write(path, lease.Holder("another", "node8", "its token"))

    monkeypatch.setattr(lease, "write", and_another)
    with pytest.raises(CheckpointError, match="of the machine node8"):
        lease.Lease(tmp_path)


@pytest.mark.parametrize("content", ["", "{}", "[" * 4000, '{"machine": 1}', "\0" * 100])
def test_a_lease_that_cannot_be_read_is_no_obstacle(content: str, tmp_path: Path) -> None:
    (tmp_path / lease.LEASE).write_text(content)
    held = lock(tmp_path)
    held.require()
    held.release()
