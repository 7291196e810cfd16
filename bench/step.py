"""Seconds a step of `dcgan` (64x64, batch 64) beside a plain eager float32 loop of the same networks.

    python bench/step.py [PAIRS]

The plain loop is what tutorials write: contiguous tensors, binary cross-entropy after a sigmoid, the critic's weight
gradients computed in the generator's step too. It runs in a process of its own, with nothing of ganache's set in it.
The two take turns, a step each, so that a noisy machine is noisy for both; the figure to quote is the median of the
ratios, pair by pair.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ceilings import convolution
from ganache import build
from ganache.allocator import keep_freed_memory
from ganache.config import Config, recipe
from ganache.train import train

BATCH, WIDTH, Z_DIM = 64, 64, 100


def plain_generator() -> nn.Sequential:
    def block(into: int, out: int, stride: int, padding: int) -> list[nn.Module]:
        layer = nn.ConvTranspose2d(into, out, 4, stride, padding, bias=False)
        return [layer, nn.BatchNorm2d(out), nn.ReLU(True)]

    widths = [8 * WIDTH, 4 * WIDTH, 2 * WIDTH, WIDTH]
    layers = block(Z_DIM, widths[0], 1, 0)
    for into, out in pairwise(widths):
        layers += block(into, out, 2, 1)
    return nn.Sequential(*layers, nn.ConvTranspose2d(WIDTH, 3, 4, 2, 1, bias=False), nn.Tanh())


def plain_critic() -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(3, WIDTH, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)]
    for times in (1, 2, 4):
        layer = nn.Conv2d(times * WIDTH, 2 * times * WIDTH, 4, 2, 1, bias=False)
        layers += [layer, nn.BatchNorm2d(2 * times * WIDTH), nn.LeakyReLU(0.2, True)]
    return nn.Sequential(*layers, nn.Conv2d(8 * WIDTH, 1, 4, 1, 0, bias=False), nn.Flatten(0), nn.Sigmoid())


def plain_step() -> Callable[[], None]:
    """One step of the loop as tutorials write it."""
    G, D, loss = plain_generator(), plain_critic(), nn.BCELoss()
    adams = [torch.optim.Adam(network.parameters(), 2e-4, betas=(0.5, 0.999)) for network in (G, D)]
    ones, zeros = torch.ones(BATCH), torch.zeros(BATCH)
    real = torch.rand(BATCH, 3, 64, 64) * 2 - 1

    def step() -> None:
        D.zero_grad()
        loss(D(real), ones).backward()
        fake = G(torch.randn(BATCH, Z_DIM, 1, 1))
        loss(D(fake.detach()), zeros).backward()
        adams[1].step()
        G.zero_grad()
        loss(D(fake), ones).backward()
        adams[0].step()

    return step


def our_step() -> tuple[Callable[[], None], Config]:
    """One step of the training loop with the recipe `dcgan`."""
    config = recipe("dcgan")
    state = build.state(config, (3, 64, 64))

    class Batches:
        real = (torch.rand(BATCH, 3, 64, 64) * 2 - 1).contiguous(memory_format=torch.channels_last)

        def __getitem__(self, index: int) -> Tensor:
            return self.real

        def labels(self, index: int) -> None:
            return None

    steps = train(state, config.method, Batches(), build.prior(config), build.plan(config))

    def step() -> None:
        next(steps)

    return step, config


def arithmetic(step: Callable[[], None]) -> float:
    """Floating-point operations of one step's convolutions and matrix products."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def seconds(step: Callable[[], None]) -> float:
    begin = time.perf_counter()
    step()
    return time.perf_counter() - begin


def take_turns(turns: Connection) -> None:
    """The plain loop's process: a step whenever asked, answered with its seconds."""
    plain = plain_step()
    turns.send(arithmetic(plain))
    for _ in iter(turns.recv, None):
        turns.send(seconds(plain))


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    context = get_context("spawn")
    plain, theirs = context.Pipe()
    context.Process(target=take_turns, args=(theirs,), daemon=True).start()
    keep_freed_memory()  # as a run does
    ours, config = our_step()
    flop = plain.recv(), arithmetic(ours)

    def pair() -> tuple[float, float]:
        plain.send("a step")
        return plain.recv(), seconds(ours)

    times = [pair() for _ in range(pairs + 2)][2:]
    plain.send(None)
    ratios = sorted(a / b for a, b in times)
    dtype = build.compute_dtype(config.precision, torch.device("cpu"))
    print(f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}, ganache computes in {dtype}")
    print(f"plain    {statistics.median(a for a, _ in times):.3f} s a step (median of {pairs})")
    print(f"ganache  {statistics.median(b for _, b in times):.3f} s a step")
    print(f"ratio    {statistics.median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f})")
    ceiling = convolution(dtype)
    floor, plain_seconds = flop[1] / ceiling, statistics.median(a for a, _ in times)
    print(f"\narithmetic: {flop[0] / 1e9:.0f} GFLOP a plain step, {flop[1] / 1e9:.0f} a ganache step, in convolutions")
    print(f"ceiling of this machine's convolutions: {ceiling / 1e9:.0f} GFLOP/s; the plain loop reaches ", end="")
    print(f"{flop[0] / plain_seconds / 1e9:.0f}")
    print(f"so this arithmetic takes {floor:.2f} s at the ceiling, {plain_seconds / floor:.2f} times as fast as plain")


if __name__ == "__main__":
    main()
