"""Torn pictures, counted blind: samples of runs among real pictures, on numbered sheets.

    python bench/blind.py sheets OUT RUN[@STEP] [RUN[@STEP] | GRID.webp ...] [--samples 200] [--real 50]
    python bench/blind.py counted OUT answers.txt

`sheets` mixes samples of each run with real pictures that were held out of the first one, and writes them to OUT, 25 on
a sheet, each three times as large. A grid of samples, such as those of docs/gallery, stands for a run that is no longer
there. A person who has not seen `key.json` writes the numbers of those that are torn: a half of the face or one eye is
missing, doubled or a blotch, or it is no face. `counted` says how many of each run and of the real pictures these are.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ganache.core.rendering import render
from ganache.figures.text import font
from ganache.functional.latents import samples
from ganache.runs.checkpoint import load_generator
from ganache.runs.data import run_data
from ganache.training import build
from pairs import checkpoint_of

COLUMNS, LARGER, MARGIN = 5, 3, 22
SEED = 20_000
SIDE, BETWEEN = 64, 2
"""Pixels of a picture in a grid, and between two."""
REAL = "real pictures"


def pictures_of(name: str, count: int) -> NDArray[np.uint8]:
    """Return samples of a run, or all pictures of a grid, [N, H, W, 3]."""
    if name.endswith(".webp"):
        grid = np.asarray(Image.open(name).convert("RGB"))
        starts = [[*range(BETWEEN, side - SIDE + 1, SIDE + BETWEEN)] for side in grid.shape[:2]]
        return np.stack([grid[y : y + SIDE, x : x + SIDE] for y in starts[0] for x in starts[1]])
    generator, config, _ = load_generator(checkpoint_of(name))
    return render(generator, samples(build.prior(config), count, seed=SEED))


def sheets(out: Path, names: list[str], of_samples: int, of_real: int) -> None:
    """Write the sheets, and `key.json`: for each number which run it is of."""
    data, random = run_data(checkpoint_of(names[0])), np.random.default_rng(0)
    groups = {name: pictures_of(name, of_samples) for name in names}
    groups[REAL] = data.at(random.choice(data.held_out, of_real, replace=False))
    pictures: list[tuple[str, NDArray[Any]]] = [(name, each) for name, group in groups.items() for each in group]
    shuffled = [pictures[index] for index in random.permutation(len(pictures))]
    out.mkdir(parents=True, exist_ok=True)
    (out / "key.json").write_text(json.dumps([name for name, _ in shuffled]))
    a_sheet = COLUMNS**2
    for first in range(0, len(shuffled), a_sheet):
        height, width = (LARGER * side for side in shuffled[0][1].shape[:2])
        sheet = Image.new("RGB", (COLUMNS * (width + 8), COLUMNS * (height + MARGIN)), "white")
        for place, (_, picture) in enumerate(shuffled[first : first + a_sheet]):
            x, y = place % COLUMNS * (width + 8), place // COLUMNS * (height + MARGIN)
            ImageDraw.Draw(sheet).text((x + 2, y), f"{first + place}", "black", font(16, bold=True))
            enlarged = Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC)
            sheet.paste(enlarged, (x, y + MARGIN))
        sheet.save(out / f"sheet-{first // a_sheet:02}.png")


def counted(out: Path, answers: Path) -> None:
    names = json.loads((out / "key.json").read_text())
    torn = {int(number) for number in re.findall(r"\d+", answers.read_text())}
    for name in dict.fromkeys(names):
        numbers = [number for number, each in enumerate(names) if each == name]
        found = len(torn.intersection(numbers))
        print(f"{name}: {found} of {len(numbers)} are called torn, {found / len(numbers):.0%}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("sheets", "counted"))
    parser.add_argument("out", type=Path)
    parser.add_argument("given", nargs="+", help="runs, or the file of answers")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--real", type=int, default=50)
    chosen = parser.parse_args()
    if chosen.what == "sheets":
        sheets(chosen.out, chosen.given, chosen.samples, chosen.real)
    else:
        counted(chosen.out, Path(chosen.given[0]))


if __name__ == "__main__":
    main()
