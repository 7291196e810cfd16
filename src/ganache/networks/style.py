"""Style-based networks: Karras et al. 2019 ("StyleGAN") and 2020 ("Analyzing and improving the image quality of
StyleGAN", StyleGAN2), with the constants of the authors' code, NVlabs/stylegan2-ada-pytorch, `training/networks.py`.

A mapping network turns z into w. Each layer of the synthesis reads its own copy of w, which scales ("modulates") the
channels of the layer's input; the image is the sum of what all resolutions add to it. w [B, w_dim] stands for the same
w in all layers, w [B, style_layers, w_dim] for one per layer, and the layers count from coarse to fine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganache import fastconv
from ganache.errors import ConfigError
from ganache.networks.blocks import check_positive
from ganache.networks.dcgan import Dcgan
from ganache.networks.pyramid import FeatureMap, feature_maps, pyramid_sizes
from ganache.networks.r3block import Resample
from ganache.networks.style_critic import StyleCritic
from ganache.networks.style_layers import GAIN, SLOPE, Linear, upsampled
from ganache.types import Critic, Generator, ImageShape, Network, at_least_float32, without_autocast

MAPPING_RATE = 0.01
"""Factor on the learning rate of the mapping network (Karras et al. 2019, appendix C)."""

OVERVIEW = 4
"""Side of the thumbnail that a strided critic reads."""

TANH_GAIN = 0.2
"""What tanh is applied to is multiplied by this: the sum of five levels, each of deviation 1, would saturate it."""

MEAN_DECAY = 0.998
"""Decay of the running mean of w, per batch."""


@dataclass(frozen=True)
class Style(Network):
    """Karras et al. 2020: a generator of styles with skip outputs, and a residual critic with minibatch deviation.

    Height and width must be multiples of 8. They are halved while both are even and the smaller half is at least 3, so
    64x64 starts at 4x4. Channels double where sides halve. The defaults suit a small machine; the authors' width is 512
    at 64x64, 128 at 256x256, and max_width 512.
    """

    z_dim: int = 128
    """Dimensions of a latent."""
    w_dim: int = 128
    """Dimensions of a mapped latent w."""
    mapping_layers: int = 2
    """Layers of the mapping network: 8 in the paper, 2 in the authors' setting `auto`."""
    width: int = 32
    """Channels of the layer next to the image, the fewest."""
    max_width: int | None = 128
    """The largest number of channels; None sets no limit."""
    noise: bool = True
    """Add noise of learned strength to each layer: a new one at each training step, a fixed one otherwise."""
    strided_critic: int | None = None
    """Width of a DCGAN critic with an overview (`dcgan.py`) in place of the residual one; it costs a third."""
    tanh: bool = False
    """End in tanh, for a critic with batch norm, which does not see how large the values of an image are."""
    convolution_rate: float = 1.0
    """Factor on the learning rate of the generator's 3x3 convolutions. Demodulation cancels the scale of their weights,
    so it is that of the initial weights that is divided by it."""
    mixing: float = 0.0
    """Probability in training that the layers from a random one on take the w of another latent of the batch (Karras
    et al. 2019, section 3.1): 0.9 in the paper, 0 in the authors' small setting."""

    def __post_init__(self) -> None:
        check_positive("style", z_dim=self.z_dim, w_dim=self.w_dim, mapping_layers=self.mapping_layers)
        check_positive("style", width=self.width)
        for name in ("max_width", "strided_critic"):
            if (value := getattr(self, name)) is not None:
                check_positive("style", **{name: value})
        if not 0 < self.convolution_rate < math.inf:
            raise ConfigError(f"style was given convolution_rate {self.convolution_rate}: use a number above 0.")
        if not 0 <= self.mixing <= 1:
            raise ConfigError(f"style was given mixing {self.mixing}: use a probability from 0 to 1.")

    def generator(self, shape: ImageShape) -> StyleGenerator:
        """Return the generator, z [B, z_dim] -> x [B, C, H, W]; raise ConfigError if the shape is impossible."""
        return StyleGenerator(self, shape, self._maps(shape))

    def critic(self, shape: ImageShape) -> Critic:
        """Return the critic, x [B, C, H, W] -> scores [B]; raise ConfigError if the shape is impossible."""
        other = self._strided()
        return StyleCritic(shape, self._maps(shape)) if other is None else other.critic(shape)

    def critic_mixes_images(self) -> Mapping[str, str]:
        other = self._strided()
        return {} if other is None else {" and ".join(other.critic_mixes_images()): "--network.strided-critic None"}

    def has_mapping(self) -> bool:
        return True

    def _strided(self) -> Dcgan | None:
        return None if self.strided_critic is None else Dcgan(width=self.strided_critic, critic_overview=OVERVIEW)

    def _maps(self, shape: ImageShape) -> list[FeatureMap]:
        """Return the feature maps from the image's size down to the smallest."""
        _, sizes = pyramid_sizes("style", shape)
        return feature_maps(sizes, self.width, self.max_width)


