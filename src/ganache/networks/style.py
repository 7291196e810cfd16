"""Style-based networks: Karras et al. 2019 ("StyleGAN") and 2020 ("Analyzing and improving the image quality of
StyleGAN", StyleGAN2), with the constants of the authors' code, NVlabs/stylegan2-ada-pytorch, `training/networks.py`.

A mapping network turns z into w. Each layer of the synthesis reads its own copy of w, which scales ("modulates") the
channels of the layer's input; the image is the sum of what all resolutions add to it. w [B, w_dim] stands for the same
w in all layers, w [B, style_layers, w_dim] for one per layer, and the layers count from coarse to fine.

The weights of a layer are N(0, 1), and a constant scale follows (equalised learning rate, Karras et al. 2018, section
4.1): after a convolution rather than before it, which is the same and leaves the weights to `fastconv`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganache import fastconv
from ganache.errors import ConfigError
from ganache.networks.blocks import check_positive, flatten
from ganache.networks.pyramid import FeatureMap, feature_maps, pyramid_sizes
from ganache.networks.r3block import Resample
from ganache.types import Critic, Generator, ImageShape, Network, at_least_float32, without_autocast

SLOPE = 0.2  # of LeakyReLU
GAIN = math.sqrt(2)
"""The output of each activation is multiplied by this, which preserves the variance (He et al. 2015)."""

MAPPING_RATE = 0.01
"""Factor on the learning rate of the mapping network (Karras et al. 2019, appendix C)."""

MEAN_DECAY = 0.998
"""Decay of the running mean of w, per batch."""

GROUP = 4
"""Images in a group of the minibatch deviation, at most (Karras et al. 2020)."""


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
    mixing: float = 0.0
    """Probability in training that the layers from a random one on take the w of another latent of the batch (Karras
    et al. 2019, section 3.1): 0.9 in the paper, 0 in the authors' small setting."""

    def __post_init__(self) -> None:
        check_positive("style", z_dim=self.z_dim, w_dim=self.w_dim, mapping_layers=self.mapping_layers)
        check_positive("style", width=self.width)
        if self.max_width is not None:
            check_positive("style", max_width=self.max_width)
        if not 0 <= self.mixing <= 1:
            raise ConfigError(f"style was given mixing {self.mixing}: use a probability from 0 to 1.")

    def generator(self, shape: ImageShape) -> StyleGenerator:
        """Return the generator, z [B, z_dim] -> x [B, C, H, W]; raise ConfigError if the shape is impossible."""
        return StyleGenerator(self, shape, self._maps(shape))

    def critic(self, shape: ImageShape) -> StyleCritic:
        """Return the critic, x [B, C, H, W] -> scores [B]; raise ConfigError if the shape is impossible."""
        return StyleCritic(shape, self._maps(shape))

    def has_mapping(self) -> bool:
        return True

    def _maps(self, shape: ImageShape) -> list[FeatureMap]:
        """Return the feature maps from the image's size down to the smallest."""
        _, sizes = pyramid_sizes("style", shape)
        return feature_maps(sizes, self.width, self.max_width)


# ---- the generator -------------------------------------------------------------------------------------------------


class StyleGenerator(Generator):
    """z -> mapping -> w -> synthesis -> x, as the module describes."""

    mean_w: Tensor
    """The running mean of w, [w_dim]."""
    mean_path_length: Tensor
    """The running mean of path lengths, which a penalty may keep constant (`functional/penalties.py`)."""

    def __init__(self, settings: Style, shape: ImageShape, maps: list[FeatureMap]) -> None:
        super().__init__()
        self.z_dim, self.image_shape, self.mixing = settings.z_dim, shape, settings.mixing
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
        return x  # [B, *image_shape]


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
        nn.init.normal_(self.convolution.weight)
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
        offset = self.bias[:, None, None]
        noise = self.noise(h)
        if noise is not None:
            offset = offset + noise
        h = torch.addcmul((GAIN * offset).to(h.dtype), h, scale[:, :, None, None].to(h.dtype))
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


# ---- the critic ----------------------------------------------------------------------------------------------------


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
        deviations = (groups.var(dim=1, correction=0) + 1e-8).sqrt().mean(dim=(2, 3, 4))  # [batch groups, N / size]
        column = deviations[:, None].expand(-1, size, -1).reshape(-1, 1, 1, 1).to(x.dtype)
        return torch.cat([x, column.expand(-1, 1, *x.shape[2:])], dim=1)


# ---- layers --------------------------------------------------------------------------------------------------------


class Linear(nn.Linear):
    """A linear layer with equalised learning rate, multiplied by `rate`; [B, F] -> [B, O]."""

    def __init__(self, inputs: int, outputs: int, bias: float = 0.0, rate: float = 1.0) -> None:
        super().__init__(inputs, outputs)
        nn.init.normal_(self.weight, std=1 / rate)
        nn.init.constant_(self.bias, bias / rate)
        self.scale, self.rate = rate / math.sqrt(inputs), rate

    def scaled_weight(self) -> Tensor:
        """Return the weight that the input is multiplied by, [O, F]."""
        return self.weight * self.scale

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.scaled_weight(), self.bias * self.rate)


def upsampled(x: Tensor, weight: Tensor) -> Tensor:
    """Return x [B, C, h, w] with twice the sides, convolved with weight [O, C, 3, 3] and filtered by [1, 3, 3, 1].

    The filter is a box, which the kernel takes up, and `blur`. The border is computed around the image, then cut off.
    """
    wide = fastconv.conv_transpose4x4(F.pad(x, (1, 1, 1, 1)), doubled(weight).transpose(0, 1), None)
    return blur(wide)[..., 2:-2, 2:-2]


def downsampled(x: Tensor, weight: Tensor) -> Tensor:
    """Return x [B, C, h, w] with half the sides: filtered by [1, 3, 3, 1], times 4, and convolved [O, C, 3, 3]."""
    return fastconv.conv4x4(blur(F.pad(x, (2, 2, 2, 2))), doubled(weight), None)[..., 1:-1, 1:-1]


def doubled(weight: Tensor) -> Tensor:
    """Return the 4x4 kernel [O, C, 4, 4] of a 3x3 convolution [O, C, 3, 3] with [1, 1] along each side.

    Beside `blur`, it resamples by the authors' kernel [1, 3, 3, 1], which is [1, 1] * [1, 2, 1].
    """
    wide = F.pad(weight, (0, 1)) + F.pad(weight, (1, 0))
    return F.pad(wide, (0, 0, 0, 1)) + F.pad(wide, (0, 0, 1, 0))


def blur(x: Tensor) -> Tensor:
    """Blur x [B, C, H, W] by [1, 2, 1] / 4 along each side; the image is zero outside."""
    blurred: Tensor = Blur.apply(x)  # type: ignore[no-untyped-call]
    return blurred


class Blur(torch.autograd.Function):
    """`blur`, whose matrix is symmetric, so that it is its own derivative.

    PyTorch's second derivative of a depthwise convolution loops over channels.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        line = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
        kernel = line.outer(line).expand(x.shape[1], 1, 3, 3)
        return F.conv2d(x, kernel, padding=1, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return blur(gradients[0])
