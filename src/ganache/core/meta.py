"""PyTorch's meta device, on which tensors have a shape and no values, to build networks without memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


def empty_like(x: Tensor) -> Tensor:
    """PyTorch's own function calls a reference for a tensor that is a view."""
    return torch.empty(x.shape, dtype=x.dtype)


META = torch.device("meta")
IN_PLACE = {Tensor.normal_, Tensor.uniform_, Tensor.mul_, Tensor.div_}
FACTORIES = {torch.randn: torch.empty, torch.rand: torch.empty, torch.randn_like: empty_like}


class WithoutValues(TorchFunctionMode):
    """Leaves out what sets the values of tensors, which have none on the meta device.

    PyTorch computes random functions there by references in Python. The first call of one loads the whole compiler,
    which takes more than a second: as long as all else that a command does before its first picture.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in IN_PLACE or getattr(func, "__module__", None) == torch.nn.init.__name__:
            tensor = args[0] if args else kwargs["tensor"]
            if tensor.is_meta:
                return tensor
        return FACTORIES.get(func, func)(*args, **kwargs)


@contextmanager
def on_meta() -> Iterator[None]:
    """Make new tensors on the meta device."""
    with META, WithoutValues():
        yield
