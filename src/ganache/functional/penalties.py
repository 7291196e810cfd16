"""Gradient penalties: WHERE the critic's gradient is looked at, and WHAT its norm should be.

A penalty is `what(gradient_norms(D, where(...)))`: the two are chosen apart. One norm is taken over all numbers of one
sample, one penalty a sample, the mean over the batch; so a sample's penalty does not depend on the others (unless the
critic's own normalisation makes it).

The critic computes as it does elsewhere, in bfloat16 where that is fast: the penalty's gradient, a second derivative,
is then as true as any other gradient (within 4% of the exact one, cosine above 0.999; `tests/test_precision.py`).
Norms and penalties themselves are float32.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import relu

from ganache.types import Critic

# ---- where ---------------------------------------------------------------------------------------------------------


def between(real: Tensor, fake: Tensor) -> Tensor:
    """A point on the segment from each fake to its real one, one t ~ U[0, 1] a sample.

    Gulrajani et al. 2017, algorithm 1.
    """
    t = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device).to(real.dtype)
    return fake + t * (real - fake)


def around(real: Tensor, spread: float = 0.5) -> Tensor:
    """Real images with uniform noise on [0, spread x their standard deviation] added to each number.

    Kodali et al. 2017 write N(0, cI); their code adds this (kodalinaveen3/DRAGAN).
    """
    return real + spread * real.std() * torch.rand(real.shape, device=real.device).to(real.dtype)


# ---- what ----------------------------------------------------------------------------------------------------------


def zero_centred(norms: Tensor) -> Tensor:
    """E |grad D|^2: R1 on real images, R2 on fakes, times gamma / 2 (Mescheder et al. 2018, equation 9)."""
    return norms.square().mean()


def one_centred(norms: Tensor) -> Tensor:
    """E (|grad D| - 1)^2 (Gulrajani et al. 2017, equation 3)."""
    return (norms - 1).square().mean()


def one_sided(norms: Tensor) -> Tensor:
    """E max(0, |grad D| - 1)^2: only too steep is punished (Gulrajani et al. 2017, section 4)."""
    return relu(norms - 1).square().mean()


def gradient_norms(D: Critic, x: Tensor) -> Tensor:
    """|grad of D at x|, one a sample [B], differentiable with respect to D's weights."""
    points = x.detach().to(torch.promote_types(x.dtype, torch.float32)).requires_grad_(True)
    (gradients,) = torch.autograd.grad(D(points).sum(), points, create_graph=True)
    norms: Tensor = torch.linalg.vector_norm(gradients.flatten(1), dim=1)
    return norms
