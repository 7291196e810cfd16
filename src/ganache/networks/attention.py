"""Self-attention: Zhang et al. 2018, "Self-attention generative adversarial networks", section 3.

A convolution sees a neighbourhood; self-attention relates every position of a feature map to every other. The
constants are those of the authors' code, brain-research/self-attention-gan, `non_local.py`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganache.networks.blocks import glorot, unflatten
from ganache.networks.pyramid import FeatureMap


class SelfAttention(nn.Module):
    """x + gamma * attention(x), [B, C, H, W] -> [B, C, H, W]. gamma starts at 0, so the layer starts as the identity.

    Queries and keys have C / 8 channels, values C / 2. Keys and values are max-pooled 2x2, which drops the last line of
    an odd side; both sides must be at least 2. The attention weights of one image are H W x H W / 4 numbers, 16 times
    as many at twice the side.
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
        # As in the authors' code, not scaled by the square root of the channels. Written out because PyTorch's fused
        # attention has no second derivative, which gradient penalties need.
        weights = (q @ k.transpose(1, 2)).softmax(-1)  # [B, H W, H W / 4], each row sums to 1
        attended = (weights @ v).flatten(1)  # [B, H W * C / 2]
        _, _, h, w = x.shape
        added: Tensor = self.out(unflatten(attended, (v.shape[2], h, w)))
        return x + self.gamma * added


def as_sequence(x: Tensor) -> Tensor:
    """Return feature maps [B, C, H, W] as a vector per position, [B, H W, C]; a view if x is channels_last."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def attention_at(side: int | None, feature_map: FeatureMap) -> list[nn.Module]:
    """Return the self-attention layer that follows this map if `side` is its shorter side, else an empty list."""
    channels, h, w = feature_map
    return [SelfAttention(channels)] if min(h, w) == side else []
