"""A training goes on when nobody reads its output, and stops in order when its terminal is closed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from forked import run_python
from ganache.cli.progress import handled_signals
from ganache.runs.folder import checkpoints
from ganache.runs.log import read

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and pipes")

TRAIN = ["train", "ring8", "--recipe", "gan-mlp", "--network.hidden", "8", "--batch", "8", "--record.log-every", "1"]
TRAIN += ["--out", "run", "--steps"]

ENDED = """
import os, sys
from ganache.cli import main
for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
    if name in sys.argv[1]:
        if "closed" in sys.argv[1]:
            os.close(number)
            setattr(sys, name, None)
        else:
            reader, writer = os.pipe()
            os.close(reader)
            os.dup2(writer, number)
main(sys.argv[2:])
"""


@pytest.mark.parametrize("how", ["unread stdout", "unread stderr", "closed stderr", "closed stdin, stdout, stderr"])
def test_it_ends_as_if_somebody_read_it(how: str, tmp_path: Path) -> None:
    done = run_python(ENDED, how, *TRAIN, "30", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = "ganache: Nobody reads the output any more: the training continues without it.\n"
    assert done.stderr == (told if how == "unread stdout" else "")
    assert [int(path.stem) for path in checkpoints(tmp_path / "run")] == [30]
    assert (tmp_path / "run" / "samples.png").exists()


def test_the_log_says_when_nobody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganache.cli import main

    reader, writer = os.pipe()
    os.close(reader)
    with monkeypatch.context() as patch, open(writer, "w", buffering=1) as broken:
        patch.chdir(tmp_path)
        patch.setattr(sys, "stdout", broken)
        main([*TRAIN, "3"])
    events = [line["event"] for line in read(tmp_path / "run" / "log.jsonl") if "event" in line]
    assert events == ["output ended"]


@pytest.fixture
def training(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A training that has begun, in a process of its own."""
    command = [sys.executable, "-c", "from ganache.cli import main; main()", *TRAIN, "100000"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        text=True,
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # under nohup it would stay ignored
    )
    assert process.stdout is not None
    assert "starts" in process.stdout.readline()
    yield process
    process.kill()
    process.wait()


def test_a_closed_terminal_stops_it_in_order_and_stopped_time_is_not_training_time(
    training: subprocess.Popen[str], tmp_path: Path
) -> None:
    log = tmp_path / "run" / "log.jsonl"
    while len(read(log)) < 2:
        time.sleep(0.01)
    training.send_signal(signal.SIGSTOP)
    before = time.monotonic()
    time.sleep(1.5)
    training.send_signal(signal.SIGCONT)
    stopped = time.monotonic() - before
    so_far = len(read(log))
    while len(read(log)) < so_far + 3:
        time.sleep(0.01)
    training.send_signal(signal.SIGHUP)
    assert training.wait(60) == 0
    (checkpoint,) = checkpoints(tmp_path / "run")
    lines = [line for line in read(log) if "seconds" in line]
    longest = max(later["seconds"] - earlier["seconds"] for earlier, later in pairwise(lines))
    assert longest < stopped, "a step of a few milliseconds did not take the time in which the process was stopped"
    assert int(checkpoint.stem) >= lines[-1]["step"]


def test_a_command_in_the_background_of_a_script_is_stopped_by_kill_and_one_under_nohup_goes_on() -> None:
    """The first starts with SIGINT ignored, the second with SIGHUP ignored."""
    numbers = (signal.SIGINT, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        with handled_signals(None) as stop:  # type: ignore[arg-type]
            for number in reversed(numbers):
                assert not stop.requested
                os.kill(os.getpid(), number)
            assert stop.requested
        assert [signal.getsignal(number) for number in numbers] == [signal.SIG_IGN] * 2
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def test_a_working_directory_that_was_deleted_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    code = "import os; from ganache.cli import main; os.rmdir(os.getcwd()); main(['doctor', '/'])"
    done = run_python(code, cwd=tmp_path / "gone")
    assert done.returncode == 2
    assert done.stderr == (
        "ganache: The working directory cannot be used (No such file or directory): cd to a folder that exists.\n"
    )
