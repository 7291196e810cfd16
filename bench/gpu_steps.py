"""The parts of `bench/gpu.py` about single steps: speed, waiting for the host, and repeatability."""

from __future__ import annotations

import statistics
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import eager
import ours
import torch
from torch._C._autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from ganache.config.config import recipe
from ganache.config.recipes import names
from ganache.core import checkpoint_file
from ganache.runs import checkpoint
from ganache.training.device import set_determinism
from gpu_bench import Bench, loop

RECIPES = ("dcgan", "anime-article", "wgan-gp", "wgan-article")
FEW = 6
"""Steps to warm up."""
BLOCK = 0.25
"""Seconds of steps between two looks at the clock."""


def speed(bench: Bench) -> None:
    """Time ganache and plain PyTorch in turns, one block of steps each."""
    bench.say(
        "Images a second through the critic, medians; `fastest` is `--precision.deterministic False`; `plain` is "
        "float32 as tutorials write it (convolutions in TF32, PyTorch's default). Of peak: our convolutions and "
        "products over the fastest bfloat16 matrix product measured.\n\n"
        "| recipe | plain | ours | ours, fastest | times plain | times plain, fastest | ms a step | TFLOP a step "
        "| of peak | of peak, fastest |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    found = bench.known.get("speed", {})
    for name in RECIPES:
        if bench.left() < 12:
            bench.say("\nNo time was left for the others.")
            break
        found[name] = compared(bench, name)
        bench.say(row(name, found[name], bench.known.get("ceilings", {}).get("matrix product bfloat16")))
        bench.keep("speed", found)


def compared(bench: Bench, name: str) -> dict[str, Any]:
    """Return the seconds per step of plain PyTorch, of ganache, and of ganache with the fastest algorithms."""
    on = torch.device(bench.device)
    config, data = bench.material(bench.settings(ours.settings(name)))
    # A loop each: steps that are recorded keep the algorithms that they were recorded with.
    (_, steps), (_, fast_steps) = loop(config, data), loop(config, data)
    set_determinism(on, True)
    with ours.Flop() as counter:
        next(steps)
    plain = eager.LOOPS[name](bench.device)

    def defaults() -> None:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.benchmark = False

    contenders: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "plain": (defaults, plain),
        "ours": (lambda: set_determinism(on, True), lambda: next(steps)),
        "fastest": (lambda: set_determinism(on, False), lambda: next(fast_steps)),
    }
    count = {each: warmed(bench, *contenders[each]) for each in contenders}
    times: dict[str, list[float]] = {each: [] for each in contenders}
    for _ in range(1 if bench.quick else 7):
        for each, (prepare, step) in contenders.items():
            prepare()
            times[each].append(seconds(bench, step, count[each]))
    defaults()
    critic = config.schedule.critic_steps
    return {
        "seconds": {each: statistics.median(values) for each, values in times.items()},
        "ratios": {each: sorted(a / b for a, b in zip(times["plain"], times[each], strict=True)) for each in times},
        "images": config.schedule.batch * critic,
        "flop": counter.total,
    }


def warmed(bench: Bench, prepare: Callable[[], object], step: Callable[[], object]) -> int:
    """Return the number of steps per block, after some that are not counted."""
    prepare()
    if bench.quick:
        return 1
    seconds(bench, step, FEW)
    return max(1, round(BLOCK / seconds(bench, step, FEW)))


def seconds(bench: Bench, step: Callable[[], object], count: int) -> float:
    """Return the seconds per step, over this number of steps."""
    bench.wait()
    begin = time.perf_counter()
    for _ in range(count):
        step()
    bench.wait()
    return (time.perf_counter() - begin) / count


def row(name: str, found: dict[str, Any], peak: float | None) -> str:
    taken, images = found["seconds"], found["images"]
    ratio = {each: statistics.median(values) for each, values in found["ratios"].items()}
    share = [f"{found['flop'] / taken[each] / 1e12 / peak:.1%}" if peak else "-" for each in ("ours", "fastest")]
    rates = " | ".join(f"{images / taken[each]:,.0f}" for each in ("plain", "ours", "fastest"))
    return (
        f"| `{name}` | {rates} | {ratio['ours']:.2f} | {ratio['fastest']:.2f} | {1000 * taken['ours']:.2f} "
        f"| {found['flop'] / 1e12:.3f} | {share[0]} | {share[1]} |"
    )


