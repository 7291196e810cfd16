"""Self-attention: Zhang et al. 2018, "Self-attention generative adversarial networks", section 3.

A convolution sees its neighbourhood; this layer lets every place of a picture look at every other. The constants
are those of the authors' code, brain-research/self-attention-gan, `non_local.py`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganache.networks.blocks import glorot, unflatten
from ganache.networks.pyramid import FeatureMap


class SelfAttention(nn.Module):
    """x + gamma * attention(x), [B, C, H, W] -> the same; gamma starts at 0, and with it the layer as the identity.

    Queries and keys have C / 8 channels, values C / 2; keys and values are max-pooled 2x2, an odd last line left
    out, so sides are 2 or more. A picture's weights are H W x H W / 4 numbers: at twice the side, 16 times as many.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, max(1, channels // 8), 1, bias=False)
        self.key = nn.Conv2d(channels, max(1, channels // 8), 1, bias=False)
        self.value = nn.Conv2d(channels, max(1, channels // 2), 1, bias=False)
        self.out = nn.Conv2d(max(1, channels // 2), channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))
        self.apply(glorot)

    def forward(self, x: Tensor) -> Tensor:
        q = as_sequence(self.query(x))  # [B, H W, C / 8]
        k = as_sequence(F.max_pool2d(self.key(x), 2))  # [B, H W / 4, C / 8]
        v = as_sequence(F.max_pool2d(self.value(x), 2))  # [B, H W / 4, C / 2]
        # Not scaled by the root of the channels, and written out: PyTorch's fused attention has no second
        # derivative, which gradient penalties need.
        weights = (q @ k.transpose(1, 2)).softmax(-1)  # [B, H W, H W / 4], each row sums to 1
        seen = (weights @ v).flatten(1)  # [B, H W * C / 2]
        _, _, h, w = x.shape
        added: Tensor = self.out(unflatten(seen, (v.shape[2], h, w)))
        return x + self.gamma * added


def as_sequence(x: Tensor) -> Tensor:
    """Pictures [B, C, H, W] -> the places' vectors [B, H W, C]; a view of channels_last pictures."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def attention_at(side: int | None, feature_map: FeatureMap) -> list[nn.Module]:
    """The self-attention layer to follow this map, if its shorter side is the one asked for; else nothing."""
    channels, h, w = feature_map
    return [SelfAttention(channels)] if min(h, w) == side else []
