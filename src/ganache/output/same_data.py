"""Which runs can be compared by their scores: those with the same distance to the same pictures."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

DIFFERENT_DATA = "These runs were trained on different data: distances to different pictures cannot be compared."
DIFFERENT_SCORES = (
    "The scores of these runs are of different kinds (policy.score: perceptual features, or patches): they cannot be "
    "compared."
)


def warning(keys: Iterable[tuple[Hashable, ...]]) -> str:
    """Return why runs with these keys of `data_key` cannot be compared by their scores; "" if they can."""
    different = set(keys)
    if len(different) < 2:
        return ""
    data = {(fingerprint, *shape) for fingerprint, _, *shape in different}
    return DIFFERENT_DATA if len(data) > 1 else DIFFERENT_SCORES


def data_key(config: Mapping[str, Any], image_shape: Iterable[int]) -> tuple[Hashable, ...]:
    """Return what the distances of a run depend on besides its generator: equal keys allow a comparison.

    Args:
        config: The settings of the run as plain data, with its `data_fingerprint`.
        image_shape: (C, H, W), or (2,) for points; empty if it is not known.
    """
    shape = tuple(image_shape)
    kind = "points" if len(shape) == 1 else config.get("policy", {}).get("score")
    return (config.get("data_fingerprint") or config["data"]["source"], kind, *shape)


def data_name(config: Mapping[str, Any], image_shape: Iterable[int]) -> str:
    """Return what people call the data of a run, with the size of the images.

    >>> data_name({"data": {"source": "pictures/my faces.zip"}}, (3, 64, 48)), data_name({"data": {"source": "x"}}, ())
    ('my faces.zip, 64x48', 'x')
    """
    _, *sides = image_shape or (0,)
    name = Path(config["data"]["source"]).name or config["data"]["source"]
    return f"{name}, {'x'.join(map(str, sides))}" if sides else str(name)
