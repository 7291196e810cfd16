"""What the network families share: the two skeletons, the normalisations, one initialiser, the refusals.

Pictures travel through the networks as channels_last: [B, C, H, W] in name, B H W C in memory, the order that
convolutions read fastest. A flat row of a picture is therefore in H W C order, and turning one into the other
is a view, without a copy.
"""

from __future__ import annotations

import math
from typing import Literal, Protocol, get_args

import torch
from torch import Tensor, nn

from ganache.errors import ConfigError, choices
from ganache.fastconv.batch_norm import BatchNorm2d
from ganache.types import Critic, Generator, ImageShape, at_least_float32


class Network(Protocol):
    """A family's settings: a frozen dataclass that builds the pair for pictures of a given shape."""

    @property
    def z_dim(self) -> int:
        """Numbers in a latent."""

    def generator(self, shape: ImageShape) -> Generator:
        """A fresh generator of pictures [B, *shape]."""

    def critic(self, shape: ImageShape) -> Critic:
        """A fresh critic of pictures [B, *shape]."""


# The two skeletons


class ImageGenerator(Generator):
    """`project` maps w to a flat small picture, `body` grows it into the whole one."""

    def __init__(self, z_dim: int, shape: ImageShape, project: nn.Module, base: ImageShape, body: nn.Module) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.image_shape = shape
        self.base = base  # (c, h, w), what the body begins with
        self.project = project  # [B, z_dim] -> [B, h * w * c]
        self.body = body  # [B, c, h, w] -> [B, C, H, W]

    def synthesis(self, w: Tensor) -> Tensor:
        x: Tensor = self.body(unflatten(self.project(w), self.base))
        return x  # [B, *image_shape]


class ImageCritic(Critic):
    """`body` reads the picture, and the linear `head` scores the numbers that the body ends with.

    If there is an `overview`, it reads the picture too, and its numbers are scored with the body's. A family passes
    `joins_batches` = True where no layer of it mixes the images of a batch (`types.Critic.both`).
    """

    def __init__(
        self,
        shape: ImageShape,
        body: nn.Module,
        head: nn.Linear,
        overview: nn.Module | None = None,
        joins_batches: bool = False,
    ) -> None:
        super().__init__()
        self.joins_batches = joins_batches
        self.image_shape = shape
        self.body = body  # [B, *shape] -> [B, c, h, w] or [B, F]
        self.overview = overview  # [B, *shape] -> [B, F']
        self.head = head  # [B, F + F'] -> [B, 1], with F = h * w * c

    def features(self, x: Tensor) -> Tensor:
        rows = flatten(self.body(x))  # [B, F]
        return (
            rows
            if self.overview is None
            else torch.cat([at_least_float32(rows), at_least_float32(self.overview(x))], 1)
        )


def flatten(x: Tensor) -> Tensor:
    """Pictures [B, C, H, W] -> rows [B, H * W * C]; rows [B, F] stay as they are."""
    return x.permute(0, 2, 3, 1).flatten(1) if x.dim() == 4 else x


def unflatten(rows: Tensor, shape: ImageShape) -> Tensor:
    """Rows [B, H * W * C] -> pictures [B, C, H, W], the way back from `flatten`; a toy's rows [B, 2] stay."""
    if len(shape) == 1:
        return rows
    c, h, w = shape
    return rows.view(-1, h, w, c).permute(0, 3, 1, 2)


class Flatten(nn.Module):
    """`flatten` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return flatten(x)


# Normalisation and weights

Norm = Literal["batch", "layer", "instance", "group", "none"]


def normalisation(norm: Norm, channels: int) -> list[nn.Module]:
    """The layers that normalise [B, channels, H, W], to follow a convolution; an empty list for "none"."""
    match norm:
        case "batch":
            return [BatchNorm2d(channels)]
        case "layer":
            # Over all of one picture, with a gain and a shift a channel: igul222/improved_wgan_training, layernorm.py.
            return [nn.GroupNorm(1, channels)]
        case "instance":
            return [nn.GroupNorm(channels, channels)]
        case "group":
            # Wu & He 2018, "Group normalization", section 3.1: 32 groups, here as many as divide the channels.
            return [nn.GroupNorm(math.gcd(32, channels), channels)]
        case "none":
            return []


def needs_bias(norm: Norm) -> bool:
    """Whether the layer before needs a bias: a norm that takes one channel's mean takes the bias with it."""
    return norm in ("layer", "group", "none")


def glorot(layer: nn.Module) -> None:
    """Linear and convolution layers: weights uniform in +-sqrt(6 / (fan_in + fan_out)), biases 0.

    Glorot & Bengio 2010, equation 16. The fans of a k x k convolution are k * k * its channels in and out.
    """
    if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


# The refusals


def check_positive(family: str, **counts: int) -> None:
    """Refuses sizes below 1."""
    for name, count in counts.items():
        if count < 1:
            raise ConfigError(f"{family} was given {name} {count}, which must be 1 or more: try a larger {name}.")


def check_norm(family: str, norm: str) -> None:
    """Refuses a normalisation with no such name."""
    if norm not in get_args(Norm):
        raise ConfigError(f"{family} knows no normalisation '{norm}': {choices(norm, get_args(Norm))}")


def check_shape(family: str, shape: ImageShape) -> None:
    """Refuses shapes that are neither a point (n,) nor a picture (C, H, W)."""
    if len(shape) not in (1, 3) or min(shape) < 1:
        raise ConfigError(
            f"{family} makes pictures (C, H, W) and points (2,), and {shape} is neither: "
            "try the shape of one picture, without the batch."
        )


def check_image_shape(family: str, shape: ImageShape, multiple: int, least: int) -> tuple[int, int, int]:
    """The shape as (C, H, W); refuses sides that are no multiples of `multiple` or less than `least`."""
    if len(shape) != 3:
        raise ConfigError(f"{family} makes pictures, and the data have shape {shape}: try the network mlp.")
    channels, height, width = shape
    if not 1 <= channels <= 4:
        raise ConfigError(
            f"{family} makes pictures of 1 to 4 channels, and {channels} were asked for: try 3 for colour, 1 for grey."
        )
    if height % multiple or width % multiple or min(height, width) < least:
        # The next size up that works, for each side.
        high, wide = (max(least, -(-side // multiple) * multiple) for side in (height, width))
        size = f"{high}" if high == wide else f"{high}x{wide}"
        start = f", {least} or more" if least > multiple else ""
        raise ConfigError(
            f"{family} makes sizes that are multiples of {multiple}{start}, and {height}x{width} is not: "
            f"try --size {size}."
        )
    return channels, height, width
