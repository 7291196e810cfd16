"""Gradient penalties on the critic: at which points the critic's gradient is taken, and which norm it should have.

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

from ganache.types import Critic, Generator

# ---- where ---------------------------------------------------------------------------------------------------------


def between(real: Tensor, fake: Tensor) -> Tensor:
    r"""Return $\hat{x} = G(z) + t (x - G(z))$, random points between pairs of fake and real images.

    There is one t ~ U[0, 1] per pair: Gulrajani et al. 2017, algorithm 1.
    """
    t = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device).to(real.dtype)
    return fake + t * (real - fake)


def around(real: Tensor, spread: float = 0.5) -> Tensor:
    r"""Return $\hat{x} = x + u$, real images plus noise u ~ U[0, spread * their standard deviation] per value.

    Kodali et al. 2017 write N(0, cI); their code (kodalinaveen3/DRAGAN) adds uniform noise.
    """
    return real + spread * real.std() * torch.rand(real.shape, device=real.device).to(real.dtype)


# ---- what ----------------------------------------------------------------------------------------------------------


def zero_centred(norms: Tensor) -> Tensor:
    r"""Return $\mathbb{E} \lVert \nabla D \rVert^2$ (Mescheder et al. 2018, equation 9).

    Times gamma / 2 it is R1 on real and R2 on fake images.
    """
    return norms.square().mean()


def one_centred(norms: Tensor) -> Tensor:
    r"""Return $\mathbb{E} (\lVert \nabla D \rVert - 1)^2$ (Gulrajani et al. 2017, equation 3)."""
    return (norms - 1).square().mean()


def one_sided(norms: Tensor) -> Tensor:
    r"""Return $\mathbb{E} \max(0, \lVert \nabla D \rVert - 1)^2$, which penalises only norms above 1.

    Gulrajani et al. 2017, section 4.
    """
    return relu(norms - 1).square().mean()


def gradient_norms(D: Critic, x: Tensor) -> Tensor:
    r"""Return $\lVert \nabla_x D(x) \rVert$ at each image of x [B, ...] as [B], differentiable in D's weights."""
    points = x.detach().to(torch.promote_types(x.dtype, torch.float32)).requires_grad_(True)
    (gradients,) = torch.autograd.grad(D(points).sum(), points, create_graph=True)
    norms: Tensor = torch.linalg.vector_norm(gradients.flatten(1), dim=1)
    return norms


# ---- on the generator ------------------------------------------------------------------------------------------------

PATH_DECAY = 0.99
"""Decay of the running mean of path lengths, per computation: NVlabs/stylegan2-ada-pytorch, training/loss.py."""


def path_lengths(G: Generator, z: Tensor) -> Tensor:
    r"""Return $\lVert J^T y \rVert$, how far random directions of the image move per step in w.

    The result is [B], differentiable in G's weights, with y ~ N(0, I / pixels) and the Jacobian J of the synthesis; the
    root mean square over the layers of w (Karras et al. 2020, section 3.2 and appendix B).
    """
    w = G.mapping(z)[:, None].expand(-1, G.style_layers, -1)
    x = G.synthesis(w)
    y = torch.randn_like(x) / x[0, 0].numel() ** 0.5
    (slopes,) = torch.autograd.grad((x * y).sum(), w, create_graph=True)
    return slopes.to(torch.promote_types(slopes.dtype, torch.float32)).square().sum(dim=2).mean(dim=1).sqrt()


def path_length_penalty(G: Generator, z: Tensor) -> Tensor:
    r"""Return $\mathbb{E} (\text{length} - \text{mean length})^2$ over half of the batch.

    The running mean, a buffer of G, is updated.
    """
    lengths, mean = path_lengths(G, z[: max(1, len(z) // 2)]), G.mean_path_length
    assert isinstance(mean, Tensor)
    mean.lerp_(lengths.detach().mean(), 1 - PATH_DECAY)
    return (lengths - mean).square().mean()
