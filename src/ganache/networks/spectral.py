"""Spectral normalisation: Miyato et al. 2018, "Spectral normalization for generative adversarial networks".

The weight of a layer is divided by its largest singular value sigma, so that the layer's Lipschitz constant is 1
(equation 8). The constants are those of the authors' code, pfnet-research/sngan_projection,
`source/functions/max_sv.py`.
"""

from __future__ import annotations

from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

from ganache.types import without_autocast

EPSILON = 1e-12
WARM_UP = 15
"""Power iterations before the first step, as in PyTorch. The authors' code has none: with a random u, sigma is
underestimated and the weights are too large at first."""

Net = TypeVar("Net", bound=nn.Module)


def apply_spectral_norm(network: Net) -> Net:
    """Add spectral normalisation to every linear and convolution layer of an initialised network, its head included.

    Each `weight` becomes a function of the parameter `parametrizations.weight.original`.
    """
    for layer in list(network.modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            norm = SpectralNorm(layer.weight, isinstance(layer, nn.ConvTranspose2d))
            # unsafe=True skips a trial call, which would be one more power iteration.
            register_parametrization(layer, "weight", norm, unsafe=True)
    return network


class SpectralNorm(nn.Module):
    """weight -> weight / sigma, with one power iteration per forward pass (algorithm 1).

    The buffer `u` is the only state, as in the authors' code: v follows from u and the weight. Each forward pass in
    training mode improves u, so a resumed run needs it. In evaluation mode u is constant, and an image is a function of
    its latent alone.

    An averaged generator averages both weights and u. The average of several u is a little shorter than 1, which is
    harmless: only its direction is used, that direction is close to the recent u, and sigma is computed from the
    averaged weight itself.
    """

    u: Tensor  # [out]

    def __init__(self, weight: Tensor, transposed: bool) -> None:
        super().__init__()
        self.transposed = transposed
        with torch.no_grad():
            matrix = as_matrix(weight, transposed)
            u = torch.randn_like(matrix[:, 0])
            for _ in range(0 if weight.is_meta else WARM_UP):
                u = unit_vector(matrix @ unit_vector(matrix.T @ u))
        self.register_buffer("u", u.contiguous())

    def forward(self, weight: Tensor) -> Tensor:
        # Autocast would compute sigma in bfloat16, with three digits.
        with without_autocast(weight):
            matrix = as_matrix(weight, self.transposed)  # [out, n]
            with torch.no_grad():
                v = unit_vector(matrix.T @ self.u)  # [n]
            image = matrix @ v  # [out]
            # A new tensor, because a backward pass needs the u of its own forward pass. u and v are constants for the
            # gradient, so that of sigma with respect to the matrix is u v^T (section 2.3).
            u = unit_vector(image.detach())
            if self.training:
                with torch.no_grad():
                    self.u.copy_(u)
            return weight / (u @ image)


def as_matrix(weight: Tensor, transposed: bool = False) -> Tensor:
    """Return a weight as a matrix [out, k * k * in]; `transposed` marks weights of shape [in, out, k, k].

    The paper orders the columns as in * k * k. The order changes no singular value, and this one is a view of
    channels_last weights.
    """
    if weight.dim() == 2:
        return weight  # [out, in]
    rows = weight.permute(0, 2, 3, 1)
    return rows.flatten(0, 2).T if transposed else rows.flatten(1)


def unit_vector(x: Tensor) -> Tensor:
    """Return x scaled to length 1."""
    return F.normalize(x, dim=0, eps=EPSILON)
