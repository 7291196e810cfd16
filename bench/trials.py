"""The best settings for faces in a given time on two cores: many small trainings with the same evaluation.

    python bench/trials.py --data faces.zip --out trials [--minutes 30] [--together 8] [--seconds 600] [NAME ...]

A setting gets as many steps as two cores can take in `--minutes`. The time of a step is measured first (`--cost`, on a
CPU, in processor seconds, which other work does not lengthen; stored in bench/trials.json), so that the trainings
themselves can run anywhere, several at a time: on a GPU in minutes. Each ends with a grid of samples, and with scores
of 2,000 samples against real pictures that were held out of its training, by the rulers of unseen.py.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganache.core import checkpoint_file

HERE = Path(__file__).resolve().parent
COSTS = HERE / "trials.json"

RECIPES = ("dcgan", "faces", "style-small")

BEGINNINGS: dict[str, dict[str, Any]] = {
    **{name: {} for name in RECIPES},
    "hinge": {
        "network": {"z_dim": 64, "critic_norm": "none", "critic_spectral": True},
        "method": {"name": "hinge"},
        "critic_optimiser": {"lr": 2e-4},
        "generator_optimiser": {"lr": 2e-4},
    },
    "lsgan": {"method": {"name": "lsgan"}},
    "r1": {"network": {"critic_norm": "none"}, "penalty": {"r1": 1.0}, "generator_optimiser": {"lr": 2e-4}},
    "pairs": {
        "network": {"critic_norm": "none"},
        "method": {"name": "r3gan", "gamma": 1.0},
        "generator_optimiser": {"lr": 2e-4},
    },
}
"""What a trial's name begins with: a recipe, or a change to the recipe `dcgan`."""

CHANGES: dict[str, dict[str, Any]] = {
    "batch 32": {"schedule": {"batch": 32}},
    "batch 128": {"schedule": {"batch": 128}},
    "batch 256": {"schedule": {"batch": 256}},
    "width 24": {"network": {"width": 24}},
    "width 32": {"network": {"width": 32}},
    "width 48": {"network": {"width": 48}},
    "at most 256 wide": {"network": {"max_width": 256}},
    "layer norm": {"network": {"critic_norm": "layer"}},
    "spectral": {"network": {"critic_norm": "none", "critic_spectral": True}},
    "overview": {"network": {"critic_overview": 4}},
    "fine overview": {"network": {"critic_overview": 8}},
    "modulated": {"network": {"self_modulation": True}},
    "no momentum": {"critic_optimiser": {"beta1": 0.0}, "generator_optimiser": {"beta1": 0.0}},
    "slowly falling rates": {"critic_optimiser": {"decay": 1 / 3000}, "generator_optimiser": {"decay": 1 / 3000}},
    "few latents": {"network": {"z_dim": 32}},
    "batch 192": {"schedule": {"batch": 192}},
    "half augmented": {"view": {"augment": ["colour", "translation"], "augment_p": 0.5}},
    "shifted": {"view": {"augment": ["translation"]}},
    "half shifted": {"view": {"augment": ["translation"], "augment_p": 0.5}},
    "augmented": {"view": {"augment": ["colour", "translation"]}},
    "new latents": {"schedule": {"fresh_latents": True}},
    "rates 1 to 1": {"generator_optimiser": {"lr": 2e-4}},
    "rates 1 to 2": {"generator_optimiser": {"lr": 4e-4}},
    "rates 4 to 1": {"critic_optimiser": {"lr": 4e-4}, "generator_optimiser": {"lr": 1e-4}},
    "half rates": {"critic_optimiser": {"lr": 1e-4}, "generator_optimiser": {"lr": 4e-4}},
    "falling rates": {"critic_optimiser": {"decay": 1 / 1500}, "generator_optimiser": {"decay": 1 / 1500}},
    "very slowly falling rates": {"critic_optimiser": {"decay": 1 / 6000}, "generator_optimiser": {"decay": 1 / 6000}},
    "fast falling rates": {"critic_optimiser": {"decay": 1 / 500}, "generator_optimiser": {"decay": 1 / 500}},
    "pretrained": {"projected": {"weight": 1.0, "share": 0.5, "windows": 0.0}},
    "pretrained weak": {"projected": {"weight": 0.4, "share": 0.5, "windows": 0.0}},
    "pretrained strong": {"projected": {"weight": 2.5, "share": 0.5, "windows": 0.0}},
    "pretrained all": {"projected": {"weight": 2.5, "share": 1.0, "windows": 0.0}},
    "pretrained few": {"projected": {"weight": 1.0, "share": 0.25, "windows": 0.0}},
    "windows": {"projected": {"weight": 2.5, "share": 0.5, "windows": 0.5}},
    "longer average": {"schedule": {"ema_half_life": 10_000.0, "ema_rampup": 0.15}},
    "short memory": {"critic_optimiser": {"beta2": 0.99}, "generator_optimiser": {"beta2": 0.99}},
}
"""What may follow in a trial's name, after commas."""


