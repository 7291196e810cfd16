"""What the claims about pictures share: the pictures, a small network pair, and scores of its samples."""

from __future__ import annotations

import base64
import importlib.util
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from ganache.claims.claim import Measurement, Numbers, Settings, Size, shares
from ganache.claims.training import Snapshot, config, snapshots
from ganache.claims.verdict import Control
from ganache.config.config import Config
from ganache.config.sections import DataConfig, PrecisionConfig
from ganache.core import images
from ganache.data import Dataset, load
from ganache.evaluation.features import extract
from ganache.evaluation.features.base import FeatureInputs
from ganache.evaluation.metrics.diversity import classes_reached
from ganache.evaluation.metrics.frechet import BlockMoments, frechet_distance
from ganache.evaluation.metrics.precision_recall import precision_recall_density_coverage
from ganache.evaluation.metrics.sliced_wasserstein import patch_distance
from ganache.networks import Network
from ganache.training.device import choose_compute_dtype, choose_device
from ganache.types import Critic, Generator, ImageShape

BATCH = 64
HELD_OUT = 0.3
"""Share of the pictures that no training sees."""
SHOWN = 24
"""Number of samples in a figure."""


@dataclass(frozen=True)
class PictureTraining(Size):
    """The pictures of an experiment, and how long a small network pair is trained on them."""

    source: str = ""
    fingerprint: str = ""
    """Of the pictures: with other pictures it is another experiment."""
    num_faces: int = 6000
    """Number of faces that are drawn if no pictures were given."""
    image_size: int = 32
    """Side of the square pictures, in pixels."""
    compute: Literal["float32", "bfloat16"] = "float32"
    """dtype of convolutions and matrix products: bfloat16 where the hardware supports it."""
    width: int = 16
    """Channels of a convolutional network in the layer next to the picture, where they are fewest."""
    num_samples: int = 1000
    """Number of samples per snapshot, compared with as many held-out pictures."""
    snapshots: int = 11
    steps: int = 1200


P = TypeVar("P", bound=PictureTraining)


def choose_size(settings: Settings, kinds: Sequence[str], full: P, *, enlarged: bool = False, **quick: int) -> P:
    """Return `full`, or its quick form, with the pictures to use.

    These are the first of `kinds` ("mnist", "faces") that the user gave. If none was given, they are built in: digits
    instead of MNIST, drawn faces instead of faces. The digits keep their 8x8 pixels unless they are to be `enlarged`.
    Further keywords change the quick form.
    """
    given = [settings.data[kind] for kind in kinds if kind in settings.data]
    has_digits = kinds[0] == "mnist" and importlib.util.find_spec("sklearn") is not None
    source = given[0] if given else "digits" if has_digits else "faces"
    is_float32 = choose_compute_dtype(PrecisionConfig(), choose_device("auto")) is torch.float32
    size = replace(full, source=source, compute="float32" if is_float32 else "bfloat16")
    if settings.quick:
        small: dict[str, Any] = {
            "num_faces": 400,
            "image_size": 16,
            "width": 4,
            "num_samples": 40,
            "snapshots": 4,
            "steps": 8,
        }
        size = replace(size, **small | quick)
    if size.source == "digits" and not enlarged:
        size = replace(size, image_size=8)
    return replace(size, fingerprint=pictures(size.source, size.image_size, size.num_faces).fingerprint)


def pictures(source: str, image_size: int, count: int, held_out: float = HELD_OUT) -> Dataset:
    """Load pictures from a source as in `ganache train`, at image_size x image_size."""
    return load(source, size=(image_size, image_size), count=count, held_out=held_out)


def picture_config(method: str, network: Network, size: PictureTraining, seed: int) -> Config:
    """Return a method with its recipe's optimisers, on these pictures."""
    data = DataConfig(size.source, size=str(size.image_size), count=size.num_faces, held_out=HELD_OUT)
    settings = config(method, network, size.source, seed, BATCH)
    return replace(settings, data=data, device="auto", precision=PrecisionConfig(size.compute))


