"""What the exported page lets its reader change: dimensions in the lab's order, codes, directions, saved latents."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ganache.core.images import as_image
from ganache.core.rendering import Model, render
from ganache.errors import ConfigError
from ganache.lab.dimension_effects import latents_to_rank, measure_effects
from ganache.lab.directions import Unsupervised, generator_directions, is_direction, one_step
from ganache.lab.latent_source import LatentSource, sample_latents
from ganache.lab.points import Kept
from ganache.lab.styles import in_styles_if_any, mean_w

TOP = 8
"""Directions of each kind."""
MAP_SIDE = 16
"""Side of the maps that show where in the picture a dimension acts."""


def controls(model: Model, kept: Mapping[str, Kept] | None = None, progress: bool = False) -> dict[str, Any]:
    """Return the generator's prior and all controls as JSON-serialisable data. `kept`: the run's named latents."""
    prior, count = model.prior, model.generator.style_layers
    # The dimensions of z mean little behind a mapping: directions in W take their place.
    dimensions, codes = ([], []) if count else ranked_dimensions(model, progress)
    latents, named = split_kept(model, kept or {})
    seen = in_styles_if_any(model)
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
        "directions": [*named, *directions(seen, "sefa"), *directions(seen, "pca")],
        "kept": latents,
        "styles": {"layers": count, "mean": list(map(six_digits, mean_w(model.generator).tolist()))} if count else None,
    }


def ranked_dimensions(model: Model, progress: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the noise dimensions, the most effective first, and the codes in their order.

    Each is a dictionary: its number in the latent, its mean absolute change of a pixel, and where it acts.
    """
    first = model.prior.noise + model.prior.categories
    every = measure_effects(model, n=latents_to_rank(model.prior, model.generator.image_shape), progress=progress)
    plain: list[dict[str, Any]] = [
        {"number": effect.sweep.dimension, "change": six_digits(effect.pixels), "where": encoded_map(effect.where)}
        for effect in every
        if effect.sweep.dimension is not None
    ]
    codes = sorted((effect for effect in plain if effect["number"] >= first), key=lambda effect: effect["number"])
    return [effect for effect in plain if effect["number"] < model.prior.noise], codes


def encoded_map(where: Tensor | None) -> str:
    """Encode a map [H, W] as MAP_SIDE x MAP_SIDE bytes in base64; its maximum becomes 255."""
    assert where is not None
    small = adaptive_avg_pool2d(where[None], MAP_SIDE)[0]
    levels = (255 * small / small.max().clamp_min(1e-12)).round().to(torch.uint8)
    return base64.b64encode(levels.numpy().tobytes()).decode()


def directions(model: Model, how: Unsupervised) -> list[dict[str, Any]]:
    """Return the strongest directions found by a method, one step long; none if it does not apply to the generator.

    In W they are those of one layer, the same for all.
    """
    try:
        rows, _ = generator_directions(model, how, TOP)
    except ConfigError:  # SeFa needs a linear first layer
        return []
    rows = one_step(model, rows)[:, : model.prior.noise // max(1, model.generator.style_layers)]
    title = {"sefa": "SeFa", "pca": "PCA"}[how]
    return [direction(f"{title} {k}", f"{how}{k}", f"{how}{k}", row) for k, row in enumerate(rows, 1)]


def direction(name: str, key: str, known: str, row: Tensor) -> dict[str, Any]:
    """Return one direction [noise], or of w in one layer or in all, as plain data.

    `key` names it in the page's address, `known` in requests.
    """
    return {"name": name, "key": key, "known": known, "vector": [six_digits(x) for x in row.tolist()]}


def split_kept(model: Model, kept: Mapping[str, Kept]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Split the run's named latents into latents and directions; those of another generator are left out."""
    source, latents, named = LatentSource(model.prior), [], []
    seen = in_styles_if_any(model)
    for name, part in kept.items():
        if seen is not model and is_direction(part, seen.prior):
            row = one_step(seen, torch.tensor([part.vector]))[0]
            named.append(direction(name, f"kept-{name}", name, row))
            continue
        try:
            z = source.from_part(part)[0]
        except ConfigError:  # saved with another run's generator
            continue
        if seen is model and is_direction(part, model.prior):
            named.append(direction(name, f"kept-{name}", name, z[: model.prior.noise]))
        else:
            latents.append({"name": name, "latent": [six_digits(x) for x in z.tolist()]})
    return latents, named


def poster(model: Model) -> str:
    """Return the picture of seed 0 as a PNG in base64, which the page shows until the generator runs."""
    pixels = render(model.generator, sample_latents(model.prior, 1, 0.0, 1.0, 0))[0]
    buffer = io.BytesIO()
    as_image(pixels).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def six_digits(x: float) -> float:
    """Round to six significant digits, close to the precision of float32."""
    return float(f"{x:.6g}")
