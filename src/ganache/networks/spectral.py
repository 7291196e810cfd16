"""Spectral normalisation: Miyato et al. 2018, "Spectral normalization for generative adversarial networks".

A layer's weight is divided by its largest singular value, so that the layer stretches no vector (equation 8).
The constants are those of the authors' code, pfnet-research/sngan_projection, `source/functions/max_sv.py`.
"""

from __future__ import annotations

from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

EPSILON = 1e-12
WARM_UP = 15
"""Power iterations before the first step, PyTorch's number. The authors have none: from a random u the singular value
comes out too small, and the first pictures meet weights that are too large."""

Net = TypeVar("Net", bound=nn.Module)


def apply_spectral_norm(network: Net) -> Net:
    """Normalises every linear and convolution layer of a network, the head too; its weights are drawn before.

    Each `weight` becomes a function of the parameter `parametrizations.weight.original`.
    """
    for layer in list(network.modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            norm = SpectralNorm(layer.weight, isinstance(layer, nn.ConvTranspose2d))
            # Unsafe means: without a trial run, which would be one more power iteration.
            register_parametrization(layer, "weight", norm, unsafe=True)
    return network


class SpectralNorm(nn.Module):
    """weight -> weight / sigma, with one power iteration a forward (algorithm 1).

    `u` is all that it remembers, as in the authors' code: v follows from u and the weight. In training each forward
    leaves a better u behind, so u is part of the state that a resumed run needs. In evaluation u stays, and a
    picture is a function of its latents alone.

    An averaged generator averages weights and u alike, and then the average of several u is a little shorter than 1.
    That does no harm: only the direction of u is used, it points where the latest u have pointed, and sigma is
    measured on the averaged weight itself.
    """

    u: Tensor  # [out]

    def __init__(self, weight: Tensor, transposed: bool) -> None:
        super().__init__()
        self.transposed = transposed
        with torch.no_grad():
            matrix = as_matrix(weight, transposed)
            u = torch.randn_like(matrix[:, 0])
            for _ in range(WARM_UP):
                u = unit_vector(matrix @ unit_vector(matrix.T @ u))
        self.register_buffer("u", u.contiguous())

    def forward(self, weight: Tensor) -> Tensor:
        # In bfloat16, which autocast would take, sigma would have three digits.
        with torch.autocast(weight.device.type, enabled=False):
            matrix = as_matrix(weight, self.transposed)  # [out, n]
            with torch.no_grad():
                v = unit_vector(matrix.T @ self.u)  # [n]
            image = matrix @ v  # [out]
            # A new tensor: backward passes still need the u of their own forward. Both u and v are constants to
            # them, so the gradient of sigma with respect to the matrix is u v^T (section 2.3).
            u = unit_vector(image.detach())
            if self.training:
                with torch.no_grad():
                    self.u.copy_(u)
            return weight / (u @ image)


def as_matrix(weight: Tensor, transposed: bool = False) -> Tensor:
    """A weight as the paper reshapes it, [out, in * k * k], with the columns in k k in order.

    The order of the columns changes no singular value, and this one is a view of channels_last weights.
    `transposed` is for weights [in, out, k, k].
    """
    if weight.dim() == 2:
        return weight  # [out, in]
    rows = weight.permute(0, 2, 3, 1)
    return rows.flatten(0, 2).T if transposed else rows.flatten(1)


def unit_vector(x: Tensor) -> Tensor:
    """x at length 1."""
    return F.normalize(x, dim=0, eps=EPSILON)
