"""Several processes that train together do what one process does, for every recipe."""

from __future__ import annotations

import copy
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import fields, replace
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn

from forked import run_ganache
from ganache.cli import main
from ganache.config import recipes
from ganache.config.config import Config, recipe
from ganache.config.sections import PrecisionConfig
from ganache.core import checkpoint_file
from ganache.data import Stream
from ganache.errors import ConfigError
from ganache.runs import checkpoint
from ganache.runs.folder import find_checkpoint
from ganache.runs.follower import check_together
from ganache.training import build, forecast
from ganache.training.cost import critic_multiply_adds, step_cost
from ganache.training.loop import train
from ganache.training.processes import ALONE, Processes, patience
from ganache.training.state import State

BATCH, PART = 16, 4
SMALL = {"width": 4, "max_width": 16, "hidden": 16, "w_dim": 8}
QUICK = ("wgan-article", "dragan")
"""A step per term, and batch norm; a penalty at random points."""


def small(name: str) -> Config:
    """Return a recipe with small networks, in float32, whose batches are computed in parts."""
    source = "ring8" if name == "points" else "faces"
    settings = recipe(name, data=source)
    known = {field.name for field in fields(settings.network)}
    network = replace(settings.network, **{k: v for k, v in SMALL.items() if k in known})  # type: ignore[type-var]
    size = None if name == "points" else "32"
    data = replace(settings.data, count=60, size=size, held_out=0.0, typical=1.0, channels=None)
    schedule = replace(settings.schedule, batch=BATCH, micro_batch=PART, boost_first=0, boost_every=0, critic_steps=2)
    return replace(settings, network=network, data=data, schedule=schedule, precision=PrecisionConfig("float32"))


class InDouble:
    """A stream in float64."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def __getitem__(self, index: int) -> Tensor:
        return self.stream[index].double()

    def labels(self, index: int) -> Tensor | None:
        return self.stream.labels(index)


def trained(config: Config, processes: Processes, steps: int, start: Path | None = None) -> State:
    """Return the state after some steps in float64, of a new state or of one that `go_on` has written."""
    resolved = replace(build.resolve(config), processes=processes)
    data = build.load_dataset(resolved)
    state = build.state(resolved, data.image_shape)
    for network in (state.generator, state.critic, state.average):
        network.double()
    if start is not None:
        checkpoint.restore(state, *torch.load(start, weights_only=True))
    batches = InDouble(build.stream(resolved, data))
    torch.set_default_dtype(torch.float64)  # of the latents
    reports = train(state, resolved.method, batches, resolved.prior, build.plan(resolved))
    for _ in range(steps):
        report = next(reports)
    torch.set_default_dtype(torch.float32)
    assert all(term.isfinite() for term in (*report.d.values(), *report.g.values()))
    return state


def gradients(state: State) -> list[Tensor]:
    networks: tuple[nn.Module, ...] = (state.generator, state.critic)
    return [p.grad for network in networks for p in network.parameters() if p.grad is not None]


def tensors(state: State) -> list[Tensor]:
    """Weights and buffers."""
    networks: tuple[nn.Module, ...] = (state.generator, state.critic, state.average)
    return [tensor for network in networks for tensor in network.state_dict().values()]


def distance(found: list[Tensor], expected: list[Tensor]) -> float:
    """Return the largest difference, divided by the largest number of the tensor, or by 1e-3 if that is larger.

    A bias before a batch norm has a gradient of 0, but for rounding.
    """
    assert len(found) == len(expected) > 0
    pairs = ((a.double(), b.double()) for a, b in zip(found, expected, strict=True))
    return max(float((a - b).abs().max() / b.abs().max().clamp_min(1e-3)) for a, b in pairs)


def compare(rank: int, world: int, folder: str, names: tuple[str, ...], steps: int) -> None:
    """In each process: train together and alone, and write how far apart they end."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world)
    together = Processes(rank, world)
    found: dict[str, Any] = {}
    for name in names:
        config = small(name)
        one, several = (trained(config, processes, 1) for processes in (ALONE, together))
        found[name] = {"gradients": distance(gradients(several), gradients(one))}
        one, several, again = (trained(config, processes, steps) for processes in (ALONE, together, together))
        found[name]["weights"] = distance(tensors(several), tensors(one))
        found[name]["same"] = all(torch.equal(a, b) for a, b in zip(tensors(several), tensors(again), strict=True))
        mine = tensors(several)
        for tensor in mine:
            first = copy.deepcopy(tensor)
            dist.broadcast(first, 0)
            found[name]["same"] &= torch.equal(first, tensor)
    torch.save(found, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def launched(world: int, folder: Path, names: tuple[str, ...], steps: int) -> list[dict[str, Any]]:
    mp.spawn(compare, (world, str(folder), names, steps), nprocs=world)  # type: ignore[no-untyped-call]
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(world)]


