"""A generator and data -> an Evaluation.

Pictures are looked at a few hundred at a time and kept as their features, so memory stays flat whatever their number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from ganache.core.images import as_x
from ganache.core.rendering import as_pictures, generate
from ganache.data import Dataset
from ganache.errors import ConfigError, DataError, TrainingError
from ganache.evaluation.features.base import Features
from ganache.evaluation.features.extract import CHUNK, Positions, extractor_of, looked_at, of_data
from ganache.evaluation.judging import SUBSETS, SampleSets, has_variety, scores, subset_size
from ganache.evaluation.results import Evaluation, Protocol
from ganache.functional.latents import from_seeds
from ganache.types import Critic, Generator, Prior

FEWEST = 100
"""Pictures on either side; with fewer no score means anything."""

SEED = 2_000_000
"""The first latent: far from those that anybody looks at, and from those that chose the best checkpoint."""

REMEMBERED = 50_000
"""Training pictures, at most, among which copies are looked for."""


def evaluate(
    generator: Generator,
    prior: Prior,
    data: Dataset,
    *,
    features: str | None = None,
    n: int = 10_000,
    weights: Path | None = None,
    critic: Critic | None = None,
    seed: int = SEED,
    header: Mapping[str, Any] | None = None,
    cache: Path | None = None,
    progress: bool = False,
) -> Evaluation:
    """How near n pictures of latents `seed`, `seed` + 1, ... are to as many real ones, or to all that there are.

    The real ones are those that were trained on; of data whose fingerprint is not the one in the checkpoint's `header`,
    any. `features`: "random" (the default), "pixels" (the default for points), "classifier" or "inception", whose
    `weights` are a file's. A `critic` that reads
    categorical codes, as InfoGAN's does, is asked whether they name the classes of labelled data.
    Raises ConfigError, DataError or TrainingError where they cannot be compared.
    """
    header = header or {}
    known = header.get("data_fingerprint", data.fingerprint) == data.fingerprint
    chosen = choose(data, n, seed, known)
    refuse_mismatch(generator, data, n, len(chosen.pool))
    name = features or ("pixels" if len(data.image_shape) == 1 else "random")
    extractor, said = extractor_of(name, data, chosen.pool, chosen.held_out, cache, weights)
    sides = both_sides(generator, prior, data, chosen, extractor, n, seed, cache, progress)
    if critic is not None and critic.codes is not None and prior.categories > 1:
        sides = replace(sides, codes=codes_of(critic, data, chosen.pool[:n], prior.categories))
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
) -> SampleSets:
    """Generated and real pictures as their features. The extractor works where the generator does."""
    extractor.to(next(generator.parameters()).device)
    kept = SUBSETS * subset_size(data.images.shape[1:])
    fake, fake_pictures = of_generator(generator, prior, n, seed, extractor, kept, progress)
    training, held_out = (of_data(data, each, extractor, cache, progress) for each in (chosen.pool, chosen.held_out))
    extractor.cpu()
    return SampleSets(
        fake=fake,
        real=training[:n],
        training=training,
        held_out=held_out,
        fake_pictures=fake_pictures,
        real_pictures=data.at(chosen.pool[: min(n, kept)]),
        fake_logits=extractor.logits(fake),
        real_logits=extractor.logits(training[:n]),
        own_classes=extractor.own_classes,
        labels=None if data.labels is None else torch.from_numpy(data.labels[chosen.pool[:n]]),
        codes=None,
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
        made = as_pictures(x)
        features.append(looked_at(made, extractor))
        if start < keep:
            pictures.append(made)
    return torch.cat(features), np.concatenate(pictures)[:keep]


@torch.inference_mode()
def codes_of(critic: Critic, data: Dataset, positions: Positions, categories: int) -> Tensor:
    """The likeliest categorical code [n] of each picture, as the critic's head Q reads it."""
    device = next(critic.parameters()).device
    found = []
    for start in range(0, len(positions), CHUNK):
        x = as_x(data.at(positions[start : start + CHUNK])).to(device)
        found.append(critic.read_codes(critic.features(x))[:, :categories].argmax(dim=1).cpu())
    return torch.cat(found)


def remarks(sides: SampleSets, known: bool) -> list[str]:
    """What was left out and why, and what to keep in mind."""
    said = []
    if not known:
        said.append("These are not the data that the generator was trained on (their fingerprints differ).")
    if not len(sides.held_out):
        why = "of these data it has seen none" if not known else "no picture was held out of training"
        said.append(f"memorised is left out: {why}.")
    also = "" if sides.labels is not None else ", on data with labels"
    if sides.fake_logits is None:
        said.append(f"inception_score, classes and class_entropy are left out: they need --features classifier{also}.")
    elif not sides.own_classes:
        said.append(f"classes and class_entropy are left out: they need --features classifier{also}.")
    if sides.codes is not None and sides.labels is None:
        said.append("code_accuracy is left out: it needs data with labels.")
    if not has_variety(sides.fake_pictures):
        said.append("variety is left out: it compares pictures of at least 16x16.")
    fewest = min(len(sides.real), len(sides.fake))
    if fewest < 4 * sides.real.shape[1]:
        said.append(
            f"{fewest:,} pictures are few for {sides.real.shape[1]} features: frechet comes out too large, and "
            "frechet_infinity is rough."
        )
    return said