def parts(name: str) -> list[str]:
    """Return the parts of a trial's name: "hinge, batch 32, shifted" has three."""
    first, *others = found = name.split(", ")
    if first not in BEGINNINGS or not set(others) <= set(CHANGES):
        sys.exit(
            f"'{name}' is no trial: begin with one of {', '.join(BEGINNINGS)}, and add, with commas, any of "
            f"{', '.join(CHANGES)}."
        )
    return found


def priced(name: str) -> str:
    """Return the name without changes of rates, which do not affect the time: the key of the time of a step."""
    of_rates = {"critic_optimiser", "generator_optimiser"}
    first, *others = parts(name)
    return ", ".join([first, *(other for other in others if not CHANGES[other].keys() <= of_rates)])


def setting(name: str, data: str, device: str, seed: int = 0, graphs: bool = True) -> Any:
    from ganache.config.config import from_dict, recipe
    from unseen import HELD_OUT

    first, *_ = found = parts(name)
    config = recipe(first if first in RECIPES else "dcgan", data=data, seed=seed)
    for part in found:
        config = from_dict((BEGINNINGS | CHANGES)[part], config)
    precision = replace(config.precision, cuda_graphs=graphs)
    config = from_dict({"device": device}, config)
    return replace(config, precision=precision, data=replace(config.data, held_out=HELD_OUT))


def cost(name: str, steps: int = 3) -> float:
    """Return the seconds that two cores take for a step."""
    import torch

    from ganache.training import build
    from gpu_bench import loop

    torch.set_num_threads(1)
    config = setting(name, "faces", "cpu")
    config = replace(config, data=replace(config.data, count=500))
    _, reports = loop(config, build.dataset(config))
    next(reports)
    begun = time.process_time()
    for _ in range(steps):
        next(reports)
    return (time.process_time() - begun) / steps / 2


def trial(name: str, chosen: argparse.Namespace) -> dict[str, Any]:
    """Train for as many steps as the time on two cores allows, and evaluate."""
    import torch

    from ganache import figures
    from ganache.core.rendering import render
    from ganache.lab.experiments import Sample
    from ganache.training import build
    from ganache.training.averaging import update_average
    from gpu_bench import loop
    from unseen import judged

    begun = time.perf_counter()
    torch.set_num_threads(max(1, chosen.threads))
    config = setting(name, chosen.data, chosen.device, chosen.seed, chosen.graphs)
    data, plan = build.dataset(config), build.plan(build.resolve(config))
    each = json.loads(COSTS.read_text())[priced(name)]
    wanted = round(60 * chosen.minutes / each)
    file = name.replace(", ", "-").replace(" ", "_")
    state, reports = loop(config, data)
    others = {half_life: deepcopy(state.average) for half_life in chosen.half_lives}
    while state.step < wanted and time.perf_counter() - begun < chosen.seconds:
        next(reports)
        for half_life, average in others.items():
            update_average(replace(state, average=average), replace(plan, ema_half_life=half_life))
        if chosen.keep and state.step == wanted // 2:
            keep(state, config, data, chosen.out / f"{file}-{state.step:09d}.safetensors")
    if chosen.keep:
        keep(state, config, data, chosen.out / f"{file}-{state.step:09d}.safetensors")
    took = time.perf_counter() - begun
    generator = state.average.eval()
    figures.picture(render(generator, Sample(n=64).latents(build.prior(config)))).save(chosen.out / f"{file}.webp")

    def scores(network: Any) -> dict[str, float]:
        return {name: score.value for name, score in judged(network, build.prior(config), data).items()}

    found = {"name": name, "steps": state.step, "wanted": wanted, "cost": each, "seconds": round(took, 1)}
    found |= scores(generator) | {"half_lives": {half_life: scores(each) for half_life, each in others.items()}}
    (chosen.out / f"{file}.json").write_text(json.dumps(found))
    return found


