"""Evaluate a generator on a data set.

Images are generated and read a few hundred at a time and reduced to their features, so memory use does not depend on
their number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganache.core.images import as_x
from ganache.core.progress import bar as progress_bar
from ganache.core.rendering import as_pictures, generate
from ganache.core.seeds import require_seed
from ganache.data import Dataset
from ganache.errors import ConfigError, DataError, TrainingError
from ganache.evaluation.evaluation import Evaluation, Protocol
from ganache.evaluation.features.base import FeatureInputs, Features, Positions
from ganache.evaluation.features.extract import (
    CHUNK,
    build_features,
    dataset_layers,
    default_features,
    join_chunks,
    picture_layers,
)
from ganache.evaluation.metrics.diversity import MIN_SIDE
from ganache.evaluation.path_length import check_path_length, path_length_scores
from ganache.evaluation.scores import SUBSETS, SampleSets, score_groups, subset_size, supports_ms_ssim
from ganache.functional.latents import from_seeds
from ganache.types import Critic, Generator, Prior

MIN_IMAGES, MAX_IMAGES = 100, 1_000_000
"""Fewest generated and fewest real images, as scores of fewer are meaningless; and most generated ones."""

SEED = 2_000_000
"""Seed of the first latent: far from the seeds that users look at, and from those that select the best checkpoint."""

MAX_MEMORISATION_IMAGES = 50_000
"""Most training images among which copies are searched for."""


def evaluate(
    generator: Generator,
    prior: Prior,
    data: Dataset,
    *,
    features: str | None = None,
    n: int = 10_000,
    weights: Path | None = None,
    critic: Critic | None = None,
    path_length: int = 0,
    seed: int = SEED,
    header: Mapping[str, Any] | None = None,
    cache: Path | None = None,
    progress: bool = False,
) -> Evaluation:
    """Compare n generated images with n real ones, or with all real ones if there are fewer.

    Args:
        generator: The generator; features are computed on its device.
        prior: The distribution of its latents. Latents of the seeds `seed`, ..., `seed + n - 1` are used.
        data: The real images. If their fingerprint is the one in `header`, the images of the training split are
            compared, and the held-out images test for memorisation; otherwise any images.
        features: A name in FEATURES; by default "perceptual", and "pixels" for points.
        n: The number of images to generate.
        weights: The file of weights, for features that need one ("inception").
        critic: A critic with a head for categorical codes (InfoGAN); labelled data then give the score
            `code_accuracy`.
        path_length: The number of paths between latents for the score `ppl`, at least 100; 0 leaves it out.
        seed: The seed of the first latent and of every random choice.
        header: The checkpoint's header, with the keys "step" and "data_fingerprint".
        cache: The folder that keeps the features of real images; None for the default cache folder.
        progress: Whether to show progress bars.

    Raises:
        ConfigError: Unknown features, fewer than 100 images or paths, or data that do not suit the features or the
            path length.
        DataError: Generated and real images have different shapes, or there are fewer than 100 real images.
        TrainingError: The generator outputs NaN or infinity.
    """
    require_seed(seed, following=n)
    header = header or {}
    is_training_data = header.get("data_fingerprint", data.fingerprint) == data.fingerprint
    positions = choose_positions(data, n, seed, is_training_data)
    check_comparable(generator, data, n, len(positions.real))
    check_path_length(path_length, generator.image_shape)
    name = features or default_features(data.image_shape)
    extractor = build_features(name, FeatureInputs(data, positions.real, positions.held_out, cache, weights))
    sets = extract_sample_sets(generator, prior, data, positions, extractor, n, seed, cache, progress)
    if critic is not None and critic.codes is not None and prior.categories > 1:
        sets = replace(sets, codes=read_codes(critic, data, positions.real[:n], prior.categories))
    protocol = Protocol(
        generated=n,
        real=len(sets.real),
        split="training" if is_training_data else "all",
        held_out=len(sets.held_out),
        features=extractor.name,
        features_hash=extractor.hash,
        num_features=extractor.num_features,
        preprocessing=extractor.preprocessing,
        seed=seed,
        step=header.get("step"),
        data=data.name,
        data_fingerprint=data.fingerprint,
    )
    scores = []
    with progress_bar(list(score_groups(sets)), desc="scoring", unit="score", shown=progress) as bar:
        for title, compute in bar:
            bar.set_postfix_str(title)
            scores += compute()
    if path_length:
        scores += path_length_scores(generator, prior, path_length, seed, progress)
    return Evaluation(tuple(scores), protocol, (*extractor.notes, *evaluation_notes(sets, is_training_data)))


@dataclass(frozen=True)
class EvaluatedPositions:
    """Positions, in random order, of the images that an evaluation uses."""

    real: Positions
    """Images to search for copies; the first n of them are the real set."""
    held_out: Positions
    """Images that training did not see; empty if there is no test for memorisation."""


def choose_positions(data: Dataset, n: int, seed: int, is_training_data: bool) -> EvaluatedPositions:
    """Choose from the training and held-out splits of the data trained on, or from all images of other data."""
    all_positions: Positions = np.arange(len(data))
    real, held_out = (data.training, data.held_out) if is_training_data else (all_positions, data.held_out[:0])
    at_most = max(n, MAX_MEMORISATION_IMAGES) if len(held_out) else n
    return EvaluatedPositions(random_subset(real, at_most, seed), random_subset(held_out, at_most, seed))


def random_subset(positions: Positions, at_most: int, seed: int) -> Positions:
    """Return up to `at_most` of the positions, in random order."""
    order = torch.randperm(len(positions), generator=torch.Generator().manual_seed(seed))
    subset: Positions = positions[order[:at_most].numpy()]
    return subset


def extract_sample_sets(
    generator: Generator,
    prior: Prior,
    data: Dataset,
    positions: EvaluatedPositions,
    extractor: Features,
    n: int,
    seed: int,
    cache: Path | None,
    progress: bool,
) -> SampleSets:
    """Return generated and real images as features. The extractor runs on the generator's device."""
    extractor.to(next(generator.parameters()).device)
    kept = SUBSETS * subset_size(data.images.shape[1:])
    fake_layers, fake_images = generator_features(generator, prior, n, seed, extractor, kept, progress)
    training_layers, held_out = (
        dataset_layers(data, each, extractor, cache, progress) for each in (positions.real, positions.held_out)
    )
    extractor.cpu()
    fake, training = fake_layers[-1], training_layers[-1]
    return SampleSets(
        fake_layers=fake_layers,
        real_layers=[layer[:n] for layer in training_layers],
        training=training,
        held_out=held_out[-1],
        fake_images=fake_images,
        real_images=data.at(positions.real[: min(n, kept)]),
        fake_logits=extractor.logits(fake),
        real_logits=extractor.logits(training[:n]),
        predicts_labels=extractor.predicts_labels,
        labels=None if data.labels is None else torch.from_numpy(data.labels[positions.real[:n]]),
        codes=None,
        seed=seed,
    )


