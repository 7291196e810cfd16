"""What the values of all pictures of a set tell together: their range, and pictures that became one colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ganache.core.images import Pixels
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
    """Number of pictures of one colour."""

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
            self.flat += _is_flat(image.pixels)

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
        yield from remarks_on_flat(self.flat, total)
        if self.dark and self.histograms[Kind.EIGHT].high > 1:
            yield (
                f"{self.dark:,} of {total:,} pictures have only the values 0 and 1 and look black: if they are masks, "
                "put them into a folder of their own."
            )


def remarks_on_flat(flat: int, total: int) -> tuple[str, ...]:
    """Return a sentence if many of the pictures have one value."""
    is_fault = total >= _MANY and 2 * flat >= total
    return (f"{flat:,} of {total:,} pictures have a single colour: nothing can be seen on them.",) if is_fault else ()


def _is_flat(pixels: Pixels) -> bool:
    """Whether a picture has one colour; three pixels tell it of most."""
    first = pixels[0, 0].tobytes()
    if pixels[-1, -1].tobytes() != first or pixels[len(pixels) // 2, pixels.shape[1] // 2].tobytes() != first:
        return False
    return bool((pixels == pixels[0, 0]).all())
