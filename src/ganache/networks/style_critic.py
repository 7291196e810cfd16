"""The critic of Karras et al. 2020 (StyleGAN2): residual blocks, and minibatch deviation before the end."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganache import fastconv
from ganache.networks.blocks import flatten
from ganache.networks.pyramid import FeatureMap
from ganache.networks.r3block import Resample
from ganache.networks.style_layers import GAIN, SLOPE, Linear, downsampled
from ganache.types import Critic, ImageShape, at_least_float32

GROUP = 4
"""Images in a group of the minibatch deviation, at most (Karras et al. 2020)."""


class StyleCritic(Critic):
    """x [B, C, H, W] -> scores [B]: residual blocks that halve the sides, and minibatch deviation before the end."""

    joins_batches = True

    def __init__(self, shape: ImageShape, maps: list[FeatureMap]) -> None:
        super().__init__()
        self.image_shape = shape
        smallest, height, width = maps[-1]
        self.first = Activated(shape[0], maps[0][0], 1)
        self.blocks = nn.Sequential(*(CriticBlock(a[0], b[0]) for a, b in pairwise(maps)))
        self.deviation = MinibatchDeviation()
        self.last = Activated(smallest + 1, smallest, 3)
        self.hidden = Linear(smallest * height * width, smallest)
        self.head = Linear(smallest, 1)

    def features(self, x: Tensor) -> Tensor:
        h = self.last(self.deviation(self.blocks(self.first(x))))
        return F.leaky_relu(self.hidden(flatten(h)), SLOPE) * GAIN


class CriticBlock(nn.Module):
    """x [B, C, h, w] -> [B, O, h / 2, w / 2]: two convolutions beside a 1x1 one, their sum divided by sqrt(2)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.same = Activated(c_in, c_in, 3)
        self.halve = Activated(c_in, c_out, 3, down=True, gain=math.sqrt(0.5))
        self.downsample = Resample(up=False)
        self.shortcut = nn.Conv2d(c_in, c_out, 1, bias=False)
        nn.init.normal_(self.shortcut.weight)
        self.scale = math.sqrt(0.5 / c_in)

    def forward(self, x: Tensor) -> Tensor:
        return torch.add(self.halve(self.same(x)), self.shortcut(self.downsample(x)), alpha=self.scale)


class Activated(nn.Module):
    """A convolution with equalised learning rate, bias and leaky ReLU; with `down`, it halves the sides."""

    def __init__(self, c_in: int, c_out: int, side: int, down: bool = False, gain: float = 1.0) -> None:
        super().__init__()
        self.down, self.gain = down, GAIN * gain
        self.convolution = fastconv.Conv2d(c_in, c_out, side, padding=side // 2, bias=False)
        nn.init.normal_(self.convolution.weight)
        self.bias = nn.Parameter(torch.zeros(c_out))
        self.scale = 1 / math.sqrt(c_in * side**2) / (4 if down else 1)  # `doubled` adds four kernels

    def forward(self, x: Tensor) -> Tensor:
        h = downsampled(x, self.convolution.weight) if self.down else self.convolution(x)
        h = torch.add((self.gain * self.bias[:, None, None]).to(h.dtype), h, alpha=self.gain * self.scale)
        return F.leaky_relu(h, SLOPE, inplace=True)


class MinibatchDeviation(nn.Module):
    """Append one channel: the deviation within a group of images, averaged over channels and pixels.

    Karras et al. 2018, section 3. Each group has GROUP images, or the largest divisor of the batch below it. The images
    of a group are spread evenly over the batch, as in the authors' code.
    """

    batch_groups = 1
    """How many batches of equal size the input consists of; no group mixes two of them."""

    def forward(self, x: Tensor) -> Tensor:
        batch = len(x) // self.batch_groups
        size = max(n for n in range(1, GROUP + 1) if batch % n == 0)
        groups = at_least_float32(x).reshape(self.batch_groups, size, -1, *x.shape[1:])
        variances = (groups - groups.mean(dim=1, keepdim=True)).square().mean(dim=1)  # faster than `var`
        deviations = (variances + 1e-8).sqrt().mean(dim=(2, 3, 4))  # [batch groups, N / size]
        column = deviations[:, None].expand(-1, size, -1).reshape(-1, 1, 1, 1).to(x.dtype)
        return torch.cat([x, column.expand(-1, 1, *x.shape[2:])], dim=1)
