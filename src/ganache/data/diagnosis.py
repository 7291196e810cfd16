"""Diagnosis: the result of the doctor, as data, as JSON and as text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from ganache.core import old_names
from ganache.core.text import in_one_line
from ganache.data.formats import named
from ganache.data.skip_reasons import SkippedFile, SkipReason
from ganache.errors import DataError

_MAX_EXAMPLES = 5
"""Examples per line of the text; the JSON has all of them."""

_LONGEST = 1_000
"""Characters of an example; an archive may hold longer names than a disk."""

Names = tuple[str, ...]


@dataclass(frozen=True)
class Diagnosis:
    """The images of a source: their number and kind, those that are skipped and why, and duplicates."""

    source: str
    """Name of the source."""

    files: int
    """Number of files, usable or not."""

    usable: int
    shape: tuple[int, ...]
    """(H, W, C) of each packed image; (2,) for points."""

    sizes: Mapping[str, int]
    """"64x48" (original width x height) -> number of images, most frequent first."""

    modes: Mapping[str, int]
    """Original colour mode ("RGB", "L", "P", ...) -> number of images."""

    conversions: Mapping[str, int]
    """Conversion (see `Conversion`) -> number of images."""

    skipped: tuple[SkippedFile, ...]
    exact_duplicates: tuple[Names, ...]
    """Groups of files with equal bytes."""

    near_duplicates: tuple[Names, ...]
    """Groups of files that look the same; of each group of equal files, only the first is in them."""

    classes: Mapping[str, int]
    """Class name -> number of usable images."""

    remarks: tuple[str, ...] = ()
    """Sentences on defaults that were applied, such as the size."""

    @property
    def reasons(self) -> dict[str, int]:
        """Skip reason -> number of files, most frequent first."""
        return sorted_counts(skipped.reason.value for skipped in self.skipped)

    def to_json(self) -> str:
        """Return all fields as JSON; `from_json` reads it."""
        return json.dumps(asdict(self), ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> Diagnosis:
        """Read what `to_json` wrote. Raises ValueError, KeyError or TypeError for any other text."""
        fields = json.loads(text)
        fields["shape"] = tuple(fields["shape"])
        fields["remarks"] = tuple(fields["remarks"])
        fields["skipped"] = tuple(
            SkippedFile(entry["name"], SkipReason(entry["reason"]), entry["detail"]) for entry in fields["skipped"]
        )
        fields["conversions"] = old_names.renamed(fields["conversions"], old_names.CONVERSIONS)
        for name in ("exact_duplicates", "near_duplicates"):
            fields[name] = tuple(tuple(group) for group in fields[name])
        return cls(**fields)

    def describe(self) -> str:
        """Return the diagnosis as lines of text, most important first."""
        lines = [f"{self.source}: {self._headline()}"]
        lines += [f"  note        {remark}" for remark in self.remarks]
        lines += _histogram("size found", self.sizes)
        lines += _histogram("colours", self.modes)
        lines += _histogram("classes", self.classes)
        lines += _histogram("converted", self.conversions)
        lines += self._duplicates()
        lines += self._skipped()
        return "\n".join(map(in_one_line, lines))

    def _headline(self) -> str:
        """Return the number of usable images, their size and colour."""
        if not self.usable:
            return f"0 of {self.files:,} usable."
        if len(self.shape) < 3:
            return f"{self.usable:,} points in the plane."
        height, width, channels = self.shape
        kind = {1: "grey", 4: "RGB with transparency"}.get(channels, "RGB")
        whole = f"{self.usable:,} pictures" if not self.skipped else f"{self.usable:,} of {self.files:,} usable"
        return f"{whole}, {width}x{height} {kind}."

    def _duplicates(self) -> list[str]:
        lines = []
        for title, groups in (("same file", self.exact_duplicates), ("look alike", self.near_duplicates)):
            if groups:
                surplus = sum(len(group) - 1 for group in groups)
                lines.append(f"  {title:<11} {surplus:,} duplicates, in {len(groups):,} groups:")
                lines += _examples([" = ".join(_first(group, 4)) for group in groups])
        return lines

    def _skipped(self) -> list[str]:
        lines = []
        for reason, count in self.reasons.items():
            lines.append(f"  skipped     {count:,} {reason}: {SkipReason(reason).sentence}.")
            names = [_with_detail(s) for s in self.skipped if s.reason == reason]
            lines += _examples(names)
        return lines

    def __str__(self) -> str:
        return self.describe()


class NoPictureError(DataError):
    """A source without a usable picture; `diagnosis` says why each file is skipped."""

    def __init__(self, message: str, diagnosis: Diagnosis) -> None:
        super().__init__(message)
        self.diagnosis = diagnosis


def _with_detail(file: SkippedFile) -> str:
    """Return the name of a skipped file, with what was found and how it is converted if that is known."""
    if file.detail == file.reason.sentence:
        return file.name
    known = named(file.detail)
    is_short = known is not None and not known.command.startswith("python")
    return f"{file.name} ({file.detail}{f': {known.to_do(file.name)}' if known and is_short else ''})"


def sorted_counts(items: Iterable[str]) -> dict[str, int]:
    """Return {item: count}, most frequent first, then by name."""
    return dict(sorted(Counter(items).items(), key=lambda pair: (-pair[1], pair[0])))


def _histogram(title: str, counts: Mapping[str, int]) -> list[str]:
    """Return one line: the most frequent items, and the number of others."""
    if not counts:
        return []
    shown = [f"{name} ({count:,})" for name, count in list(counts.items())[:_MAX_EXAMPLES]]
    rest = len(counts) - len(shown)
    return [f"  {title:<11} " + ", ".join(shown) + (f" and {rest:,} others" if rest else "")]


def _examples(items: Sequence[str]) -> list[str]:
    """Return indented lines, one per item."""
    shown = (item if len(item) <= _LONGEST else f"{item[:_LONGEST]}..." for item in _first(items, _MAX_EXAMPLES))
    return [f"              {item}" for item in shown]


def _first(items: Sequence[str], at_most: int) -> list[str]:
    """Return the first items, and a line that counts the rest."""
    rest = len(items) - at_most
    return [*items[:at_most], f"... and {rest:,} more"] if rest > 0 else list(items)
