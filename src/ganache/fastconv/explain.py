"""Show which form computes each layer of a model, and why.

The rows come from the choices that a forward pass makes, by the same `choose` that every training step uses.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from ganache.fastconv.choose import Record, recorded
from ganache.fastconv.form import Call, Choice
from ganache.fastconv.fused import FusedSequential, FusesActivation, fused_slope, has_hooks
from ganache.fastconv.layers import Conv2d, ConvTranspose2d


@dataclass(frozen=True)
class Row:
    """One call of a layer."""

    name: str
    """The layer's name in the model, as in `named_modules`."""
    shape: str
    """Input and output, channels x height x width."""
    form: str
    """The name of the form, or "pytorch"."""
    reason: str
    made: int | None
    """Multiplications of the forward pass as they are made, without those of transforms; None where not counted."""
    written: int | None
    """Multiplications of the layer as it is written."""

    @property
    def ratio(self) -> float | None:
        return self.made / self.written if self.made is not None and self.written else None


@dataclass(frozen=True)
class Explanation:
    """The rows of `explain`; str() prints them as a table."""

    rows: tuple[Row, ...]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, name: str) -> Row:
        """Return the row of the layer of this name; raises KeyError where there is none."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    def __str__(self) -> str:
        if not self.rows:
            return "No layer is a convolution or batch norm."
        cells: list[tuple[str, ...]] = [("layer", "input -> output", "form", "made / written", "why")]
        for row in self.rows:
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
            cells.append((row.name, row.shape, row.form, ratio, row.reason))
        return print_table(cells)


def print_table(cells: list[tuple[str, ...]]) -> str:
    """Return rows of text as columns of equal width."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def explain(model: nn.Module, *inputs: Tensor) -> Explanation:
    """Return one row per convolution and batch norm of a forward pass of `model`.

    The pass runs on a copy of the model, so running statistics and random numbers stay as they are. The choice depends
    on the surroundings of the call: training or evaluation mode, autocast, whether gradients are on, and whether the
    input requires a gradient. Call it as a training step would call the model. Layers that fastconv does not handle,
    such as a plain torch.nn.Conv2d, have the form "pytorch".
    """
    twin = copy.deepcopy(model)
    names = {layer: name for name, layer in twin.named_modules()}
    with trace(twin) as records, torch.random.fork_rng(devices=[]):
        twin(*inputs)
    notes = fusion_notes(twin)
    return Explanation(tuple(row(each, names, notes) for each in records))


def row(record: Record, names: dict[nn.Module, str], notes: dict[nn.Module, str]) -> Row:
    layer, (form, reason, call) = record.layer, record.choice
    name = "?" if layer is None else names.get(layer, "?")
    if layer is not None and layer in notes:
        note = notes[layer]
        fused = note.startswith("fused with ") and form is None  # PyTorch's operation, and the activation in its memory
        reason = f"{reason}; {note.removeprefix('fused with ')} is applied in place" if fused else f"{reason}; {note}"
    made = form.multiplications(call) if form else call.multiplications
    return Row(name, shapes(call), form.name if form else "pytorch", reason, made, call.multiplications)


def shapes(call: Call) -> str:
    """Return the input's and the output's shape as text."""
    text = "x".join(map(str, call.input[1:]))
    if call.regular and call.operation != "batch_norm":
        channels = call.weight[1] if call.transposed else call.weight[0]
        text += f" -> {'x'.join(map(str, (channels, *call.output_sides)))}"
    return text


@contextmanager
def trace(model: nn.Module) -> Iterator[list[Record]]:
    """Record every choice in a forward pass of `model`, each with the layer that made it, and plain convolutions too.

    Global module hooks are used, which do not separate a layer from a fused activation.
    """
    inside = set(model.modules())
    stack: list[nn.Module] = []
    found: list[Record] = []

    def enter(layer: nn.Module, given: Any) -> None:
        stack.append(layer)

    def leave(layer: nn.Module, given: Any, output: Any) -> None:
        stack.pop()
        take(layer)
        if type(layer) in (nn.Conv2d, nn.ConvTranspose2d) and layer in inside:
            found.append(Record(layer, given[0], plain_choice(layer, given[0])))

    def take(layer: nn.Module | None) -> None:
        found.extend(each if each.layer is not None else each._replace(layer=layer) for each in records)
        records.clear()

    with recorded() as records:
        hooks = register_module_forward_pre_hook(enter), register_module_forward_hook(leave, always_call=True)
        try:
            yield found
        finally:
            for hook in hooks:
                hook.remove()


def plain_choice(layer: nn.Module, x: Tensor) -> Choice:
    """Return PyTorch's operation as the choice for a layer that fastconv does not handle."""
    describe = ConvTranspose2d.describe if isinstance(layer, nn.ConvTranspose2d) else Conv2d.describe
    return Choice(None, f"a plain torch.nn.{type(layer).__name__}, which always takes PyTorch", describe(layer, x))  # type: ignore[arg-type]


def fusion_notes(model: nn.Module) -> dict[nn.Module, str]:
    """Return, for each layer that could fuse the activation after it, whether it does."""
    notes: dict[nn.Module, str] = {}
    for sequence in model.modules():
        if isinstance(sequence, FusedSequential):
            for layer, after in pairwise(sequence):
                if not isinstance(layer, FusesActivation) or not isinstance(after, nn.ReLU | nn.LeakyReLU):
                    continue
                if fused_slope(layer, after) is not None:
                    notes[layer] = f"fused with {type(after).__name__}"
                elif has_hooks(layer) or has_hooks(after):
                    notes[layer] = f"not fused with {type(after).__name__}, because of a hook"
    return notes