@dataclass(frozen=True)
class MixedPair(Network):
    """A network family with the generator of one family and the critic of another."""

    generator_network: Network
    critic_network: Network

    @property
    def z_dim(self) -> int:
        return self.generator_network.z_dim

    def generator(self, shape: ImageShape) -> Generator:
        return self.generator_network.generator(shape)

    def critic(self, shape: ImageShape) -> Critic:
        return self.critic_network.critic(shape)

    def critic_mixes_images(self) -> Mapping[str, str]:
        return self.critic_network.critic_mixes_images()

    def bounds_critic_slope(self) -> bool:
        return self.critic_network.bounds_critic_slope()


# ---- scores of samples ---------------------------------------------------------------------------------------------


class SampleScorer:
    """Scores samples by comparison with as many pictures that no training has seen.

    The held-out pictures are split into two halves. If there are labels, the first half trains a classifier, whose
    features are compared; if not, the features are those of EfficientNet-Lite0, which knows photographs. The second
    half is compared with the samples. As many pictures of the training set have a distance to them, too, the larger
    the fewer pictures there are: it is subtracted from that of samples.
    """

    def __init__(self, data: Dataset, num_samples: int) -> None:
        train_indices, compared = data.held_out[::2], data.held_out[1::2]
        self.count = min(num_samples, len(compared), len(data.training))
        compared = compared[: self.count]
        self.labels = None
        if data.labels is not None and len(data.label_names) > 1:
            self.network = extract.build_features("classifier", FeatureInputs(data, train_indices, compared))
            self.labels = torch.from_numpy(data.labels[compared].copy())
        else:
            self.network = extract.build_features("perceptual", FeatureInputs(data, train_indices, compared))
        self.num_classes = len(data.label_names)
        self.x = images.as_x(data.at(compared))
        self.real_features: Tensor = self.network(self.x)
        self.moments = BlockMoments.from_features(self.real_features, 1).moments()
        self.floor = 0.0
        chosen = np.random.default_rng(0).choice(data.training, self.count, replace=False)
        self.floor = self.frechet(self.network(images.as_x(data.at(chosen))))

    def frechet(self, features: Tensor) -> float:
        """Return by how much the Frechet distance of features [n, F] is above that of as many real pictures.

        Infinity if they are not finite.
        """
        if not features.isfinite().all():
            return float("inf")
        return frechet_distance(BlockMoments.from_features(features, 1).moments(), self.moments) - self.floor

    def scores(self, samples: Tensor, features: Tensor) -> Numbers:
        """Return every score of generated x [n, C, H, W] with these features [n, F].

        Precision, coverage and classes are 0 if x is not finite.
        """
        finite = bool(samples.isfinite().all())
        patches = patch_distance(self.x, samples) if finite else float("inf")
        found: Numbers = {"features": self.network.name, "frechet": self.frechet(features), "patches": patches}
        features = features.nan_to_num(0, 0, 0)
        metrics = precision_recall_density_coverage(self.real_features, features)
        found |= {name: metrics[name].value if finite else 0.0 for name in ("precision", "coverage")}
        logits = self.network.logits(features)
        if logits is not None and self.labels is not None:
            reached, bits = classes_reached(logits.argmax(dim=1), self.labels, self.num_classes)
            found |= {"classes": reached.value if finite else 0.0, "bits": bits.value if finite else 0.0}
        return found


@dataclass(frozen=True)
class ScoredSnapshot:
    """A snapshot of a training with the quality of its samples."""

    snapshot: Snapshot
    samples: Tensor
    """Generated x [n, C, H, W], from the same latents in every snapshot."""
    features: Tensor
    """Of the samples [n, F]."""
    scorer: SampleScorer

    @property
    def frechet(self) -> float:
        """The distance of the samples, as by `SampleScorer.frechet`."""
        return self.scorer.frechet(self.features)

    def scores(self) -> Numbers:
        """Return every score of the samples."""
        return self.scorer.scores(self.samples, self.features)


