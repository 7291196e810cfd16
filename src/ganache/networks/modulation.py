"""Self-modulation: every layer of the generator depends on the latent, not only the first.

Chen, Lucic, Houlsby & Gelly 2019, "On self modulation for generative adversarial networks" (arXiv:1810.01365): the
output of each norm is scaled and shifted per channel by two values that a network of one hidden layer computes from z.
The norm keeps its own gain and shift, which the authors omit; for all latents together the two are
redundant.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganache.networks.blocks import ImageGenerator, unflatten

UNITS = 32
"""Hidden units: google/compare_gan, architectures/arch_ops.py (num_hidden)."""


class Modulation(nn.Module):
    """x [B, C, H, W] -> (1 + gain) x + shift, with gain and shift [B, C] computed from w [B, z_dim]."""

    def __init__(self, z_dim: int, channels: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(z_dim, UNITS)
        self.numbers = nn.Linear(UNITS, 2 * channels)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        gain, shift = self.numbers(self.hidden(w).relu())[:, :, None, None].chunk(2, 1)
        return torch.addcmul(shift, x, 1 + gain)


class ModulatedGenerator(ImageGenerator):
    """An ImageGenerator that passes w to each `Modulation` in its body."""

    def synthesis(self, w: Tensor) -> Tensor:
        x = unflatten(self.project(w), self.base)
        for layer in self.body.children():
            x = layer(x, w) if isinstance(layer, Modulation) else layer(x)
        return x  # [B, *image_shape]
