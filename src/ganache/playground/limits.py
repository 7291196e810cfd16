"""How much one page may ask for: what is more is refused with a sentence, before anything is computed."""

from __future__ import annotations

import time
from collections.abc import Callable

from ganache.core.rendering import Model
from ganache.errors import ConfigError
from ganache.lab.requests import (
    Along,
    Arithmetic,
    Average,
    Directions,
    Distribution,
    Kept,
    Neighbours,
    Picture,
    Point,
    RealVsFake,
    Request,
    Sample,
    Traverse,
    Truncation,
    Walk,
)

MOST_PICTURES = 1_000
"""Generated for one request by all of its models."""
MOST_PIXELS = 2**24
"""Of those pictures: 4,096 of 64x64, 16 of 1024x1024."""
MOST_MODELS = 6
"""Side by side."""
MOST_EXAMPLES = 200
"""Of each side of a direction from examples."""
MOST_PARTS = 2_000
"""Seeds, names and vectors in all of a request's points."""
MOST_SESSIONS = 32
"""Pages open at once."""
MOST_WAITING = 16
"""Messages of one page that wait to be answered."""
EACH_SECOND, AT_ONCE = 100, 200
"""Messages that a page may send, for long and for a moment: a slider sends 60 a second."""


def pictures_of(request: Request, categories: int) -> int:
    """How many pictures one model makes for it. Raises ConfigError for a kind that the page does not show."""
    classes = len(getattr(request, "classes", ()))
    match request:
        case Picture():
            return len(request.points)
        case Sample():
            return request.n * len(request.settings())
        case Truncation():
            return request.n * len(request.stds)
        case Average():
            return (request.n + 1) * len(request.means) * max(1, classes)
        case Distribution():
            return request.n * len(request.means)
        case Arithmetic():
            return 12 + sum(len(point.parts) for point in request.points)
        case Traverse():
            rows = (len(request.points) or len(request.means)) * max(1, classes)
            return rows * (len(request.values) or max(request.quantiles, categories))
        case Walk():
            return len(request.points) * request.frames
        case Along():
            return len(request.directions) * len(request.points) * len(request.steps)
        case Directions(how="sefa" | "pca"):
            return request.top * max(1, len(request.points)) * len(request.steps) + request.n * (request.how == "pca")
        case Neighbours():
            return (len(request.points) or request.n) * (1 + request.k)
        case RealVsFake():
            return request.n
    raise ConfigError(f"The page does not show {type(request).__name__} requests: use the command line.")


def refuse_too_much(request: Request, models: list[Model]) -> None:
    """Raise ConfigError for a request that would take too long, show too much, or read a file."""
    if getattr(request, "data", ""):
        raise ConfigError("Data are named when the server is started, with --data, and not by a page.")
    refuse_many_parts(request)
    made = sum(pictures_of(request, model.prior.categories) for model in models)
    if made > MOST_PICTURES:
        raise ConfigError(f"{made:,} pictures are asked for, and a page may have {MOST_PICTURES:,}: ask for fewer.")
    areas = [area(model) for model in models]
    pixels = made * max(areas, default=0)
    if pixels > MOST_PIXELS:
        raise ConfigError(f"{pixels:,} pixels are asked for, and a page may have {MOST_PIXELS:,}: ask for fewer.")


def refuse_many_parts(request: Request) -> None:
    """Raise ConfigError for points of too many parts."""
    points = [item for value in vars(request).values() if isinstance(value, tuple) for item in value]
    parts = [part for point in points if isinstance(point, Point) for part in point.parts]
    many = sum(max(1, len(part.seeds)) if isinstance(part, Kept) else 1 for part in parts)
    if many > MOST_PARTS:
        raise ConfigError(f"{many:,} seeds and vectors are given, and a page may give {MOST_PARTS:,}: give fewer.")


def area(model: Model) -> int:
    """Pixels of a picture."""
    shape = model.generator.image_shape
    return shape[1] * shape[2] if len(shape) == 3 else 1


class Rate:
    """Lets so many messages through each second, and so many at once."""

    def __init__(self, each_second: float = EACH_SECOND, at_once: float = AT_ONCE) -> None:
        self.each_second, self.at_once = each_second, at_once
        self.left, self.seen = at_once, time.monotonic()

    def allows(self, clock: Callable[[], float] = time.monotonic) -> bool:
        """Whether one more may pass now."""
        now = clock()
        self.left = min(self.at_once, self.left + (now - self.seen) * self.each_second)
        self.seen = now
        if self.left < 1:
            return False
        self.left -= 1
        return True
