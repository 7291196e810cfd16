"""The progress bar of everything that takes long."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


class Bar(tqdm):  # type: ignore[misc]
    """A progress bar on standard error, shown in terminals only, that never passes 100 %.

    What is counted may end beyond its total: the last batch of a budget of images, a step after the last minute, files
    in an archive that were not known before.
    """

    def update(self, n: float | None = 1) -> bool | None:
        """Advance by `n`, at most to the total."""
        room = float("inf") if self.total is None else max(0, self.total - self.n)
        moved: bool | None = super().update(min(n if n is not None else 1, room))
        return moved

    def reach(self, done: float) -> None:
        """Advance to `done`, at most to the total."""
        self.update(max(0.0, done - self.n))


def bar(items: Iterable[Any] | None = None, *, shown: bool = True, **options: Any) -> Any:
    """Return a bar, over `items` if they are given; options are those of tqdm. `shown`: False hides it everywhere."""
    return Bar(items, disable=None if shown else True, **options)


def share(done: float, total: float) -> float:
    """Return the part of a total that is done, at most 1.

    >>> share(1, 4), share(5, 4)
    (0.25, 1.0)
    """
    return min(1.0, done / total)
