"""Whether bfloat16 changes what the claims measure: the same trainings in float32 and in bfloat16, side by side.

    python bench/claims_precision.py --data faces=faces.zip --out precision

Both methods are trained on faces with DCGAN's networks, as for the claims no-batch-norm and both-good, with three
seeds each. Prints, by method, the last distance in both formats, their paired difference with its 95 % interval, the
spread over the seeds, and the seconds.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from ganache.claims import CLAIMS
from ganache.claims.claim import Settings, values
from ganache.claims.job import Job
from ganache.claims.pairs import GAN_DCGAN, WGAN_DCGAN
from ganache.claims.running import measure
from ganache.claims.verdict import Part, spread
from ganache.cli.claims import parse_sources
from ganache.core.cores import usable_cores
from ganache.core.executors import ProcessPool

FORMATS = ("float32", "bfloat16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="*", default=[], help="faces=PATH")
    parser.add_argument("--out", type=Path, default=Path("runs/claims-precision"))
    parser.add_argument("--steps", type=int, default=5_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", nargs="*", default=[GAN_DCGAN, WGAN_DCGAN])
    given = parser.parse_args()
    claim = replace(CLAIMS["both-good"], variants=lambda size: tuple(given.methods))
    settings = Settings(seeds=given.seeds, data=parse_sources(tuple(given.data)))
    full = replace(claim.size(settings), steps=given.steps, snapshots=2)
    measured = {}
    for compute in FORMATS:
        job = replace(Job.create(claim, settings, given.out / compute), size=replace(full, compute=compute))
        units = job.missing()
        for place, result in ProcessPool(usable_cores()).run(measure, [(claim.name, unit, job.size) for unit in units]):
            unit = units[place]
            job.write(unit, result.numbers, result.seconds, result.machine)
            print(f"{compute}: {unit.variant}, seed {unit.seed}: {result.seconds:.0f} s", flush=True)
        measured[compute] = job.measured()
    print(f"\n| trainings | {' | '.join(FORMATS)} | difference | its 95 % interval | seconds |\n{'|---' * 6}|")
    for method in given.methods:
        found = {compute: values(measured[compute], method, "frechet")[: given.seeds] for compute in FORMATS}
        difference = tuple(b - a for a, b in zip(found["float32"], found["bfloat16"], strict=True))
        low, high = Part("", difference, 0, 0).interval()
        seconds = [fmean(m.seconds for m in measured[c] if m.unit.variant == method) for c in FORMATS]
        print(
            f"| {method} | {spread(found['float32'])} | {spread(found['bfloat16'])} | {spread(difference)} | "
            f"{low:.3g} to {high:.3g} | {seconds[0]:.0f} and {seconds[1]:.0f} |"
        )


if __name__ == "__main__":
    main()
