"""The scores of an evaluation: from features and images of generated and real samples to named numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ganache.core.cores import map_on_cores
from ganache.core.images import as_x
from ganache.evaluation.evaluation import Score
from ganache.evaluation.metrics.codes import match_codes_to_classes
from ganache.evaluation.metrics.diversity import MIN_SIDE, classes_reached, entropy_bits, ms_ssim_diversity
from ganache.evaluation.metrics.estimates import mean_estimate
from ganache.evaluation.metrics.fidelity import inception_score, kernel_distance
from ganache.evaluation.metrics.frechet import BlockPair, frechet_estimates, layers_estimate
from ganache.evaluation.metrics.memorisation import memorisation_test
from ganache.evaluation.metrics.precision_recall import NEIGHBOURS, precision_recall_density_coverage
from ganache.evaluation.metrics.sliced_wasserstein import sliced_distance

SUBSETS, SUBSET = 10, 1000
"""The patch distance is a mean over up to 10 subsets of up to 1,000 images."""

SUBSET_VALUES = 2**24
"""Most numbers in a subset: subsets of large images have fewer images, to bound memory."""


@dataclass(frozen=True)
class SampleSets:
    """The sets of samples that the scores compare. N, M, T, H, K: numbers of samples and of classes."""

    fake_layers: list[Tensor]
    """Features of generated images by each layer of the extractor, float32 [N, F]; the last are its features."""
    real_layers: list[Tensor]
    """Features of real images by each layer [M, F]."""
    training: Tensor
    """Features of the real images and of further training images [T, F]."""
    held_out: Tensor
    """Features of images that training did not see [H, F]; H may be 0."""
    fake_images: np.ndarray
    """The first generated images, uint8 [n, H, W, C], or points [n, 2]."""
    real_images: np.ndarray
    """The first real images."""
    fake_logits: Tensor | None
    """Class logits of generated images [N, K]; None if the extractor does not classify."""
    real_logits: Tensor | None
    """Class logits of real images [M, K]."""
    predicts_labels: bool
    """Whether those classes are the labels of the data."""
    labels: Tensor | None
    """Labels of the real images [M]; None for data without labels."""
    codes: Tensor | None
    """Categorical codes [M] that the critic reads off the real images; None without a head for codes."""
    seed: int

    @property
    def fake(self) -> Tensor:
        """Features of generated images [N, F]."""
        return self.fake_layers[-1]

    @property
    def real(self) -> Tensor:
        """Features of real images [M, F]."""
        return self.real_layers[-1]


def subset_size(shape: tuple[int, ...]) -> int:
    """Return the largest number of images of this shape in a subset."""
    return max(2, min(SUBSET, SUBSET_VALUES // math.prod(shape)))


def score_groups(sets: SampleSets) -> Iterator[tuple[str, Callable[[], list[Score]]]]:
    """Yield (title, function that computes the scores) for each group of scores that these samples allow."""
    yield "Frechet distance", partial(frechet_scores, sets)
    yield "kernel distance", partial(kernel_scores, sets)
    yield "nearest neighbours", partial(precision_recall_scores, sets)
    if sets.fake_logits is not None and sets.real_logits is not None:
        labels = sets.labels if sets.predicts_labels else None
        yield "classes", partial(class_scores, sets.fake_logits, sets.real_logits, labels, sets.seed)
    if sets.codes is not None and sets.labels is not None:
        yield "codes", partial(code_scores, sets.codes, sets.labels)
    yield "patches", partial(patch_scores, sets)
    if supports_ms_ssim(sets.fake_images):
        yield "variety", partial(diversity_scores, sets)
    if len(sets.held_out):
        yield "memorisation", partial(memorisation_scores, sets)


def supports_ms_ssim(images: np.ndarray) -> bool:
    """Whether the samples are images, and large enough for multi-scale structural similarity."""
    return images.ndim == 4 and min(images.shape[1:3]) >= MIN_SIDE


def frechet_scores(sets: SampleSets) -> list[Score]:
    """Return the Frechet distance in the last layer and in all layers, and the former for infinitely many samples."""
    pairs = [BlockPair(real, fake) for real, fake in zip(sets.real_layers, sets.fake_layers, strict=True)]
    value, limit = frechet_estimates(pairs[-1])
    how = "the jackknife over 10 blocks of real and generated pictures"
    layers = [Score("layers", *layers_estimate(pairs), better="lower", how=how)] if len(pairs) > 1 else []
    return [
        *layers,
        Score("frechet", *value, better="lower", how=how),
        Score("frechet_infinity", *limit, better="lower", how=f"{how}, plus the residuals of the linear fit"),
    ]


def kernel_scores(sets: SampleSets) -> list[Score]:
    """Return the kernel distance."""
    estimate = kernel_distance(sets.real, sets.fake)
    return [Score("kernel", *estimate, better="lower", how="disjoint subsets of at most 1,000")]


def precision_recall_scores(sets: SampleSets) -> list[Score]:
    """Return precision, recall, density and coverage, from equally many real and generated samples."""
    n = min(len(sets.real), len(sets.fake))  # the radii depend on the number of samples
    estimates = precision_recall_density_coverage(sets.real[:n], sets.fake[:n])
    how = f"the spread over pictures ({n:,} real and {n:,} generated, {NEIGHBOURS} neighbours)"
    return [Score(name, *estimate, better="higher", how=how) for name, estimate in estimates.items()]


def class_scores(fake: Tensor, real: Tensor, labels: Tensor | None, seed: int) -> list[Score]:
    """Return the Inception score and, where the classes are the data's labels, the classes that are generated."""
    real_score = inception_score(real, seed).value
    estimate = inception_score(fake, seed)
    scores = [Score("inception_score", *estimate, better="higher", real=real_score, how="10 splits")]
    if labels is not None:
        classes = fake.shape[1]
        reached, bits = classes_reached(fake.argmax(dim=1), labels, classes, seed)
        shares = torch.bincount(labels, minlength=classes).numpy() / len(labels)
        real_classes, real_bits, how = float((shares > 0).sum()), entropy_bits(shares), "500 bootstrap resamples"
        counted = f"{how} (a class counts from 1/4 of its share in the data)"
        scores.append(Score("classes", *reached, better="higher", real=real_classes, how=counted))
        scores.append(Score("class_entropy", *bits, better="higher", real=real_bits, how=how))
    return scores


