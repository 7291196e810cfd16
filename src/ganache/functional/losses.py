"""Adversarial losses on raw critic scores, pairs side by side.

`d_real`, `d_fake` are scores [B], higher for more real. Each function gives the mean over the batch, a scalar.
With s the sigmoid, softplus(t) = log(1 + e^t), so -log s(t) = softplus(-t), exact for any t.
"""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn.functional import relu, softplus

# ---- the original GAN (Goodfellow et al. 2014, equation 1) -------------------------------------------------------


def gan_real(d_real: Tensor) -> Tensor:
    """-log s(D(x)): the critic's part on real images; the non-saturating generator's on fakes ("-log D trick")."""
    return softplus(-d_real).mean()


def gan_fake(d_fake: Tensor) -> Tensor:
    """-log(1 - s(D(G(z)))): the critic's part on fakes. The minimax generator minimises its negative."""
    return softplus(d_fake).mean()


def jensen_shannon(real: Tensor, fake: Tensor) -> Tensor:
    """log 2 - L_D / 2 from the two terms above: a lower bound of the divergence, met by the best critic.

    Between 0 and log 2 = 0.69 at the optimum (Goodfellow et al. 2014, theorem 1; their C(G) is L_D's negative).
    """
    return math.log(2) - (real + fake) / 2


# ---- Wasserstein (Arjovsky, Chintala & Bottou 2017, equations 2 and 3) -------------------------------------------


def wasserstein_real(d_real: Tensor) -> Tensor:
    """-D(x): the critic's part on real images; the generator's on fakes."""
    return -d_real.mean()


def wasserstein_fake(d_fake: Tensor) -> Tensor:
    """D(G(z)): the critic's part on fakes."""
    return d_fake.mean()


# ---- least squares (Mao et al. 2017, equation 2) ------------------------------------------------------------------


def least_squares(scores: Tensor, target: float) -> Tensor:
    """(D - target)^2 / 2: targets b for real and a for fake in the critic's turn, c for fake in the generator's."""
    return (scores - target).square().mean() / 2


# ---- hinge (Lim & Ye 2017; Miyato et al. 2018, equations 16 and 17) -----------------------------------------------


def hinge_real(d_real: Tensor) -> Tensor:
    """relu(1 - D(x)). The generator minimises -D(G(z)), as Wasserstein's does."""
    return relu(1 - d_real).mean()


def hinge_fake(d_fake: Tensor) -> Tensor:
    """relu(1 + D(G(z)))."""
    return relu(1 + d_fake).mean()


# ---- relativistic pairs (Jolicoeur-Martineau 2019; Huang et al. 2024, equation 2) ---------------------------------


def relativistic(better: Tensor, worse: Tensor) -> Tensor:
    """softplus(D(worse) - D(better)) over pairs: the critic's better ones are real, the generator's are fake."""
    return softplus(worse - better).mean()


# ---- the anime article's cross-entropy (Keras' binary_crossentropy on a probability) ------------------------------


def clipped_cross_entropy(scores: Tensor, labels: Tensor, epsilon: float = 1e-7) -> Tensor:
    """Binary cross-entropy of p = P(fake) = s(-D), p clipped to [epsilon, 1 - epsilon]; mean over the batch.

    Labels are 1 for fake, 0 for real, and may lie outside [0, 1] (label noise adds to both), where the plain
    cross-entropy has no lower bound: the clip is what bounds it. Clipping the score at logit(1 - epsilon) is
    the same as clipping p, without losing digits: Keras 2, backend `binary_crossentropy`.
    """
    limit = math.log1p(-epsilon) - math.log(epsilon)
    logits = (-scores).clamp(-limit, limit)
    return (softplus(logits) - labels * logits).mean()
