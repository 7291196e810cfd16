"""Dimensions ranked by their effect, in the background: one dimension after another, shared by all pages."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ganache.core.rendering import Model
from ganache.lab.dimension_effects import Effect, all_sweeps, effect, latents_to_rank, ranked
from ganache.lab.experiments import Dimensions
from ganache.lab.latent_source import sample_latents
from ganache.playground import painting
from ganache.playground.encoding import encode_sheet
from ganache.playground.library import Library
from ganache.playground.wire import Which

MOST = 8
"""Rankings that are kept, each with its generator."""

T = TypeVar("T")
InThread = Callable[[Callable[[], T]], Awaitable[T]]


@dataclass
class Ranking:
    """The effects of one generator's dimensions that are known so far."""

    model: Model | None = None
    total: int = 0
    measured: list[Effect] = field(default_factory=list)
    error: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def done(self) -> bool:
        """Whether all dimensions are measured, or an error ended the ranking."""
        return bool(self.error) or 0 < self.total == len(self.measured)

    def give_up(self) -> None:
        """End the ranking, and tell those who wait for it."""
        if not self.done and self.task:
            self.error = "The ranking was given up for those of other checkpoints."
            self.task.cancel()
            self.changed.set()

    def message(self) -> tuple[dict[str, Any], list[bytes]]:
        """Return the progress or, when done, the dimensions, the largest effect first, with one heat map each."""
        if not self.done or self.error:
            return {"done": len(self.measured), "total": self.total, "error": self.error}, []
        best = ranked(self.measured)
        rows = [
            {"name": each.sweep.name, "number": each.sweep.dimension, "effect": round(each.pixels, 5)} for each in best
        ]
        assert self.model is not None  # something was measured
        layout, blob = encode_sheet(painting.maps(self.model, best))
        return {"done": self.total, "total": self.total, "rows": rows, "maps": {**layout, "blob": 0}}, [blob]


class Rankings:
    """The rankings of a server, each started when it is first asked for; of the checkpoints last asked for, MOST."""

    def __init__(self, library: Library, in_background: InThread[Any], calm: Callable[[], Awaitable[None]]) -> None:
        """`in_background` calls a function in a thread; `calm` waits until nobody moves a slider."""
        self.library, self.in_background, self.calm = library, in_background, calm
        self.known: OrderedDict[Any, Ranking] = OrderedDict()

    def get(self, which: Which) -> Ranking:
        """Return the ranking of a checkpoint's generator; start it if needed. Raises a GanacheError without one."""
        path = self.library.path(which)
        key = path, path.stat().st_mtime_ns
        ranking = self.known.get(key)
        if ranking is None or ranking.error:
            ranking = self.known[key] = Ranking()
            ranking.task = asyncio.create_task(self.measure(ranking, which))
        self.known.move_to_end(key)
        while len(self.known) > MOST:
            _, oldest = self.known.popitem(last=False)
            oldest.give_up()
        return ranking

    async def measure(self, ranking: Ranking, which: Which) -> None:
        """Measure one dimension after another."""
        try:
            model = (await self.in_background(lambda: self.library.loaded(which))).model
            ranking.model, prior = model, model.prior
            reach = Dimensions().reach
            sweeps = all_sweeps(prior, prior.mean - reach * prior.std, prior.mean + reach * prior.std)
            ranking.total = len(sweeps)
            z = sample_latents(prior, latents_to_rank(prior, model.generator.image_shape), 0.0, 1.0, 0)
            for sweep in sweeps:
                await self.calm()
                measured = await self.in_background(lambda sweep=sweep: effect(sweep, z, model))  # type: ignore[misc]
                ranking.measured.append(measured)
                ranking.changed.set()
                ranking.changed = asyncio.Event()
        except Exception as error:
            ranking.error = f"The dimensions could not be ranked ({error})."
            raise
        finally:
            ranking.changed.set()
