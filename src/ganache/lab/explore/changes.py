"""What happens when latents are changed: arithmetic, traverse, walk.

One function a kind of request: (request, model) -> the sentence above the picture, and its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import torch
from torch import Tensor

from ganache.core.rendering import Model, render
from ganache.functional import latents
from ganache.lab.explore.locating import Place, sweep
from ganache.lab.explore.samples import caption
from ganache.lab.figure import Animation, ImageGrid, blank
from ganache.lab.requests import Arithmetic, Point, Traverse, Walk, refuse_classes

OPERATIONS: dict[str, tuple[Callable[..., Tensor], str, str]] = {
    "a+b": (latents.add, "a + b", "their sum"),
    "abs(a-b)": (latents.abs_difference, "|a - b|", "their absolute difference"),
    "a*b": (latents.product, "a * b", "their product in each dimension"),
    "a-b+c": (latents.analogy, "a - b + c", ""),
}
"""The functions, how captions write them, and what titles call their result."""


def arithmetic(request: Arithmetic, model: Model) -> tuple[str, list[ImageGrid]]:
    """First, second, result; of a - b + c two sheets: the exemplars and averages, and the result."""
    place = Place(model.prior, request.mean, request.std, *request.classes)
    given = [place.of_point(point) for point in request.points]
    operation, written, called = OPERATIONS[request.operation]
    result = latents.on_noise(model.prior, operation, *given)
    over = tuple(f"{letter}: {point}" for letter, point in zip("abc", request.points, strict=False))
    if len(given) == 3:
        title = f"{written}, of averaged latents: on the left their exemplars, on the right the result."
        return title, analogy(request, model, given, result, over)
    pictures = render(model.generator, torch.cat([*given, result]))
    return f"Two latents and {called}, {written}.", [
        ImageGrid(pictures, 3, (*over, written), (), model.name, colours="columns")
    ]


def analogy(
    request: Arithmetic, model: Model, given: list[Tensor], result: Tensor, over: tuple[str, ...]
) -> list[ImageGrid]:
    """Radford 2016, figure 7: exemplars above their averages; the result in the middle of 8 neighbours."""
    place = Place(model.prior, request.mean, request.std, *request.classes)
    exemplars = [place.exemplars(point) for point in request.points]
    seeds = range(request.seed, request.seed + 8)
    near = latents.on_noise(model.prior, lambda noise: latents.jitter(noise, seeds, request.jitter), result)
    z = torch.cat([*given, *exemplars, near[:4], result, near[4:]])
    averages, left, nine = np.split(render(model.generator, z), [3, len(z) - 9])
    most, columns = max(map(len, exemplars)), []
    for mean, mine in zip(averages, exemplars, strict=True):
        own, left = np.split(left, [len(mine)])
        columns.append(np.concatenate([own, blank(own, most - len(mine)), mean[None]]))
    shown = np.stack(columns, axis=1).reshape(-1, *nine.shape[1:])
    beside = (*[f"exemplar {k + 1}" for k in range(most)], "their average")
    middle = f"middle: a - b + c; around it: up to {request.jitter:g} away"
    return [ImageGrid(shown, 3, over, beside, model.name, colours="columns"), ImageGrid(nine, 3, heading=middle)]


def traverse(request: Traverse, model: Model) -> tuple[str, list[ImageGrid]]:
    """Rows: means or points, for each of the classes; columns: values."""
    swept = sweep(request, model.prior)
    classes = request.classes if swept.dimension is not None and request.classes else (None,)
    base = Point((request.seed,))
    starts = [(str(point), 0.0, point) for point in request.points]
    starts = starts or [(f"mean {mean:g}", mean, base) for mean in request.means]
    rows, beside = [], []
    for (words, mean, point), category in product(starts, classes):
        rows.append(Place(model.prior, mean, request.std, category).of_point(point))
        beside.append(caption(words, "" if category is None else f"class {category}"))
    pictures = render(model.generator, swept.over(model.prior, torch.cat(rows)))
    title = f"A latent a row; from left to right only its {swept.name} changes, to the value above."
    return title, [ImageGrid(pictures, len(swept.values), swept.captions(), tuple(beside), model.name, joined=True)]


def walk(request: Walk, models: Sequence[Model]) -> Animation:
    """A picture a frame, for each model."""
    reels = []
    for model in models:
        refuse_classes(request.classes, model.prior)
        blend = latents.blend_latents(model.prior, latents.slerp if request.way == "slerp" else latents.lerp)
        stops = []
        for place, point in enumerate(request.points):
            category = request.classes[place % len(request.classes)] if request.classes else None
            stops.append(Place(model.prior, request.mean, request.std, category).of_point(point))
        reels.append(render(model.generator, latents.path(torch.cat(stops), request.frames, blend, request.loop)))
    names = tuple(map(str, request.points))
    way = "on the sphere (slerp)" if request.way == "slerp" else "straight (lerp)"
    title = f"A walk {way} through {', '.join(names)}" + (" and back." if request.loop else ".")
    through = (*names, names[0]) if request.loop else names
    return Animation(title, tuple(reels), tuple(model.name for model in models), through, request.frames, request.fps)
