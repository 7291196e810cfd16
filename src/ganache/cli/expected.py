"""What to expect of a run on this machine, in sentences: how long it takes, and whether its memory is free."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ganache.data import Dataset
from ganache.errors import GanacheError
from ganache.training.cost import StepCost, step_cost
from ganache.training.forecast import Pace, free_memory, measured_pace, planned_steps
from ganache.training.resolved import Resolved
from ganache.types import ImageShape

PYTORCH = 0.42e9
"""Bytes of a process that trains next to nothing, two-dimensional points: Python, PyTorch, ganache and its figures."""


def expected_lines(resolved: Resolved, image_shape: ImageShape, data: Dataset | None) -> Iterator[tuple[str, str]]:
    """Yield (title, sentence) on duration and memory.

    A few steps are measured, on random images and a state of their own.
    """
    pace = measured_pace(resolved, image_shape)
    yield "duration", duration(resolved, pace, len(data.training) if data is not None else None)
    needed = memory(resolved, image_shape, len(data) if data is not None else 0)
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


def memory(resolved: Resolved, image_shape: ImageShape, images: int) -> int | None:
    """Return the bytes that training needs: PyTorch, a step, and the decoded data; None if they cannot be traced."""
    step = cost_or_reason(resolved, image_shape)
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
