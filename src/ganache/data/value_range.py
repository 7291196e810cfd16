"""The range of a data set's values: which stored value is black, and which is white.

The range belongs to the set and not to one picture: otherwise two pictures of the same brightness would differ after
scaling. Each kind of values (8 bits, 16 bits, other integers, floats) has one range. It is found from a histogram of
all values, so that a few stray values do not change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganache.core.images import Pixels

BINS = 65_536
"""Bins of a histogram: the upper 16 bits of each value as float32, so that a bin is less than 1 % wide."""

BLOCK = 2**20
"""Values that are converted at a time, to bound the memory for intermediate results."""

STRAY_SHARE = 1e-3
"""At most this share of all values is ignored at each end, if the range shrinks to less than a quarter by that."""

FULL_FROM = 64
"""If all 8-bit values are below this, they are labels, or the pictures are nearly black."""

_NO_DATA = (-9_999.0, -32_767.0, -99_999.0)
_HUGE = 1e19
"""Programs mark missing values by these numbers, or by one beyond this size."""

_MIN_BINS = 16
"""With fewer different values, as in labels or masks, every value counts."""


class Kind(StrEnum):
    """A kind of stored values. Each has a range of its own."""

    EIGHT = "8-bit values"
    SIXTEEN = "16-bit values"
    INTEGERS = "integer values"
    FLOATS = "float values"


def kind_of(dtype: np.dtype[Any]) -> Kind:
    """Return the kind of values of a type; booleans are 8-bit values."""
    if dtype.kind == "f":
        return Kind.FLOATS
    names = {"u1": Kind.EIGHT, "b1": Kind.EIGHT, "u2": Kind.SIXTEEN}
    return names.get(dtype.str[1:], Kind.INTEGERS)


@dataclass(frozen=True)
class Range:
    """The values of black and white. Values outside become black or white."""

    low: float
    high: float

    def to_pixels(self, values: NDArray[np.generic]) -> Pixels:
        """Map values of any shape from [low, high] to [0, 255], rounded and clipped."""
        pixels = np.empty(values.shape, dtype=np.uint8)
        rows = max(1, BLOCK // max(1, values[:1].size))
        for start in range(0, len(values), rows):
            numbers = values[start : start + rows].astype(np.float64) - self.low
            numbers *= 255.0 / (self.high - self.low or 1.0)
            pixels[start : start + rows] = np.rint(numbers, out=numbers).clip(0, 255)
        return pixels


DEFAULTS = {
    Kind.EIGHT: Range(0, 255),
    Kind.SIXTEEN: Range(0, 65_535),
    Kind.INTEGERS: Range(0, 255),
    Kind.FLOATS: Range(0, 1),
}
"""The range of each kind until all values are known."""

Ranges = Mapping[Kind, Range]


def stored_ranges(ranges: Ranges) -> dict[str, tuple[float, float]]:
    """Return ranges as JSON holds them."""
    return {kind.value: (each.low, each.high) for kind, each in ranges.items()}


def ranges_of_record(record: Any) -> Ranges:
    """Return the ranges that `stored_ranges` gave; what is none is left out."""
    found = dict[Kind, Range]()
    for kind in Kind:
        pair = record.get(kind.value) if isinstance(record, dict) else None
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(each, int | float) for each in pair):
            found[kind] = Range(*map(float, pair))
    return found


@dataclass
class Histogram:
    """How often each value occurs, with a relative precision of 1 %, and the exact minimum and maximum."""

    low: float = np.inf
    high: float = -np.inf
    bins: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    """Indices of the bins that are not empty, ascending."""

    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """Number of values in each of these bins."""

    @classmethod
    def of(cls, values: NDArray[np.generic], without: float | None = None) -> Histogram:
        """Return the histogram of an array; values equal to `without` do not count.

        Raises ValueError if there are NaN or infinity.
        """
        total, low, high = np.zeros(BINS, dtype=np.int64), np.inf, -np.inf
        flat = values.reshape(-1)
        for start in range(0, flat.size, BLOCK):
            block = flat[start : start + BLOCK]
            if without is not None:
                block = block[block != block.dtype.type(without)]
            if block.size:
                ends = float(block.min()), float(block.max())
                if not np.isfinite(ends).all():
                    raise ValueError("some values are NaN or infinite")
                low, high = min(low, ends[0]), max(high, ends[1])
                total += np.bincount(_bin_of(block), minlength=BINS)
        found = np.flatnonzero(total)
        return cls(low, high, found, total[found])

    def add(self, other: Histogram) -> None:
        """Add the values of another histogram."""
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        if not len(other.bins):
            return
        total = np.zeros(BINS, dtype=np.int64)
        total[self.bins] += self.counts
        total[other.bins] += other.counts
        self.bins = np.flatnonzero(total)
        self.counts = total[self.bins]

    def used(self) -> tuple[float, float]:
        """Return the range that the values use, without stray values; minimum and maximum if there are no bins."""
        if not len(self.bins):
            return (self.low, self.high) if self.low <= self.high else (0.0, 1.0)
        first, last = 0, len(self.bins) - 1
        lows, highs = _edges(self.bins)
        for _ in range(2):
            first, last = _without_isolated((lows + highs) / 2, first, last)
        first, last = self._without_rare(lows, highs, first, last)
        low = self.low if first == 0 else float(lows[first])
        high = self.high if last == len(self.bins) - 1 else float(highs[last])
        return low, high

    def share_outside(self, chosen: Range) -> float:
        """Return the share of values that a range clips, except those that are very near to it."""
        lows, highs = _edges(self.bins)
        return float(self.counts[(highs < chosen.low) | (lows > chosen.high)].sum() / max(1, self.counts.sum()))

    def _without_rare(
        self, lows: NDArray[np.float64], highs: NDArray[np.float64], first: int, last: int
    ) -> tuple[int, int]:
        """Drop at most STRAY_SHARE of the values at each end, if that makes the range less than a quarter as wide."""
        share = self.counts[first : last + 1].cumsum() / self.counts[first : last + 1].sum()
        inner_first = first + int(np.searchsorted(share, STRAY_SHARE, side="right"))
        inner_last = min(last, first + int(np.searchsorted(share, 1 - STRAY_SHARE, side="left")))
        if inner_last - inner_first + 1 < _MIN_BINS:
            return first, last
        is_narrow = 4 * (highs[inner_last] - lows[inner_first]) < highs[last] - lows[first]
        return (inner_first, inner_last) if is_narrow else (first, last)


def _without_isolated(centres: NDArray[np.float64], first: int, last: int) -> tuple[int, int]:
    """Drop the lowest and the highest bin if it is far from all others, as -9999 for "no data" is.

    Only negative values are dropped at the lower end: 0 is black in most data.
    """
    if last == first:
        return first, last
    is_varied = last - first + 1 >= _MIN_BINS
    gap, rest = centres[first + 1] - centres[first], centres[last] - centres[first + 1]
    if centres[first] < 0 and (_is_no_data(centres[first]) or (is_varied and gap > 2 * rest)):
        first += 1
    gap, rest = centres[last] - centres[last - 1], centres[last - 1] - centres[first]
    if last > first and (centres[last] > _HUGE or (is_varied and gap > 2 * rest)):
        last -= 1
    return first, last


def _bin_of(values: NDArray[np.generic]) -> NDArray[np.intp]:
    """Return the bin of each value: float32 bit patterns, ordered as the numbers are, without the lower 16 bits."""
    largest = float(np.finfo(np.float32).max)
    narrow = values.clip(-largest, largest) if values.dtype == np.float64 else values
    bits = (np.ascontiguousarray(narrow, dtype=np.float32).view(np.uint32) >> np.uint32(16)).astype(np.intp)
    bits[:] = np.where(bits >= BINS // 2, BINS - 1 - bits, bits + BINS // 2)
    return bits


def _edges(bins: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the smallest and the largest value of each bin."""
    bits = np.where(bins >= BINS // 2, bins - BINS // 2, BINS - 1 - bins).astype(np.uint32) << np.uint32(16)
    # The magnitude grows with the bits, for negative values too.
    ends = np.stack([bits, bits | np.uint32(0xFFFF)]).view(np.float32).astype(np.float64)
    return ends.min(axis=0), ends.max(axis=0)


def _is_no_data(value: float) -> bool:
    """Whether the centre of a bin is near a number by which programs mark missing values."""
    return value < -_HUGE or any(abs(value - known) < 0.01 * abs(known) for known in _NO_DATA)


def decide(kind: Kind, histogram: Histogram) -> Range:
    """Return the range of values of this kind: a usual one if the values use most of it, else the one they use."""
    low, high = histogram.used()
    if low == high == 0:
        return DEFAULTS[kind]
    if kind == Kind.FLOATS:
        return _float_range(low, high)
    if np.ceil(low) <= np.floor(high):  # edges of bins lie between whole numbers
        low, high = float(np.ceil(low)), float(np.floor(high))
    if low >= 0 and high <= 1:
        return Range(0, 1)
    if kind == Kind.EIGHT:
        return DEFAULTS[kind]
    full = 2.0 ** int(high).bit_length() - 1 if high > 0 else 0.0
    is_full = low >= 0 and (high >= 0.9 * full or (kind == Kind.SIXTEEN and high >= 2**15) or 128 <= high <= 255)
    if is_full and full <= 65_535 and 4 * (high - low) >= full:
        return Range(0, full)
    return _used_range(low, high)


def _float_range(low: float, high: float) -> Range:
    """Return [0, 1], [-1, 1] or [0, 255] if the values use most of it, with small overshoots, else what they use."""
    if low >= -0.1 and 0.25 <= high <= 1.1:
        return Range(0, 1)
    if -1.1 <= low <= -0.25 and 0.25 <= high <= 1.1:
        return Range(-1, 1)
    if low >= -5 and 128 <= high <= 260 and high - low >= 64:
        return Range(0, 255)
    return _used_range(low, high) if high > 0 or low < 0 else Range(0, 1)


def _used_range(low: float, high: float) -> Range:
    """Return [low, high]; from 0 on, unless all values lie in the upper half of that."""
    return Range(0.0 if 0 <= 2 * low < high else low, high)


def sentence(kind: Kind, histogram: Histogram, chosen: Range, *, given: bool) -> str:
    """Return what the doctor says about the range of a kind; "" if it is the usual one and nothing is clipped."""
    if kind == Kind.EIGHT and given:
        return ""
    if kind == Kind.EIGHT and chosen == DEFAULTS[kind] and 0 < histogram.high < FULL_FROM:
        high = int(histogram.high)
        return f"the largest of all {kind} is {high}, which is nearly black: --data.range 0 {high} makes it white."
    is_clipped = histogram.low < chosen.low or histogram.high > chosen.high
    if not is_clipped and (given or chosen == DEFAULTS[kind]):
        return ""
    if chosen == Range(0, 1) and kind != Kind.FLOATS and not is_clipped:
        found = f"all {kind} are 0 or 1 and are taken for masks"
    else:
        found = f"{kind} lie between {histogram.low:,.6g} and {histogram.high:,.6g}"
    share = histogram.share_outside(chosen)
    clipped = f", and {100 * share:.2g} % are clipped" if share else ", and a few are clipped" if is_clipped else ""
    hint = "" if given else " (--data.range LOW HIGH sets other values)"
    return f"{found}: {chosen.low:,.6g} becomes black, {chosen.high:,.6g} white{clipped}{hint}."
