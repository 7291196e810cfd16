"""What is minimised: one paper a file. A new method is one file and one line here."""

from __future__ import annotations

from ganache.methods.gan import Gan
from ganache.methods.noisy_gan import NoisyGan
from ganache.methods.wgan import Wgan
from ganache.types import Method

METHODS: dict[str, type[Method]] = {
    "gan": Gan,
    "noisy-gan": NoisyGan,
    "wgan": Wgan,
}

__all__ = ["METHODS", "Gan", "NoisyGan", "Wgan"]
