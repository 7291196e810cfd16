"""What network families share: base classes, normalisation layers, an initialiser, and checks of settings and shapes.

Images inside the networks are channels_last: indexed as [B, C, H, W], stored as B H W C, the order in which
convolutions are fastest. A flattened image is therefore in H W C order, and flattening or unflattening is a view
without a copy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from ganache.errors import ConfigError, choices
from ganache.fastconv import BatchNorm2d
from ganache.types import Critic, Generator, ImageShape, at_least_float32

# ---- base classes --------------------------------------------------------------------------------------------------


class ImageGenerator(Generator):
    """A generator of two parts: `project` maps w to a small feature map, and `body` upsamples it to the image."""

    def __init__(self, z_dim: int, shape: ImageShape, project: nn.Module, base: ImageShape, body: nn.Module) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.image_shape = shape
        self.base = base  # (c, h, w), the shape of the body's input
        self.project = project  # [B, z_dim] -> [B, h * w * c]
        self.body = body  # [B, c, h, w] -> [B, C, H, W]

    def synthesis(self, w: Tensor) -> Tensor:
        x: Tensor = self.body(unflatten(self.project(w), self.base))
        return x  # [B, *image_shape]


class ImageCritic(Critic):
    """A critic of two parts: `body` computes features from the image, and the linear `head` scores them.

    The features of an `overview` (`overview.py`), if there is one, are appended to those of the body. When a family may
    pass `joins_batches=True` is stated at `types.Critic.joins_batches`.
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
        if self.overview is None:
            return rows
        return torch.cat([at_least_float32(rows), at_least_float32(self.overview(x))], 1)


def flatten(x: Tensor) -> Tensor:
    """Return images [B, C, H, W] as rows [B, H * W * C]; rows [B, F] stay unchanged."""
    return x.permute(0, 2, 3, 1).flatten(1) if x.dim() == 4 else x


def unflatten(rows: Tensor, shape: ImageShape) -> Tensor:
    """Return rows [B, H * W * C] as images [B, C, H, W], the inverse of `flatten`; rows [B, 2] stay unchanged."""
    if len(shape) == 1:
        return rows
    c, h, w = shape
    return rows.view(-1, h, w, c).permute(0, 3, 1, 2)


class Flatten(nn.Module):
    """`flatten` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return flatten(x)


# ---- normalisation and initial weights -----------------------------------------------------------------------------

Norm = Literal["batch", "layer", "instance", "group", "none"]


def normalisation(norm: Norm, channels: int) -> list[nn.Module]:
    """Return the layers that normalise [B, channels, H, W] after a convolution; an empty list for "none"."""
    match norm:
        case "batch":
            return [BatchNorm2d(channels)]
        case "layer":
            # Statistics over the whole image, gain and shift per channel: igul222/improved_wgan_training, layernorm.py.
            return [nn.GroupNorm(1, channels)]
        case "instance":
            return [nn.GroupNorm(channels, channels)]
        case "group":
            # Wu & He 2018, "Group normalization", section 3.1: 32 groups, or as many as divide the channels.
            return [nn.GroupNorm(math.gcd(32, channels), channels)]
        case "none":
            return []


def needs_bias(norm: Norm) -> bool:
    """Return whether a layer before this norm needs a bias; subtracting a mean per channel would remove it."""
    return norm in ("layer", "group", "none")


def mixed_images(critic_norm: Norm) -> dict[str, str]:
    """Return a family's answer to `Network.critic_mixes_images` for the norm in its critic."""
    return {"batch norm": "--network.critic-norm layer"} if critic_norm == "batch" else {}


def spectral_warnings(critic_norm: Norm, critic_spectral: bool) -> Iterator[str]:
    """Yield a warning for a critic with both spectral normalisation and another norm."""
    if critic_spectral and critic_norm != "none":
        yield (
            f"The critic has spectral norm and {critic_norm} norm, and the latter undoes the scaling of the former: "
            "use --network.critic-norm none."
        )


def glorot(layer: nn.Module) -> None:
    """Initialise a linear or convolution layer: weights uniform in +-sqrt(6 / (fan_in + fan_out)), biases 0.

    Glorot & Bengio 2010, equation 16. The fans of a k x k convolution are k * k times its input and output channels.
    """
    if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


# ---- checks --------------------------------------------------------------------------------------------------------


def check_positive(family: str, **settings: int) -> None:
    """Raise ConfigError if one of the settings is less than 1."""
    for name, value in settings.items():
        if value < 1:
            raise ConfigError(f"{family} was given {name} {value}, which must be 1 or more: use a larger {name}.")


def check_norm(family: str, norm: str) -> None:
    """Raise ConfigError if there is no normalisation of this name."""
    if norm not in get_args(Norm):
        raise ConfigError(f"{family} has no normalisation '{norm}': {choices(norm, get_args(Norm))}")


def check_shape(family: str, shape: ImageShape) -> None:
    """Raise ConfigError if the shape is neither an image (C, H, W) nor a point (n,)."""
    if len(shape) not in (1, 3) or min(shape) < 1:
        raise ConfigError(
            f"{family} was given the shape {shape}, but expects one image (C, H, W) or one point (2,): leave out the "
            "batch dimension."
        )


def check_image_shape(family: str, shape: ImageShape, multiple: int, least: int) -> tuple[int, int, int]:
    """Return the shape as (C, H, W).

    Raises ConfigError if it is not an image of 1 to 4 channels whose height and width are multiples of `multiple` and
    at least `least` pixels.
    """
    if len(shape) != 3:
        raise ConfigError(f"{family} generates images, but the data have shape {shape}: use --network.name mlp.")
    channels, height, width = shape
    if not 1 <= channels <= 4:
        raise ConfigError(
            f"{family} generates images of 1 to 4 channels, not {channels}: use 3 for colour or 1 for grey."
        )
    if height % multiple or width % multiple or min(height, width) < least:
        # The next larger size that works, for each side.
        high, wide = (max(least, -(-side // multiple) * multiple) for side in (height, width))
        size = f"{high}" if high == wide else f"{high}x{wide}"
        start = f" and at least {least}" if least > multiple else ""
        raise ConfigError(
            f"{family} needs a height and width that are multiples of {multiple}{start}, not {height}x{width}: use "
            f"--size {size}."
        )
    return channels, height, width
