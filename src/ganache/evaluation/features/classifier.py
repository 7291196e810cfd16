"""Features "classifier": a small convolutional network that is trained on the labels of the data, in seconds."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganache.core.images import as_x, to_float
from ganache.errors import ConfigError
from ganache.evaluation.features.base import (
    FeatureInputs,
    Features,
    describe_resize,
    reduced_size,
    require_image,
    resize,
)
from ganache.evaluation.features.cache import cached_tensors, positions_digest
from ganache.types import ImageShape

MAX_TRAINING_IMAGES = 10_000
MAX_TEST_IMAGES = 2_000


class ClassifierFeatures(Features):
    """Three 3x3 convolutions with max pooling and a hidden layer of 128 units, whose activations are the features."""

    name = "classifier"
    SIDE = 32
    predicts_labels = True

    def __init__(self, image_shape: ImageShape, classes: int) -> None:
        """Create the untrained network. Raises ConfigError for points and for images with a side below 8."""
        super().__init__()
        require_image(image_shape, self.name)
        self.size = reduced_size(image_shape[1:], self.SIDE)
        self.preprocessing = describe_resize(image_shape[1:], self.size)
        self.num_features = 128
        channels = (image_shape[0], 32, 64, 64)
        self.convolutions = nn.ModuleList(nn.Conv2d(channels[i], channels[i + 1], 3, padding=1) for i in range(3))
        self.hidden = nn.Linear(64 * 16, self.num_features)
        self.head = nn.Linear(self.num_features, classes)

    @classmethod
    def build(cls, inputs: FeatureInputs) -> ClassifierFeatures:
        """Return a classifier trained on the training images, or its cached weights. Its notes tell its accuracy.

        Raises ConfigError for data without labels.
        """
        data, classes = inputs.data, len(inputs.data.label_names)
        if data.labels is None or classes < 2:
            raise ConfigError(
                f"{data.name} has no labels to train a classifier on: use --features random, or give data with labels."
            )
        classifier, training = cls(data.image_shape, classes), inputs.training[:MAX_TRAINING_IMAGES]
        labels = torch.from_numpy(data.labels.copy())

        def train() -> dict[str, Tensor]:
            return dict(train_classifier(torch.from_numpy(data.at(training)), labels[training], classes).state_dict())

        key = ("classifier", data.fingerprint, positions_digest(training))
        classifier.load_state_dict(cached_tensors(inputs.cache, key, train))
        is_held_out = len(inputs.held_out) > 0
        test = (inputs.held_out if is_held_out else training)[:MAX_TEST_IMAGES]
        correct = accuracy(classifier, as_x(data.at(test)), labels[test])
        split = "held-out" if is_held_out else "of its own training"
        classifier.notes = (f"The classifier is right on {correct:.1%} of {len(test):,} {split} pictures.",)
        return classifier.eval().requires_grad_(False)

    def vectors(self, x: Tensor) -> Tensor:
        h = resize(x, self.size)
        for convolution in self.convolutions:
            h = F.relu(convolution(h))
            if min(h.shape[2:]) >= 8:
                h = F.max_pool2d(h, 2)
        return F.relu(self.hidden(F.adaptive_avg_pool2d(h, 4).flatten(1)))

    def logits(self, h: Tensor) -> Tensor:
        output: Tensor = self.head(h)
        return output


def train_classifier(
    x: Tensor, y: Tensor, classes: int, *, seed: int = 0, steps: int = 300, batch: int = 128
) -> ClassifierFeatures:
    """Train a classifier on images x uint8 [N, H, W, C] with labels y [N], each from 0 to `classes` - 1.

    Adam's learning rate decays linearly to 0. The same seed gives the same weights on the same machine.
    """
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        network = ClassifierFeatures((x.shape[3], x.shape[1], x.shape[2]), classes)
        adam = torch.optim.Adam(network.parameters(), lr=2e-3)
        for step in range(steps):
            for group in adam.param_groups:
                group["lr"] = 2e-3 * (1 - step / steps)
            batch_indices = torch.randint(len(x), (batch,))
            logits = network.logits(network.vectors(to_float(x[batch_indices])))
            loss = F.cross_entropy(logits, y[batch_indices])
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
    return network.eval().requires_grad_(False)


def accuracy(network: ClassifierFeatures, x: Tensor, y: Tensor) -> float:
    """Return the share of images x [N, C, H, W] that the network assigns to their class y [N]."""
    return float((network.logits(network(x)).argmax(dim=1) == y).double().mean())
