"""Requests -> what a picture shows. A new kind of request is one function and one line of SHOWN."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ganache.core.images import Pictures
from ganache.core.rendering import Model
from ganache.errors import ConfigError
from ganache.lab.explore.changes import arithmetic, traverse, walk
from ganache.lab.explore.inverting import inverted
from ganache.lab.explore.nearing import neighbours
from ganache.lab.explore.picturing import picture
from ganache.lab.explore.ranking import dimensions
from ganache.lab.explore.samples import average, distribution, real_vs_fake, sample, truncation
from ganache.lab.explore.steering import along, directions
from ganache.lab.figure import Animation, Figure
from ganache.lab.requests import (
    Along,
    Arithmetic,
    Average,
    Dimensions,
    Directions,
    Distribution,
    Invert,
    Neighbours,
    Picture,
    RealVsFake,
    Request,
    Sample,
    Traverse,
    Truncation,
    Walk,
)

SHOWN: Mapping[type[Request], Callable[..., tuple[Any, ...]]] = {
    Along: along,
    Arithmetic: arithmetic,
    Average: average,
    Dimensions: dimensions,
    Directions: directions,
    Distribution: distribution,
    Picture: picture,
    Sample: sample,
    Traverse: traverse,
    Truncation: truncation,
}
"""The kinds that every model shows for itself: the sentence above, the parts, and what was found where anything was."""


WITH_PICTURES: Mapping[type[Request], Callable[..., tuple[Any, ...]]] = {
    Invert: inverted,
    Neighbours: neighbours,
}
"""Those that need pictures from elsewhere as well."""


PATIENT = (Dimensions, Invert)
"""Kinds that take tens of seconds, and can show a bar."""


def show(
    request: Request, models: Sequence[Model], real: Pictures | None = None, progress: bool = False
) -> Figure | Animation:
    """What a request asks for, by each of the models: a function of these alone. Nothing is drawn yet.

    Names of latents must have been resolved. `real`: all of the data's pictures, uint8 [N, H, W, C] or points
    [N, 2], for RealVsFake and Neighbours; those to make again, for Invert; the others do without. `progress` shows a
    bar, in a terminal, where it takes long.

    Raises ConfigError where a model cannot do it: no such dimension or class, a vector of another length.
    """
    if isinstance(request, Walk):
        return walk(request, models)
    if isinstance(request, RealVsFake):
        return real_vs_fake(request, models, needed(request, real))
    bar = {"progress": progress} if isinstance(request, PATIENT) else {}
    if type(request) in WITH_PICTURES:
        pictures = needed(request, real)
        shown = [WITH_PICTURES[type(request)](request, model, pictures, **bar) for model in models]
    else:
        shown = [SHOWN[type(request)](request, model, **bar) for model in models]
    title, _, *found = shown[0]
    return Figure(title, tuple(tuple(parts) for _, parts, *_ in shown), *found)


def needed(request: Request, real: Pictures | None) -> Pictures:
    """The pictures. Raises ConfigError where there are none."""
    if real is not None and len(real):
        return real
    if isinstance(request, Invert):
        raise ConfigError("No picture to make again is given: name a file, or several.")
    raise ConfigError("Real pictures are asked for, and no data are given: name some with --data.")
