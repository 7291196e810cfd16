"""What to expect of a run on this machine, in sentences: how long it takes, and whether its memory is free."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ganache.config.config import Config, from_dict
from ganache.config.recipes import read
from ganache.data import Dataset
from ganache.errors import ConfigError, GanacheError
from ganache.runs.run import Run
from ganache.training.cost import StepCost, step_cost
from ganache.training.forecast import Pace, free_memory, measured_pace, planned_steps
from ganache.training.resolved import Resolved
from ganache.types import ImageShape

PYTORCH = 0.42e9
"""Bytes of a process that trains next to nothing, two-dimensional points: Python, PyTorch, ganache and its figures."""


def expected_lines(
    resolved: Resolved, image_shape: ImageShape, data: Dataset | None, step: StepCost | str
) -> Iterator[tuple[str, str]]:
    """Yield (title, sentence) on duration and memory; `step` is what `cost_or_reason` returns.

    A few steps are measured, on random images and a state of their own.
    """
    pace = measured_pace(resolved, image_shape)
    yield "duration", duration(resolved, pace, len(data.shown) if data is not None else None)
    needed = memory(resolved, image_shape, len(data) if data is not None else 0, step)
    if needed is not None:
        yield "memory", describe_memory(needed, free_memory(resolved.device))


def duration(resolved: Resolved, pace: Pace, images: int | None) -> str:
    """Return how long the budget takes, or how far the minutes reach; `images` is the number of those in training."""
    schedule, share = resolved.config.schedule, resolved.config.probe.share
    planned = planned_steps(resolved, pace)
    more = f"; probes add at most {share:.0%}, and checkpoints and samples a little" if share else ""
    if planned is None:
        return f"{minutes(pace.seconds(1000, 1000 * schedule.critic_steps))} for 1,000 steps, until you stop it{more}."
    took = pace.seconds(planned.steps, planned.critic_steps)
    passes = f" = {planned.critic_steps * schedule.batch / images:,.1f} passes over the data" if images else ""
    if schedule.minutes is not None and took >= 60 * schedule.minutes:
        return f"{schedule.minutes:g} minutes, enough for about {planned.steps:,} steps{passes}{more}."
    return f"{minutes(took)} for {planned.steps:,} steps{passes}{more}."


def forecast(run: Run) -> str:
    """Return one sentence on the run at the speed of the last log line; "" if that is not known.

    It says how fast the run is here, when one sees what its pictures show if the recipe knows, and when it ends.
    """
    speed, schedule = run.log.last.get("images_per_second", 0) if run.log.last else 0, run.config.schedule
    if not speed:
        return ""
    sides, steps_per_second = run.data.image_shape, speed / (schedule.critic_steps * schedule.batch)
    what = "points" if len(sides) == 1 else f"{sides[1]}x{sides[2]}"
    parts = [f"{steps_per_second:.2g} steps/s here"]
    to_good = (good_after(run.config) or 0) - run.state.step
    if to_good > 0:
        parts.append(f"good pictures in {minutes(to_good / steps_per_second)}")
    done, budget, unit = run.progress()
    if not math.isinf(budget):
        left = {"minutes": 60, "images": 1 / speed, "steps": 1 / steps_per_second}[unit] * (budget - done)
        parts.append(f"done in {minutes(left)}")
    return f"{what}, {run.config.recipe or 'no recipe'}: {', '.join(parts)}."


def good_after(config: Config) -> int | None:
    """Return the steps after which the recipe says that pictures are good; None if the run is not what it describes."""
    try:
        heading = read(config.recipe)
        described = from_dict(heading.settings)
    except ConfigError:  # a recipe in a file that is gone, or a run without one
        return None
    same = ("network", "method", "projected", "critic_optimiser", "generator_optimiser")
    if any(getattr(config, each) != getattr(described, each) for each in same) or config.start.source:
        return None
    if (config.data.size, config.schedule.batch) != (described.data.size, described.schedule.batch):
        return None
    return heading.good_after


def memory(resolved: Resolved, image_shape: ImageShape, images: int, step: StepCost | str) -> int | None:
    """Return the bytes that training needs: PyTorch, a step, and the decoded data; None if they cannot be traced."""
    if isinstance(step, str):
        return None
    data = images * math.prod(image_shape) * (1 if len(image_shape) == 3 else 4)
    return step.memory if resolved.device.type == "cuda" else step.memory + data + int(PYTORCH)


def describe_memory(needed: int, free: int | None) -> str:
    """Return a sentence on the memory of a run, with what to do if it is not free.

    >>> describe_memory(2_000_000_000, 5_000_000_000), describe_memory(2_000_000_000, None)
    ('about 2.0 GB of 5.0 GB that are free.', 'about 2.0 GB.')
    """
    if free is None:
        return f"about {gigabytes(needed)}."
    if needed <= free:
        return f"about {gigabytes(needed)} of {gigabytes(free)} that are free."
    return (
        f"training needs about {gigabytes(needed)} and {gigabytes(free)} are free: "
        "use a smaller --size or --schedule.batch."
    )


def cost_or_reason(resolved: Resolved, image_shape: ImageShape) -> StepCost | str:
    """Return the cost of a step, or why it is unknown: a network or method from a plugin may need real numbers."""
    try:
        return step_cost(resolved, image_shape)
    except GanacheError:
        raise
    except (RuntimeError, NotImplementedError) as error:
        return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def gigabytes(size: float) -> str:
    """Format bytes.

    >>> gigabytes(1.26e9), gigabytes(4e7)
    ('1.3 GB', '0.04 GB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e9:.2g} GB"


def minutes(seconds: float) -> str:
    """Format a duration.

    >>> minutes(20), minutes(130), minutes(9000)
    ('less than a minute', 'about 2 minutes', 'about 2.5 hours')
    """
    if seconds < 90:
        return "about a minute" if seconds >= 45 else "less than a minute"
    return f"about {round(seconds / 60):,} minutes" if seconds < 7200 else f"about {seconds / 3600:.1f} hours"
