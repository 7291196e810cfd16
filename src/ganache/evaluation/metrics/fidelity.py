"""Frechet distance, kernel distance and Inception score, computed by torchmetrics.

The metrics of torchmetrics take a network as `feature`. Here the features are computed already, so the metrics get a
network that returns its input. torchmetrics is imported when a score is computed, since the import takes over 1 s.
"""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from ganache.errors import ConfigError
from ganache.evaluation.metrics.estimates import Estimate, mean_estimate
from ganache.evaluation.metrics.frechet import CHUNK, frechet_error_and_limit

SUBSET = 1000
"""Samples per subset of the kernel distance, as in Binkowski et al. 2018."""

SPLITS = 10
"""Splits of the Inception score, as in Salimans et al. 2016."""


class PassThrough(nn.Module):
    """A network that returns its input, for features [N, F] that are computed already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, h: Tensor) -> Tensor:
        return h


def torchmetrics_metrics() -> SimpleNamespace:
    """Return torchmetrics' metrics for images. Raises ConfigError if torchmetrics cannot be imported.

    torchmetrics imports torch-fidelity if that is installed, which imports torchvision, which may not match PyTorch.
    """
    try:
        from torchmetrics.image import fid, inception, kid
    except (ImportError, RuntimeError) as error:
        raise ConfigError(
            f"torchmetrics cannot be imported ({error}): with torch-fidelity installed, it needs the torchvision "
            "that was built for this PyTorch; install that, or uninstall torch-fidelity."
        ) from None
    return SimpleNamespace(frechet=fid.FrechetInceptionDistance, inception=inception.InceptionScore, mmd=kid.poly_mmd)


def frechet_estimates(real: Tensor, fake: Tensor) -> tuple[Estimate, Estimate]:
    """Return the Frechet distance of features [N, F] and [M, F], and its limit for infinitely many samples."""
    metric = torchmetrics_metrics().frechet(feature=PassThrough(real.shape[1]), normalize=True)
    for features, is_real in ((real, True), (fake, False)):
        for chunk in features.split(CHUNK):  # type: ignore[no-untyped-call]
            metric.update(chunk.double(), real=is_real)
    error, limit = frechet_error_and_limit(real, fake)
    return Estimate(float(metric.compute()), error), limit


def kernel_distance(real: Tensor, fake: Tensor, subset: int = SUBSET) -> Estimate:
    """Return the kernel distance (KID) of features [N, F] and [M, F]: the squared maximum mean discrepancy, unbiased.

    The kernel is (x . y / F + 1)^3. The value is a mean over at least two disjoint subsets, and its standard error is
    that of this mean (Binkowski et al. 2018, "Demystifying MMD GANs", section 4). It can be negative.
    """
    mmd, n = torchmetrics_metrics().mmd, min(len(real), len(fake))
    size = min(subset, n // 2)
    starts = range(0, n - size + 1, size)
    values = [mmd(*(h[start : start + size].double() for h in (real, fake))) for start in starts]
    return mean_estimate(torch.stack(values))


def inception_score(logits: Tensor, seed: int = 0) -> Estimate:
    """Return the Inception score of class logits [N, K]: exp of the mean of KL(p(class | image) || p(class)).

    It is a mean over 10 splits and lies between 1 and K (Salimans et al. 2016, section 4). It does not depend on real
    images.
    """
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # a warning that all logits are kept in memory
        torch.manual_seed(seed)
        metric = torchmetrics_metrics().inception(feature=PassThrough(logits.shape[1]), splits=SPLITS)
        metric.update(logits.double())
        mean, std = metric.compute()
    return Estimate(float(mean), float(std) / SPLITS**0.5)
