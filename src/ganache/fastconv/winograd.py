"""The form "winograd": 4x4 layers of stride 2 with 25 of 64 multiplications, 3x3 layers of stride 1 with 36 of 144.

A 4x4 kernel of stride 2 is a 2x2 kernel over pairs of pixels. In one dimension, four outputs of such a kernel take five
multiplications instead of eight, F(4, 2): a product of polynomials is known from its values at as many points as it has
coefficients, and a convolution is the transpose of such a product (Toom 1963, Cook 1966; Winograd 1980, "Arithmetic
complexity of computations"; Lavin & Gray 2016, "Fast algorithms for convolutional neural networks", nest it for two
dimensions). A 3x3 kernel of stride 1 takes F(4, 3). So the layer is three linear transforms around matrix products: of
the tiles of the image, of the kernel, and from the products to the outputs. The transposed layer has the same
transforms in the other direction. The derivative of each transform is its adjoint, so derivatives of any order save as
much.

The points are free to choose and decide how much precision is lost. Those below lose least of all that were searched:
in bfloat16 the error of a layer is 0.8%, with 3x3 kernels 1.4%, where rounding the outputs alone makes 0.2%. The usual
points 0, 1, -1 and 2 would make 1.9% and 3.2%.

Shapes: B images, L channels at the large side of H x W pixels, S channels at the small side of h x w pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from math import ceil, prod

import torch
from torch import Tensor

from ganache.fastconv import kernels
from ganache.fastconv.form import Call, Form
from ganache.fastconv.linear_function import TiledTransform, apply_linear, batched_matmul, transform_weight
from ganache.fastconv.tiles import Sides, Tiles

POINTS: dict[int, dict[int, tuple[float, ...]]] = {
    2: {2: (2 / 3, -2 / 3), 4: (3 / 8, -3 / 8, 5 / 4, -5 / 4)},
    3: {4: (2 / 3, -2 / 3, 3 / 2, -3 / 2, 0.0)},
}
"""POINTS[taps][m] for F(m, taps): `taps` of the kernel per dimension (pairs with stride 2), m outputs computed
together. One more point, the last, is infinity."""
FEWEST_CHANNELS = {torch.bfloat16: 32, torch.float32: 48}
"""Channels that both sides must have for the transforms to pay, by the compiled kernels."""
FEWEST_CHANNELS_WITHOUT_KERNELS = 128
KERNEL_COST = 32
"""Matrix products per tile that take as long as transforming and reading the kernel once."""
GEOMETRIES = ((4, 4, 2, 2), (3, 3, 1, 1))
"""Kernel height and width, and stride, of the layers that this form computes."""


def supports(call: Call) -> bool:
    if not (call.on_cpu and call.regular and call.operation in OPERATIONS and call.dtype in FEWEST_CHANNELS):
        return False
    geometry = (*call.weight[2:], *call.stride)
    known = geometry == GEOMETRIES[0] or (geometry == GEOMETRIES[1] and not call.transposed)
    return known and call.padding[0] == call.padding[1]


OPERATIONS = ("conv2d", "conv_transpose2d", "conv4x4", "conv_transpose4x4")


def pays(call: Call) -> bool:
    """Whether fewer multiplications outweigh the transforms."""
    by_kernels = call.has_kernels and all(channels % kernels.VECTOR == 0 for channels in call.weight[:2])
    if call.on_matrix_units or (call.stride[0] == 1 and not by_kernels):
        return False  # with stride 1 and without kernels, the DFT is as fast
    fewest = FEWEST_CHANNELS[call.dtype] if by_kernels else FEWEST_CHANNELS_WITHOUT_KERNELS
    (h, w), taps, batch = call.small_sides, call.weight[2] // call.stride[0], call.input[0]
    least = min(cost(batch, (h, w), m, taps) for m in POINTS[taps])
    return least < taps**2 * batch * h * w and min(call.weight[:2]) >= fewest


def compute(call: Call, x: Tensor, weight: Tensor) -> Tensor:
    if call.transposed:
        return conv_transpose2d(x, weight, call.padding[0])
    return conv2d(x, weight, call.padding[0], call.stride[0])


def multiplications(call: Call) -> int:
    (h, w), taps, batch = call.small_sides, call.weight[2] // call.stride[0], call.input[0]
    m = outputs_per_tile(batch, (h, w), taps)
    tiles, phases = batch * ceil(h / m) * ceil(w / m), call.stride[0] ** 2
    return (m + taps - 1) ** 2 * tiles * phases * prod(call.weight[:2])


FORM = Form(
    "winograd",
    supports,
    pays,
    compute,
    "many channels: fewer multiplications outweigh the transforms",
    multiplications=multiplications,
)


def conv2d(x: Tensor, weight: Tensor, padding: int = 1, stride: int = 2) -> Tensor:
    """Return conv2d(x [B, L, H, W], weight [S, L, k, k], stride=stride, padding=padding): k is 4 for stride 2, or 3."""
    (H, W), k = x.shape[2:], weight.shape[2]
    small = ((H + 2 * padding - k) // stride + 1, (W + 2 * padding - k) // stride + 1)
    image, kernel, output = transforms(len(x), (H, W), small, padding, stride)
    products = batched_matmul(
        apply_linear(x, image.forward, image.adjoint), transform_weight(weight, kernel, x.dtype).mT
    )
    return apply_linear(products, output.adjoint, output.forward)


def conv_transpose2d(x: Tensor, weight: Tensor, padding: int = 1) -> Tensor:
    """Return conv_transpose2d(x [B, S, h, w], weight [S, L, 4, 4], stride=2, padding=padding)."""
    h, w = x.shape[2:]
    large = (2 * h + 2 - 2 * padding, 2 * w + 2 - 2 * padding)
    image, kernel, output = transforms(len(x), large, (h, w), padding, 2)
    products = batched_matmul(
        apply_linear(x, output.forward, output.adjoint), transform_weight(weight, kernel, x.dtype)
    )
    return apply_linear(products, image.adjoint, image.forward)


# ---- the transforms --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TiledWinograd(TiledTransform):
    """A matrix applied to the rows and the columns of each square tile."""

    matrix: Tensor
    """[P, N], float64."""
    tiles: Tiles

    def transform(self, pixels: Tensor) -> Tensor:
        return self.kronecker.to(pixels) @ pixels.flatten(0, 1)

    def transform_adjoint(self, parts: Tensor) -> Tensor:
        return self.kronecker.t().to(parts) @ parts

    @cached_property
    def kronecker(self) -> Tensor:
        return torch.kron(self.matrix, self.matrix)

    @cached_property
    def kernel(self) -> kernels.WinogradTransform:
        return kernels.WinogradTransform(self.matrix.float().contiguous())


@lru_cache(maxsize=256)
def transforms(
    batch: int, large: Sides, small: Sides, padding: int, stride: int
) -> tuple[TiledWinograd, TiledWinograd, TiledWinograd]:
    """Return the transforms of the large image, of the kernel, and of the small image, which is used as its adjoint."""
    taps = 2 if stride == 2 else 3
    m = outputs_per_tile(batch, small, taps)
    image, kernel, output = matrices(m, taps)
    counts = (ceil(small[0] / m), ceil(small[1] / m))
    n = m + taps - 1
    return (
        TiledWinograd(image, Tiles(large, counts, (n, n), (m, m), stride, (padding, padding))),
        TiledWinograd(kernel, Tiles((stride * taps, stride * taps), (1, 1), (taps, taps), (taps, taps), stride)),
        TiledWinograd(output, Tiles(small, counts, (m, m), (m, m))),
    )


def outputs_per_tile(batch: int, small: Sides, taps: int) -> int:
    """Return the m of F(m, taps) that is cheapest: the outputs of a tile down and across."""
    return min(POINTS[taps], key=lambda m: cost(batch, small, m, taps))


def cost(batch: int, small: Sides, m: int, taps: int) -> int:
    """Return the cost of F(m, taps) per pair of channels: a product per tile, and the transform of the kernel."""
    tiles = batch * ceil(small[0] / m) * ceil(small[1] / m)
    return (m + taps - 1) ** 2 * (tiles + KERNEL_COST)


@cache
def matrices(m: int, taps: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the matrices of F(m, taps) for image [P, P], kernel [P, taps] and output [P, m], with P = m + taps - 1.

    They are the transpose of a product of polynomials, whose factors are evaluated at the points, multiplied, and
    interpolated to the product's coefficients.
    """
    points = POINTS[taps][m]
    interpolation, evaluation = torch.linalg.inv(powers(points, m + taps - 1)).t(), powers(points, taps)
    # A product may be scaled if its factors are scaled back: the largest number of each row is made 1, so that no
    # product is much larger than the others.
    image, kernel = (each / each.abs().amax(1, keepdim=True) for each in (interpolation, evaluation))
    return image, kernel, powers(points, m) * (interpolation.abs().amax(1) * evaluation.abs().amax(1))[:, None]


def powers(points: Sequence[float], coefficients: int) -> Tensor:
    """[points and infinity, coefficients]: what each coefficient adds to a polynomial's value at each point."""
    finite = torch.tensor(points, dtype=torch.float64)[:, None] ** torch.arange(coefficients)
    at_infinity = torch.eye(coefficients, dtype=torch.float64)[-1:]
    return torch.cat([finite, at_infinity])