def waits(bench: Bench) -> None:
    """Count the calls that make the host wait for the GPU in ten steps without logging, and how busy the GPU is."""
    bench.say(
        "| recipe | waits in 10 steps | ms a step | GPU busy | kernels a step | where |\n|---|---|---|---|---|---|"
    )
    found = {}
    for name in RECIPES if bench.quick else [*RECIPES, *(each for each in names() if each not in RECIPES)]:
        try:
            found[name] = waiting(bench, name)
        except Exception as error:
            bench.say(f"| `{name}` | {type(error).__name__}: {str(error)[:200]} | | | | |")
            continue
        seen = found[name]
        where = "; ".join(f"{place} ({count})" for place, count in seen["places"].items())
        where += " not repeatable: " + ", ".join(seen["unordered"]) if seen["unordered"] else ""
        share = f"{seen['busy']:.0%}" if seen["busy"] is not None else "-"
        taken = f"{1000 * seen['seconds']:.2f}"
        bench.say(f"| `{name}` | {seen['waits']} | {taken} | {share} | {seen['kernels']:.0f} | {where} |")
        bench.keep("waits", found)


def waiting(bench: Bench, name: str) -> dict[str, Any]:
    """Measure one recipe; none of its steps is logged."""
    config = bench.settings(recipe(name))
    config, data = bench.material(replace(config, record=replace(config.record, log_every=10**9)))
    set_determinism(torch.device(bench.device), config.precision.deterministic)
    _, steps = loop(config, data)
    count = 2 if bench.quick else 10
    seconds(bench, lambda: next(steps), count)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if bench.device == "cuda":
            torch.cuda.set_sync_debug_mode("warn")
        for _ in range(count):
            next(steps)
        if bench.device == "cuda":
            torch.cuda.set_sync_debug_mode("default")
    synchronising = [each for each in caught if "called a synchronizing" in str(each.message)]
    unordered = sorted({str(each.message).split()[0] for each in caught if "deterministic" in str(each.message)})
    places = Counter(f"{each.filename.rpartition('/')[2]}:{each.lineno}" for each in synchronising)
    taken = seconds(bench, lambda: next(steps), 2 * count)
    busy, kernels = kernel_time(bench, lambda: next(steps), max(1, count // 2))
    share = None if busy is None else busy / taken
    return {
        "waits": len(synchronising),
        "places": places,
        "unordered": unordered,
        "seconds": taken,
        "busy": share,
        "kernels": kernels,
    }


def kernel_time(bench: Bench, step: Callable[[], object], count: int) -> tuple[float | None, float]:
    """Return (seconds per step in which kernels ran, their number), to compare with a step without profiler."""
    if bench.device != "cuda":
        return None, 0
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        seconds(bench, step, count)
    events = [each for each in profiler.events() or [] if each.device_type == DeviceType.CUDA]
    kernels = [each for each in events if not getattr(each, "is_user_annotation", False)]
    kernels = [each for each in kernels if not each.name.startswith(("Optimizer", "ProfilerStep"))]
    return sum(each.time_range.elapsed_us() for each in kernels) / 1e6 / count, len(kernels) / count


def repeat(bench: Bench) -> None:
    """Check that eight steps give the same bits as four, a checkpoint, and four more: all weights and moments."""
    bench.say("| recipe | repeatable | other tensors after a resume | largest difference |\n|---|---|---|---|")
    found = {}
    for name in RECIPES:
        for repeatable in (True, False):
            if bench.left() < 6:
                bench.say("\nNo time was left for the others.")
                return
            set_determinism(torch.device(bench.device), repeatable)
            other, most, total = resumed(bench, name)
            found[f"{name} {repeatable}"] = {"other": other, "of": total, "most": most}
            bench.say(f"| `{name}` | {repeatable} | {other} of {total} | {most:.3g} |")
            bench.keep("repeat", found)


def resumed(bench: Bench, name: str) -> tuple[int, float, int]:
    """Return (tensors that differ, the largest difference, number of tensors)."""
    config, data = bench.material(bench.settings(ours.settings(name)))
    whole, steps = loop(config, data)
    path = bench.work / "half.safetensors"
    for _ in range(4):
        next(steps)
    header = {"step": whole.step, "batch_index": whole.batch_index, "seconds": 0.0}
    checkpoint_file.save(path, checkpoint.state_tensors(whole), header)
    again, _ = loop(config, data)
    checkpoint.restore(again, *checkpoint_file.load(path))
    for state in (whole, again):
        _, steps = loop(config, data, state)
        for _ in range(4):
            next(steps)
    pairs = [checkpoint.state_tensors(state) for state in (whole, again)]
    differ = {key: (a - pairs[1][key]).abs().max().item() for key, a in pairs[0].items() if not a.equal(pairs[1][key])}
    return len(differ), max(differ.values(), default=0.0), len(pairs[0])
