"""ganache's own loop taking turns: `python ours.py RECIPE [WIDTHS]`, on random pictures of the recipe's size.

Everything that a run does in a step is done: data from a packed file, both networks, optimisers, the averaged
generator, the log's numbers. "ready" is followed by what one step is made of.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry
from turns import answer, take

from ganache import fastconv
from ganache.config.config import Config, recipe
from ganache.fastconv import kernels, narrow_channels
from ganache.networks import Dcgan
from ganache.training import build, loop
from ganache.training import steps as step_functions
from ganache.training.device import keep_freed_memory


def settings(name: str) -> Config:
    """The recipe; `wgan-gp` with DCGAN's networks, which is what its peer has."""
    config = recipe(name)
    return replace(config, network=Dcgan(critic_norm="none")) if name == "wgan-gp" else config


class Flop(TorchDispatchMode):
    """Counts the arithmetic of convolutions and products. PyTorch's own counter cannot follow a gradient penalty: it
    hangs hooks on modules, which `autograd.grad` refuses."""

    total = 0

    @contextmanager
    def with_kernels(self) -> Iterator[None]:
        """Counts what our own kernels multiply too, of which PyTorch does not know."""

        def counted(function: Callable[..., Tensor], flop: Callable[..., int]) -> Callable[..., Tensor]:
            def call(*factors: Tensor) -> Tensor:
                made = function(*factors)
                self.total += flop(made, *factors)
                return made

            return call

        of_few: dict[str, Callable[..., int]] = {
            "small": lambda small, large, weight: 32 * small.numel() * large.shape[1],
            "large": lambda large, small, weight: 32 * small.numel() * large.shape[1],
            "weight": lambda weight, small, large: 32 * small.numel() * large.shape[1],
        }
        products = counted(kernels.bmm, lambda c, a, b: 2 * a.numel() * b.shape[2])
        layers = {by: counted(function, of_few[by]) for by, function in narrow_channels.DERIVATIVES.items()}
        with self, patch.object(kernels, "bmm", products), patch.dict(narrow_channels.DERIVATIVES, layers):
            yield

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        count = flop_registry.get(func._overloadpacket)
        self.total += count(*args, **(kwargs or {}), out_val=out) if count else 0
        return out


@contextmanager
def timed(spent: list[float]) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    spent.append(time.perf_counter() - begin)


def main() -> None:
    keep_freed_memory()
    config = settings(sys.argv[1])
    height, width = config.data.height_width() or (64, 64)
    channels = config.data.channels or 3
    pictures = np.random.default_rng(0).integers(0, 256, (2000, height, width, channels), np.uint8)
    besides: list[float] = []

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            with timed(besides):
                return function(*arguments, **named)

        return call

    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "pictures.npy", pictures)
        config = replace(config, data=replace(config.data, source=str(Path(folder) / "pictures.npy")))
        resolved = build.resolve(config)
        data = build.load_dataset(resolved)
        state = build.state(resolved, data.image_shape)
        stream = build.stream(resolved, data)
        type(stream).__getitem__ = watched(type(stream).__getitem__)  # type: ignore[method-assign]
        loop.update_average = watched(loop.update_average)  # type: ignore[assignment,attr-defined]
        step_functions.get_total_norm = watched(step_functions.get_total_norm)  # type: ignore[assignment,attr-defined]
        for optimiser in (state.g_optimiser, state.d_optimiser):
            optimiser.step = watched(optimiser.step)  # type: ignore[method-assign]
        steps = loop.train(state, resolved.method, stream, resolved.prior, build.plan(resolved))
        with fastconv.use("pytorch"), Flop() as asked:
            next(steps)
        made = Flop()
        with made.with_kernels():
            next(steps)
        besides.clear()
        whole: list[float] = []
        for _ in range(3):
            with timed(whole):
                next(steps)
        dtype = str(resolved.compute_dtype).removeprefix("torch.")
        counts = {"flop": asked.total, "made": made.total}
        made_of = counts | {"besides": sum(besides) / sum(whole), "dtype": dtype}
        answer(json.dumps(made_of))
        take(lambda: next(steps))


if __name__ == "__main__":
    main()
