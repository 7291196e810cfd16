"""What the exported page offers to turn: the generator's dimensions in the lab's order, directions, kept latents."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ganache.core.rendering import Model, render
from ganache.errors import ConfigError
from ganache.lab.explore.locating import Place
from ganache.lab.explore.ranking import effects_of
from ganache.lab.explore.steering import found
from ganache.lab.requests import Dimensions, Directions, Kept, Sample

RANKED_OVER = 8
"""Latents over which the dimensions are ranked: an eighth of the command's, as the page only needs their order."""
TOP = 8
"""Directions of each kind."""
MAP = 16
"""Side of the maps that show where a dimension acts."""


def knobs(model: Model, kept: Mapping[str, Kept] | None = None, progress: bool = False) -> dict[str, Any]:
    """All of it as JSON's kinds. `kept` are the names in the run."""
    prior = model.prior
    dimensions, codes = ranked(model, progress)
    latents, named = of_names(model, kept or {})
    return {
        "name": model.name,
        "shape": list(model.generator.image_shape),
        "prior": {
            "kind": prior.kind,
            "mean": prior.mean,
            "std": prior.std,
            "noise": prior.noise,
            "categories": prior.categories,
            "continuous": prior.continuous,
        },
        "dimensions": dimensions,
        "codes": codes,
        "directions": [*named, *directions(model, "sefa"), *directions(model, "pca")],
        "kept": latents,
    }


def ranked(model: Model, progress: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(the noise's dimensions, the greatest first; the codes in their order): number, share of change, where."""
    first = model.prior.noise + model.prior.categories
    every = effects_of(Dimensions(n=RANKED_OVER), model, progress)
    plain: list[dict[str, Any]] = [
        {"number": each.sweep.dimension, "change": significant(each.pixels), "where": coarse(each.where)}
        for each in every
        if each.sweep.dimension is not None
    ]
    codes = sorted((each for each in plain if each["number"] >= first), key=lambda each: each["number"])
    return [each for each in plain if each["number"] < model.prior.noise], codes


def coarse(where: Tensor | None) -> str:
    """A map [H, W] as MAP x MAP bytes in base64, 255 for its greatest."""
    assert where is not None
    small = adaptive_avg_pool2d(where[None], MAP)[0]
    levels = (255 * small / small.max().clamp_min(1e-12)).round().to(torch.uint8)
    return base64.b64encode(levels.numpy().tobytes()).decode()


def directions(model: Model, how: str) -> list[dict[str, Any]]:
    """The strongest unit directions of one kind; none where the generator has no such."""
    try:
        rows, _ = found(Directions(how=how, top=TOP), model)  # type: ignore[arg-type]
    except ConfigError:  # sefa needs a linear layer that latents meet first
        return []
    title = {"sefa": "SeFa", "pca": "PCA"}[how]
    return [direction(f"{title} {k}", f"{how}{k}", f"{how}{k}", row) for k, row in enumerate(rows, 1)]


def direction(name: str, key: str, known: str, row: Tensor) -> dict[str, Any]:
    """One slider's direction [noise]. `key` stands for it in the address, `known` in requests."""
    return {"name": name, "key": key, "known": known, "vector": [significant(each) for each in row.tolist()]}


def of_names(model: Model, kept: Mapping[str, Kept]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(kept latents, kept directions), of those that are this generator's.

    A direction is known by its length of 1 and by having no category and no codes, as `ganache directions` keeps it.
    """
    place, latents, named = Place(model.prior), [], []
    for name, each in kept.items():
        try:
            z = place.of_part(each)[0]
        except ConfigError:  # kept by another run's generator
            continue
        noise, rest = z[: model.prior.noise], z[model.prior.noise :]
        if abs(float(noise.norm()) - 1) < 1e-3 and not rest.any():
            named.append(direction(name, f"kept-{name}", name, noise))
        else:
            latents.append({"name": name, "latent": [significant(x) for x in z.tolist()]})
    return latents, named


def picture(model: Model) -> str:
    """Seed 0's picture as a PNG in base64: what the page shows until the generator runs."""
    pixels = render(model.generator, Sample(n=1).latents(model.prior))[0]
    buffer = io.BytesIO()
    Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def significant(x: float) -> float:
    """Six digits: a float32 has little more."""
    return float(f"{x:.6g}")
