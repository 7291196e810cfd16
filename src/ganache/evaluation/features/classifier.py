"""A small classifier, trained on the data's own labels in seconds: features, and which class an image is of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganache.core.images import to_float
from ganache.evaluation.features.base import Features, in_words, reduced, refuse_unless_image, resized
from ganache.types import ImageShape


class Classifier(Features):
    """Three convolutions with max pooling, and a hidden layer of 128 whose output are the features."""

    name = "classifier"
    SIDE = 32
    own_classes = True

    def __init__(self, image_shape: ImageShape, classes: int) -> None:
        """With its first weights. Raises ConfigError for points and for images of a side below 8."""
        super().__init__()
        refuse_unless_image(image_shape, self.name)
        self.size = reduced(image_shape[1:], self.SIDE)
        self.sees = in_words(image_shape[1:], self.size)
        self.num_features = 128
        channels = (image_shape[0], 32, 64, 64)
        self.convolutions = nn.ModuleList(nn.Conv2d(channels[i], channels[i + 1], 3, padding=1) for i in range(3))
        self.hidden = nn.Linear(64 * 16, self.num_features)
        self.head = nn.Linear(self.num_features, classes)

    def vectors(self, x: Tensor) -> Tensor:
        h = resized(x, self.size)
        for convolution in self.convolutions:
            h = F.relu(convolution(h))
            if min(h.shape[2:]) >= 8:
                h = F.max_pool2d(h, 2)
        return F.relu(self.hidden(F.adaptive_avg_pool2d(h, 4).flatten(1)))

    def logits(self, h: Tensor) -> Tensor:
        said: Tensor = self.head(h)
        return said


def trained(x: Tensor, y: Tensor, classes: int, *, seed: int = 0, steps: int = 300, batch: int = 128) -> Classifier:
    """A classifier trained on images x uint8 [N, H, W, C] with labels y [N] from 0 to `classes` - 1.

    The rate of Adam falls in a straight line to 0. The same seed gives the same on the same machine.
    """
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        network = Classifier((x.shape[3], x.shape[1], x.shape[2]), classes)
        adam = torch.optim.Adam(network.parameters(), lr=2e-3)
        for step in range(steps):
            for group in adam.param_groups:
                group["lr"] = 2e-3 * (1 - step / steps)
            chosen = torch.randint(len(x), (batch,))
            loss = F.cross_entropy(network.logits(network.vectors(to_float(x[chosen]))), y[chosen])
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
    return network.eval().requires_grad_(False)


def accuracy(network: Classifier, x: Tensor, y: Tensor) -> float:
    """The share of images x [N, C, H, W] that it puts into their class y [N]."""
    return float((network.logits(network(x)).argmax(dim=1) == y).double().mean())
