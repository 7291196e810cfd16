"""Instance selection: training is shown the most typical images alone (DeVries et al. 2020, arXiv:2007.15255).

A small generator that also has to draw what is rare in the data draws everything worse. The method of the paper: fit
a normal distribution to features of all images, and leave out those of the lowest likelihood. Its features are those of
Inception; ours are those that the critics of pretrained features read (`networks/projected.py`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganache.config.sections import DataConfig
from ganache.core.cores import map_on_cores
from ganache.core.images import as_rgb, as_x
from ganache.data import Dataset
from ganache.errors import ConfigError
from ganache.networks.efficientnet import load_network
from ganache.networks.projected import features_of, resized, seen_size

CHUNK = 64
"""Images that a core computes at a time."""
COMPONENTS, IMAGES_EACH = 128, 8
"""Principal components of the features that count, at most, and the images that there must be for each of them."""


def with_typical(data: Dataset, settings: DataConfig) -> Dataset:
    """Return the data with the share `settings.typical` of the training images selected, the most typical ones.

    In a class-conditional run these are the most typical ones of each class, and at least one. Data with a selection
    keep it. Raises ConfigError for points, or if the weights of the network are missing.
    """
    share = settings.typical
    if share == 1 or data.selected is not None:
        return data
    if len(data.image_shape) != 3 or data.image_shape[0] not in (1, 3, 4):
        raise ConfigError(
            f"data.typical is {share:g}, and {data.name} has no images of 1, 3 or 4 channels: use --data.typical 1."
        )
    found, by_class = features(data), settings.classes and data.labels is not None
    classes = data.labels[data.training] if by_class and data.labels is not None else np.zeros(len(found))
    members = [np.flatnonzero(classes == each) for each in np.unique(classes)]
    chosen = [each[most_typical(found[each], share)] for each in members]
    return replace(data, selected=data.training[np.sort(np.concatenate(chosen))])


def most_typical(features: NDArray[np.float64], share: float) -> NDArray[np.int64]:
    """Return the places of this share of the rows, those at the smallest distances."""
    return np.argsort(distances(features), kind="stable")[: max(1, round(share * len(features)))]


@torch.no_grad()
def features(data: Dataset) -> NDArray[np.float64]:
    """Return the features of the training images, averaged over each image, [N, F]."""
    network, size = load_network("lite0"), seen_size(data.image_shape)

    def of_chunk(start: int) -> Tensor:
        x = as_x(data.at(data.training[start : start + CHUNK]))
        return torch.cat([h.mean(dim=(2, 3)) for h in features_of(network, resized(as_rgb(x), size))], dim=1)

    chunks = map_on_cores(of_chunk, range(0, len(data.training), CHUNK))
    return torch.cat(chunks).double().numpy()


def distances(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squared Mahalanobis distance of each row from the mean of all, in their first principal components.

    It falls as the likelihood under the fitted normal distribution rises.
    """
    centred = features - features.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred / len(centred))  # ascending
    count = max(1, min(COMPONENTS, len(centred) // IMAGES_EACH))
    projected = centred @ directions[:, -count:]
    squares: NDArray[np.float64] = (projected**2 / np.maximum(variances[-count:], 1e-12)).sum(axis=1)
    return squares