def scored_snapshots(settings: Config, size: PictureTraining, *, also: int | None = None) -> Iterator[ScoredSnapshot]:
    """Train, and yield a scored snapshot `size.snapshots` times, and one after the step `also`."""
    data = pictures(size.source, size.image_size, size.num_faces)
    scorer = SampleScorer(data, size.num_samples)
    for snapshot in snapshots(settings, size.steps, size.snapshots, data, also=also):
        samples = snapshot.images(scorer.count)
        yield ScoredSnapshot(snapshot, samples, scorer.network(samples), scorer)


def train_and_score(
    settings: Config, size: PictureTraining, seed: int, series: Mapping[str, Callable[[Snapshot], float]] | None = None
) -> Numbers:
    """Train, and return the Frechet distance during training and all scores at the end; the first seed adds samples.

    `series` are further numbers of every snapshot.
    """
    series = series or {}
    numbers: Numbers = {"steps": [], "frechet_through_training": [], **{name: [] for name in series}}
    for scored in scored_snapshots(settings, size):
        numbers["steps"].append(scored.snapshot.step)
        numbers["frechet_through_training"].append(scored.frechet)
        for name, number in series.items():
            numbers[name].append(number(scored.snapshot))
    numbers |= {"untrained": numbers["frechet_through_training"][0]} | scored.scores()
    return numbers | ({"samples": png_base64(scored.samples[:SHOWN])} if seed == 0 else {})


@dataclass(frozen=True)
class Bounds:
    """What distances mean, as shares of that before training.

    They were set with trainings of seeds that are not judged.
    """

    good: float
    """Below it, samples show what is in the pictures."""
    learnt: float
    """Below it, they differ by latent."""
    nothing: float
    """Above it, they show nothing that is in the pictures."""


BOUNDS = {"perceptual": Bounds(0.65, 0.8, 0.9), "classifier": Bounds(0.2, 0.3, 0.5)}
"""By the features that compare samples: to EfficientNet-Lite0, what a network draws before training is not so far from
real pictures, and what it draws after a short one not so near."""

RULER = (
    "The measure is the Frechet distance of samples to as many pictures that no training has seen, above that of as "
    "many pictures of the training set, in the features of EfficientNet-Lite0, or if the pictures have labels in those "
    "of a classifier trained on other held-out pictures. As a share of that before training, a distance is called good "
    "at {good}, learnt at {learnt}, and above {nothing} there is nothing of the pictures."
).format(
    **{
        name: f"{getattr(BOUNDS['perceptual'], name)} (by a classifier: {getattr(BOUNDS['classifier'], name)})"
        for name in ("good", "learnt", "nothing")
    }
)
"""What the protocols of claims about pictures say about their measure."""


def bounds(measured: Sequence[Measurement]) -> Bounds:
    """Return the bounds of the features that these were measured with."""
    return BOUNDS[measured[0].numbers["features"]]


def learnt(measured: Sequence[Measurement], variants: Sequence[str], bound: float, reason: str) -> tuple[Control, ...]:
    """Return a control for each variant: its last distance as a share of that before training."""
    return tuple(
        Control(f"Frechet distance of {name} as a share of that before training", shares(measured, name), bound, reason)
        for name in variants
    )


# ---- pictures in JSON ----------------------------------------------------------------------------------------------


def png_base64(x: Tensor, columns: int = 6) -> str:
    """Return images x [N, C, H, W] as one tiled PNG in base64, which can be stored in JSON."""
    return base64.b64encode(tiled_png(x, columns)).decode()


def tiled_png(x: Tensor, columns: int) -> bytes:
    """Return images x [N, C, H, W] as one tiled PNG."""
    tiled = images.tile(images.to_uint8(x.nan_to_num()).numpy(), columns, pad=1)
    file = io.BytesIO()
    images.as_image(tiled).save(file, "PNG", optimize=True)
    return file.getvalue()


def real_samples(size: PictureTraining) -> str:
    """Return held-out pictures, tiled like samples."""
    data = pictures(size.source, size.image_size, size.num_faces)
    return png_base64(images.as_x(data.at(data.held_out[:SHOWN])))
