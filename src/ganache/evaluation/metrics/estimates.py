"""A number and how sure it is."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Estimate(NamedTuple):
    """A measured value and its standard error."""

    value: float
    error: float


def mean_of(values: Tensor) -> Estimate:
    """The mean of independent values [N] and its standard error; the error of a single one is not known (NaN)."""
    values = values.double()
    error = values.std() / len(values) ** 0.5 if len(values) > 1 else torch.tensor(torch.nan)
    return Estimate(float(values.mean()), float(error))
