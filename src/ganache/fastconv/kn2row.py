"""The form "kn2row": convolutions of stride 1 from many channels to at most four, such as a generator's last layer.

Channels are mixed once per pixel and tap, and the results of the taps are moved and summed (`tap_sums.py`). The number
of multiplications stays the same, but they are one large matrix product instead of many with 3 columns.
"""

from __future__ import annotations

from math import prod

from torch import Tensor

from ganache.fastconv import tap_sums
from ganache.fastconv.form import FEWEST_PIXELS, NARROW_CHANNELS, Call, Form

FEWEST_INPUT_CHANNELS = 128


def supports(call: Call) -> bool:
    return call.on_cpu and call.regular and call.operation == "conv2d" and call.keeps_sides


def pays(call: Call) -> bool:
    (outputs, inputs, *kernel), (batch, _, *sides) = call.weight, call.input
    large = batch * prod(sides) >= FEWEST_PIXELS and prod(kernel) > 1
    return large and outputs <= NARROW_CHANNELS and inputs >= FEWEST_INPUT_CHANNELS and not call.on_matrix_units


def compute(call: Call, x: Tensor, weight: Tensor) -> Tensor:
    return tap_sums.conv2d(x, weight)


FORM = Form("kn2row", supports, pays, compute, "many channels to at most 4: mixed first, once per tap")
