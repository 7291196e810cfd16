"""How long a run will take on this machine, from real steps on a state that is thrown away, and whether it fits."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from ganache.training import build
from ganache.training.loop import train
from ganache.training.resolved import Resolved
from ganache.types import ImageShape

WARM_UP, MOST_STEPS = 2, 20
"""Steps before any may be the last, because kernels are chosen in the first ones, and the most after them.
The later half is what counts."""

ENOUGH, LIMIT = 2.0, 4.5
"""Seconds after which no further step is begun, once one was counted; and after which none is begun at all."""


@dataclass(frozen=True)
class Pace:
    """Seconds of a generator step with one critic step, and of each further critic step."""

    step: float
    critic_step: float

    def seconds(self, steps: float, critic_steps: float) -> float:
        """Return the seconds of so many generator steps and critic steps."""
        return steps * self.step + (critic_steps - steps) * self.critic_step


@dataclass(frozen=True)
class PlannedSteps:
    """The steps that a budget allows."""

    steps: int
    """Generator steps."""
    critic_steps: int


def planned_steps(resolved: Resolved, pace: Pace | None = None) -> PlannedSteps | None:
    """Return the steps of the whole run; None if it has no budget, or one of minutes and no `pace` is known."""
    schedule = resolved.config.schedule
    seconds = math.inf if schedule.minutes is None else 60 * schedule.minutes
    if schedule.images is None and schedule.steps is None and (pace is None or math.isinf(seconds)):
        return None
    steps = critic_steps = 0
    while steps < (schedule.steps or math.inf) and critic_steps * schedule.batch < (schedule.images or math.inf):
        if pace is not None and pace.seconds(steps, critic_steps) >= seconds:
            break
        critic_steps += resolved.critic_steps(steps)
        steps += 1
    return PlannedSteps(steps, critic_steps)


def measured_pace(resolved: Resolved, image_shape: ImageShape) -> Pace:
    """Time a few steps on random images of `image_shape`; the random state of PyTorch does not change."""
    schedule = resolved.config.schedule
    one = step_seconds(resolved, image_shape, 1)
    if schedule.critic_steps == 1 and not (schedule.boost_first or schedule.boost_every):
        return Pace(one, 0.0)
    return Pace(one, max(0.0, step_seconds(resolved, image_shape, 2) - one))


def step_seconds(resolved: Resolved, image_shape: ImageShape, critic_steps: int) -> float:
    """Return the median time of a generator step with so many critic steps, in seconds."""
    resolved = resolved.alone()
    devices = [resolved.device] if resolved.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        state = build.state(resolved, image_shape)
        plan = replace(build.plan(resolved), critic_steps=lambda step: critic_steps, wants_estimates=lambda step: False)
        batches = RandomBatches(resolved, image_shape)
        times: list[float] = []
        began = last = time.perf_counter()
        for report in train(state, resolved.method, batches, resolved.prior, plan):
            float(report.g_gradient_norm)  # waits for a GPU
            now = time.perf_counter()
            times.append(now - last)
            last, counted = now, len(times) - WARM_UP
            if counted >= MOST_STEPS or (counted > 0 and now - began > ENOUGH) or now - began > LIMIT:
                break
    return median(times[len(times) // 2 :])


class RandomBatches:
    """One batch of random images, again and again."""

    def __init__(self, resolved: Resolved, image_shape: ImageShape) -> None:
        batch, device = resolved.config.schedule.batch, resolved.device
        self.x = torch.rand(batch, *image_shape, device=device) * 2 - 1
        self.y = torch.zeros(batch, dtype=torch.long, device=device) if resolved.config.data.classes else None

    def __getitem__(self, index: int, /) -> Tensor:
        return self.x

    def labels(self, index: int, /) -> Tensor | None:
        return self.y


def free_memory(device: torch.device) -> int | None:
    """Return the bytes that are free on the device; None if the system does not say."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows and macOS
        return None