def check(world: int, folder: Path, names: tuple[str, ...], steps: int = 10) -> None:
    for found in launched(world, folder, names, steps):
        assert found.keys() == set(names)
        for name, numbers in found.items():
            assert numbers["gradients"] < 1e-6, name
            assert numbers["weights"] < 1e-5, name
            assert numbers["same"], name


def go_on(rank: int, world: int, folder: str, begin: int, steps: int) -> None:
    """In each process: train from the state that an earlier call has written; the first one writes the new state."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store{begin}", rank=rank, world_size=world)
    start = Path(folder, f"{begin}.pt") if begin else None
    state = trained(small("wgan"), Processes(rank, world), steps, start)
    if rank == 0:
        torch.save((checkpoint.state_tensors(state), checkpoint.state_header(state)), f"{folder}/{state.step}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_training_goes_on_in_other_numbers_of_processes(tmp_path: Path) -> None:
    """In float64, and for a recipe that is not chaotic: with batch norm, differences of rounding grow at every step."""
    found = []
    for name, phases in {"whole": {0: 1}, "parts": {0: 1, 50: 2, 100: 4, 150: 1}}.items():
        (tmp_path / name).mkdir()
        for begin, world in phases.items():
            steps = 200 // len(phases)
            mp.spawn(go_on, (world, str(tmp_path / name), begin, steps), nprocs=world)  # type: ignore[no-untyped-call]
        tensors, header = torch.load(tmp_path / name / "200.pt", weights_only=True)
        assert header["step"] == 200
        found.append(tensors)
    assert distance(*of_networks(*found)) < 1e-12


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    check(2, tmp_path, QUICK, steps=2)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("world", [2, 4])
@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_trains_in_several_processes_as_in_one(name: str, world: int, tmp_path: Path) -> None:
    check(world, tmp_path, (name,))


# ---- the command -----------------------------------------------------------------------------------------------------

COMMAND = [sys.executable, "-m", "ganache", "train", "faces", "--recipe", "faces-quick", "--size", "16"]
COMMAND += ["--network.width", "4", "--data.count", "400", "--batch", "8", "--schedule.micro-batch", "2"]
COMMAND += ["--record.checkpoint-every", "5", "--record.log-every", "1", "--probe.share", "0.9"]


def started(folder: Path, steps: int, processes: int, *more: str) -> subprocess.Popen[str]:
    words = [*COMMAND, "--steps", str(steps), "--out", str(folder), *more]
    words += ["--processes", str(processes)] if processes > 1 else []
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(words, env=os.environ | {"OMP_NUM_THREADS": "1"}, **pipes)


def done(folder: Path, steps: int, processes: int, *more: str) -> dict[str, Tensor]:
    """Train, and return the last checkpoint."""
    run = started(folder, steps, processes, *more)
    said, _ = run.communicate(timeout=300)
    assert run.returncode == 0, said
    return last(folder, steps)


def last(folder: Path, steps: int) -> dict[str, Tensor]:
    tensors, header = checkpoint_file.load(find_checkpoint(folder))
    assert header["step"] == steps
    return tensors


@pytest.mark.slow
def test_the_first_process_waits_for_nobody_where_it_computes_alone(tmp_path: Path) -> None:
    """Probes, scores, samples and checkpoints are those of a run of one process."""
    few = ("--data.count", "60")
    few += ("--precision.compute", "float32")
    main([*COMMAND[3:], "--steps", "16", "--out", str(tmp_path / "1"), *few])
    expected, found = last(tmp_path / "1", 16), done(tmp_path / "2", 16, 2, *few)
    assert distance(*of_networks(found, expected)) < 1e-3
    lines = [[line for line in read_log(tmp_path / str(n)) if "probe" in line] for n in (1, 2)]
    assert [line["step"] for line in lines[0]][:1] == [line["step"] for line in lines[1]][:1] == [12]
    first, other = (each[0]["probe"] for each in lines)
    assert first["critic_headroom"] == pytest.approx(other["critic_headroom"], abs=1e-3)


def of_networks(*checkpoints: dict[str, Tensor]) -> list[list[Tensor]]:
    """Return the tensors of the networks in each checkpoint, in the same order."""
    names = sorted(name for name in checkpoints[0] if name.startswith(("generator", "critic", "average")))
    assert names
    return [[each[name] for name in names] for each in checkpoints]


def read_log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_goes_on_with_another_number_of_processes(tmp_path: Path) -> None:
    precise = ("--precision.compute", "float32")
    whole = done(tmp_path / "whole", 20, 1, *precise)
    for steps, processes in ((5, 1), (10, 2), (15, 4), (20, 1)):
        parts = done(tmp_path / "parts", steps, processes, *precise)
    assert distance(*of_networks(parts, whole)) < 1e-4


def rank_of(pid: str) -> str | None:
    """Return the rank of a process that torchrun has started."""
    try:
        variables = Path("/proc", pid, "environ").read_text().split("\0")
    except OSError:
        return None
    return next((word.partition("=")[2] for word in variables if word.startswith("RANK=")), None)


def wait_for_lines(folder: Path, lines: int, run: subprocess.Popen[Any]) -> None:
    """Return when the log of a run has so many lines."""
    log = folder / "log.jsonl"
    while not (log.is_file() and len(log.read_text().splitlines()) >= lines):
        assert run.poll() is None, run.communicate()[0]
        time.sleep(0.02)


def stop(folder: Path, lines: int, rank: str, number: signal.Signals, run: subprocess.Popen[str]) -> None:
    """Send a signal to the process of this rank once the log of the run has so many lines."""
    wait_for_lines(folder, lines, run)
    found = subprocess.run(["pgrep", "-f", f"out {folder}"], capture_output=True, text=True).stdout.split()
    (victim,) = [pid for pid in found if rank_of(pid) == rank]
    os.kill(int(victim), number)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds the processes in /proc")
@pytest.mark.parametrize("rank", ["0", "1"])
def test_a_process_that_is_killed_changes_nothing(rank: str, tmp_path: Path) -> None:
    """The one that writes and the other one, each at several moments: the run goes on to the same bits."""
    expected = done(tmp_path / "undisturbed", 40, 2)
    for moment in (1, 8, 17):
        folder = tmp_path / f"killed{moment}"
        run = started(folder, 40, 2)
        stop(folder, moment, rank, signal.SIGKILL, run)
        said, _ = run.communicate(timeout=300)
        assert run.returncode == 0, said
        assert "resumes at step" in said or moment == 1
        found_tensors = last(folder, 40)
        assert [name for name in expected if not torch.equal(expected[name], found_tensors[name])] == []
        assert (folder / "samples.png").read_bytes() == (tmp_path / "undisturbed" / "samples.png").read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds the processes in /proc")
def test_a_process_that_hangs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANACHE_PATIENCE", "20")
    expected = done(tmp_path / "undisturbed", 40, 2)
    run = started(tmp_path / "hangs", 40, 2)
    stop(tmp_path / "hangs", 8, "1", signal.SIGSTOP, run)
    said, _ = run.communicate(timeout=300)
    assert run.returncode == 0, said
    assert "has lost the others (" in said
    found = last(tmp_path / "hangs", 40)
    assert [name for name in expected if not torch.equal(expected[name], found[name])] == []


def test_the_patience_is_a_number_of_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert patience().total_seconds() == 600
    for said in ("soon", "0", "nan", "-3", ""):
        monkeypatch.setenv("GANACHE_PATIENCE", said)
        with pytest.raises(ConfigError, match="give a number of seconds"):
            patience()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("signalled", [True, False])
def test_the_job_script_of_the_page_goes_back_to_the_queue_after_a_signal(signalled: bool, tmp_path: Path) -> None:
    """Slurm sends SIGTERM to the script; `scontrol` is a file that writes down what it was asked."""
    page = (Path(__file__).parents[1] / "docs" / "processes.md").read_text(encoding="utf-8")
    script = page.split("```\n#!/bin/bash\n")[1].split("```")[0]
    (tmp_path / "train.sh").write_text("#!/bin/bash\n" + script)
    (tmp_path / "scontrol").write_text('#!/bin/bash\necho "$@" > asked\n')
    words = " ".join([*COMMAND[5:], "--steps", "100000" if signalled else "6"])
    program = f'exec {sys.executable} -m ganache train faces {words} --out "$HOME/runs/faces" --processes 2\n'
    (tmp_path / "ganache").write_text("#!/bin/bash\n" + program)
    for name in ("scontrol", "ganache"):
        (tmp_path / name).chmod(0o755)
    own = {
        "HOME": str(tmp_path),
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "SLURM_JOB_ID": "41",
        "OMP_NUM_THREADS": "1",
    }
    own["GANACHE_CACHE"] = str(tmp_path / "cache")
    job = subprocess.Popen(["bash", "train.sh"], cwd=tmp_path, env=os.environ | own)
    if signalled:
        wait_for_lines(tmp_path / "runs" / "faces", 3, job)
        job.send_signal(signal.SIGTERM)
    assert job.wait(timeout=200) == (75 if signalled else 0)
    asked = tmp_path / "asked"
    assert (asked.read_text() if asked.exists() else "") == ("requeue 41\n" if signalled else "")
    assert find_checkpoint(tmp_path / "runs" / "faces").is_file()


def pretended(*others: tuple[str, str, str | None]) -> Any:
    """Return processes of which this one is the first, and the messages of the others are given."""
    return SimpleNamespace(world=1 + len(others), gather=lambda message: [message, *others])


OWN = (version("ganache"), "same", None)


@pytest.mark.parametrize(
    ("others", "words"),
    [
        (
            ((version("ganache"), "same", None), (version("ganache"), "other", None)),
            "process 2 of 3 read different data",
        ),
        ((("0.0.1", "same", None),), "process 1 of 2 0.0.1: install one version"),
        (((OWN[0], "", "'faces.zip' is no file."),), "In process 1 of 2: 'faces.zip' is no file."),
    ],
)
def test_processes_that_cannot_train_together_say_why(others: tuple[Any, ...], words: str) -> None:
    check_together(pretended(OWN), "same")
    with pytest.raises(ConfigError, match=words):
        check_together(pretended(*others), "same")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 0)])
def test_a_signal_to_the_command_saves_and_ends_all(number: signal.Signals, code: int, tmp_path: Path) -> None:
    run = started(tmp_path / "run", 100_000, 2)
    wait_for_lines(tmp_path / "run", 3, run)
    run.send_signal(number)
    said, _ = run.communicate(timeout=100)
    assert run.returncode == code, said
    step = int(said.split("Stopped at step ")[1].split()[0])
    last(tmp_path / "run", step)
    left = subprocess.run(["pgrep", "-f", f"out {tmp_path}"], capture_output=True, text=True).stdout
    assert left == ""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("processes", "more", "words"),
    [
        (3, (), "schedule.batch is 8, which 3 processes cannot share equally"),
        (4, ("--schedule.micro-batch", "3"), "use --schedule.micro-batch 2, or a number that divides it"),
        (0, (), "--processes is 0"),
    ],
)
def test_what_the_user_can_mend_is_said_once(processes: int, more: tuple[str, ...], words: str, tmp_path: Path) -> None:
    run = started(tmp_path / "run", 5, 1, *more, "--processes", str(processes))
    said, _ = run.communicate(timeout=200)
    assert run.returncode == 2
    assert said.count(words) == 1
    assert "Traceback" not in said


@pytest.mark.parametrize("name", [pytest.param("faces", marks=pytest.mark.slow), "dcgan"])
def test_what_a_step_costs_is_found_by_one_process_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers here: what would wait for another process fails."""
    monkeypatch.setattr(forecast, "MOST_STEPS", 1)
    alone, together = (build.resolve(small(name), Processes(0, world)) for world in (1, 2))
    assert step_cost(together, (3, 32, 32)) == step_cost(alone, (3, 32, 32))
    assert critic_multiply_adds(together, (3, 32, 32)) == critic_multiply_adds(alone, (3, 32, 32))
    assert forecast.step_seconds(together, (3, 32, 32), 1) > 0


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        place = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(taken.getsockname()[1])}
        done = run_ganache(*COMMAND[3:], "--steps", "1", "--out", str(tmp_path / "run"), **place)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("ganache: This process does not find the others at 127.0.0.1:")
    assert len(done.stderr.splitlines()) == 1


