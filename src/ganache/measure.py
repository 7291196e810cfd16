"""A generator and data -> an Evaluation. Real pictures are looked at once: what they give is kept in the cache.

Pictures are looked at a few hundred at a time and kept as their features, so memory stays flat whatever their number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from ganache import checkpoint, images
from ganache.data import Dataset
from ganache.data.pack import cache_folder, key_of
from ganache.errors import CheckpointError, ConfigError, DataError, TrainingError, choices
from ganache.evaluation import Evaluation, Protocol
from ganache.explore import generate
from ganache.judging import SUBSETS, Sides, as_x, has_variety, scores, subset_size
from ganache.latents import from_seeds
from ganache.metrics.classifier import Classifier, accuracy, trained
from ganache.metrics.features import Features, Pixels, RandomFeatures
from ganache.types import Generator, Prior

VERSION = 1
"""Part of every cached file's key: raised when features would come out otherwise."""

FEATURES = ("classifier", "pixels", "random")

FEWEST = 100
"""Pictures on either side; with fewer no score means anything."""

SEED = 2_000_000
"""The first latent: far from those that anybody looks at, and from those that chose the best checkpoint."""

CHUNK = 256
TAUGHT = 10_000
"""Pictures that a classifier learns from, at most."""

REMEMBERED = 50_000
"""Training pictures, at most, among which copies are looked for."""

Positions = NDArray[np.int64]


def evaluate(
    generator: Generator,
    prior: Prior,
    data: Dataset,
    *,
    features: str | None = None,
    n: int = 10_000,
    seed: int = SEED,
    header: Mapping[str, Any] | None = None,
    cache: Path | None = None,
    progress: bool = False,
) -> Evaluation:
    """How near n pictures of latents `seed`, `seed` + 1, ... are to as many real ones, or to all that there are.

    The real ones are those that were trained on; of data whose fingerprint is not the one in the checkpoint's `header`,
    any. `features`: "random" (the default), "pixels" (the default for points) or "classifier".
    Raises ConfigError, DataError or TrainingError where they cannot be compared.
    """
    header = header or {}
    known = header.get("data_fingerprint", data.fingerprint) == data.fingerprint
    chosen = choose(data, n, seed, known)
    refuse_mismatch(generator, data, n, len(chosen.pool))
    name = features or ("pixels" if len(data.image_shape) == 1 else "random")
    extractor, said = extractor_of(name, data, chosen, cache)
    sides = both_sides(generator, prior, data, chosen, extractor, n, seed, cache, progress)
    protocol = Protocol(
        generated=n,
        real=len(sides.real),
        split="training" if known else "all",
        held_out=len(sides.held_out),
        features=extractor.name,
        features_hash=extractor.hash,
        num_features=extractor.num_features,
        sees=extractor.sees,
        seed=seed,
        step=header.get("step"),
        data=data.name,
        data_fingerprint=data.fingerprint,
    )
    found = []
    with tqdm(list(scores(sides)), desc="scoring", unit="score", disable=None if progress else True) as bar:
        for what, compute in bar:
            bar.set_postfix_str(what)
            found += compute()
    return Evaluation(tuple(found), protocol, (*said, *remarks(sides, known)))


@dataclass(frozen=True)
class Chosen:
    """Positions of the pictures that an evaluation looks at, in an order that means nothing."""

    pool: Positions
    """Those that may be compared with; the first n are."""
    held_out: Positions
    """Those that training did not see; empty where there is no test of memory."""


def choose(data: Dataset, n: int, seed: int, known: bool) -> Chosen:
    """Which pictures are looked at: of the data that were trained on (`known`) the training ones, of others any."""
    pool, held_out = (data.training, data.held_out) if known else (np.arange(len(data)), data.held_out[:0])
    # Copies are looked for among all training pictures, or nearly.
    most = max(n, REMEMBERED) if len(held_out) else n
    return Chosen(at_random(pool, most, seed), at_random(held_out, most, seed))


def at_random(positions: Positions, most: int, seed: int) -> Positions:
    """At most so many of the positions, shuffled."""
    order = torch.randperm(len(positions), generator=torch.Generator().manual_seed(seed))
    chosen: Positions = positions[order[:most].numpy()]
    return chosen


def both_sides(
    generator: Generator,
    prior: Prior,
    data: Dataset,
    chosen: Chosen,
    extractor: Features,
    n: int,
    seed: int,
    cache: Path | None,
    progress: bool,
) -> Sides:
    """Generated and real pictures as their features. The extractor works where the generator does."""
    extractor.to(next(generator.parameters()).device)
    kept = SUBSETS * subset_size(data.images.shape[1:])
    fake, fake_pictures = of_generator(generator, prior, n, seed, extractor, kept, progress)
    training, held_out = (of_data(data, each, extractor, cache, progress) for each in (chosen.pool, chosen.held_out))
    extractor.cpu()
    return Sides(
        fake=fake,
        real=training[:n],
        training=training,
        held_out=held_out,
        fake_pictures=fake_pictures,
        real_pictures=data.images[chosen.pool[: min(n, kept)]],
        fake_logits=extractor.logits(fake),
        real_logits=extractor.logits(training[:n]),
        labels=labels_of(data, chosen.pool[:n]),
        seed=seed,
    )


def refuse_mismatch(generator: Generator, data: Dataset, n: int, real: int) -> None:
    """Raise where generated and real pictures are not alike in size, or too few are asked for or there."""
    if n < FEWEST:
        raise ConfigError(f"n is {n}: a score of fewer than {FEWEST} pictures means nothing.")
    made, there = generator.image_shape, data.image_shape
    if made != there:
        words = ["x".join(map(str, shape)) if len(shape) == 3 else "points" for shape in (made, there)]
        raise DataError(
            f"The generator makes {words[0]} (channels, height, width), and {data.name} is {words[1]}: give data "
            "of the generator's kind."
        )
    if real < FEWEST:
        raise DataError(f"{data.name} has {real} pictures to compare with: at least {FEWEST} are needed.")


