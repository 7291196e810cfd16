"""Time and memory of `evaluate`: faces at 64x64, an untrained `dcgan`, random features.

    python bench/evaluate.py [N ...]

N real and N generated pictures; default: 10000 50000. Each N runs in its own process: first with an empty cache (the
faces are drawn before the clock starts), then again with cached features of the real pictures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

START = """
import json, resource, sys, time
from ganache.training import build
from ganache.config.config import recipe
from ganache.data import load
from ganache.evaluation.measure import evaluate

def mebibytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

n = int(sys.argv[1])
config = recipe("dcgan", data="faces")
data = load("faces", count=n * 20 // 19 + 200, held_out=0.05)
generator = build.state(build.resolve(config), data.image_shape).average
figures = {"before": mebibytes()}
for start in ("first", "again"):
    begin = time.perf_counter()
    found = evaluate(generator, build.prior(config), data, n=n)
    figures[start] = time.perf_counter() - begin
print(json.dumps(figures | {"real": found.protocol.real, "peak": mebibytes()}))
"""


def measured(n: int) -> dict[str, float]:
    """Return the seconds of both evaluations, the number of real pictures, and resident MiB before and at the peak."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"GANACHE_CACHE": cache}
        command = [sys.executable, "-c", START, str(n)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> None:
    print("generated      real       first       again   peak (before), MiB")
    for n in map(int, sys.argv[1:] or ("10000", "50000")):
        f = measured(n)
        print(
            f"{n:9,} {f['real']:9,} {f['first']:9.1f} s {f['again']:9.1f} s   {f['peak']:,.0f} ({f['before']:,.0f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
