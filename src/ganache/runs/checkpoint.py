"""Conversion between the state of a run and the tensors of a checkpoint (`core.storage` defines the file format)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganache.config.config import Config, from_record
from ganache.core.checkpoint_file import load
from ganache.errors import CheckpointError
from ganache.training import build
from ganache.training.state import State
from ganache.types import Critic, Generator


def state_tensors(state: State) -> dict[str, Tensor]:
    """Return every tensor of a State by name: `generator.*`, `critic.*`, `average.*`, `d_optimiser.*`, ..."""
    tensors: dict[str, Tensor] = {}
    for part, module in _modules(state).items():
        tensors |= {f"{part}.{name}": tensor for name, tensor in module.state_dict().items()}
    for part, optimiser in _optimisers(state).items():
        for index, slots in optimiser.state_dict()["state"].items():
            tensors |= {f"{part}.{index}.{slot}": torch.as_tensor(value) for slot, value in slots.items()}
    return tensors


def state_header(state: State) -> dict[str, Any]:
    """Return the numbers of a State that are no tensors, for the header of a checkpoint."""
    return {
        "step": state.step,
        "batch_index": state.batch_index,
        "seconds": state.seconds,
        "augment_p": state.augment_p,
        "lr_scale": state.lr_scale,
    }


def restore(state: State, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Restore a State of the same settings from the tensors and the header of a checkpoint, in place.

    Raises CheckpointError if the weights belong to other networks.
    """
    for part, module in _modules(state).items():
        load_weights(module, tensors, f"{part}.")
    for part, optimiser in _optimisers(state).items():
        weights = [weight for group in optimiser.param_groups for weight in group["params"]]
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith(f"{part}."):
                index, slot = name.removeprefix(f"{part}.").split(".")
                slots.setdefault(int(index), {})[slot] = with_layout_of(weights[int(index)], tensor)
        optimiser.load_state_dict({"state": slots, "param_groups": optimiser.state_dict()["param_groups"]})
    state.step, state.batch_index, state.seconds = header["step"], header["batch_index"], header["seconds"]
    state.augment_p, state.lr_scale = header.get("augment_p", 0.0), header.get("lr_scale", 1.0)


def with_layout_of(weight: Tensor, tensor: Tensor) -> Tensor:
    """Return `tensor` with the memory layout of `weight`: in another layout, sums are rounded differently."""
    return torch.empty_like(weight).copy_(tensor) if tensor.shape == weight.shape else tensor


def _modules(state: State) -> dict[str, torch.nn.Module]:
    modules: dict[str, torch.nn.Module] = {"generator": state.generator, "critic": state.critic}
    if state.average is not state.generator:
        modules["average"] = state.average
    return modules


def _optimisers(state: State) -> dict[str, torch.optim.Optimizer]:
    return {"d_optimiser": state.d_optimiser, "g_optimiser": state.g_optimiser}


def load_weights(module: torch.nn.Module, tensors: Mapping[str, Tensor], prefix: str) -> None:
    """Load the tensors whose names start with `prefix` into a module."""
    weights = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    try:
        module.load_state_dict(weights)
    except RuntimeError:
        raise CheckpointError(
            f"The checkpoint's {prefix}* weights belong to another network: use the settings it was trained with, or "
            "another --out."
        ) from None


def load_generator(path: Path, average: bool = True) -> tuple[Generator, Config, dict[str, Any]]:
    """Return (the generator of a checkpoint in `eval` mode, the run's settings, the file's header).

    `average` selects the averaged weights if the run kept them. No code from the file is executed. Raises
    CheckpointError for a damaged file.
    """
    tensors, header = load(path)
    config = from_record(header["config"])
    part = "average." if average and any(name.startswith("average.") for name in tensors) else "generator."
    generator = config.network.generator(tuple(header["image_shape"]))
    load_weights(generator, tensors, part)
    return generator.eval(), config, header


def load_critic(path: Path) -> Critic:
    """Return the critic of a checkpoint in `eval` mode, with the heads that its method uses."""
    tensors, header = load(path)
    config = from_record(header["config"])
    critic = config.network.critic(tuple(header["image_shape"]))
    build.add_heads(critic, config)
    load_weights(critic, tensors, "critic.")
    return critic.eval()
