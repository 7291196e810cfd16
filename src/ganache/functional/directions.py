"""Functions that find directions in latent space. Each returns unit vectors [k, d], the strongest first.

The sign of a direction is arbitrary and chosen so that its largest component is positive, except in
`separating_direction`, where it is determined.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganache.functional.latents import principal_components


def sefa(weight: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the first k right singular vectors [k, d] of a layer's weight [F, d], and their singular values [k].

    SeFa: of all directions, these change the output of the layer that reads the latents most (Shen & Zhou 2021,
    "Closed-form factorization of latent semantics in GANs", equation 5). They are orthonormal; k is at most min(F, d).
    """
    _, singular_values, directions = torch.linalg.svd(weight.double(), full_matrices=False)
    return sign_normalised(directions[:k]), singular_values[:k]


def pca(z: Tensor, h: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return k latent directions [k, d] and the share of the variance of h that each explains [k].

    h [N, F] are the activations of some layer for latents z [N, d]. The directions are found by linear regression of z
    on the principal components of h (Harkonen et al. 2020, "GANSpace", section 3.2).
    """
    mean, components = principal_components(h, k)
    x = h.double() - mean
    coordinates = x @ components.T  # [N, k]
    variances = coordinates.square().sum(dim=0)
    z = z.double()
    # The coordinates are uncorrelated, so there is a separate regression on each.
    slopes = coordinates.T @ (z - z.mean(dim=0)) / variances.clamp_min(1e-30)[:, None]
    return sign_normalised(unit_rows(slopes)), variances / x.square().sum().clamp_min(1e-30)


def separating_direction(having: Tensor, lacking: Tensor, ridge: float = 1.0) -> Tensor:
    """Return the direction [1, d] from latents without a feature, `lacking` [M, d], to those with it, `having` [N, d].

    It is the unit normal of a logistic regression that minimises the mean log loss, with equal weight for both classes,
    plus ridge / (N + M) |normal|^2 / 2. The fewer examples, the stronger this term; where it dominates, the normal is
    the difference of the class means.
    """
    from scipy.optimize import minimize

    x = torch.cat([having, lacking]).double().numpy()
    y = np.repeat([1.0, -1.0], [len(having), len(lacking)])
    share = np.repeat([0.5 / len(having), 0.5 / len(lacking)], [len(having), len(lacking)])

    def loss(normal_offset: Any) -> tuple[float, Any]:
        normal, offset = normal_offset[:-1], normal_offset[-1]
        margin = y * (x @ normal + offset)
        slope = -share * y * np.exp(-np.logaddexp(0, margin))  # -y times the probability of an error, per sample
        penalty = ridge / len(x)
        value = (share * np.logaddexp(0, -margin)).sum() + penalty * normal @ normal / 2
        return float(value), np.append(x.T @ slope + penalty * normal, slope.sum())

    found = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B")
    return unit_rows(torch.from_numpy(found.x[None, :-1]))


def unit_rows(x: Tensor) -> Tensor:
    """Return x with its rows scaled to length 1."""
    lengths: Tensor = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return x / lengths.clamp_min(1e-30)


def sign_normalised(x: Tensor) -> Tensor:
    """Return x with rows negated whose largest component, by absolute value, is negative."""
    largest = x.gather(1, x.abs().argmax(dim=1, keepdim=True))
    return x * torch.where(largest < 0, -1.0, 1.0)
