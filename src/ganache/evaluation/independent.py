"""How many pictures of a data set are independent: copies, crops and other sizes of one picture count once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganache.data import Dataset
from ganache.evaluation.features.extract import dataset_features, perceptual_sample
from ganache.evaluation.metrics.precision_recall import iter_distances, knn_radii

SEARCHED = 10_000
"""Images that are compared at most."""

FEWEST = 10
"""Fewer images are not compared."""

SAME = 0.45
"""Images are of the same picture if their features are nearer than this share of the median distance of two images.
Among 8,000 drawn faces, pairs of the same picture lie below 0.5, and other pairs above it."""

NEIGHBOUR = 50
ALONE = 0.5
"""They must also be nearer than this share of the distance to their 50th neighbours. Digits are alike without being of
one picture: of 1,500 of MNIST, 96 in 100 have no neighbour so near, and 99 in 100 faces find their crop by 1 pixel.
More than 50 changed copies of one picture are not found."""

FEW = 2_000
"""With fewer independent images a critic learns them by heart within an hour, and augmentation helps (Karras et al.
2020, "Training generative adversarial networks with limited data", figure 1)."""


@dataclass(frozen=True)
class Independent:
    """How many of the images that were compared are independent."""

    compared: int
    independent: int
    total: int
    """All images of the data set."""

    def describe(self) -> str:
        """Return a sentence."""
        among = f"{self.compared:,} pictures" if self.compared == self.total else f"a sample of {self.compared:,}"
        copies = self.compared - self.independent
        said = f"about {self.independent:,} of {among} are independent" if copies else f"all of {among} are independent"
        if copies:
            said += f"; {copies:,} show the same as another one, perhaps cropped or saved again"
        few = round(self.total * self.independent / self.compared) < FEW
        return said + ("; so few need augmentation: --view.augment colour translation cutout." if few else ".")


def count_independent(data: Dataset, cache: Path | None = None, progress: bool = False) -> Independent | None:
    """Count the independent images, by perceptual features; None for points, and for images that have none."""
    sample = perceptual_sample(data, FEWEST, SEARCHED)
    if sample is None:
        return None
    positions, extractor = sample
    h = dataset_features(data, positions, extractor, cache, progress)
    return Independent(len(h), num_groups(h), len(data))


def num_groups(h: Tensor) -> int:
    """Return the number of groups of features h [N, F] that are connected by pairs nearer than SAME and ALONE."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    half = len(h) // 2
    usual = (h[:half] - h[half : 2 * half]).norm(dim=1).median()  # the order of h is random
    radii = (ALONE * knn_radii(h, min(NEIGHBOUR, len(h) // 4))).clamp(max=SAME * usual)
    pairs = [
        (rows <= torch.minimum(radii[start : start + len(rows), None], radii)).nonzero() + torch.tensor([start, 0])
        for start, rows in iter_distances(h, h)
    ]
    i, j = torch.cat(pairs).T.numpy()
    return int(connected_components(coo_array((np.ones(len(i), bool), (i, j)), (len(h), len(h))), directed=False)[0])
