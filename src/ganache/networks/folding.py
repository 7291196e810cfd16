"""A generator that only makes pictures: each convolution and the batch norm behind it as one layer."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise
from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.nn.utils.parametrize import is_parametrized

N = TypeVar("N", bound=nn.Module)


def folded(network: N) -> N:
    """A copy in `eval` mode whose values are the same to rounding; it cannot go on training."""
    alone = deepcopy(network).eval()
    for stack in [module for module in alone.modules() if isinstance(module, nn.Sequential)]:
        for place, (layer, norm) in enumerate(pairwise(stack)):
            if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) or not isinstance(norm, nn.BatchNorm2d):
                continue
            if not is_parametrized(layer):
                one = fuse_conv_bn_eval(layer, norm, transpose=isinstance(layer, nn.ConvTranspose2d))  # type: ignore[type-var]
                stack[place], stack[place + 1] = one, nn.Identity()
    return alone
