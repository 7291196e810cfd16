"""The state of a run <-> the tensors of a checkpoint (`storage` is the file format)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganache.config.config import Config, from_record
from ganache.core.storage import load
from ganache.errors import CheckpointError
from ganache.training import build
from ganache.training.loop import State
from ganache.types import Critic, Generator


def state_tensors(state: State) -> dict[str, Tensor]:
    """Every tensor of a State under a name of its own: `generator.*`, `critic.*`, `average.*`, `d_optimiser.*`, ..."""
    tensors: dict[str, Tensor] = {}
    for part, module in _modules(state).items():
        tensors |= {f"{part}.{name}": tensor for name, tensor in module.state_dict().items()}
    for part, optimiser in _optimisers(state).items():
        for index, slots in optimiser.state_dict()["state"].items():
            tensors |= {f"{part}.{index}.{slot}": torch.as_tensor(value) for slot, value in slots.items()}
    return tensors


def restore(state: State, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Put a checkpoint's tensors and counters into a State of the same settings.

    Raises CheckpointError where its weights are those of other networks.
    """
    for part, module in _modules(state).items():
        load_weights(module, tensors, f"{part}.")
    for part, optimiser in _optimisers(state).items():
        weights = [weight for group in optimiser.param_groups for weight in group["params"]]
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith(f"{part}."):
                index, slot = name.removeprefix(f"{part}.").split(".")
                slots.setdefault(int(index), {})[slot] = laid_out_like(weights[int(index)], tensor)
        optimiser.load_state_dict({"state": slots, "param_groups": optimiser.state_dict()["param_groups"]})
    state.step, state.batch_index, state.seconds = header["step"], header["batch_index"], header["seconds"]
    state.augment_p, state.lr_scale = header.get("augment_p", 0.0), header.get("lr_scale", 1.0)


def laid_out_like(weight: Tensor, tensor: Tensor) -> Tensor:
    """`tensor` in the memory order of its weight: in another order the same sums are rounded otherwise."""
    return torch.empty_like(weight).copy_(tensor) if tensor.shape == weight.shape else tensor


def _modules(state: State) -> dict[str, torch.nn.Module]:
    modules: dict[str, torch.nn.Module] = {"generator": state.generator, "critic": state.critic}
    if state.average is not state.generator:
        modules["average"] = state.average
    return modules


def _optimisers(state: State) -> dict[str, torch.optim.Optimizer]:
    return {"d_optimiser": state.d_optimiser, "g_optimiser": state.g_optimiser}


def load_weights(module: torch.nn.Module, tensors: Mapping[str, Tensor], prefix: str) -> None:
    """The tensors under `prefix` as a module's weights."""
    own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    try:
        module.load_state_dict(own)
    except RuntimeError:
        raise CheckpointError(
            f"The checkpoint's {prefix}* weights are those of another network: use the settings it was trained with, "
            "or another --out."
        ) from None


def load_generator(path: Path, average: bool = True) -> tuple[Generator, Config, dict[str, Any]]:
    """The generator of a checkpoint, with the run's settings and the file's header. No code is run from the file.

    `average` takes the averaged weights where the run kept them. Its `eval()` mode is on.
    """
    tensors, header = load(path)
    config = from_record(header["config"])
    part = "average." if average and any(name.startswith("average.") for name in tensors) else "generator."
    generator = config.network.generator(tuple(header["image_shape"]))
    load_weights(generator, tensors, part)
    return generator.eval(), config, header


def load_critic(path: Path) -> Critic:
    """The critic of a checkpoint, with the heads that its method reads. Its `eval()` mode is on."""
    tensors, header = load(path)
    config = from_record(header["config"])
    critic = config.network.critic(tuple(header["image_shape"]))
    build.add_heads(critic, config)
    load_weights(critic, tensors, "critic.")
    return critic.eval()
