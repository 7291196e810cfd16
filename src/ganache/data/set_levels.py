"""What the values of all pictures of a set tell together: their range, and pictures that became one colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ganache.data import background
from ganache.data.decoding import DecodedImage, Target
from ganache.data.value_range import DEFAULTS, Histogram, Kind, Ranges, decide, sentence

_MANY = 10
"""Number of pictures from which on it is a fault if half of them show nothing."""


@dataclass
class SetLevels:
    """Totals over the decoded pictures of a set."""

    histograms: dict[Kind, Histogram] = field(default_factory=dict)
    pictures: Counter[Kind] = field(default_factory=Counter)
    hidden: Counter[str] = field(default_factory=Counter)
    """Background -> number of pictures that have one colour now, and would be visible on that background."""

    flat: int = 0
    """Number of pictures of one grey value."""

    dark: int = 0
    """Number of 8-bit pictures whose values are 0 and 1."""

    def add(self, image: DecodedImage) -> None:
        """Add one picture."""
        if image.kind not in self.histograms:
            self.histograms[image.kind] = Histogram()
        self.histograms[image.kind].add(image.histogram)
        self.pictures[image.kind] += 1
        is_eight = image.kind == Kind.EIGHT
        self.dark += is_eight and image.histogram.high == 1
        if image.hidden:
            self.hidden[image.hidden] += 1
        else:
            low, high = (image.pixels.min(), image.pixels.max()) if not is_eight else _ends(image.histogram)
            self.flat += low == high

    def ranges(self) -> Ranges:
        """Return the range of each kind of values, found from all pictures."""
        return {**DEFAULTS, **{kind: decide(kind, histogram) for kind, histogram in self.histograms.items()}}

    def range_remarks(self, used: Ranges, *, given: bool) -> tuple[str, ...]:
        """Return a sentence for each kind of values whose range is not the usual one."""
        several = len(self.histograms) > 1
        found = []
        for kind, histogram in self.histograms.items():
            if said := sentence(kind, histogram, used[kind], given=given):
                found.append(f"{self.pictures[kind]:,} pictures: {said}" if several else said)
        return tuple(found)

    def remarks(self, target: Target) -> Iterator[str]:
        """Yield sentences on pictures in which nothing can be seen."""
        total = sum(self.pictures.values())
        for behind, count in self.hidden.items():
            why = (
                "they are transparent everywhere"
                if behind == background.IGNORE
                else "their colour is that of the background"
            )
            yield (
                f"{count:,} of {total:,} pictures have a single colour, because {why} (data.background is "
                f"{target.background}): use --data.background {behind}."
            )
        if total >= _MANY and 2 * self.flat >= total:
            yield f"{self.flat:,} of {total:,} pictures have a single grey value."
        if self.dark and self.histograms[Kind.EIGHT].high > 1:
            yield (
                f"{self.dark:,} of {total:,} pictures have only the values 0 and 1 and look black: if they are masks, "
                "put them into a folder of their own."
            )


def _ends(histogram: Histogram) -> tuple[float, float]:
    return histogram.low, histogram.high
