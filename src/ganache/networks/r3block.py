"""The layers of R3GAN's networks (Huang et al. 2024): brownvc/R3GAN, `R3GAN/Networks.py` and `Resamplers.py`."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganache.networks.pyramid import FeatureMap
from ganache.types import at_least_float32, autocast_dtype, without_autocast

SLOPE = 0.2  # of LeakyReLU
GAIN = math.sqrt(2 / (1 + SLOPE**2))  # preserves the variance through it: He et al. 2015, section 2.2


class Block(nn.Module):
    """A residual block, x + residual(x), [B, C, H, W] -> [B, C, H, W], in a network of `depth` such blocks.

    The biases belong to the activations: in the authors' code the activations have them, the convolutions do not.
    """

    def __init__(self, channels: int, expansion: int, group_size: int, depth: int) -> None:
        super().__init__()
        wide = channels * expansion
        groups = wide // math.gcd(group_size, wide)
        gain = GAIN * depth ** (-1 / 4)  # Zhang et al. 2019, "Fixup initialization": m = 3 layers, L^(-1 / (2 m - 2))
        self.residual = nn.Sequential(
            msr(nn.Conv2d(channels, wide, 1), gain),
            nn.LeakyReLU(SLOPE, inplace=True),
            msr(nn.Conv2d(wide, wide, 3, padding=1, groups=groups), gain),
            nn.LeakyReLU(SLOPE, inplace=True),
            msr(nn.Conv2d(wide, channels, 1, bias=False), gain=0.0),
        )

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.residual(x)
        return x + residual


class GenerativeBasis(nn.Module):
    """z [B, z_dim] -> [B, h * w * c]: a learned feature map, each channel scaled by a linear function of z."""

    def __init__(self, z_dim: int, base: FeatureMap) -> None:
        super().__init__()
        c, h, w = base
        self.scale = msr(nn.Linear(z_dim, c, bias=False))
        self.picture = nn.Parameter(torch.randn(h * w, c))

    def forward(self, z: Tensor) -> Tensor:
        scale: Tensor = self.scale(z)  # [B, c]
        return (scale[:, None] * self.picture.to(scale.dtype)).flatten(1)


class DiscriminativeBasis(nn.Module):
    """x [B, c, h, w] -> [B, c]: for each channel, a weighted sum over positions with learned weights.

    It equals the authors' depthwise convolution with one output position, but its second derivative is faster.
    """

    def __init__(self, base: FeatureMap) -> None:
        super().__init__()
        c, h, w = base
        self.picture = nn.Parameter(torch.randn(h * w, c).div_(math.sqrt(h * w)))

    def forward(self, x: Tensor) -> Tensor:
        return (x.permute(0, 2, 3, 1).flatten(1, 2) * self.picture).sum(dim=1)


class Resample(nn.Module):
    """Resampling to twice the size (`up`) or half of it, [B, C, h, w], with the kernel [1, 3, 3, 1] along each side.

    Upsampling is bilinear interpolation, and downsampling its transpose. Images are padded with zeros.
    """

    kernel: Tensor  # [1, 1, 4, 4]

    def __init__(self, up: bool) -> None:
        super().__init__()
        total = 4 if up else 8  # when upsampling, an output meets two of the four weights
        line = [weight / total for weight in (1, 3, 3, 1)]
        self.up = up
        self.register_buffer("kernel", torch.tensor([[[[a * b for b in line] for a in line]]]), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        resampled: Tensor = StridedConvolution.apply(x, self.kernel, self.up)  # type: ignore[no-untyped-call]
        return resampled


class StridedConvolution(torch.autograd.Function):
    """A convolution of each channel with one kernel and stride 2, or its transpose (`up`).

    Each is the derivative of the other. PyTorch's second derivative of a depthwise convolution loops over channels and
    is many times slower on a CPU, and so is the transpose in bfloat16, which is computed in float32.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, up: bool) -> Tensor:
        ctx.save_for_backward(kernel)
        ctx.up, channels = up, x.shape[1]
        convolve = F.conv_transpose2d if up else F.conv2d
        dtype = autocast_dtype(x)
        x = at_least_float32(x) if up and x.device.type == "cpu" else x.to(dtype)
        with without_autocast(x):
            y = convolve(x, kernel.to(x.dtype).expand(channels, 1, 4, 4), stride=2, padding=1, groups=channels)
        return y.to(dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (kernel,) = ctx.saved_tensors
        return StridedConvolution.apply(gradients[0], kernel, not ctx.up), None, None  # type: ignore[no-untyped-call]


def channel_conversion(c_in: int, c_out: int) -> list[nn.Module]:
    """Return the 1x1 convolution from c_in to c_out channels; an empty list if they are equal."""
    return [msr(nn.Conv2d(c_in, c_out, 1, bias=False))] if c_in != c_out else []


Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)


def msr(layer: Layer, gain: float = 1.0) -> Layer:
    """Initialise weights N(0, gain^2 / fan_in) (He et al. 2015), biases 0; return the layer."""
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