def keep(state: Any, config: Any, data: Any, path: Path) -> None:
    """Write the averaged generator in half precision, as a checkpoint that `ganache` can open in a run's folder."""
    from ganache.config.config import to_dict

    tensors = state.average.state_dict()
    small = {f"average.{name}": t.half() if t.is_floating_point() else t for name, t in tensors.items()}
    header = {"step": state.step, "batch_index": state.batch_index, "seconds": 0.0, "augment_p": 0.0, "score": None}
    described = {"config": to_dict(config), "image_shape": list(data.image_shape)}
    checkpoint_file.save(path, small, header | described | {"data_fingerprint": data.fingerprint})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="as 'dcgan, batch 32, shifted'; else all known")
    parser.add_argument("--data", default="faces")
    parser.add_argument("--out", type=Path, default=Path("trials"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--minutes", type=float, default=30, help="on two cores")
    parser.add_argument("--seconds", type=float, default=7200, help="at most, for each, wherever it runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--together", type=int, default=1, help="how many at a time")
    parser.add_argument("--on", help="a Ray cluster, on which each trial is a task: ray, or ray://HOST:PORT")
    parser.add_argument("--keep", action="store_true", help="write the generators half way and at the end")
    parser.add_argument("--half-lives", type=float, nargs="*", default=[], help="of averages beside the setting's own")
    parser.add_argument("--graphs", action="store_true", help="on a GPU, record steps as CUDA graphs")
    parser.add_argument("--cost", action="store_true", help="only measure what a step costs, on this CPU")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    known = json.loads(COSTS.read_text()) if COSTS.exists() else {}
    names = chosen.names or list(known)
    if chosen.cost:
        for name in map(priced, names):
            known[name] = round(cost(name), 4)
            print(f"{name}: {known[name]} s a step", flush=True)
            COSTS.write_text(json.dumps(known, indent=1) + "\n")
        return
    if unknown := [name for name in names if priced(name) not in known]:
        sys.exit(f"What a step costs is not known for {', '.join(map(repr, unknown))}: measure it with --cost first.")
    chosen.out.mkdir(parents=True, exist_ok=True)
    if chosen.one:
        print(json.dumps(trial(names[0], chosen)), flush=True)
        return
    side_by_side(names, chosen)


def in_own_process(name: str, options: list[str]) -> dict[str, Any] | None:
    """Return what a trial has found, or None if it failed."""
    command = [sys.executable, str(HERE / "trials.py"), name, "--one", *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return None if done.returncode else json.loads(done.stdout.splitlines()[-1])


def side_by_side(names: list[str], chosen: argparse.Namespace) -> None:
    """Run each trial in its own process, and print a row of the table when one ends."""
    from ganache.core.executors import chosen_executor
    from unseen import SHOWN, order_note

    rows = {}
    print(
        "| trial | steps | s a step, 2 cores | " + " | ".join(SHOWN) + " |\n" + "|---" * (len(SHOWN) + 3) + "|",
        flush=True,
    )
    passed_on = ("data", "out", "device", "minutes", "seconds", "seed", "threads")
    options = (
        [f"--{key}={getattr(chosen, key)}" for key in passed_on]
        + ["--keep"] * chosen.keep
        + ["--graphs"] * chosen.graphs
        + ["--half-lives", *map(str, chosen.half_lives)]
    )

    executor = chosen_executor(chosen.on, None if chosen.on else chosen.together, chosen.threads)
    for place, found in executor.run(in_own_process, [(name, options) for name in names]):
        name = names[place]
        if found is None:
            print(f"| {name} | failed |", flush=True)
            continue
        rows[name] = found
        shown = " | ".join(f"{found[key]:.4g}" for key in SHOWN)
        print(f"| {name} | {found['steps']:,} of {found['wanted']:,} | {found['cost']} | {shown} |", flush=True)
        for half_life, scores in found["half_lives"].items():
            shown = " | ".join(f"{scores[key]:.4g}" for key in SHOWN)
            print(f"| ... averaged over {half_life} pictures | | | {shown} |", flush=True)

    print(f"\n{order_note(rows)}".rstrip())


if __name__ == "__main__":
    main()
