"""Time of a figure of the lab after loading: a traverse of 10 rows and 8 columns by a `dcgan` at 64x64.

    python bench/lab.py [TIMES]

The generator is untrained; default: 30 times, with PyTorch's number of threads, each time with other latents. The time
includes the request, the generator and the figure, but not the PNG. Besides wall-clock seconds it prints processor
seconds, summed over cores, which other work on the machine does not lengthen. Goal: 0.3 s on 2 cores.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch

import ganache
from ganache.lab.figure import Figure


def main(times: int = 30) -> None:
    config = ganache.recipe("dcgan")
    torch.manual_seed(0)
    generator = config.network.generator((3, 64, 64)).eval()
    model = ganache.Model(generator, ganache.prior(config), "dcgan")
    means = tuple(np.linspace(-1, 1, 10).tolist())
    took, computed = [], []
    for seed in range(times + 2):
        begun, busy = time.perf_counter(), time.process_time()
        shown = ganache.show(ganache.Traverse(dimension=28, means=means, quantiles=8, seed=seed), [model])
        took.append(time.perf_counter() - begun)
        computed.append(time.process_time() - busy)
        assert isinstance(shown, Figure)
    low, median, late = np.percentile(took[2:], [5, 50, 95])
    print(
        f"a traverse of 10 x 8 at 64x64, {torch.get_num_threads()} threads: median {median:.3f} s "
        f"(5 %: {low:.3f}, 95 %: {late:.3f}, {times} times; the first {took[0]:.3f}); "
        f"of processor time {np.median(computed[2:]):.3f} s"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
