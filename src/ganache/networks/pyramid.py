"""The feature maps inside a convolutional pair: how often the sides halve, and how many channels there are."""

from __future__ import annotations

from ganache.errors import ConfigError
from ganache.networks.blocks import check_image_shape
from ganache.types import ImageShape

FeatureMap = tuple[int, int, int]
"""(channels, height, width) of a picture inside a network."""


def pyramid_sizes(family: str, shape: ImageShape) -> tuple[int, list[tuple[int, int]]]:
    """The picture's channels, and its (h, w) from the whole picture down to the smallest map.

    Sides are multiples of 8. They are halved while both are even and the smaller half is at least 3.
    """
    channels, h, w = check_image_shape(family, shape, multiple=8, least=8)
    sides = [(h, w)]
    while h % 2 == w % 2 == 0 and min(h, w) // 2 >= 3:
        h, w = h // 2, w // 2
        sides.append((h, w))
    return channels, sides


def feature_maps(sides: list[tuple[int, int]], width: int, max_width: int | None) -> list[FeatureMap]:
    """A map for each size, the first with `width` channels, each next one with twice as many, up to `max_width`.

    >>> doubling([(32, 48), (16, 24), (8, 12)], width=64, max_width=128)
    [(64, 32, 48), (128, 16, 24), (128, 8, 12)]
    """
    widths = [width * 2**depth for depth in range(len(sides))]
    return [
        (wide if max_width is None else min(wide, max_width), h, w) for wide, (h, w) in zip(widths, sides, strict=True)
    ]


def check_attention(family: str, attention: int | None, shape: ImageShape, maps: list[FeatureMap]) -> None:
    """Refuses a self-attention layer at a side that no feature map has as its shorter one."""
    sides = [min(h, w) for _, h, w in reversed(maps)]
    if attention is not None and attention not in sides:
        nearest = min(sides, key=lambda side: abs(side - attention))
        raise ConfigError(
            f"{family} has no feature map of side {attention} for self-attention: at {shape[1]}x{shape[2]} the shorter "
            f"sides are {', '.join(map(str, sides))}, so try --network.attention {nearest}."
        )
