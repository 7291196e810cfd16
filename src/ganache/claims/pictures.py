"""What the claims about pictures share: which pictures, a small pair that learns them, a yardstick for its samples."""

from __future__ import annotations

import base64
import importlib.util
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from PIL import Image
from torch import Tensor

from ganache.claims.claim import Numbers, Settings, Size
from ganache.claims.training import Look, config, looks
from ganache.config.config import Config
from ganache.config.sections import DataConfig
from ganache.core import images
from ganache.data import Dataset, load
from ganache.evaluation.features import extract
from ganache.evaluation.features.base import FeatureInputs
from ganache.evaluation.features.classifier import ClassifierFeatures
from ganache.evaluation.features.random import RandomFeatures
from ganache.evaluation.metrics.diversity import classes_reached
from ganache.evaluation.metrics.frechet import BlockMoments, frechet_distance
from ganache.evaluation.metrics.precision_recall import precision_recall_density_coverage
from ganache.evaluation.metrics.sliced_wasserstein import patch_distance
from ganache.networks import Network
from ganache.types import Critic, Generator, ImageShape

BATCH, HELD_OUT, FEATURES, SHOWN = 64, 0.3, 128, 24
"""Of training; share of the pictures no training sees; numbers a picture is judged by; samples shown."""


@dataclass(frozen=True)
class Learning(Size):
    """Pictures, and how long a small network pair learns them."""

    source: str = ""
    fingerprint: str = ""
    """Of the pictures: other ones make another experiment."""
    drawn: int = 6000
    """Faces, where no pictures were given."""
    side: int = 32
    width: int = 16
    """Channels of a convolutional network next to the picture, where they are fewest."""
    judged: int = 1000
    """Pictures generated at each look, held against as many real ones."""
    looks: int = 11
    steps: int = 1200


L = TypeVar("L", bound=Learning)


def sized(settings: Settings, kinds: Sequence[str], full: L, **quick: int) -> L:
    """`full`, or its quick form, on pictures of the first of these kinds that was given, else on built-in ones: digits
    in the place of MNIST, drawn faces in that of faces."""
    given = [settings.data[kind] for kind in kinds if kind in settings.data]
    has_digits = kinds[0] == "mnist" and importlib.util.find_spec("sklearn") is not None
    how = replace(full, source=given[0] if given else "digits" if has_digits else "faces")
    if settings.quick:
        small: dict[str, Any] = {"drawn": 600, "side": 16, "width": 4, "judged": 80, "looks": 4, "steps": 8}
        how = replace(how, **small | quick)
    return replace(how, fingerprint=pictures(how.source, how.side, how.drawn).fingerprint)


def pictures(source: str, side: int, count: int, held_out: float = HELD_OUT) -> Dataset:
    """Small pictures: a source as `ganache train` takes it, at side x side; digits stay 8x8, as they are."""
    if source == "digits":
        return load(source, held_out=held_out)
    return load(source, size=(side, side), count=count, held_out=held_out)


def setting(method: str, network: Network, how: Learning, seed: int) -> Config:
    """A method with its recipe's optimisers, on these pictures."""
    size = None if how.source == "digits" else str(how.side)
    data = DataConfig(how.source, size=size, count=how.drawn, held_out=HELD_OUT)
    return replace(config(method, network, how.source, seed, BATCH), data=data, device="auto")


@dataclass(frozen=True)
class Mixed(Network):
    """The generator of one pair of networks and the critic of another."""

    of_generator: Network
    of_critic: Network

    @property
    def z_dim(self) -> int:
        return self.of_generator.z_dim

    def generator(self, shape: ImageShape) -> Generator:
        return self.of_generator.generator(shape)

    def critic(self, shape: ImageShape) -> Critic:
        return self.of_critic.critic(shape)

    def critic_mixes_images(self) -> Mapping[str, str]:
        return self.of_critic.critic_mixes_images()

    def bounds_critic_slope(self) -> bool:
        return self.of_critic.bounds_critic_slope()


# ---- how good samples are ------------------------------------------------------------------------------------------