def code_scores(codes: Tensor, labels: Tensor) -> list[Score]:
    """Return the accuracy of the critic's categorical codes as class names, with its binomial standard error."""
    accuracy, classes = match_codes_to_classes(codes.numpy(), labels.numpy())
    error = math.sqrt(accuracy * (1 - accuracy) / len(labels))
    matching = ", ".join(f"{code} for {label}" for code, label in sorted(classes.items()))
    how = f"the spread over {len(labels):,} real pictures (codes stand for classes: {matching})"
    return [Score("code_accuracy", accuracy, error, better="higher", how=how)]


def patch_scores(sets: SampleSets) -> list[Score]:
    """Return the patch distance as a mean over subsets; `real` is the distance between subsets of real images."""
    m = min(len(sets.fake_images), len(sets.real_images))
    size = min(subset_size(sets.real_images.shape[1:]), m // 4)
    count = min(SUBSETS, m // size)

    def subset(images: np.ndarray, index: int) -> Tensor:
        return as_x(images[index * size : (index + 1) * size])

    pairs = [(k, sets.fake_images, k) for k in range(count)]
    pairs += [(k, sets.real_images, k + 1) for k in range(0, count - 1, 2)]
    distances = map_on_cores(
        lambda pair: sliced_distance(subset(sets.real_images, pair[0]), subset(pair[1], pair[2])), pairs
    )
    estimate, how = mean_estimate(torch.tensor(distances[:count])), f"{count} subsets of {size:,}"
    return [Score("patches", *estimate, better="lower", real=float(np.mean(distances[count:])), how=how)]


def diversity_scores(sets: SampleSets) -> list[Score]:
    """Return 1 - MS-SSIM of random pairs of generated images, and of real ones."""
    fake, real = (
        ms_ssim_diversity(torch.from_numpy(np.array(images)).permute(0, 3, 1, 2), seed=sets.seed)
        for images in (sets.fake_images, sets.real_images)
    )
    return [Score("variety", *fake, better="higher", real=real.value, how="1,000 pairs")]


def memorisation_scores(sets: SampleSets) -> list[Score]:
    """Return the share of generated images that are copies of training images."""
    test = memorisation_test(sets.fake, sets.training, sets.held_out)
    among = f"{len(sets.training):,} training and {len(sets.held_out):,} held-out pictures"
    how = f"exchanging the labels of {among} (p = {test.p_value:.2g})"
    return [Score("memorised", *test.share, better="lower", real=0.0, how=how)]
