"""Shared by the parts of `bench/gpu.py`: where they write, the time left, and recipes on random pictures."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganache.config.config import Config, from_dict
from ganache.data import Dataset
from ganache.training import build
from ganache.training.loop import train
from ganache.training.state import Report, State

QUICK_WIDTH = 8
"""Channels of every network in the quick form, which only shows that everything runs."""


@dataclass
class Bench:
    """The options of the parts, and where they write."""

    device: str
    out: Path
    work: Path
    """The folder for what is too large to keep: the run with all its checkpoints."""
    quick: bool
    options: argparse.Namespace
    begun: float = field(default_factory=time.perf_counter)
    known: dict[str, Any] = field(default_factory=dict)

    def say(self, line: str = "") -> None:
        """To the screen at once, and into results.md."""
        print(line, flush=True)
        with (self.out / "results.md").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def keep(self, part: str, value: Any) -> None:
        """Into results.json."""
        self.known[part] = value
        (self.out / "results.json").write_text(json.dumps(self.known, indent=1) + "\n")

    def left(self) -> float:
        """Seconds until all has to be over."""
        return float(self.options.seconds) - (time.perf_counter() - self.begun)

    def wait(self) -> None:
        """Until the device has done all that it was asked for."""
        if self.device == "cuda":
            torch.cuda.synchronize()

    def settings(self, config: Config) -> Config:
        """The recipe on this device, its steps recorded or not; narrow in the quick form."""
        precision = replace(config.precision, cuda_graphs=self.options.graphs == "on")
        config = from_dict({"device": self.device}, config)
        config = replace(config, precision=precision)
        if not self.quick:
            return config
        network: Any = config.network
        narrow = replace(network, width=QUICK_WIDTH) if hasattr(network, "width") else network
        return replace(config, network=narrow, schedule=replace(config.schedule, batch=8))

    def material(self, config: Config) -> tuple[Config, Dataset]:
        """Settings whose data are random pictures of the recipe's size, and these."""
        height, width = config.data.height_width() or (64, 64)
        channels, pictures = config.data.channels or 3, 200 if self.quick else 2000
        path = self.work / f"{height}x{width}x{channels}.npy"
        if not path.exists():
            np.save(path, np.random.default_rng(0).integers(0, 256, (pictures, height, width, channels), np.uint8))
        config = replace(config, data=replace(config.data, source=str(path), held_out=0.0, classes=0))
        return config, build.dataset(config)


def loop(config: Config, data: Dataset, state: State | None = None) -> tuple[State, Iterator[Report]]:
    """Return a state, and the iterator that trains it."""
    resolved = build.resolve(config)
    state = state or build.state(resolved, data.image_shape)
    stream = build.stream(resolved, data)
    return state, train(state, resolved.method, stream, resolved.prior, build.plan(resolved))
