"""Directions in latent space: pure functions that find them, each returning unit vectors [k, d], the strongest first.

A direction points so that its largest number is positive, as its sign means nothing; that of `separating` has one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganache.functional.latents import principal_components


def sefa(weight: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """(directions [k, d], how much each is stretched [k]) of the first weight that meets the latents, [F, d].

    Its right singular vectors: moved along them, latents change the first layer the most (Shen & Zhou 2021,
    "Closed-form factorization of latent semantics in GANs", equation 5). Orthonormal. k is at most min(F, d).
    """
    _, stretches, directions = torch.linalg.svd(weight.double(), full_matrices=False)
    return sign_normalised(directions[:k]), stretches[:k]


def pca(z: Tensor, h: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """(directions [k, d], the share of the variance of h that each explains [k]).

    h [N, F] is what a network makes of latents z [N, d] at some layer. The directions are those of z that go along
    with the principal components of h, by linear regression (Harkonen et al. 2020, "GANSpace", section 3.2).
    """
    mean, components = principal_components(h, k)
    x = h.double() - mean
    along = x @ components.T  # [N, k]
    variances = along.square().sum(dim=0)
    z = z.double()
    # The columns of `along` are uncorrelated, so each is regressed on by itself.
    slopes = along.T @ (z - z.mean(dim=0)) / variances.clamp_min(1e-30)[:, None]
    return sign_normalised(unit_rows(slopes)), variances / x.square().sum().clamp_min(1e-30)


def separating_direction(having: Tensor, lacking: Tensor, ridge: float = 1.0) -> Tensor:
    """The direction [1, d] from latents without a feature to those with it, [N, d] and [M, d].

    The normal of a logistic regression between them: it minimises the mean log loss, in which the two sides weigh
    the same, plus ridge / (N + M) |normal|^2 / 2. The fewer examples, the more that term decides; without much of
    the other it gives the difference of the means.
    """
    from scipy.optimize import minimize

    x = torch.cat([having, lacking]).double().numpy()
    y = np.repeat([1.0, -1.0], [len(having), len(lacking)])
    share = np.repeat([0.5 / len(having), 0.5 / len(lacking)], [len(having), len(lacking)])

    def loss(normal_offset: Any) -> tuple[float, Any]:
        normal, offset = normal_offset[:-1], normal_offset[-1]
        margin = y * (x @ normal + offset)
        slope = -share * y * np.exp(-np.logaddexp(0, margin))  # y times minus the probability of being wrong
        penalty = ridge / len(x)
        value = (share * np.logaddexp(0, -margin)).sum() + penalty * normal @ normal / 2
        return float(value), np.append(x.T @ slope + penalty * normal, slope.sum())

    found = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B")
    return unit_rows(torch.from_numpy(found.x[None, :-1]))


def unit_rows(x: Tensor) -> Tensor:
    """The rows of x at length 1."""
    lengths: Tensor = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return x / lengths.clamp_min(1e-30)


def sign_normalised(x: Tensor) -> Tensor:
    """The rows of x, turned around where their largest number is negative."""
    largest = x.gather(1, x.abs().argmax(dim=1, keepdim=True))
    return x * torch.where(largest < 0, -1.0, 1.0)
