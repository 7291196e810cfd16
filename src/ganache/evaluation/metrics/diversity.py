"""Diversity of generated images: structural dissimilarity of pairs, and the classes that are reached."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ganache.errors import ConfigError
from ganache.evaluation.metrics.estimates import Estimate, mean_estimate

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales, finest first (Wang et al. 2003, "Multi-scale structural similarity for image quality
assessment")."""

MIN_SIDE = 16
"""Shortest side, in pixels, of images that MS-SSIM can compare."""
CHUNK = 64
"""Pairs that are compared at a time."""
RESAMPLES = 500
"""Bootstrap resamples."""
MIN_CLASS_SHARE = 0.25
"""A class is reached if it has at least this part of its share in the data: a classifier's errors are not modes."""


def ms_ssim_diversity(x: Tensor, pairs: int = 1000, seed: int = 0) -> Estimate:
    """Return the mean of 1 - MS-SSIM over random pairs of images x uint8 [N, C, H, W]; 0 if all are the same.

    Odena et al. 2017, "Conditional image synthesis with auxiliary classifier GANs", detect the collapse of a class by
    a high MS-SSIM. Five scales need 176 pixels; smaller images use the finer scales, with weights that sum to 1.
    """
    ms_ssim = torchmetrics_ms_ssim()
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(len(x), (pairs,), generator=generator)
    second = (first + torch.randint(1, len(x), (pairs,), generator=generator)) % len(x)
    chosen = torch.tensor(WEIGHTS[: num_scales(min(x.shape[2:]))]).double()
    weights = tuple((chosen / chosen.sum()).tolist())
    parts = []
    for start in range(0, pairs, CHUNK):
        a, b = (x[index[start : start + CHUNK]].float() for index in (first, second))
        parts.append(ms_ssim(a, b, data_range=255.0, betas=weights, reduction="none"))
    return mean_estimate(1 - torch.cat(parts))


def torchmetrics_ms_ssim() -> Callable[..., Tensor]:
    """Return torchmetrics' function. Raises ConfigError if torchmetrics cannot be imported.

    torchmetrics imports torch-fidelity if that is installed, which imports torchvision, which may not match PyTorch.
    """
    try:
        from torchmetrics.functional import image
    except (ImportError, RuntimeError) as error:
        raise ConfigError(
            f"torchmetrics cannot be imported ({error}): with torch-fidelity installed, it needs the torchvision "
            "that was built for this PyTorch; install that, or uninstall torch-fidelity."
        ) from None
    ms_ssim: Callable[..., Tensor] = image.multiscale_structural_similarity_index_measure
    return ms_ssim


def num_scales(side: int) -> int:
    """Return how many scales images with this shortest side allow: torchmetrics needs side / (scales - 1)^2 > 10.

    >>> [num_scales(side) for side in (16, 32, 64, 128, 256)]
    [2, 2, 3, 4, 5]
    """
    return max(s for s in range(2, len(WEIGHTS) + 1) if side // (s - 1) ** 2 > 10)


def classes_reached(y: Tensor, real: Tensor, classes: int, seed: int = 0) -> tuple[Estimate, Estimate]:
    """Return (number of classes reached, entropy of the classes in bits) of labels y [N].

    `real` [M] are the labels of the data; see MIN_CLASS_SHARE. The errors are standard deviations over bootstrap
    resamples of y.
    """
    thresholds = MIN_CLASS_SHARE * torch.bincount(real, minlength=classes).numpy() / len(real)
    counts = torch.bincount(y, minlength=classes).numpy()
    resamples = np.random.default_rng(seed).multinomial(len(y), counts / len(y), size=RESAMPLES)
    shares = [counts / len(y), *(resamples / len(y))]
    reached = np.array([((each > thresholds) & (thresholds > 0)).sum() for each in shares])
    bits = np.array([entropy_bits(each) for each in shares])
    return (
        Estimate(float(reached[0]), float(reached[1:].std())),
        Estimate(float(bits[0]), float(bits[1:].std())),
    )


def entropy_bits(shares: np.ndarray) -> float:
    """Return the entropy of a distribution [K], in bits.

    >>> entropy_bits(np.array([0.25, 0.25, 0.5, 0.0]))
    1.5
    """
    positive = shares[shares > 0]
    return float(-(positive * np.log2(positive)).sum() + 0.0)
