"""Torn pictures, counted blind: samples of a run among real pictures, on numbered sheets.

    python bench/blind.py sheets OUT RUN[@STEP] [--samples 200] [--real 50]
    python bench/blind.py counted OUT answers.txt

`sheets` mixes samples with real pictures that were held out of the run, and writes them to OUT, 25 on a sheet, each
three times as large. A person who has not seen `key.json` writes the numbers of those that are torn: a half of the face
or one eye is missing, doubled or a blotch, or it is no face. `counted` says how many of the samples and of the real
pictures these are.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import numpy as np
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


def sheets(out: Path, name: str, of_samples: int, of_real: int) -> None:
    """Write the sheets, and `key.json`: for each number whether it is a sample."""
    checkpoint, random = checkpoint_of(name), np.random.default_rng(0)
    (generator, config, _), data = load_generator(checkpoint), run_data(checkpoint)
    fake = render(generator, samples(build.prior(config), of_samples, seed=SEED))
    real = data.at(random.choice(data.held_out, of_real, replace=False))
    pictures = [*fake, *real]
    order = random.permutation(len(pictures))
    out.mkdir(parents=True, exist_ok=True)
    (out / "key.json").write_text(json.dumps([bool(index < of_samples) for index in order]))
    a_sheet = COLUMNS**2
    for first in range(0, len(order), a_sheet):
        height, width = (LARGER * side for side in pictures[0].shape[:2])
        sheet = Image.new("RGB", (COLUMNS * (width + 8), COLUMNS * (height + MARGIN)), "white")
        for place, index in enumerate(order[first : first + a_sheet]):
            x, y = place % COLUMNS * (width + 8), place // COLUMNS * (height + MARGIN)
            ImageDraw.Draw(sheet).text((x + 2, y), f"{first + place}", "black", font(16, bold=True))
            enlarged = Image.fromarray(pictures[index]).resize((width, height), Image.Resampling.BICUBIC)
            sheet.paste(enlarged, (x, y + MARGIN))
        sheet.save(out / f"sheet-{first // a_sheet:02}.png")


def counted(out: Path, answers: Path) -> None:
    is_sample = json.loads((out / "key.json").read_text())
    torn = {int(number) for number in re.findall(r"\d+", answers.read_text())}
    for what, wanted in (("samples", True), ("real pictures", False)):
        numbers = [number for number, found in enumerate(is_sample) if found is wanted]
        print(f"{len(torn.intersection(numbers))} of {len(numbers)} {what} are called torn.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("sheets", "counted"))
    parser.add_argument("out", type=Path)
    parser.add_argument("given", help="a run, or the file of answers")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--real", type=int, default=50)
    chosen = parser.parse_args()
    if chosen.what == "sheets":
        sheets(chosen.out, chosen.given, chosen.samples, chosen.real)
    else:
        counted(chosen.out, Path(chosen.given))


if __name__ == "__main__":
    main()
