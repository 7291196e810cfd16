"""Critics of what a pretrained network sees in an image: Sauer et al. 2021, "Projected GANs converge faster".

The features of EfficientNet-Lite0 at four strides are mixed by fixed random convolutions, across channels and from
coarse to fine (section 3.2, figure 1), and each mixture has a small critic of its own. They know eyes and hair from the
first step on, where a new critic has to learn them.

What differs from the paper: the network sees images of 64x64 as they are, not enlarged to 224x224, and larger ones
reduced to that. A fifth critic reads the features' means over the image and their spread across images: without it,
faces are sharp within 500 steps of `faces`, and all of one kind. Other critics may see windows of the images, enlarged
(`methods/projected.py`): eyes as large as those of the photographs that the network was trained on.
"""

from __future__ import annotations

import math
from math import gcd

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganache.core.images import as_rgb
from ganache.errors import ConfigError
from ganache.networks.dcgan import SLOPE, WEIGHT_STD
from ganache.networks.efficientnet import EfficientNetLite, load_network
from ganache.networks.overview import GROUP, initialise_read
from ganache.types import Critic, ImageShape, at_least_float32, autocast_dtype, without_autocast

SCALES = {2: 11.2, 3: 10.1, 5: 8.4, 7: 4.0}
"""Stage of the network (`EfficientNetLite.stages`) -> root mean square of its features of anime faces of 64x64."""
LARGEST = 64
"""Pixels of the longer side that the network sees; of larger images, each side is reduced by the same factor."""
MIXED = 64
"""Channels of a mixture; of the coarsest one, twice as many."""
WIDTH = 64
"""Channels of a critic."""
UNITS = 512
"""Units of each of the two layers that read means and spread."""
SPREAD_SCALE = 2.0
"""Factor on the spread, so that it has an effect from the start."""


class ProjectedCritic(Critic):
    """x [B, C, H, W] -> the scores of all critics, [K * B], one critic after the other.

    `shape` is that of the training's images; x of other sides, such as a window, is seen at the same size. `network`
    is the pretrained one, if another critic has loaded it. The scores have no common features, so there is no head for
    codes or classes. Raises ConfigError for images that the pretrained network cannot be shown, or if its package is
    not installed.
    """

    def __init__(self, shape: ImageShape, network: EfficientNetLite | None = None) -> None:
        super().__init__()
        if len(shape) != 3 or shape[0] not in (1, 3, 4):
            raise ConfigError(
                "Critics of pretrained features see images of 1, 3 or 4 channels, not "
                f"{'x'.join(map(str, shape))}: use --projected.weight 0."
            )
        self.image_shape = shape
        self.network = network or load_network("lite0")
        self.seen_size = seen_size(shape)
        with torch.no_grad(), torch.device("cpu"):
            sizes = [tuple(h.shape[1:]) for h in features_of(self.network, torch.zeros(1, 3, *self.seen_size))]
        mixed = [*[MIXED] * (len(sizes) - 1), 2 * MIXED]
        for k, (size, channels) in enumerate(zip(sizes, mixed, strict=True)):
            self.register_buffer(f"across_{k}", random_weight(channels, size[0], 1))
            if k:
                self.register_buffer(f"finer_{k}", random_weight(mixed[k - 1], channels, 3))
        self.critics = nn.ModuleList(
            small_critic(channels, size[1:]) for size, channels in zip(sizes, mixed, strict=True)
        )
        inputs = 2 * sum(size[0] * len(parts(torch.empty(1, *size))) for size in sizes)
        self.overview = nn.Sequential(
            nn.Linear(inputs, UNITS), nn.LeakyReLU(SLOPE), nn.Linear(UNITS, UNITS), nn.LeakyReLU(SLOPE)
        )
        initialise_read(self.overview)
        self.head = nn.Linear(UNITS, 1)
        nn.init.normal_(self.head.weight, 0.0, WEIGHT_STD)
        nn.init.zeros_(self.head.bias)

    def features(self, x: Tensor) -> Tensor:
        """Return means and spread, as the critic that compares images reads them, [B, UNITS]."""
        return self.read_overview(self.maps(x))

    def forward(self, x: Tensor) -> Tensor:
        maps = self.maps(x)
        mixtures = self.mixtures(maps)
        scores = [at_least_float32(critic(h).flatten()) for critic, h in zip(self.critics, mixtures, strict=True)]
        return torch.cat([*scores, self.score(self.read_overview(maps))])

    def maps(self, x: Tensor) -> list[Tensor]:
        """Return the pretrained features at each stride, of mean square 1; on a CPU in the type of autocast."""
        dtype = autocast_dtype(x) if x.device.type == "cpu" else torch.float32
        with without_autocast(x):
            return features_of(self.network, resized(as_rgb(x), self.seen_size).to(dtype))

    def mixtures(self, maps: list[Tensor]) -> list[Tensor]:
        mixed = [F.conv2d(h, self.get_buffer(f"across_{k}")) for k, h in enumerate(maps)]
        for k in range(len(mixed) - 1, 0, -1):
            coarse = F.conv2d(mixed[k], self.get_buffer(f"finer_{k}"), padding=1)
            mixed[k - 1] = (mixed[k - 1] + F.interpolate(coarse, size=mixed[k - 1].shape[2:])) * math.sqrt(0.5)
        return mixed

    def read_overview(self, maps: list[Tensor]) -> Tensor:
        dtype = torch.promote_types(maps[0].dtype, torch.float32)
        means = torch.cat([part.mean(dim=(2, 3), dtype=dtype) for h in maps for part in parts(h)], dim=1)
        group = gcd(GROUP, len(means))
        grouped = means.view(-1, group, means.shape[1])
        spread = (
            ((grouped - grouped.mean(1, keepdim=True)).square().mean(1) + 1e-8).sqrt().repeat_interleave(group, dim=0)
        )
        with without_autocast(means):
            h: Tensor = self.overview(torch.cat([means, SPREAD_SCALE * spread], dim=1))
        return h


