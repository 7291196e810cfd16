"""How near generated images are to real ones: Frechet and kernel distance, Inception score; from torchmetrics.

Its metrics want a network as `feature`; the features here are there already, so it is given one that hands them on.
torchmetrics is imported when a score is asked for: that takes over a second.
"""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from ganache.errors import ConfigError
from ganache.evaluation.metrics.estimates import Estimate, mean_of
from ganache.evaluation.metrics.frechet import CHUNK, error_and_limit

SUBSET = 1000
"""Samples a subset in the kernel distance, as Binkowski et al. 2018 have it."""

SPLITS = 10
"""Of the Inception score, as Salimans et al. 2016 have it."""


class Given(nn.Module):
    """Hands on features that are there already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, h: Tensor) -> Tensor:
        return h


def metrics() -> SimpleNamespace:
    """torchmetrics' image metrics. Raises ConfigError where what it finds beside itself keeps it from being imported.

    Where torch-fidelity is installed it imports that, and that torchvision, which may not fit this PyTorch.
    """
    try:
        from torchmetrics.image import fid, inception, kid
    except (ImportError, RuntimeError) as error:
        raise ConfigError(
            f"torchmetrics cannot be imported ({error}): where torch-fidelity is installed, it needs the torchvision "
            "that was built for this PyTorch; install that, or uninstall torch-fidelity."
        ) from None
    return SimpleNamespace(frechet=fid.FrechetInceptionDistance, inception=inception.InceptionScore, mmd=kid.poly_mmd)


def frechet(real: Tensor, fake: Tensor) -> tuple[Estimate, Estimate]:
    """The Frechet distance of features [N, F] and [M, F], and its extrapolation to endlessly many samples."""
    metric = metrics().frechet(feature=Given(real.shape[1]), normalize=True)
    for features, is_real in ((real, True), (fake, False)):
        for chunk in features.split(CHUNK):  # type: ignore[no-untyped-call]
            metric.update(chunk.double(), real=is_real)
    error, limit = error_and_limit(real, fake)
    return Estimate(float(metric.compute()), error), limit


def kernel(real: Tensor, fake: Tensor, subset: int = SUBSET) -> Estimate:
    """The kernel distance of features [N, F] and [M, F]: squared maximum mean discrepancy, unbiased.

    Kernel (x . y / F + 1)^3; the mean over disjoint subsets (at least two), so its standard error is theirs
    (Binkowski et al. 2018, "Demystifying MMD GANs", section 4). It can come out below 0.
    """
    mmd, n = metrics().mmd, min(len(real), len(fake))
    size = min(subset, n // 2)
    starts = range(0, n - size + 1, size)
    values = [mmd(*(h[start : start + size].double() for h in (real, fake))) for start in starts]
    return mean_of(torch.stack(values))


def inception_score(logits: Tensor, seed: int = 0) -> Estimate:
    """exp of the mean KL divergence of p(class | image) from p(class), over ten splits of logits [N, K].

    From 1 to the number of classes (Salimans et al. 2016, section 4). It never looks at a real image.
    """
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # that it keeps the logits
        torch.manual_seed(seed)
        metric = metrics().inception(feature=Given(logits.shape[1]), splits=SPLITS)
        metric.update(logits.double())
        mean, spread = metric.compute()
    return Estimate(float(mean), float(spread) / SPLITS**0.5)
