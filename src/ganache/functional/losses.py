r"""Adversarial losses of raw critic scores.

Scores are [B], higher for images that look more real; each function returns the mean over the batch, a scalar. With
$\sigma$ the sigmoid and softplus(t) = $\log(1 + e^t)$, $-\log \sigma(t)$ = softplus(-t), which is accurate for any t.
"""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn.functional import relu, softplus

# ---- the original GAN (Goodfellow et al. 2014, equation 1) -------------------------------------------------------


def gan_real(real_scores: Tensor) -> Tensor:
    r"""Return $-\log \sigma(D(x))$, the critic's loss on real images.

    On fake images it is the non-saturating generator's loss.
    """
    return softplus(-real_scores).mean()


def gan_fake(fake_scores: Tensor) -> Tensor:
    r"""Return $-\log(1 - \sigma(D(G(z))))$, the critic's loss on fake images.

    The minimax generator minimises its negative.
    """
    return softplus(fake_scores).mean()


def jensen_shannon(real: Tensor, fake: Tensor) -> Tensor:
    r"""Return $\log 2 - L_D / 2$ for the two losses above, a lower bound of the divergence.

    The optimal critic reaches the bound. The divergence lies between 0 and log 2 = 0.69 (Goodfellow et al. 2014,
    theorem 1; their C(G) is -L_D).
    """
    return math.log(2) - (real + fake) / 2


# ---- Wasserstein (Arjovsky, Chintala & Bottou 2017, equations 2 and 3) -------------------------------------------


def wasserstein_real(real_scores: Tensor) -> Tensor:
    """Return $-D(x)$, the critic's loss on real images and the generator's loss on fake images."""
    return -real_scores.mean()


def wasserstein_fake(fake_scores: Tensor) -> Tensor:
    """Return $D(G(z))$, the critic's loss on fake images."""
    return fake_scores.mean()


# ---- least squares (Mao et al. 2017, equation 2) ------------------------------------------------------------------


def least_squares(scores: Tensor, target: float) -> Tensor:
    r"""Return $\frac{1}{2} (D - \text{target})^2$.

    The critic's targets are b for real and a for fake images, the generator's is c for fake ones.
    """
    return (scores - target).square().mean() / 2


# ---- hinge (Lim & Ye 2017; Miyato et al. 2018, equations 16 and 17) -----------------------------------------------


def hinge_real(real_scores: Tensor) -> Tensor:
    r"""Return $\max(0, 1 - D(x))$, the critic's loss on real images.

    The generator minimises $-D(G(z))$, as in WGAN.
    """
    return relu(1 - real_scores).mean()


def hinge_fake(fake_scores: Tensor) -> Tensor:
    r"""Return $\max(0, 1 + D(G(z)))$, the critic's loss on fake images."""
    return relu(1 + fake_scores).mean()


# ---- relativistic pairs (Jolicoeur-Martineau 2019; Huang et al. 2024, equation 2) ---------------------------------


def relativistic(better: Tensor, worse: Tensor) -> Tensor:
    r"""Return $-\log \sigma(\text{better} - \text{worse})$ over pairs of scores.

    The critic passes the real scores as `better` and the fake ones as `worse`; the generator swaps them.
    """
    return softplus(worse - better).mean()


# ---- the anime article's cross-entropy (Keras' binary_crossentropy on a probability) ------------------------------


def clipped_cross_entropy(scores: Tensor, labels: Tensor, epsilon: float = 1e-7) -> Tensor:
    r"""Return $-y \log p - (1 - y) \log(1 - p)$ for labels y and p = P(fake) = $\sigma(-D)$.

    This is the binary cross-entropy, with p clipped to [epsilon, 1 - epsilon]. Labels are 1 for fake and 0 for real.
    Label noise may move them outside [0, 1], where the cross-entropy has no lower bound without the clip. As in Keras
    2, backend `binary_crossentropy`; clipping the score at logit(1 - epsilon) equals clipping p, but is more accurate.
    """
    limit = math.log1p(-epsilon) - math.log(epsilon)
    logits = (-scores).clamp(-limit, limit)
    return (softplus(logits) - labels * logits).mean()
