"""The feature pyramid of a convolutional pair: how often the sides are halved, and how many channels each map has."""

from __future__ import annotations

from ganache.errors import ConfigError
from ganache.networks.blocks import check_image_shape
from ganache.types import ImageShape

FeatureMap = tuple[int, int, int]
"""The shape (channels, height, width) of a feature map."""


def pyramid_sizes(family: str, shape: ImageShape) -> tuple[int, list[tuple[int, int]]]:
    """Return the image's channels, and the sizes (h, w) from the whole image down to the smallest feature map.

    Height and width must be multiples of 8. They are halved while both are even and the smaller half is at least 3.
    """
    channels, h, w = check_image_shape(family, shape, multiple=8, least=8)
    sizes = [(h, w)]
    while h % 2 == w % 2 == 0 and min(h, w) // 2 >= 3:
        h, w = h // 2, w // 2
        sizes.append((h, w))
    return channels, sizes


def feature_maps(sizes: list[tuple[int, int]], width: int, max_width: int | None) -> list[FeatureMap]:
    """Return a feature map per size: `width` channels for the first, doubling from map to map up to `max_width`.

    >>> feature_maps([(32, 48), (16, 24), (8, 12)], width=64, max_width=128)
    [(64, 32, 48), (128, 16, 24), (128, 8, 12)]
    """
    widths = [width * 2**depth for depth in range(len(sizes))]
    return [
        (wide if max_width is None else min(wide, max_width), h, w) for wide, (h, w) in zip(widths, sizes, strict=True)
    ]


def check_attention(family: str, attention: int | None, shape: ImageShape, maps: list[FeatureMap]) -> None:
    """Raise ConfigError if self-attention is wanted at a side that is not the shorter side of any feature map."""
    sides = [min(h, w) for _, h, w in reversed(maps)]
    if attention is not None and attention not in sides:
        nearest = min(sides, key=lambda side: abs(side - attention))
        raise ConfigError(
            f"{family} has no feature map of side {attention} for self-attention: at {shape[1]}x{shape[2]} the shorter "
            f"sides are {', '.join(map(str, sides))}, so use --network.attention {nearest}."
        )
