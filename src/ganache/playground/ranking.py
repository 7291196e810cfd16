"""Which dimension does what, found out in the background: one dimension after another, and shared by all pages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

from ganache.functional import effects, latents
from ganache.lab.explore.ranking import Effect, columns, effect
from ganache.lab.requests import Dimensions, Sample
from ganache.playground.library import Library
from ganache.playground.painting import sheet_of
from ganache.playground.wire import Which

T = TypeVar("T")
InThread = Callable[[Callable[[], T]], Awaitable[T]]

SECONDS = 12.0
"""What ranking may cost on this machine: the slower a generator, the fewer latents each dimension is tried in."""
LEAST, MOST = 2, 64
"""Latents; as many as the lab's own ranking at the most."""


@dataclass
class Ranking:
    """The effects of one generator's dimensions, as far as they are known."""

    request: Dimensions | None = None
    total: int = 0
    found: list[Effect] = field(default_factory=list)
    error: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def done(self) -> bool:
        return bool(self.error) or 0 < self.total == len(self.found)

    def told(self) -> tuple[dict[str, Any], list[bytes]]:
        """Every dimension, the greatest effect first, and heat maps in the same order; progress until then."""
        if not self.done or self.error:
            return {"done": len(self.found), "total": self.total, "error": self.error}, []
        best = sorted(self.found, key=lambda each: -each.pixels)
        rows = [
            {"name": each.sweep.name, "number": each.sweep.dimension, "effect": round(each.pixels, 5)} for each in best
        ]
        maps = effects.heat_colours(torch.stack([each.where for each in best if each.where is not None]))
        where, blob = sheet_of(maps.numpy())
        told = {"done": self.total, "total": self.total, "rows": rows, "maps": {**where, "blob": 0}}
        return {**told, "latents": self.request.n if self.request else 0}, [blob]


class Rankings:
    """The rankings of a server, each begun when first asked for."""

    def __init__(self, library: Library, in_background: InThread[Any], calm: Callable[[], Awaitable[None]]) -> None:
        """`in_background` calls a function in a thread; `calm` waits until nobody moves a slider."""
        self.library, self.in_background, self.calm = library, in_background, calm
        self.known: dict[Any, Ranking] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def of(self, which: Which) -> Ranking:
        """The ranking of a checkpoint's generator, begun if it was not. Raises a GanacheError where there is none."""
        key = self.library.path(which)
        if key not in self.known:
            self.known[key] = Ranking()
            task = asyncio.create_task(self.find(self.known[key], which))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return self.known[key]

    async def find(self, ranking: Ranking, which: Which) -> None:
        """Try one dimension after another."""
        try:
            model = (await self.in_background(lambda: self.library.loaded(which))).model
            prior = model.prior
            reach = Dimensions().reach
            low, high = prior.mean - reach * prior.std, prior.mean + reach * prior.std
            sweeps = columns(prior, low, high, ())
            z = latents.from_seeds(prior, range(MOST))
            each = await self.in_background(lambda: seconds_of(lambda: effect(sweeps[0], z[:LEAST], model)))
            each = await self.in_background(lambda: seconds_of(lambda: effect(sweeps[0], z[:LEAST], model)))
            n = max(LEAST, min(MOST, round(SECONDS / max(1e-6, each / LEAST * len(sweeps)))))
            ranking.request, ranking.total = Dimensions(n=n, top=len(sweeps)), len(sweeps)
            z = Sample(n, 0.0, 1.0).latents(prior)
            for sweep in sweeps:
                await self.calm()
                found = await self.in_background(lambda sweep=sweep: effect(sweep, z, model))  # type: ignore[misc]
                ranking.found.append(found)
                ranking.changed.set()
                ranking.changed = asyncio.Event()
        except Exception as error:
            ranking.error = f"The dimensions could not be ranked ({error})."
            raise
        finally:
            ranking.changed.set()


def seconds_of(call: Callable[[], Any]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