class StyleGenerator(Generator):
    """z -> mapping -> w -> synthesis -> x, as the module describes."""

    normalises_latents = True
    mean_w: Tensor
    """The running mean of w, [w_dim]."""
    mean_path_length: Tensor
    """The running mean of path lengths, which a penalty may keep constant (`functional/penalties.py`)."""

    def __init__(self, settings: Style, shape: ImageShape, maps: list[FeatureMap]) -> None:
        super().__init__()
        self.z_dim, self.image_shape = settings.z_dim, shape
        self.mixing, self.tanh = settings.mixing, settings.tanh
        widths = [settings.z_dim, *[settings.w_dim] * settings.mapping_layers]
        self.mapping_network = nn.ModuleList(Linear(a, b, rate=MAPPING_RATE) for a, b in pairwise(widths))
        self.register_buffer("mean_w", torch.zeros(settings.w_dim))
        self.register_buffer("mean_path_length", torch.zeros(()))
        smallest, *larger = reversed(maps)
        self.constant = nn.Parameter(torch.randn(smallest))
        c_in = smallest[0]
        layers, colours = [StyleLayer(settings, c_in, smallest, up=False)], []
        for index, each in enumerate((smallest, *larger)):
            if index:
                layers += [StyleLayer(settings, c_in, each, up=True), StyleLayer(settings, each[0], each, up=False)]
            colours.append(ToImage(settings.w_dim, each[0], shape[0]))
            c_in = each[0]
        self.layers, self.colours = nn.ModuleList(layers), nn.ModuleList(colours)
        self.style_layers = len(layers) + 1  # the last one turns features into colours
        self.upsample = Resample(up=True)

    def mapping(self, z: Tensor) -> Tensor:
        with without_autocast(z):
            z = self.with_strong_category(at_least_float32(z))
            w = z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
            for layer in self.mapping_network:
                w = F.leaky_relu(layer(w), SLOPE) * GAIN
            if self.training:
                with torch.no_grad():
                    self.mean_w.lerp_(w.mean(dim=0), 1 - MEAN_DECAY)
        return w

    def with_strong_category(self, z: Tensor) -> Tensor:
        """Return z [B, z_dim] with a category that weighs as much as all noise, as in the authors' code."""
        size = self.category.stop - (self.category.start or 0)
        if not size:
            return z
        scale = z.new_ones(z.shape[1])
        scale[self.category] = (z.shape[1] - size) ** 0.5
        return z * scale

    def forward(self, z: Tensor) -> Tensor:
        w = self.mapping(z)
        return self.synthesis(self.mixed(w) if self.training and self.mixing else w)

    def mixed(self, w: Tensor) -> Tensor:
        """Return w [B, style_layers, w_dim], with a share of the rows mixed with their neighbour in the batch."""
        first = torch.randint(1, self.style_layers, (len(w),), device=w.device)
        first = torch.where(torch.rand(len(w), device=w.device) < self.mixing, first, self.style_layers)
        own = torch.arange(self.style_layers, device=w.device) < first[:, None]
        return torch.where(own[:, :, None], w[:, None], w.roll(1, 0)[:, None])

    def style_weights(self) -> list[Tensor]:
        weights: list[list[Tensor]] = [[] for _ in range(self.style_layers)]
        readers: list[Any] = [*self.layers, *self.colours]
        places = [*range(len(self.layers)), *range(1, self.style_layers, 2)]
        for place, reader in zip(places, readers, strict=True):
            weights[place].append(reader.affine.scaled_weight())
        return [torch.cat(each) for each in weights]

    def synthesis(self, w: Tensor) -> Tensor:
        """Map w [B, w_dim] or [B, style_layers, w_dim] to images x [B, *image_shape]."""
        styles = (w[:, None].expand(-1, self.style_layers, -1) if w.dim() == 2 else w).unbind(1)
        h = self.constant.to(w.dtype) + w.new_zeros(w.shape[0], 1, 1, 1)
        h = self.layers[0](h, styles[0])
        x: Tensor = self.colours[0](h, styles[1])
        for level, colour in enumerate(self.colours[1:], start=1):
            first = 2 * level - 1
            h = self.layers[first](h, styles[first])
            h = self.layers[first + 1](h, styles[first + 1])
            x = self.upsample(x) + colour(h, styles[first + 2])
        return (TANH_GAIN * x).tanh() if self.tanh else x  # [B, *image_shape]