def labels_of(data: Dataset, chosen: Positions) -> Tensor | None:
    """The labels of the chosen pictures [N], where there are any."""
    return None if data.labels is None else torch.from_numpy(data.labels[chosen])


def extractor_of(name: str, data: Dataset, chosen: Chosen, cache: Path | None) -> tuple[Features, tuple[str, ...]]:
    """The features of that name for these data, and what there is to say about them."""
    if name == "inception":
        raise ConfigError(
            "The features 'inception' are a network trained elsewhere, whose weights ganache neither has nor loads "
            "yet: use --features random, pixels or classifier."
        )
    if name not in FEATURES:
        raise ConfigError(f"There are no features '{name}': {choices(name, FEATURES)}")
    if name == "pixels":
        return Pixels(data.image_shape), ()
    if name == "random":
        return RandomFeatures(data.image_shape), ()
    classes = len(data.label_names)
    if data.labels is None or classes < 2:
        raise ConfigError(
            f"{data.name} has no labels that a classifier could learn: use --features random, or give data with labels."
        )
    classifier, taught = Classifier(data.image_shape, classes), chosen.pool[:TAUGHT]
    labels = torch.from_numpy(data.labels.copy())

    def learn() -> dict[str, Tensor]:
        return dict(trained(torch.from_numpy(data.images[taught]), labels[taught], classes).state_dict())

    classifier.load_state_dict(cached(cache, ("classifier", data.fingerprint, digest(taught)), learn))
    asked, whose = (chosen.held_out, "held-out") if len(chosen.held_out) else (taught, "its own training")
    asked = asked[:2000]
    right = accuracy(classifier, as_x(data.images[asked]), labels[asked])
    return classifier.eval().requires_grad_(False), (
        f"The classifier names the class of {right:.1%} of {len(asked):,} {whose} pictures.",
    )


def of_generator(
    generator: Generator, prior: Prior, n: int, seed: int, extractor: Features, keep: int, progress: bool
) -> tuple[Tensor, NDArray[Any]]:
    """(features [n, F], the first `keep` pictures) of the latents from `seed` on; rounded as in a picture file."""
    features, pictures = [], []
    starts = range(0, n, CHUNK)
    for start in tqdm(starts, desc="generating", unit_scale=CHUNK, disable=None if progress else True):
        seeds = range(seed + start, seed + min(start + CHUNK, n))
        x = generate(generator, from_seeds(prior, seeds))
        if not x.isfinite().all():
            raise TrainingError("The generator makes values that are not numbers: evaluate an earlier checkpoint.")
        made = x.numpy() if x.ndim == 2 else images.to_uint8(x).numpy()
        features.append(looked_at(made, extractor))
        if start < keep:
            pictures.append(made)
    return torch.cat(features), np.concatenate(pictures)[:keep]


def of_data(data: Dataset, chosen: Positions, extractor: Features, cache: Path | None, progress: bool) -> Tensor:
    """Features of the chosen pictures [N, F], from the cache if they are there."""

    def look() -> dict[str, Tensor]:
        parts = [chosen[start : start + CHUNK] for start in range(0, len(chosen), CHUNK)]
        bar = tqdm(parts, desc="looking at real pictures", unit_scale=CHUNK, disable=None if progress else True)
        return {"features": torch.cat([looked_at(data.images[part], extractor) for part in bar])}

    if not len(chosen):
        return torch.empty(0, extractor.num_features)
    return cached(cache, ("features", data.fingerprint, extractor.hash, digest(chosen)), look)["features"]


def looked_at(pictures: NDArray[Any], extractor: Features) -> Tensor:
    """Features [n, F] of pictures uint8 [n, H, W, C] or points [n, 2]."""
    device = next(extractor.buffers(), torch.empty(0)).device
    h: Tensor = extractor(as_x(pictures).to(device))
    return h.cpu()


def cached(cache: Path | None, parts: tuple[object, ...], make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors that depend on `parts` alone: from the cache, else made, and kept there where it can be written."""
    path = cache_folder(cache) / "features" / f"{key_of(VERSION, *parts)}{checkpoint.SUFFIX}"
    with suppress(CheckpointError):  # it is not there, or damaged
        return checkpoint.load(path)[0]
    tensors = make()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.save(path, tensors, {})
    return tensors


def digest(positions: Positions) -> str:
    return hashlib.sha256(positions.tobytes()).hexdigest()


def remarks(sides: Sides, known: bool) -> list[str]:
    """What was left out and why, and what to keep in mind."""
    said = []
    if not known:
        said.append("These are not the data that the generator was trained on (their fingerprints differ).")
    if not len(sides.held_out):
        why = "of these data it has seen none" if not known else "no picture was held out of training"
        said.append(f"memorised is left out: {why}.")
    if sides.labels is None or sides.fake_logits is None:
        also = "" if sides.labels is not None else ", on data with labels"
        said.append(f"inception_score, classes and class_entropy are left out: they need --features classifier{also}.")
    if not has_variety(sides.fake_pictures):
        said.append("variety is left out: it compares pictures of at least 16x16.")
    fewest = min(len(sides.real), len(sides.fake))
    if fewest < 4 * sides.real.shape[1]:
        said.append(
            f"{fewest:,} pictures are few for {sides.real.shape[1]} features: frechet is far too large, and "
            "frechet_infinity is rough."
        )
    return said
