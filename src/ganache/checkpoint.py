"""Checkpoints: one safetensors file each, tensors and a JSON header, never code.

A file is written under a temporary name, synced and renamed, so that a checkpoint either is whole or is not there.
Its header holds a SHA-256 of the tensors: a file that was damaged later is found when it is opened.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ganache import build
from ganache.config import Config, from_record
from ganache.errors import CheckpointError
from ganache.train import State
from ganache.types import Critic, Generator

SUFFIX = ".safetensors"
FORMAT = 1


def save(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write `tensors` and the JSON-able `header` to `path`, whole or not at all."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps({"format": FORMAT, "sha256": checksum(whole), **header})
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        save_file(whole, temporary, metadata={"ganache": text})
        replace_synced(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def replace_synced(temporary: Path, path: Path) -> None:
    """Rename `temporary` to `path` so that a crash or a power cut leaves the old file or the new one."""
    sync(temporary, os.O_RDWR)
    os.replace(temporary, path)
    if os.name == "posix":  # elsewhere a folder cannot be opened, and the rename is kept without it
        sync(path.parent, os.O_RDONLY)


def sync(path: Path, flags: int) -> None:
    """Wait until what was written is on the disk."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load(path: Path, prefix: str = "") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors whose names begin with `prefix`, the header). Raises CheckpointError for a damaged file."""
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("ganache", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dict)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read as a checkpoint ({error}).") from None
    if header.get("sha256") != checksum(tensors):
        raise CheckpointError(f"{path} is damaged: its contents do not match its checksum.")
    return {name: tensor for name, tensor in tensors.items() if name.startswith(prefix)}, header


def read_header(path: Path) -> dict[str, Any]:
    """The header alone, unchecked; empty for a file that cannot be read."""
    try:
        with safe_open(path, framework="pt") as file:
            return json.loads((file.metadata() or {}).get("ganache", "{}"))  # type: ignore[no-any-return]
    except (SafetensorError, OSError, ValueError):
        return {}


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, kinds, shapes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


# ---- State <-> tensors -------------------------------------------------------------------------------------------


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
    state.step, state.batches, state.seconds = header["step"], header["batches"], header["seconds"]
    state.strength, state.slowed = header.get("strength", 0.0), header.get("slowed", 1.0)


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
