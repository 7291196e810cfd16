"""Diagnosis: what the doctor found, as data, as JSON and as a text to read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from ganache.data.reasons import Reason, Skipped

_SHOWN = 5
"""How many examples of each thing the text names; the JSON has them all."""

Names = tuple[str, ...]


@dataclass(frozen=True)
class Diagnosis:
    """A source's pictures: how many, of what kind, which are not used and why, which occur twice."""

    source: str
    """As the user called it."""

    files: int
    """All that was found, usable or not."""

    usable: int
    shape: tuple[int, ...]
    """Height, width and channels of each packed picture; (2,) for points."""

    sizes: Mapping[str, int]
    """"64x48" (width x height, as found) -> how many, the most frequent first."""

    modes: Mapping[str, int]
    """Colour mode as found ("RGB", "L", "P", ...) -> how many."""

    conversions: Mapping[str, int]
    """What was done (see Note) -> to how many."""

    skipped: tuple[Skipped, ...]
    exact_duplicates: tuple[Names, ...]
    """Groups of files with the same bytes."""

    near_duplicates: tuple[Names, ...]
    """Groups of files that look the same, the first of each exact group among them."""

    classes: Mapping[str, int]
    """Label -> how many usable pictures."""

    remarks: tuple[str, ...] = ()
    """Sentences on what was decided for the user, such as the size."""

    @property
    def reasons(self) -> dict[str, int]:
        """Why files were skipped -> how many, the most frequent first."""
        return counted(skipped.reason.value for skipped in self.skipped)

    def to_json(self) -> str:
        """All of it; `from_json` gives it back."""
        return json.dumps(asdict(self), ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> Diagnosis:
        """Raises ValueError, KeyError or TypeError for a text that `to_json` did not write."""
        fields = json.loads(text)
        fields["shape"] = tuple(fields["shape"])
        fields["remarks"] = tuple(fields["remarks"])
        fields["skipped"] = tuple(
            Skipped(entry["name"], Reason(entry["reason"]), entry["detail"]) for entry in fields["skipped"]
        )
        for name in ("exact_duplicates", "near_duplicates"):
            fields[name] = tuple(tuple(group) for group in fields[name])
        return cls(**fields)

    def describe(self) -> str:
        """What a person wants to know, most important first."""
        lines = [f"{self.source}: {self._headline()}"]
        lines += [f"  note        {remark}" for remark in self.remarks]
        lines += _histogram("size found", self.sizes)
        lines += _histogram("colours", self.modes)
        lines += _histogram("classes", self.classes)
        lines += _histogram("converted", self.conversions)
        lines += self._duplicates()
        lines += self._skipped()
        return "\n".join(_printable(line) for line in lines)

    def _headline(self) -> str:
        """How many are usable, as what."""
        if len(self.shape) < 3:
            return f"{self.usable:,} points in the plane."
        height, width, channels = self.shape
        kind = "grey" if channels == 1 else "RGB"
        whole = f"{self.usable:,} pictures" if not self.skipped else f"{self.usable:,} of {self.files:,} usable"
        return f"{whole}, {width}x{height} {kind}."

    def _duplicates(self) -> list[str]:
        lines = []
        for title, groups in (("same file", self.exact_duplicates), ("look alike", self.near_duplicates)):
            if groups:
                surplus = sum(len(group) - 1 for group in groups)
                lines.append(f"  {title:<11} {surplus:,} more than needed, in {len(groups):,} groups:")
                lines += _examples([" = ".join(_few(group, 4)) for group in groups])
        return lines

    def _skipped(self) -> list[str]:
        lines = []
        for reason, count in self.reasons.items():
            lines.append(f"  left out    {count:,} {reason}: {Reason(reason).sentence}.")
            names = [
                f"{s.name} ({s.detail})" if s.detail != s.reason.sentence else s.name
                for s in self.skipped
                if s.reason == reason
            ]
            lines += _examples(names)
        return lines

    def __str__(self) -> str:
        return self.describe()


def counted(things: Iterable[str]) -> dict[str, int]:
    """Each thing -> how often, the most frequent first, then by name."""
    return dict(sorted(Counter(things).items(), key=lambda pair: (-pair[1], pair[0])))


def _histogram(title: str, counts: Mapping[str, int]) -> list[str]:
    """One line: the most frequent, and how many other kinds there are."""
    if not counts:
        return []
    shown = [f"{name} ({count:,})" for name, count in list(counts.items())[:_SHOWN]]
    rest = len(counts) - len(shown)
    return [f"  {title:<11} " + ", ".join(shown) + (f" and {rest:,} others" if rest else "")]


def _examples(items: Sequence[str]) -> list[str]:
    """Each on a line of its own, deeper."""
    return [f"              {item}" for item in _few(items, _SHOWN)]


def _few(items: Sequence[str], most: int) -> list[str]:
    """The first ones, and how many are left unsaid."""
    rest = len(items) - most
    return [*items[:most], f"... and {rest:,} more"] if rest > 0 else list(items)


def _printable(line: str) -> str:
    """A file's name may hold anything, also what moves a terminal's cursor or cannot be encoded."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
