"""Runs as models for the experiments of `lab`: generators with their priors, and the images they were trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganache.config.config import Config
from ganache.core.rendering import Model
from ganache.data import load
from ganache.runs.checkpoint import load_generator
from ganache.training import build


def load_model(checkpoint: Path, name: str, average: bool = True) -> tuple[Model, Config]:
    """Return (the generator of a checkpoint, captioned with `name` and its step; the run's settings)."""
    generator, config, header = load_generator(checkpoint, average)
    return Model(generator, build.prior(config), f"{name}, step {header['step']:,}"), config


def real_pictures(config: Config, model: Model, source: str = "", progress: bool = False) -> Any:
    """Return all images of the run's data, or of `source`, at the run's size: uint8 [N, H, W, C].

    For 2-D toys the points, float32 [N, 2].
    """
    data, shape = config.data, model.generator.image_shape
    size, channels = data.height_width(), data.channels
    if source and len(shape) == 3:
        size, channels = (shape[1], shape[2]), shape[0]
    return load(
        source or data.source, size=size, channels=channels, fit=data.fit, count=data.count, progress=progress
    ).images
