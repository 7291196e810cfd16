"""Gradient penalties: at which points the critic's gradient is taken, and which norm it should have.

A penalty is `what(gradient_norms(D, where(...)))`, so points and target are chosen separately. There is one norm per
image, over all its values, and the penalty is the mean over the batch. The penalty of one image does not depend on the
others, unless the critic's normalisation mixes them.

The critic computes in its usual precision, bfloat16 where that is fast. The penalty's gradient, a second derivative, is
then as accurate as other gradients (within 4% of the exact one, cosine above 0.999; `tests/test_precision.py`). Norms
and penalties are float32.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import relu

from ganache.types import Critic

# ---- where ---------------------------------------------------------------------------------------------------------


def between(real: Tensor, fake: Tensor) -> Tensor:
    """Return random points between pairs of fake and real images, with one t ~ U[0, 1] per pair.

    Gulrajani et al. 2017, algorithm 1.
    """
    t = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device).to(real.dtype)
    return fake + t * (real - fake)


def around(real: Tensor, spread: float = 0.5) -> Tensor:
    """Return real images plus uniform noise on [0, spread * their standard deviation] per value.

    Kodali et al. 2017 write N(0, cI); their code (kodalinaveen3/DRAGAN) adds uniform noise.
    """
    return real + spread * real.std() * torch.rand(real.shape, device=real.device).to(real.dtype)


# ---- what ----------------------------------------------------------------------------------------------------------


def zero_centred(norms: Tensor) -> Tensor:
    """Return E |grad D|^2; times gamma / 2 it is R1 on real, R2 on fake images (Mescheder et al. 2018, equation 9)."""
    return norms.square().mean()


def one_centred(norms: Tensor) -> Tensor:
    """Return E (|grad D| - 1)^2 (Gulrajani et al. 2017, equation 3)."""
    return (norms - 1).square().mean()


def one_sided(norms: Tensor) -> Tensor:
    """Return E max(0, |grad D| - 1)^2, which penalises only norms above 1 (Gulrajani et al. 2017, section 4)."""
    return relu(norms - 1).square().mean()


def gradient_norms(D: Critic, x: Tensor) -> Tensor:
    """Return the norm of D's gradient at each image of x [B, ...] as [B], differentiable in D's weights."""
    points = x.detach().to(torch.promote_types(x.dtype, torch.float32)).requires_grad_(True)
    (gradients,) = torch.autograd.grad(D(points).sum(), points, create_graph=True)
    norms: Tensor = torch.linalg.vector_norm(gradients.flatten(1), dim=1)
    return norms
