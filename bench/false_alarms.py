"""Ten short healthy runs, and the number of findings that are false alarms.

    python bench/false_alarms.py [HOW MANY] [SHARE]

Each run trains in a temporary folder and has probes like any run, but more often (SHARE of the time, 0.3 by default),
because a short run would otherwise have few. Every finding of every probe counts as an alarm, except hints: this is
what the progress bar would have shown, not only what remains at the end.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ganache.config.config import Config, from_dict, recipe
from ganache.runs.diagnose import critic_loss_finding
from ganache.runs.run import Run

SMALL_FACES: dict[str, Any] = {
    "data": {"size": "16", "count": 2_000},
    "network": {"width": 8, "z_dim": 16},
    "schedule": {"batch": 16, "steps": 1_500},
}
LAYER: dict[str, Any] = {"network": {"critic_norm": "layer"}}
POINTS: dict[str, Any] = {
    "data": {"flip": False},
    "network": {"name": "mlp", "hidden": 128, "layers": 3},
    "method": {"weight": 0.1},
    "schedule": {"batch": 128, "steps": 2_000, "critic_steps": 3},
    "critic_optimiser": {"lr": 1e-3, "beta1": 0.5},
    "generator_optimiser": {"lr": 5e-4, "beta1": 0.5},
}
"""The penalty weighs 0.1 as in the authors' toys (igul222/improved_wgan_training, gan_toy.py): with 10 these runs go in
circles, and get findings that they deserve."""


def faces(seed: int, **changes: Any) -> Config:
    config = from_dict(SMALL_FACES, recipe("faces-quick", data="faces"))
    for change in (*changes.values(), {"seed": seed}):
        config = from_dict(change, config)
    return config


def points(data: str, seed: int) -> Config:
    return from_dict({"seed": seed, **POINTS}, recipe("wgan-gp", data=data))


RUNS = {
    "gan on faces, seed 0": lambda: faces(0),
    "wgan-gp on ring8, seed 0": lambda: points("ring8", 0),
    "gan on faces, seed 1": lambda: faces(1),
    "wgan-gp on ring8, seed 1": lambda: points("ring8", 1),
    "wgan-gp on faces": lambda: faces(0, norm=LAYER, method={"method": {"name": "wgan-gp"}}),
    "wgan-gp on grid25": lambda: points("grid25", 0),
    "dragan on faces": lambda: faces(0, norm=LAYER, method={"method": {"name": "dragan"}}),
    "wgan-gp on swissroll": lambda: points("swissroll", 0),
    "hinge on faces": lambda: faces(0, norm=LAYER, method={"method": {"name": "hinge"}}),
    "lsgan on faces": lambda: faces(0, method={"method": {"name": "lsgan"}}),
}
"""None of them is known to fail; whoever sees an alarm looks at its samples before calling it false."""


def alarms(folder: Path, config: Config, share: float) -> tuple[list[str], str]:
    """Return each finding once, with its step, and a few words on how the run ended."""
    run = Run.open(folder, from_dict({"probe": {"share": share}}, config))
    seen: dict[str, int] = {}
    for report in run.training():
        for finding in run.findings:
            if finding.severity != "hint":
                seen.setdefault(finding.kind, report.step)
    run.finish()
    looks = [line["probe"] for line in run.log.lines if "probe" in line]
    cost = sum(look["cost"] for look in looks) / run.state.seconds
    loss = critic_loss_finding(run.log.lines)
    ended = f"{len(looks)} looks, {cost:.1%} of the time"
    if looks:
        ended += f", score {looks[0]['score']:.4g} -> {looks[-1]['score']:.4g} (blank {looks[-1]['blank_score']:.4g})"
    return [f"{kind} (step {step})" for kind, step in seen.items()], f"{ended}. {loss.sentence if loss else ''}"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else len(RUNS)
    share = float(sys.argv[2]) if len(sys.argv) > 2 else 0.3
    total = 0
    with tempfile.TemporaryDirectory() as place:
        for number, (name, config) in enumerate(list(RUNS.items())[:count]):
            begin = time.perf_counter()
            found, ended = alarms(Path(place) / str(number), config(), share)
            total += bool(found)
            print(f"{name}: {', '.join(found) or 'no alarm'}; {time.perf_counter() - begin:.0f} s, {ended}", flush=True)
    print(f"{total} of {count} runs had an alarm; at most 1 of 10 is the aim.")


if __name__ == "__main__":
    main()
