"""InfoGAN (Chen et al. 2016, "InfoGAN: interpretable representation learning by information maximizing GANs")."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganache.functional.losses import gan_fake, gan_real, jensen_shannon
from ganache.types import Critic, Generator, Method, Terms


@dataclass(frozen=True)
class InfoGan(Method):
    """The non-saturating GAN minus `weight` times a lower bound of the mutual information of codes and images.

    Equation 6 of Chen et al. 2016. Each latent ends with a one-hot categorical code and continuous codes in [-1, 1].
    A head Q on the critic's features predicts them from the generated image. Both networks minimise the term
    "information", which is -log Q(codes | image) without constants, as in openai/InfoGAN: 0 if every prediction is
    right and certain.
    """

    recipe = "infogan"

    categories: int = 10
    """Number of values of the categorical code."""
    continuous: int = 2
    """Number of continuous codes. Q predicts each as a Gaussian of standard deviation 1, as openai/InfoGAN does on
    MNIST (fix_std)."""
    weight: float = 1.0
    """lambda, the weight of the information term (section 7.1)."""

    @property
    def latent_codes(self) -> tuple[int, int]:
        return self.categories, self.continuous

    def code_head(self, features: int) -> nn.Module:
        """Return Q (appendix C.1): a linear layer of 128 units, batch norm, leaky ReLU, and one linear layer."""
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
            "information": self.weight * self.code_loss(D, h, z),
        }

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        h = D.features(G(z))
        return {"fake": gan_real(D.score(h)), "information": self.weight * self.code_loss(D, h, z)}

    def estimates(self, G: Generator, D: Critic, real: Tensor, z: Tensor, d: Terms) -> Terms:
        return {"jensen_shannon": jensen_shannon(d["real"], d["fake"])}

    def code_loss(self, D: Critic, h: Tensor, z: Tensor) -> Tensor:
        """Return the mean of -log Q(codes in z | h) over the batch, for the generated images' features h [B, F]."""
        q = D.read_codes(h)  # [B, categories + continuous]
        codes = z[:, z.shape[1] - self.categories - self.continuous :].to(q.dtype)
        loss = q.new_zeros(())
        if self.categories:
            loss = loss + cross_entropy(q[:, : self.categories], codes[:, : self.categories])
        if self.continuous:
            error = q[:, self.categories :] - codes[:, self.categories :]
            loss = loss + error.square().sum(dim=1).mean() / 2
        return loss
