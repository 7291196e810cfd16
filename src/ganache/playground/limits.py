"""How much one page may ask for: larger requests are refused with a sentence before anything is computed."""

from __future__ import annotations

import time
from collections.abc import Callable

from ganache.core.rendering import Model
from ganache.errors import ConfigError
from ganache.lab.experiment import Experiment
from ganache.lab.points import Kept
from ganache.lab.serialisation import name_of, points_of

MAX_PICTURES = 1_000
"""Images that all models together generate for one request."""
MAX_PIXELS = 2**24
"""Pixels of these images: 4,096 of 64x64, 16 of 1024x1024."""
MAX_MODELS = 6
"""Models side by side."""
MAX_EXAMPLES = 200
"""Latents with, and latents without, the feature of a direction from examples."""
MAX_PARTS = 2_000
"""Seeds, names and vectors in all points of a request."""
MAX_SESSIONS = 32
"""Pages that are open at the same time."""
MAX_WAITING = 16
"""Messages of one page that wait for an answer."""
MAX_WAITING_BYTES = 2**25
"""Bytes of the dropped pictures of all pages that wait for an answer."""
MESSAGES_PER_SECOND, MESSAGE_BURST = 100, 200
"""Messages that a page may send on average, and at once; a slider sends 60 per second."""
CHARACTERS_PER_TOKEN = 4096
"""A longer message counts as several."""


def check_cost(request: Experiment, models: list[Model]) -> None:
    """Raise ConfigError for a request that would take too long, is not for the page, or reads a file."""
    if getattr(request, "data", ""):
        raise ConfigError("The source of the data is set when the server starts, with --data, and not by a page.")
    check_parts(request)
    images = 0
    for model in models:
        cost = request.cost(model.prior)
        if cost is None:
            raise ConfigError(f"The page does not show this '{name_of(request)}' request: use the command line.")
        images += cost
    if images > MAX_PICTURES:
        raise ConfigError(f"{images:,} pictures are asked for, and a page may have {MAX_PICTURES:,}: ask for fewer.")
    pixels = images * max(map(area, models), default=0)
    if pixels > MAX_PIXELS:
        raise ConfigError(f"{pixels:,} pixels are asked for, and a page may have {MAX_PIXELS:,}: ask for fewer.")


def check_parts(request: Experiment) -> None:
    """Raise ConfigError if the points of a request have too many parts."""
    parts = [part for point in points_of(request) for part in point.parts]
    count = sum(max(1, len(part.seeds)) if isinstance(part, Kept) else 1 for part in parts)
    if count > MAX_PARTS:
        raise ConfigError(f"{count:,} seeds and vectors are given, and a page may give {MAX_PARTS:,}: give fewer.")


def area(model: Model) -> int:
    """Return the number of pixels of one image."""
    shape = model.generator.image_shape
    return shape[1] * shape[2] if len(shape) == 3 else 1


class RateLimit:
    """A token bucket: allows so many messages per second on average, and a burst of messages at once."""

    def __init__(self, per_second: float = MESSAGES_PER_SECOND, burst: float = MESSAGE_BURST) -> None:
        self.per_second, self.burst = per_second, burst
        self.tokens, self.last = burst, time.monotonic()

    def allows(self, clock: Callable[[], float] = time.monotonic, count: float = 1) -> bool:
        """Return whether a message that counts as `count`, or as a whole burst if that is less, may pass now."""
        now, count = clock(), min(count, self.burst)
        self.tokens = min(self.burst, self.tokens + (now - self.last) * self.per_second)
        self.last = now
        if self.tokens < count:
            return False
        self.tokens -= count
        return True
