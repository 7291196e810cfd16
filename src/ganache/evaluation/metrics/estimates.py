"""Estimates: numbers with standard errors."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Estimate(NamedTuple):
    """A value and its standard error."""

    value: float
    error: float


def mean_estimate(values: Tensor) -> Estimate:
    """Return the mean of independent values [N] and its standard error, which is NaN for N = 1."""
    values = values.double()
    error = values.std() / len(values) ** 0.5 if len(values) > 1 else torch.tensor(torch.nan)
    return Estimate(float(values.mean()), float(error))
