"""Evaluation mode for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(*networks: nn.Module) -> Iterator[None]:
    """Put networks into evaluation mode, and back at the end exactly the modules that were in training mode.

    Networks that are in evaluation mode already are not written to, so threads may share them. (With
    `network.train(True)`, a new module around a shared network would put that into training mode, where another
    thread's computation changes its running statistics.)
    """
    switched = [module for network in networks for module in network.modules() if module.training]
    for module in switched:
        module.training = False
    try:
        yield
    finally:
        for module in switched:
            module.training = True
