"""`bench/gpu.py`'s parts about the anime article's run: train it, judge its checkpoints, write weights and pictures."""

from __future__ import annotations

import tarfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganache import figures
from ganache.config.config import Config, recipe
from ganache.core import checkpoint_file
from ganache.core.rendering import render
from ganache.evaluation.measure import evaluate
from ganache.lab.experiments import Sample
from ganache.runs import checkpoint
from ganache.runs.folder import best_checkpoint, checkpoints
from ganache.runs.run import Run
from ganache.training import build
from gpu_bench import Bench

PIECE = 14 * 2**20
"""Bytes of a piece of a file of weights: some ways to carry files have a limit."""

MOST = 54 * 2**20
"""Bytes of weights, all together."""

SHOWN = ("frechet", "frechet_infinity", "kernel", "precision", "recall", "density", "coverage", "patches", "variety")
RESERVE = 75.0
"""Seconds that are left to the parts after the run."""


def settings(bench: Bench) -> Config:
    """The article's recipe with its pictures; as many checkpoints as were asked for, and pictures less often."""
    options = bench.options
    steps, every = (6, 2) if bench.quick else (options.article_steps, options.every)
    config = bench.settings(recipe("anime-article", data=options.data, steps=steps))
    marks = tuple(sorted({*range(every, steps + 1, every), *config.record.keep_steps}))
    record = replace(config.record, checkpoint_every=every, keep_steps=marks, sample_every=max(1, every // 4))
    precision = replace(config.precision, deterministic=not options.fastest and fast_enough(bench, steps))
    data = replace(config.data, count=300) if bench.quick else config.data
    return replace(config, record=record, precision=precision, data=data)


def fast_enough(bench: Bench, steps: int) -> bool:
    """Whether repeatable steps, where their speed was measured, are done in nine tenths of the time."""
    measured = bench.known.get("speed", {}).get("anime-article")
    return measured is None or steps * measured["seconds"]["ours"] < 0.9 * most_seconds(bench)


def most_seconds(bench: Bench) -> float:
    """How long the run may take."""
    return min(bench.options.article_seconds, bench.left() - RESERVE)


def article(bench: Bench) -> None:
    """The whole run as anybody would start it, log, looks, samples and checkpoints included, or as far as it gets."""
    config, most = settings(bench), most_seconds(bench)
    data = build.dataset(config)
    run = Run.open(bench.work / "article", config, data)
    repeatable = config.precision.deterministic
    bench.say(f"{len(data.training):,} pictures, {run.resolved.describe()}, {repeatable = }; at most {most:.0f} s.\n")
    begun, told, first = time.perf_counter(), 0.0, run.state.step
    for report in run.training():
        passed = time.perf_counter() - begun
        if passed - told > 15 or report.step == first + 1:
            told = passed
            bench.say(f"- {passed:.0f} s: step {report.step:,}, {run.log.last['images_per_second']:,.0f} images/s")
        if passed > most:
            break
    passed, steps = time.perf_counter() - begun, run.state.step - first
    run.finish()
    whole = time.perf_counter() - begun
    wanted = config.schedule.steps or 0
    bench.say(
        f"\nReached step {run.state.step:,} of {wanted:,} in {passed:.0f} s ({1000 * passed / max(1, steps):.2f} ms a "
        f"step with all that a run does besides); the last pictures and the animation made it {whole:.0f} s. "
        f"Looks took {sum(line['probe']['cost'] for line in run.log.lines if 'probe' in line):.0f} s of it."
    )
    for finding in run.findings:
        bench.say(f"- {finding.severity}: {finding.sentence}")
    reached = {"steps": run.state.step, "of": wanted, "seconds": passed, "with the end": whole, "from": first}
    bench.keep("article", reached)


def scores(bench: Bench) -> None:
    """Every checkpoint against real pictures, the telling ones first, until the time is over."""
    folder, n = bench.work / "article", 100 if bench.quick else bench.options.n
    best = best_checkpoint(folder)
    data = build.dataset(settings(bench))
    bench.say(f"The run's own choice: {best.stem if best else 'none'}. {n:,} pictures on either side.\n")
    bench.say("| step | the run's score | " + " | ".join(SHOWN) + " |\n|" + "---|" * (len(SHOWN) + 2))
    found: dict[str, Any] = {"best": int(best.stem) if best else None}
    for path in telling_first(checkpoints(folder), best):
        if bench.left() < RESERVE / 4:
            bench.say("\nNo time was left for the others.")
            break
        generator, config, header = checkpoint.load_generator(path, average=False)
        generator = generator.to(bench.device)
        judged = evaluate(generator, build.prior(config), data, features="random", n=n, header=header)
        values = {score.name: (score.value, score.error) for score in judged.scores}
        cells = [f"{values[name][0]:.4g} ± {values[name][1]:.2g}" if name in values else "-" for name in SHOWN]
        bench.say(f"| {header['step']:,} | {header['score']:.4g} | " + " | ".join(cells) + " |")
        found[str(header["step"])] = {"score": header["score"], **values}
        bench.keep("scores", found)


def telling_first(paths: list[Path], best: Path | None) -> list[Path]:
    """The best, the last, and then as far apart as may be: the middle one, those between, and so on."""
    order = [path for path in (best, paths[-1]) if path]
    stride = len(paths)
    while stride > 1:
        stride = -(-stride // 2)
        order += paths[stride - 1 :: stride]
    return list(dict.fromkeys(order))


def export(bench: Bench) -> None:
    """Pictures, log and animation in one archive; weights in half precision, in pieces that `cat` puts together."""
    folder = bench.work / "article"
    paths = {int(path.stem): path for path in checkpoints(folder)}
    best = best_checkpoint(folder)
    files = [folder / name for name in ("log.jsonl", "config.json", "samples.png")]
    files += [*(grid(bench, path) for path in paths.values()), folder / "training.webp"]
    size = 0
    with tarfile.open(bench.out / "article.tar", "w") as archive:
        for file in files:
            if not file.exists() or size + file.stat().st_size > PIECE:
                bench.say(f"{file.name} is not there, or too large for the archive.")
                continue
            archive.add(file, file.name)
            size += file.stat().st_size
    bench.say(f"article.tar: {size / 2**20:.1f} MiB")
    room = MOST
    for step in dict.fromkeys([*bench.options.weights, int(best.stem) if best else 0, *list(paths)[-1:]]):
        if step not in paths:
            bench.say(f"Step {step:,} has no checkpoint.")
            continue
        room = weights(bench, paths[step], room)


def grid(bench: Bench, path: Path) -> Path:
    """The first 36 latents' pictures by a checkpoint."""
    generator, config, header = checkpoint.load_generator(path, average=False)
    z = Sample(n=36).latents(build.prior(config))
    file = bench.work / f"step-{header['step']:06d}.webp"
    figures.picture(render(generator.to(bench.device), z)).save(file, quality=90)
    return file


def weights(bench: Bench, path: Path, room: int) -> int:
    """A checkpoint of the generator alone, as float16, which `ganache` can open; the room that is left."""
    tensors, header = checkpoint_file.load(path, "generator.")
    small = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    header = {name: value for name, value in header.items() if name not in ("sha256", "format")}
    whole = bench.work / f"generator-{path.stem}.safetensors"
    checkpoint_file.save(whole, small, header)
    content = whole.read_bytes()
    if len(content) > room:
        bench.say(f"{whole.name} is left out: {len(content) / 2**20:.1f} MiB, and {room / 2**20:.1f} MiB are left.")
        return room
    for number, start in enumerate(range(0, len(content), PIECE)):
        (bench.out / f"{whole.name}.{number}").write_bytes(content[start : start + PIECE])
    bench.say(f"{whole.name}: {len(content) / 2**20:.1f} MiB, put together by `cat {whole.name}.* > {whole.name}`.")
    return room - len(content)
