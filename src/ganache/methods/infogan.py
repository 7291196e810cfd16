"""InfoGAN (Chen et al. 2016, "InfoGAN: interpretable representation learning by information maximizing GANs")."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganache.functional.losses import gan_fake, gan_real, jensen_shannon
from ganache.types import Critic, Generator, Method, Terms


@dataclass(frozen=True)
class InfoGan(Method):
    """The non-saturating GAN, minus `weight` times a lower bound of the information that images keep of their codes.

    Equation 6. z ends in a categorical code (one-hot) and continuous ones in [-1, 1]; Q, a head on the critic's
    features, reads them off the fake image. Both networks minimise the term "information", -log Q(codes | image)
    without constants, as in openai/InfoGAN: 0 where Q reads every code rightly and surely.
    """

    categories: int = 10
    """Values of the categorical code."""
    continuous: int = 2
    """Continuous codes; Q takes each as a Gaussian of deviation 1, as openai/InfoGAN does on MNIST (fix_std)."""
    weight: float = 1.0
    """Of the information: lambda (section 7.1)."""

    def codes(self, features: int) -> nn.Module:
        """Q as in appendix C.1: a layer of 128, batch norm, leaky ReLU, and what it says of each code."""
        return nn.Sequential(
            nn.Linear(features, 128),
            nn.BatchNorm1d(128),
            nn.LeakyReLU(0.1),
            nn.Linear(128, self.categories + self.continuous),
        )

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        h = D.features(G(z))
        return {
            "real": gan_real(D(real)),
            "fake": gan_fake(D.score(h)),
            "information": self.weight * self.unexplained(D, h, z),
        }

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        h = D.features(G(z))
        return {"fake": gan_real(D.score(h)), "information": self.weight * self.unexplained(D, h, z)}

    def estimates(self, G: Generator, D: Critic, real: Tensor, z: Tensor, d: Terms) -> Terms:
        return {"jensen_shannon": jensen_shannon(d["real"], d["fake"])}

    def unexplained(self, D: Critic, h: Tensor, z: Tensor) -> Tensor:
        """-log Q of the codes given the fakes' features h [B, F]; a mean."""
        q = D.read_codes(h)  # [B, categories + continuous]
        code = z[:, z.shape[1] - self.categories - self.continuous :].to(q.dtype)
        loss = q.new_zeros(())
        if self.categories:
            loss = loss + cross_entropy(q[:, : self.categories], code[:, : self.categories])
        if self.continuous:
            error = q[:, self.categories :] - code[:, self.categories :]
            loss = loss + error.square().sum(dim=1).mean() / 2
        return loss
