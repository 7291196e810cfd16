"""What a ruler can see: distances of real pictures that were damaged, by several features.

python bench/ruler.py DATA [-n 2000] [--size 64] [--features perceptual random ...]

Some of the pictures are compared with as many others, unchanged in five random splits (the floor), and damaged in up to
seven ways of five strengths each (modes are clusters of reduced pictures). A ruler sees a kind of damage if each
strength is worse than the one before, and the weakest is worse than the floor by two standard deviations.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from ganache.core.images import Pixels, as_x
from ganache.data import Dataset, load
from ganache.evaluation.features.base import FeatureInputs, Features
from ganache.evaluation.features.extract import build_features, picture_features, picture_layers
from ganache.evaluation.metrics.fidelity import kernel_distance
from ganache.evaluation.metrics.frechet import ALL, BlockPair, layers_distances
from ganache.evaluation.metrics.precision_recall import precision_recall_density_coverage
from ganache.evaluation.metrics.sliced_wasserstein import sliced_distance

SPLITS = 5
CLUSTERS = 20
SCORES = {"layers": 1, "frechet": 1, "kernel": 1, "precision": -1, "recall": -1, "coverage": -1, "patches": 1}
"""Name -> 1 if damage raises the score, -1 if it lowers it."""

Change = Callable[[Pixels, np.random.Generator], Pixels]


def each(change: Callable[[Image.Image], Image.Image]) -> Change:
    """Return the change of a batch uint8 [N, H, W, C] that changes each picture."""

    def changed(pictures: Pixels, random: np.random.Generator) -> Pixels:
        shown = (Image.fromarray(picture.squeeze()) for picture in pictures)
        return np.stack([np.asarray(change(picture)) for picture in shown]).reshape(pictures.shape)

    return changed


def blur(radius: float) -> Callable[[Image.Image], Image.Image]:
    return lambda picture: picture.filter(ImageFilter.GaussianBlur(radius))


def jpeg(quality: int) -> Callable[[Image.Image], Image.Image]:
    def compressed(picture: Image.Image) -> Image.Image:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        return Image.open(file)

    return compressed


def noise(std: float) -> Change:
    """Add noise of this standard deviation, where 1 is the range of the values."""
    return lambda pictures, random: (
        (pictures + 255 * std * random.standard_normal(pictures.shape)).round().clip(0, 255).astype(np.uint8)
    )


def torn(share: float) -> Change:
    """Replace the right half of a share of the pictures by that of another picture."""

    def changed(pictures: Pixels, random: np.random.Generator) -> Pixels:
        rows, middle = random.permutation(len(pictures))[: round(share * len(pictures))], pictures.shape[2] // 2
        found = pictures.copy()
        found[rows, :, middle:] = pictures[np.roll(rows, 1), :, middle:]
        return found

    return changed


def grey(share: float) -> Change:
    """Mix each colour with its grey."""
    return lambda pictures, random: (
        (pictures * (1 - share) + share * pictures.mean(axis=3, keepdims=True)).round().astype(np.uint8)
    )


def few_modes(modes: np.ndarray, kept: int) -> Change:
    """Keep the pictures of the first `kept` clusters, each of which is repeated until there are as many as before."""

    def changed(pictures: Pixels, random: np.random.Generator) -> Pixels:
        repeated: Pixels = pictures[random.choice(np.flatnonzero(modes[: len(pictures)] < kept), len(pictures))]
        return repeated

    return changed


def clusters(vectors: Tensor) -> np.ndarray:
    """Return the number 0 to CLUSTERS - 1 of the cluster of each of vectors [N, F]; 0 is the largest."""
    from scipy.cluster.vq import kmeans2

    _, found = kmeans2(vectors.numpy(), CLUSTERS, minit="++", rng=0)
    order = np.argsort(-np.bincount(found, minlength=CLUSTERS))
    ranks: np.ndarray = np.argsort(order)
    return ranks[found]


def damages(
    modes: np.ndarray, channels: int, labels: np.ndarray | None
) -> Iterator[tuple[str, list[tuple[str, Change]]]]:
    """Yield (kind of damage, [(strength, change)], weakest first)."""
    radii = (0.4, 0.6, 0.8, 1.2, 2.0)
    yield "blur", [(f"radius {r}", each(blur(r))) for r in radii]
    yield "noise", [(f"{std:.0%}", noise(std)) for std in (0.01, 0.02, 0.04, 0.08, 0.16)]
    yield "JPEG", [(f"quality {q}", each(jpeg(q))) for q in (85, 70, 50, 30, 10)]
    yield "torn", [(f"{share:.0%} of the pictures", torn(share)) for share in (0.1, 0.2, 0.4, 0.7, 1.0)]
    if channels == 3:
        yield "less colour", [(f"{share:.0%} grey", grey(share)) for share in (0.2, 0.4, 0.6, 0.8, 1.0)]
    yield "fewer modes", [(f"{kept} of {CLUSTERS}", few_modes(modes, kept)) for kept in (18, 15, 10, 5, 1)]
    if labels is not None:
        yield "fewer classes", [(f"{kept} of 10", few_modes(labels, kept)) for kept in (9, 8, 6, 3, 1)]


def scores(
    extractor: Features, real: Pixels, fake: Pixels, real_layers: list[Tensor] | None = None
) -> dict[str, float]:
    """Return the SCORES of `fake` against `real`; without `layers` if the features have one layer."""
    real_layers = real_layers or every_layer(real, extractor)
    fake_layers = every_layer(fake, extractor)
    a, b = real_layers[-1], fake_layers[-1]
    found = {name: estimate.value for name, estimate in precision_recall_density_coverage(a, b).items()}
    pairs = [BlockPair(*layer) for layer in zip(real_layers, fake_layers, strict=True)]
    if len(pairs) > 1:
        found["layers"] = float(layers_distances(pairs))
    patches = sliced_distance(*(as_x(pictures[:1000]) for pictures in (real, fake)))
    return found | {
        "frechet": float(pairs[-1].distances([ALL])), "kernel": 1000 * kernel_distance(a, b).value, "patches": patches,
    }  # fmt: skip


def every_layer(pictures: Pixels, extractor: Features) -> list[Tensor]:
    """Return the features of each layer, [N, F] each."""
    parts = [picture_layers(pictures[start : start + 256], extractor) for start in range(0, len(pictures), 256)]
    return [torch.cat(layer) for layer in zip(*parts, strict=True)]


def halves(data: Dataset, n: int, split: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(split).permutation(len(data))
    return order[:n], order[n : 2 * n]


def report(data: Dataset, extractor: Features, n: int) -> None:
    floors = [scores(extractor, *(data.images[np.sort(part)] for part in halves(data, n, s))) for s in range(SPLITS)]
    names = [name for name in SCORES if name in floors[0] and (name != "patches" or extractor.name == "random")]
    mean = {name: float(np.mean([floor[name] for floor in floors])) for name in names}
    std = {name: float(np.std([floor[name] for floor in floors], ddof=1)) for name in names}
    print(f"\n{extractor.name} {extractor.hash} ({extractor.preprocessing}), {n:,} against {n:,} of {data.name}\n")
    print(f"| damage | strength | {' | '.join(names)} |\n|---|---|{'---|' * len(names)}")
    print(
        f"| none | {SPLITS} splits | {' | '.join(f'{mean[name]:.4g} ± {std[name]:.2g}' for name in names)} |",
        flush=True,
    )
    rows = halves(data, n, 0)
    real, others = (data.images[part] for part in rows)
    modes = clusters(picture_features(others, build_features("pixels", FeatureInputs(data, rows[0], rows[0][:0]))))
    labels = None if data.labels is None else data.labels[rows[1]]
    real_layers = every_layer(real, extractor)
    for kind, steps in damages(modes, data.images.shape[3], labels):
        before = {name: mean[name] + 2 * SCORES[name] * std[name] for name in names}
        seen = dict.fromkeys(names, True)
        for strength, change in steps:
            found = scores(extractor, real, change(others, np.random.default_rng(0)), real_layers)
            for name in names:
                seen[name] &= bool(SCORES[name] * (found[name] - before[name]) > 0)
            before = found
            print(f"| {kind} | {strength} | {' | '.join(f'{found[name]:.4g}' for name in names)} |", flush=True)
        print(f"| **{kind}** | seen? | {' | '.join('**yes**' if seen[name] else 'no' for name in names)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("-n", type=int, default=2000)
    parser.add_argument("--size", type=int)
    parser.add_argument("--features", nargs="+", default=["perceptual", "random"])
    options = parser.parse_args()
    data = load(options.data, size=options.size and (options.size, options.size))
    for name in options.features:
        every = np.arange(len(data))
        report(data, build_features(name, FeatureInputs(data, every, every[:0])), options.n)


if __name__ == "__main__":
    main()