def test_a_program_that_has_the_port_and_never_answers_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        place = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(taken.getsockname()[1])}
        done = run_ganache(*COMMAND[3:], "--steps", "1", "--out", str(tmp_path / "run"), GANACHE_PATIENCE="1", **place)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("ganache: This process does not find the others at 127.0.0.1:")
    assert "(nobody answers)" in done.stderr
    assert len(done.stderr.splitlines()) == 1


# ---- two machines ----------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def node(folder: Path, port: int, steps: int) -> subprocess.Popen[str]:
    """Start what the page says for each of several machines, of which one may be lost."""
    rendezvous = ["--nnodes", "1:2", "--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{port}"]
    rendezvous += ["--local-addr", "127.0.0.1", "--rdzv-conf", "last_call_timeout=3", "--max-restarts", "5"]
    words = [sys.executable, "-m", "torch.distributed.run", *rendezvous, "-m", *COMMAND[2:]]
    words += ["--steps", str(steps), "--out", str(folder), "--precision.compute", "float32"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    own = {"OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    return subprocess.Popen(words, env=os.environ | own, start_new_session=True, **pipes)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.name != "posix", reason="needs groups of processes")
def test_a_machine_that_is_lost_comes_back(tmp_path: Path) -> None:
    """The others go on without it, and then again with it, from the last checkpoint each time."""
    steps = 2000
    folder, port = tmp_path / "run", free_port()
    first = node(folder, port, steps)
    time.sleep(3.0)
    second = node(folder, port, steps)
    wait_for_lines(folder, 30, first)
    os.killpg(second.pid, signal.SIGKILL)
    lost_at = len((folder / "log.jsonl").read_text().splitlines())
    wait_for_lines(folder, lost_at + 20, first)
    again = node(folder, port, steps)
    said = [run.communicate(timeout=600)[0] for run in (first, again)]
    assert (first.returncode, again.returncode) == (0, 0), said
    assert said[0].count("resumes at step") == 2, said
    assert [line["step"] for line in read_log(folder) if "images" in line] == list(range(1, steps + 1))
    last(folder, steps)
