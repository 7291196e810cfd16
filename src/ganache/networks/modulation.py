"""A generator whose every layer reads the latent, where it else reaches the first one alone.

Chen, Lucic, Houlsby & Gelly 2019, "On self modulation for generative adversarial networks" (arXiv:1810.01365): what a
norm gives is scaled and moved, channel by channel, by two numbers that a network of one hidden layer reads from z. The
norm's own gain and shift stay, which the authors leave out: the two do the same for all latents.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganache.networks.blocks import ImageGenerator, unflatten

UNITS = 32
"""Of the hidden layer: google/compare_gan, architectures/arch_ops.py (num_hidden)."""


class Modulation(nn.Module):
    """x [B, C, H, W] scaled by 1 + gain and moved by shift, both [B, C] and read from w [B, z_dim]."""

    def __init__(self, z_dim: int, channels: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(z_dim, UNITS)
        self.numbers = nn.Linear(UNITS, 2 * channels)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        gain, shift = self.numbers(self.hidden(w).relu())[:, :, None, None].chunk(2, 1)
        return torch.addcmul(shift, x, 1 + gain)


class ModulatedGenerator(ImageGenerator):
    """The modulations in `body` read w, all other layers the picture alone."""

    def synthesis(self, w: Tensor) -> Tensor:
        x = unflatten(self.project(w), self.base)
        for layer in self.body.children():
            x = layer(x, w) if isinstance(layer, Modulation) else layer(x)
        return x  # [B, *image_shape]