class StyleLayer(nn.Module):
    """x [B, C, h, w] -> [B, O, H, W]: modulate, convolve, demodulate, add noise and bias, leaky ReLU.

    Karras et al. 2020, section 2.2 and equations 1 to 3. The weights are shared by all images of a batch: the input's
    channels are scaled by the style s = affine(w), and the output's by 1 / sqrt(sum (s weight)^2), which is the
    standard deviation of the output if the input is white. With `up`, the convolution doubles the sides.
    """

    fixed_noise: Tensor  # [H, W]

    def __init__(self, settings: Style, c_in: int, output: FeatureMap, up: bool) -> None:
        super().__init__()
        c_out, height, width = output
        self.up = up
        self.affine = Linear(settings.w_dim, c_in, bias=1.0)
        self.convolution = fastconv.Conv2d(c_in, c_out, 3, padding=1, bias=False)
        nn.init.normal_(self.convolution.weight, std=1 / settings.convolution_rate)
        self.bias = nn.Parameter(torch.zeros(c_out))
        self.strength = nn.Parameter(torch.zeros(())) if settings.noise else None
        if settings.noise:
            self.register_buffer("fixed_noise", torch.randn(height, width))
        self.noise_mode: Literal["fixed", "random", "none"] | None = None
        """Which noise is added; None means random in training, and fixed otherwise."""

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        weight = self.convolution.weight
        style = self.affine(w)  # [B, C]
        with without_autocast(x):
            norms = at_least_float32(weight).square().sum(dim=(2, 3))  # [O, C]
            scale = GAIN * (at_least_float32(style).square() @ norms.T + 1e-8).rsqrt()  # [B, O]
        x = x * style[:, :, None, None].to(x.dtype)
        h = upsampled(x, weight) if self.up else self.convolution(x)
        h = torch.addcmul((GAIN * self.bias[:, None, None]).to(h.dtype), h, scale[:, :, None, None].to(h.dtype))
        noise = self.noise(h)
        if noise is not None:
            h += (GAIN * noise).to(h.dtype)
        return F.leaky_relu(h, SLOPE, inplace=True)

    def noise(self, h: Tensor) -> Tensor | None:
        """Return the noise for features h [B, O, H, W], [H, W] or [B, 1, H, W], or None."""
        if self.strength is None or self.noise_mode == "none":
            return None
        is_random = self.training if self.noise_mode is None else self.noise_mode == "random"
        values = torch.randn(len(h), 1, *h.shape[2:], device=h.device) if is_random else self.fixed_noise
        return values * self.strength


class ToImage(nn.Module):
    """x [B, C, H, W] -> colours [B, channels, H, W]: a modulated 1x1 convolution without demodulation."""

    def __init__(self, w_dim: int, c_in: int, channels: int) -> None:
        super().__init__()
        self.affine = Linear(w_dim, c_in, bias=1.0)
        self.convolution = nn.Conv2d(c_in, channels, 1)
        nn.init.normal_(self.convolution.weight)
        nn.init.zeros_(self.convolution.bias)  # type: ignore[arg-type]
        self.scale = 1 / math.sqrt(c_in)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style = self.scale * self.affine(w)
        colours: Tensor = self.convolution(x * style[:, :, None, None].to(x.dtype))
        return colours
