"""The table of forms, and `choose`, the one function that decides which form computes a layer.

To add a form, write a file with a `Form` and add it to FORMS; to delete one, delete its file and its two lines here.
Whatever no form takes is computed by PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple, Protocol

from torch import Tensor, nn

from ganache.fastconv import batch_norm, fourier, im2col, kn2row, narrow_channels, subpixel, upsample, winograd
from ganache.fastconv.form import Call, Choice, Form
from ganache.fastconv.switch import is_fast

FORMS: tuple[Form, ...] = (
    winograd.FORM,
    kn2row.FORM,
    fourier.FORM,
    narrow_channels.FORM,
    subpixel.FORM,
    im2col.FORM,
    upsample.FOURIER,
    upsample.MIX_FIRST,
    batch_norm.FORM,
)
"""Asked in this order; the first form that supports a call and pays is chosen."""


class Layer(Protocol):
    """A layer that can describe its calls."""

    def describe(self, x: Tensor) -> Call:
        """Return what is known about a call of this layer with `x`."""


def choose(layer: Layer, x: Tensor) -> Choice:
    """Return the form that computes `layer` for the input `x`, and the reason."""
    return decide(layer.describe(x), layer, x)


def decide(call: Call, layer: Layer | None, x: Tensor) -> Choice:
    """Return the form for `call`; `layer` is None for a function, such as `conv4x4`."""
    if not is_fast():
        choice = Choice(None, "switched off by use('pytorch') or GANACHE_FASTCONV", call)
    elif call.compiling:
        choice = pick(call)  # symbolic sizes cannot be keys of a cache
    else:
        choice = cached_pick(call)
    for records in _recorders:
        records.append(Record(layer if isinstance(layer, nn.Module) else None, x, choice))
    return choice


def pick(call: Call) -> Choice:
    """Return the first form of the table that supports the call and pays, or PyTorch's operation."""
    considered = []
    for form in FORMS:
        if form.supports(call):
            if form.pays(call):
                return Choice(form, form.reason, call)
            considered.append(form.name)
    return Choice(None, why_not(call, considered), call)


cached_pick = lru_cache(maxsize=4096)(pick)


def why_not(call: Call, considered: list[str]) -> str:
    """Return why PyTorch's own operation computes the call."""
    if call.device != "cpu":
        return f"on {call.device}, and the forms are for CPUs"
    if call.compiling:
        return "exported or compiled, which takes plain layers"
    if not considered:
        return "no form supports it"
    beside = ", as AMX makes multiplications cheap" if call.on_matrix_units else ""
    return f"not worth it here: {', '.join(considered)}{beside}"


# ---- a trace of the choices, for `explain` and `compare` -------------------------------------------------------------


class Record(NamedTuple):
    """One choice that was made during a forward pass."""

    layer: nn.Module | None
    x: Tensor
    choice: Choice


_recorders: list[list[Record]] = []


@contextmanager
def recorded() -> Iterator[list[Record]]:
    """Collect every choice that is made inside the `with` block."""
    records: list[Record] = []
    _recorders.append(records)
    try:
        yield records
    finally:
        _recorders[:] = [each for each in _recorders if each is not records]
