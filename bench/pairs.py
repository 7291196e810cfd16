"""How often each ruler agrees with people: blind pairs of samples of two checkpoints.

    python bench/pairs.py sheets OUT RUN@STEP RUN@STEP ... [--pairs 200]
    python bench/pairs.py judged OUT answers.csv --data DATA

`sheets` draws pairs of checkpoints and writes them to OUT, ten pairs a sheet: 16 samples of one checkpoint on the left
and of the other on the right, in random order. A person writes one line a pair, such as `17,left`, without having seen
`key.json`. `judged` evaluates each checkpoint by all rulers, and prints how often each prefers the same checkpoint
as the person, over all pairs and over the closer half of them (by the smaller of the rulers' differences).
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ganache.core.images import as_x
from ganache.core.rendering import generate, render
from ganache.evaluation.training_score import training_score
from ganache.figures import picture
from ganache.figures.text import font
from ganache.functional.latents import samples
from ganache.runs.checkpoint import load_generator
from ganache.runs.data import run_data
from ganache.runs.folder import at_step, find_checkpoint
from ganache.runs.prober import SCORED, evenly_spaced, scored_latents
from ganache.training import build
from unseen import RULERS, Remembered, distances

A_SHEET, SHOWN = 10, 16
SCORES = ("perceptual", "patches")
Pair = dict[str, str]
"""{"left": RUN@STEP, "right": RUN@STEP}"""


def checkpoint_of(name: str) -> Path:
    folder, which = at_step(name)
    return find_checkpoint(folder, which)


def sheets(out: Path, names: list[str], pairs: int) -> None:
    """Write the sheets, and `key.json` with the list of Pairs."""
    random = np.random.default_rng(0)
    out.mkdir(parents=True, exist_ok=True)
    drawn = [random.choice(names, 2, replace=False).tolist() for _ in range(pairs)]
    key: list[Pair] = [{"left": left, "right": right} for left, right in drawn]
    (out / "key.json").write_text(json.dumps(key, indent=1))
    loaded = {name: load_generator(checkpoint_of(name)) for name in names}
    networks = {name: (Remembered(generator), config) for name, (generator, config, _) in loaded.items()}
    for first in range(0, pairs, A_SHEET):
        halves = []
        for number, pair in enumerate(key[first : first + A_SHEET], start=first):
            grids = []
            for side, name in pair.items():
                generator, config = networks[name]
                z = samples(build.prior(config), SHOWN, seed=100_000 * (2 * number + (side == "right")))
                grids.append(picture(render(generator, z), columns=4))
            halves.append(beside(number, grids))
        sheet_of(halves).save(out / f"sheet-{first // A_SHEET:02}.png")


def beside(number: int, grids: list[Image.Image]) -> Image.Image:
    """Draw the two grids of a pair beside each other, below its number."""
    width, height = grids[0].size
    drawn = Image.new("RGB", (2 * width + 24, height + 28), "white")
    ImageDraw.Draw(drawn).text((4, 2), f"{number}", "black", font(20, bold=True))
    for index, grid in enumerate(grids):
        drawn.paste(grid.convert("RGB"), (index * (width + 12), 28))
    return drawn


def sheet_of(pairs: list[Image.Image]) -> Image.Image:
    """Draw the pairs of a sheet in two columns."""
    width, height = pairs[0].size
    sheet = Image.new("RGB", (2 * width + 24, math.ceil(len(pairs) / 2) * (height + 12)), "white")
    for index, pair in enumerate(pairs):
        sheet.paste(pair, (index % 2 * (width + 24), index // 2 * (height + 12)))
    return sheet


def scores_of(
    names: list[str], source: str | None, n: int, rulers: Sequence[str] = tuple(RULERS)
) -> dict[str, dict[str, float]]:
    """Return ruler -> checkpoint -> distance, by the rulers of unseen.py and by both scores in training."""
    found: dict[str, dict[str, float]] = {}
    for name in names:
        path = checkpoint_of(name)
        generator, config, _ = load_generator(path)
        generator, prior = Remembered(generator), build.prior(config)
        data = run_data(path, source, progress=False)
        real, x = as_x(data.at(evenly_spaced(data, SCORED))), generate(generator, scored_latents(prior, SCORED))
        values = distances(generator, prior, data, n, rulers)
        values |= {f"policy.score {score}": training_score(score, real).compare(x).score for score in SCORES}
        for ruler, value in values.items():
            found.setdefault(ruler, {})[name] = value
        print(name, *(f"{ruler} {value:.4g}" for ruler, value in values.items()), sep="  ", flush=True)
    return found


def judged(out: Path, answers: Path, source: str | None, n: int) -> None:
    """Print the table of agreement."""
    key: list[Pair] = json.loads((out / "key.json").read_text())
    with answers.open() as file:
        preferred = {int(row[0]): row[1].strip() for row in csv.reader(file) if len(row) == 2 and row[0].isdigit()}
    pairs = [
        (key[number][side], key[number]["right" if side == "left" else "left"])
        for number, side in preferred.items()
        if side in ("left", "right")
    ]
    found = scores_of(sorted({name for pair in pairs for name in pair}), source, n)
    gaps = [min(abs(math.log(values[a] / values[b])) for values in found.values()) for a, b in pairs]
    is_close = [gap <= float(np.median(gaps)) for gap in gaps]
    print(f"\n| ruler | agrees in {len(pairs)} pairs | in the closer half |\n|---|---|---|")
    for ruler, values in found.items():
        agrees = [values[better] < values[worse] for better, worse in pairs]
        of_close = [agreed for agreed, close in zip(agrees, is_close, strict=True) if close]
        print(f"| {ruler} | {share(agrees)} | {share(of_close)} |")


def share(agrees: list[bool]) -> str:
    """Return the share of agreement with its standard error."""
    mean = float(np.mean(agrees))
    return f"{100 * mean:.0f} % ± {100 * math.sqrt(mean * (1 - mean) / len(agrees)):.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    drawn = commands.add_parser("sheets")
    drawn.add_argument("out", type=Path)
    drawn.add_argument("names", nargs="+")
    drawn.add_argument("--pairs", type=int, default=200)
    asked = commands.add_parser("judged")
    asked.add_argument("out", type=Path)
    asked.add_argument("answers", type=Path)
    asked.add_argument("--data")
    asked.add_argument("-n", type=int, default=1000)
    options = parser.parse_args()
    if options.command == "sheets":
        sheets(options.out, options.names, options.pairs)
    else:
        judged(options.out, options.answers, options.data, options.n)


if __name__ == "__main__":
    main()
