"""Curves of a training on matplotlib's axes: smoothed, with the values behind, on an axis that shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganache.core.text import printable

WIDE = 5.0
"""An axis is logarithmic if the highest value is so many times the median."""
WINDOW = 0.06
"""Points that are averaged, as a share of all."""

Curve = Sequence[tuple[float, float]]


def draw_curves(axes: Any, curves: Mapping[str, Curve]) -> None:
    """Draw curves of points (real images shown, value) with a legend."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    for name, curve in curves.items():
        x, y = (np.array(values, dtype=float) for values in zip(*curve, strict=True))
        smooth = smoothed(y)
        dots = "o" if smooth is y else None
        (line,) = axes.plot(
            x, smooth, label=printable(name.replace("_", " ")), linewidth=1.4, marker=dots, markersize=3
        )
        if smooth is not y:
            axes.plot(x, y, color=line.get_color(), linewidth=0.8, alpha=0.25, zorder=1)
    values = [value for curve in curves.values() for _, value in curve]
    if is_wide(values):
        axes.set_yscale("log")
    else:
        axes.set_ylim(*limits(curves))
    axes.set_xlabel("real images shown")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.grid(alpha=0.3)
    for text in axes.legend(fontsize=8).get_texts():
        text.set_parse_math(False)


def smoothed(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a centred running mean [N]; `y` itself if there are too few points for one."""
    radius = round(WINDOW * len(y) / 2)
    if radius < 1:
        return y
    sums = np.concatenate([[0.0], np.cumsum(y)])
    at = np.arange(len(y))
    first, last = np.maximum(0, at - radius), np.minimum(len(y), at + radius + 1)
    means: NDArray[np.float64] = (sums[last] - sums[first]) / (last - first)
    return means


def is_wide(values: Sequence[float]) -> bool:
    """Whether the highest value, such as the distance before any training, would flatten most others on a linear axis.

    >>> is_wide([400.0, 30.0, 28.0, 25.0]), is_wide([1.0, 2.0, 3.0]), is_wide([400.0, -1.0, 2.0])
    (True, False, False)
    """
    return min(values) > 0 and max(values) > WIDE * median(values)


def limits(curves: Mapping[str, Curve]) -> tuple[float, float]:
    """Return the ends of a linear axis for all values but, if they would flatten the rest, those of the first tenth.

    >>> limits({"d": [(step, 400.0 if step == 0 else -1.0 + step % 2) for step in range(40)]})
    (-1.05, 0.05)
    """
    settled = [value for curve in curves.values() for _, value in curve[len(curve) // 10 :]]
    every = [value for curve in curves.values() for _, value in curve]
    low, high = min(every), max(every)
    if high - low > WIDE * (max(settled) - min(settled)) > 0:
        low, high = min(settled), max(settled)
    margin = 0.05 * (high - low) or 0.1 * abs(high) or 0.5
    return low - margin, high + margin
