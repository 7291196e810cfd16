"""The kernel distance between features: the squared maximum mean discrepancy (Binkowski et al. 2018, section 4)."""

from __future__ import annotations

from torch import Tensor


def kernel_mean(a: Tensor, b: Tensor) -> Tensor:
    """Return the mean of the kernel (x . y / F + 1)^3 over all pairs of rows of a [N, F] and b [M, F], a scalar."""
    return (a @ b.T / a.shape[1] + 1).pow(3).mean()


def kernel_mean_within(a: Tensor) -> Tensor:
    """Return the mean of the kernel over all pairs of different rows of a [N, F], a scalar."""
    values = (a @ a.T / a.shape[1] + 1).pow(3)
    return (values.sum() - values.trace()) / (len(a) * (len(a) - 1))


def squared_mmd(a: Tensor, b: Tensor) -> Tensor:
    """Return the unbiased estimate of the squared distance of the distributions of a [N, F] and b [M, F], a scalar.

    Its mean is 0 if both distributions are equal, so a single estimate can be negative.
    """
    return kernel_mean_within(a) + kernel_mean_within(b) - 2 * kernel_mean(a, b)
