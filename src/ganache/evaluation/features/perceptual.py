"""Features "perceptual" and "perceptual-2": what a network trained on ImageNet sees in an image."""

from __future__ import annotations

from torch import Tensor

from ganache.core.images import as_rgb
from ganache.errors import ConfigError
from ganache.evaluation.features.base import Features, require_image, resize
from ganache.networks.efficientnet import EfficientNetLite, load_network
from ganache.types import ImageShape

SIDE = 128
"""Pixels of the longer side that the network sees."""

CHANNELS = (1, 3, 4)
"""Numbers of channels that the network can be shown: grey, RGB and RGBA."""

SHORTEST = 32
"""Pixels of the shorter side, at least: one pixel of the last feature map."""


class PerceptualFeatures(Features):
    """The 1,280 features of EfficientNet-Lite0 before its classifier, averaged over the image.

    Features of a network that was trained on many photographs order images as people do (Zhang et al. 2018, "The
    unreasonable effectiveness of deep features as a perceptual metric"); random features and patches do not. Grey
    images are repeated over three channels; of RGBA images the colours are laid on the mean of black and white.
    """

    name = "perceptual"
    network_name = "lite0"
    num_features = EfficientNetLite.num_features
    chunk = 8  # the maps of 8 images fit into the cache of a core: 1.4 times as fast as 64 images

    def __init__(self, image_shape: ImageShape) -> None:
        """Raises ConfigError for points and tiny images, MissingExtra without the package of the weights."""
        super().__init__()
        require_image(image_shape, self.name)
        if image_shape[0] not in CHANNELS:
            raise ConfigError(
                f"The images have {image_shape[0]} channels, and the features '{self.name}' need 1, 3 or 4: use "
                "--features random."
            )
        self.size = seen_size(image_shape[1:])
        self.preprocessing = f"{self.size[1]}x{self.size[0]}, bilinear with antialiasing"
        self.network = load_network(self.network_name)

    def maps(self, x: Tensor) -> Tensor:
        """Return the last feature map [N, 1280, h, w] of x [N, C, H, W], before it is averaged."""
        maps: Tensor = self.network(resize(as_rgb(x), self.size))
        return maps

    def vectors(self, x: Tensor) -> Tensor:
        return self.maps(x).mean(dim=(2, 3))

    def layer_vectors(self, x: Tensor) -> list[Tensor]:
        """Return the maps of each stage, from edges to shapes, averaged over the image, and last the features."""
        stages = self.network.stages(resize(as_rgb(x), self.size))
        return [maps.mean(dim=(2, 3)) for maps in (*stages, self.network.top(stages[-1]))]


class SecondPerceptualFeatures(PerceptualFeatures):
    """The same of EfficientNet-Lite1, a second judge: nothing in ganache is chosen by it."""

    name = "perceptual-2"
    network_name = "lite1"


def seen_size(size: tuple[int, ...]) -> tuple[int, int]:
    """Return (H, W) of the image that the network sees: its longer side has SIDE pixels.

    >>> seen_size((64, 64)), seen_size((1024, 512)), seen_size((10, 400))
    ((128, 128), (128, 64), (32, 128))
    """
    height, width = (max(SHORTEST, round(side * SIDE / max(size))) for side in size)
    return height, width