class Yardstick:
    """Judges samples by what no training has seen.

    The pictures that were held out are parted: with labels, one half teaches a classifier, whose features are
    compared; without, the features are a fixed random network's. The other half is compared with.
    """

    def __init__(self, data: Dataset, judged: int) -> None:
        taught, compared = data.held_out[::2], data.held_out[1::2][:judged]
        self.network: RandomFeatures | ClassifierFeatures = RandomFeatures(data.image_shape, num_features=FEATURES)
        self.labels = None
        if data.labels is not None and len(data.label_names) > 1:
            network = extract.build_features("classifier", FeatureInputs(data, taught, compared))
            assert isinstance(network, ClassifierFeatures)
            self.network, self.labels = network, torch.from_numpy(data.labels[compared].copy())
        self.classes = len(data.label_names)
        self.x = images.as_x(data.at(compared))
        self.real: Tensor = self.network(self.x)
        self.moments = BlockMoments.from_features(self.real, 1).moments()

    def frechet(self, fake: Tensor) -> float:
        """The Frechet distance of generated x [N, C, H, W]; infinite where a training has left the numbers."""
        features: Tensor = self.network(fake)
        if not features.isfinite().all():
            return float("inf")
        return frechet_distance(BlockMoments.from_features(features, 1).moments(), self.moments)

    def all(self, fake: Tensor) -> Numbers:
        """Every score of generated x [N, C, H, W]; fidelity and variety are 0 where there are no numbers."""
        usable = bool(fake.isfinite().all())
        apart = patch_distance(self.x, fake[: len(self.x)]) if usable else float("inf")
        found: Numbers = {"frechet": self.frechet(fake), "patches": apart}
        features: Tensor = self.network(fake).nan_to_num(0, 0, 0)
        both = precision_recall_density_coverage(self.real, features[: len(self.real)])
        found |= {name: both[name].value if usable else 0.0 for name in ("precision", "coverage")}
        said = self.network.logits(features)
        if said is not None and self.labels is not None:
            reached, bits = classes_reached(said.argmax(dim=1), self.labels, self.classes)
            found |= {"classes": reached.value if usable else 0.0, "bits": bits.value if usable else 0.0}
        return found


def learn(settings: Config, how: Learning, seed: int) -> Numbers:
    """Train, look, judge: the distance through training, and every score at the end; samples of the first seed."""
    numbers: Numbers = {"steps": [], "frechet_through_training": []}
    for now in judged(settings, how):
        numbers["steps"].append(now.look.step)
        numbers["frechet_through_training"].append(now.distance)
    numbers |= {"untrained": numbers["frechet_through_training"][0]} | now.yardstick.all(now.fake)
    return numbers | ({"samples": as_text(now.fake[:SHOWN])} if seed == 0 else {})


@dataclass(frozen=True)
class Judged:
    """A training at a moment, and how good its samples are."""

    look: Look
    fake: Tensor
    """Generated x [N, C, H, W], from the same latents each time."""
    distance: float
    """Their Frechet distance to pictures that no training has seen."""
    yardstick: Yardstick


def judged(settings: Config, how: Learning) -> Iterator[Judged]:
    """Train, and judge at each look."""
    data = pictures(how.source, how.side, how.drawn)
    yardstick = Yardstick(data, how.judged)
    for look in looks(settings, how.steps, how.looks, data):
        fake = look.images(how.judged)
        yield Judged(look, fake, yardstick.frechet(fake), yardstick)


def as_text(x: Tensor, columns: int = 6) -> str:
    """Pictures x [N, C, H, W] as one tiled PNG in base64, which JSON can hold."""
    tiled = images.tile(images.to_uint8(x.nan_to_num()).numpy(), columns, pad=1)
    file = io.BytesIO()
    Image.fromarray(tiled.squeeze(-1) if tiled.shape[-1] == 1 else tiled).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def real_samples(how: Learning) -> str:
    """Held-out pictures, tiled as samples are."""
    data = pictures(how.source, how.side, how.drawn)
    return as_text(images.as_x(data.at(data.held_out[:SHOWN])))