def seen_size(shape: ImageShape) -> tuple[int, ...]:
    """Return (H, W) at which the pretrained network sees images of this shape.

    >>> seen_size((3, 64, 48)), seen_size((1, 256, 128))
    ((64, 48), (64, 32))
    """
    return tuple(max(1, round(side * min(1, LARGEST / max(shape[1:])))) for side in shape[1:])


def resized(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """Return x [B, C, H, W] enlarged or reduced to this size."""
    if x.shape[2:] == size:
        return x
    return F.interpolate(x, size=size, mode="bilinear" if x.shape[2] < size[0] else "area")


def features_of(network: EfficientNetLite, x: Tensor) -> list[Tensor]:
    """Return the network's maps of x [B, 3, H, W] at four strides, of mean square 1 on average."""
    stages = network.stages(x)
    return [stages[stage] / scale for stage, scale in SCALES.items()]


def parts(h: Tensor) -> list[Tensor]:
    """Return the quarters of a map [B, C, h, w], so that left and right differ, or the whole of a tiny one."""
    height, width = h.shape[2:]
    if min(height, width) < 4:
        return [h]
    rows = h[:, :, : (height + 1) // 2], h[:, :, height // 2 :]
    return [part for row in rows for part in (row[..., : (width + 1) // 2], row[..., width // 2 :])]


def random_weight(c_out: int, c_in: int, kernel: int) -> Tensor:
    """Return a weight that keeps the mean square of its input, [c_out, c_in, kernel, kernel]."""
    return torch.randn(c_out, c_in, kernel, kernel).div_(math.sqrt(c_in * kernel**2))


def small_critic(channels: int, size: tuple[int, ...]) -> nn.Sequential:
    """Return a critic h [B, channels, *size] -> scores [B, 1, 1, 1]: convolutions that halve the sides down to 4."""
    height, width = size
    layers: list[nn.Module] = []
    while max(height, width) > 4:
        layers += normalised(nn.Conv2d(channels, WIDTH, 4, stride=2, padding=1, bias=False))
        channels, height, width = WIDTH, height // 2, width // 2
    if not layers:
        layers += normalised(nn.Conv2d(channels, WIDTH, 3, padding=1, bias=False))
    layers.append(nn.Conv2d(WIDTH, 1, (height, width)))
    critic = nn.Sequential(*layers)
    for layer in critic:
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, 0.0, WEIGHT_STD)
    return critic


def normalised(convolution: nn.Conv2d) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(WIDTH), nn.LeakyReLU(SLOPE, inplace=True)]
