"""Compare each layer of a model, computed by its form, with PyTorch's own operation: output and gradients."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganache.fastconv.explain import print_table, trace
from ganache.fastconv.switch import use

TOLERANCE = {False: 1e-4, True: 0.05}
"""Largest relative error that rounding explains, in float32 and under autocast to bfloat16."""


@dataclass(frozen=True)
class Difference:
    """The relative errors ||fast - pytorch|| / ||pytorch|| of one call of a layer."""

    name: str
    form: str
    errors: dict[str, float]
    """Of "output", "input gradient", one per parameter, and "second derivative", as a gradient penalty takes it."""
    tolerance: float

    @property
    def wrong(self) -> tuple[str, ...]:
        """The quantities that differ by more than rounding, NaN included."""
        return tuple(name for name, error in self.errors.items() if not error <= self.tolerance)


@dataclass(frozen=True)
class Report:
    """The differences of all layers; str() prints them as a table."""

    differences: tuple[Difference, ...]

    def __iter__(self) -> Iterator[Difference]:
        return iter(self.differences)

    @property
    def wrong(self) -> tuple[Difference, ...]:
        return tuple(each for each in self.differences if each.wrong)

    def __str__(self) -> str:
        if not self.differences:
            return "No layer uses a form."
        cells: list[tuple[str, ...]] = [("layer", "form", "largest error", "differs from PyTorch in")]
        for each in self.differences:
            cells.append((each.name, each.form, f"{max(each.errors.values()):.1e}", ", ".join(each.wrong) or "nothing"))
        return print_table(cells)


def check(model: nn.Module, *inputs: Tensor) -> Report:
    """Compare each layer of a forward pass of `model` with PyTorch's operation in float32.

    Each layer that a form computes is run alone, on the input that it had in the pass: by its form, under the caller's
    autocast, and by PyTorch without autocast. Layers that PyTorch computes anyway are left out.
    """
    twin = copy.deepcopy(model)
    names = {layer: name for name, layer in twin.named_modules()}
    with trace(twin) as records, torch.random.fork_rng(devices=[]):
        twin(*inputs)
    return Report(
        tuple(
            compare(names.get(each.layer, "?"), each.choice.form.name, each.layer, each.x, each.choice.call.autocast)
            for each in records
            if each.choice.form is not None and each.layer is not None
        )
    )


def compare(name: str, form: str, layer: nn.Module, x: Tensor, autocast: bool) -> Difference:
    def fast(layer: nn.Module, x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            y: Tensor = layer(x)
        return y

    def pytorch(layer: nn.Module, x: Tensor) -> Tensor:
        with use("pytorch"), torch.autocast("cpu", enabled=False):
            y: Tensor = layer(x.float())
        return y

    found, expected = derivatives(fast, layer, x), derivatives(pytorch, layer, x)
    errors = {key: relative_error(found[key], right) for key, right in expected.items()}
    return Difference(name, form, errors, TOLERANCE[autocast])


def derivatives(run: Callable[[nn.Module, Tensor], Tensor], layer: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """Return output, gradients and the second derivative of one call, on a copy of the layer."""
    layer, x = copy.deepcopy(layer), x.detach().clone().requires_grad_()
    parameters = dict(layer.named_parameters())
    y = run(layer, x)
    direction = torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    loss = (y.float() * direction).sum()
    first = torch.autograd.grad(loss, [x, *parameters.values()], retain_graph=True)
    results = {"output": y, "input gradient": first[0]}
    results |= {f"{name} gradient": gradient for name, gradient in zip(parameters, first[1:], strict=True)}
    (slope,) = torch.autograd.grad(loss, x, create_graph=True)
    weight = parameters.get("weight", next(iter(parameters.values())))
    (results["second derivative"],) = torch.autograd.grad(slope.float().square().sum(), weight)
    return {name: value.detach().double() for name, value in results.items()}


def relative_error(found: Tensor, right: Tensor) -> float:
    return float((found - right).norm() / right.norm().clamp_min(1e-30))