def check_comparable(generator: Generator, data: Dataset, n: int, num_real: int) -> None:
    """Raise ConfigError or DataError for images of different shapes and for fewer than MIN_IMAGES of either kind."""
    if n < MIN_IMAGES:
        raise ConfigError(f"n is {n}: generate at least {MIN_IMAGES} pictures, since scores of fewer are meaningless.")
    if n > MAX_IMAGES:
        raise ConfigError(f"n is {n}: generate at most {MAX_IMAGES:,} pictures, whose features fill 10 GB.")
    shapes = (generator.image_shape, data.image_shape)
    if shapes[0] != shapes[1]:
        words = ["x".join(map(str, shape)) if len(shape) == 3 else "points" for shape in shapes]
        raise DataError(
            f"The generator makes {words[0]} (channels, height, width), and {data.name} is {words[1]}: give data "
            "of the generator's shape."
        )
    if num_real < MIN_IMAGES:
        raise DataError(f"{data.name} has {num_real} pictures to compare with: at least {MIN_IMAGES} are needed.")


def generator_features(
    generator: Generator, prior: Prior, n: int, seed: int, extractor: Features, keep: int, progress: bool
) -> tuple[list[Tensor], NDArray[Any]]:
    """Generate the images of the seeds `seed`, ..., `seed + n - 1`, rounded to 8 bits.

    Returns their features of each layer [n, F], and the first `keep` of the images.
    """
    kept = []

    def chunks() -> Iterator[list[Tensor]]:
        for start in progress_bar(range(0, n, CHUNK), desc="generating", unit_scale=CHUNK, shown=progress):
            x = generate(generator, from_seeds(prior, range(seed + start, seed + min(start + CHUNK, n))))
            if not x.isfinite().all():
                raise TrainingError("The generator outputs values that are not numbers: use an earlier checkpoint.")
            images = as_pictures(x)
            if start < keep:
                kept.append(images)
            yield picture_layers(images, extractor)

    return join_chunks(chunks(), n), np.concatenate(kept)[:keep]


@torch.inference_mode()
def read_codes(critic: Critic, data: Dataset, positions: Positions, categories: int) -> Tensor:
    """Return the most likely categorical code [n] of each image according to the critic's head Q."""
    device = next(critic.parameters()).device
    codes = []
    for start in range(0, len(positions), CHUNK):
        x = as_x(data.at(positions[start : start + CHUNK])).to(device)
        codes.append(critic.read_codes(critic.features(x))[:, :categories].argmax(dim=1).cpu())
    return torch.cat(codes)


def evaluation_notes(sets: SampleSets, is_training_data: bool) -> list[str]:
    """Return sentences on the scores that were left out, and on the limits of the others."""
    notes = []
    if not is_training_data:
        notes.append("These are not the data that the generator was trained on (their fingerprints differ).")
    if not len(sets.held_out):
        why = "no picture was held out of training" if is_training_data else "the generator has seen none of these data"
        notes.append(f"memorised is left out: {why}.")
    on_labels = "" if sets.labels is not None else ", on data with labels"
    if sets.fake_logits is None:
        left_out = "inception_score, classes and class_entropy"
        notes.append(f"{left_out} are left out: they need --features classifier{on_labels}.")
    elif not sets.predicts_labels:
        notes.append(f"classes and class_entropy are left out: they need --features classifier{on_labels}.")
    if sets.codes is not None and sets.labels is None:
        notes.append("code_accuracy is left out: it needs data with labels.")
    if not supports_ms_ssim(sets.fake_images):
        notes.append(f"variety is left out: it needs pictures of at least {MIN_SIDE}x{MIN_SIDE}.")
    fewest = min(len(sets.real), len(sets.fake))
    if fewest < 4 * sets.real.shape[1]:
        notes.append(
            f"{fewest:,} pictures are few for {sets.real.shape[1]} features: frechet is biased upwards, and "
            "frechet_infinity is imprecise."
        )
    return notes
