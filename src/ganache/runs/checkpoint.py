"""Conversion between the state of a run and the tensors of a checkpoint; `core.checkpoint_file` is the file format."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn.modules.module import register_module_parameter_registration_hook

from ganache.config.config import Config, from_record
from ganache.config.rules import refuse_too_many_codes
from ganache.core.checkpoint_file import load
from ganache.core.meta import on_meta
from ganache.core.strict import numbers_of
from ganache.errors import CheckpointError, DamagedCheckpoint
from ganache.networks import NETWORKS
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

    Raises CheckpointError, and changes nothing, if the weights belong to other networks, or the rest to another
    optimiser.
    """
    for part, module in _modules(state).items():
        require_same_weights(module, tensors, f"{part}.")
    restore_optimisers(state, tensors)
    for part, module in _modules(state).items():
        module.load_state_dict(weights_of(tensors, f"{part}."))
    state.step, state.batch_index, state.seconds = header["step"], header["batch_index"], header["seconds"]
    state.augment_p, state.lr_scale = header.get("augment_p", 0.0), header.get("lr_scale", 1.0)


def restore_optimisers(state: State, tensors: Mapping[str, Tensor]) -> None:
    """Restore both optimisers, or raise CheckpointError and change nothing if the tensors belong to others."""
    slots = {part: _slots(part, optimiser, tensors) for part, optimiser in _optimisers(state).items()}
    for part, optimiser in _optimisers(state).items():
        optimiser.load_state_dict({"state": slots[part], "param_groups": optimiser.state_dict()["param_groups"]})


def _slots(part: str, optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """Return the state of an optimiser per weight. Raises CheckpointError if it is that of another optimiser."""
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    expected = next(names for kind, names in SLOTS.items() if isinstance(optimiser, kind))
    slots: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, slot = name.removeprefix(f"{part}.").partition(".")
        if not name.startswith(f"{part}."):
            continue
        known = (
            slot in expected and index.isascii() and index.isdigit() and len(index) < 9 and int(index) < len(weights)
        )
        if not known or tensor.shape not in (weights[int(index)].shape, ()):
            raise CheckpointError(f"The checkpoint's {name[:60]} belongs to another optimiser: use another --out.")
        slots.setdefault(int(index), {})[slot] = with_layout_of(weights[int(index)], tensor)
    if any(set(names) != expected for names in slots.values()):
        raise CheckpointError(f"The checkpoint's {part}.* belongs to another optimiser: use another --out.")
    return slots


SLOTS: dict[type[torch.optim.Optimizer], set[str]] = {
    torch.optim.Adam: {"step", "exp_avg", "exp_avg_sq"},
    torch.optim.RMSprop: {"step", "square_avg"},
    torch.optim.SGD: {"momentum_buffer"},
}
"""What an optimiser keeps per weight."""


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
    """Load the tensors whose names start with `prefix` into a module. Raises CheckpointError if they are of another."""
    require_same_weights(module, tensors, prefix)
    module.load_state_dict(weights_of(tensors, prefix))


def weights_of(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names start with `prefix`, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def require_same_weights(module: torch.nn.Module, tensors: Mapping[str, Tensor], prefix: str) -> None:
    """Raise CheckpointError unless a module has the tensors whose names start with `prefix`, in the same shapes."""
    expected = {name: tensor.shape for name, tensor in module.state_dict().items()}
    if expected != {name: tensor.shape for name, tensor in weights_of(tensors, prefix).items()}:
        raise of_another_network(prefix)


def of_another_network(prefix: str) -> CheckpointError:
    return CheckpointError(
        f"The checkpoint's {prefix}* weights belong to another network: use the settings it was trained with, or "
        "another --out."
    )


# ---- networks of a checkpoint that may come from somebody else -------------------------------------------------------

Built = TypeVar("Built", bound=torch.nn.Module)
LARGEST_SETTING = 2**20
"""The largest whole number in the settings of a network."""


def load_run(path: Path) -> tuple[dict[str, Tensor], Config, dict[str, Any]]:
    """Return (tensors, settings, header) of a run's checkpoint. Raises CheckpointError or ConfigError if it is none."""
    tensors, header = load(path)
    if "config" not in header:
        raise DamagedCheckpoint(f"{path} is no checkpoint of a run: it holds no settings.")
    config = from_record(header["config"])
    for name, value in numbers_of({"network": vars(config.network), "data": {"classes": config.data.classes}}):
        if abs(value) > LARGEST_SETTING:
            raise CheckpointError(f"{path} has the setting {name.replace('/', '.')} of {value:.3g}: it is damaged.")
    refuse_too_many_codes(config)
    return tensors, config, header


def built(config: Config, make: Callable[[], Built], tensors: Mapping[str, Tensor], prefix: str) -> Built:
    """Return a new network in `eval` mode with the tensors whose names start with `prefix`.

    It is built without memory at first (on PyTorch's meta device), and for real only if it has the same weights in
    the same shapes. Building ends as soon as a network becomes larger than that. Raises CheckpointError if it has
    others.
    """
    try:
        with bounded(tensors, prefix), on_meta():
            sketch: Built | None = make()
    except (RuntimeError, TypeError, ValueError, OverflowError):
        sketch = None  # sizes that overflow, or a network of a plugin that needs the values of its tensors
    if sketch is not None:
        require_same_weights(sketch, tensors, prefix)
    try:
        with bounded(tensors, prefix):
            network = make()
    except RuntimeError as error:
        if NETWORKS.is_built_in(type(config.network)):
            raise of_another_network(prefix) from error
        raise
    load_weights(network, tensors, prefix)
    return network.eval()


@contextmanager
def bounded(tensors: Mapping[str, Tensor], prefix: str) -> Iterator[None]:
    """Raise CheckpointError as soon as a network that is being built is larger than the weights of a checkpoint."""
    sizes = [tensor.numel() for tensor in weights_of(tensors, prefix).values()]
    most, largest = 2 * len(sizes) + 100, 4 * max(sizes, default=0)
    count, thread = itertools.count(1), threading.get_ident()

    def require_plausible(module: torch.nn.Module, name: str, weight: Any) -> None:
        if weight is None or threading.get_ident() != thread:  # the hook is called for all modules of the process
            return
        if next(count) > most or weight.numel() > largest:
            raise of_another_network(prefix)

    hook = register_module_parameter_registration_hook(require_plausible)
    try:
        yield
    finally:
        hook.remove()


def load_generator(path: Path, average: bool = True) -> tuple[Generator, Config, dict[str, Any]]:
    """Return (the generator of a checkpoint in `eval` mode, the run's settings, the file's header).

    `average` selects the averaged weights if the run kept them. No code from the file is executed. Raises
    CheckpointError for a damaged file.
    """
    tensors, config, header = load_run(path)
    part = "average." if average and any(name.startswith("average.") for name in tensors) else "generator."
    require_part(path, tensors, part)
    shape = tuple(header["image_shape"])

    def make() -> Generator:
        return build.with_category(config.network.generator(shape), config)

    return built(config, make, tensors, part), config, header


def require_part(path: Path, tensors: Mapping[str, Tensor], part: str) -> None:
    """Raise CheckpointError for a file that lacks the network whose tensors start with `part`, such as a snapshot."""
    if not any(name.startswith(part) for name in tensors):
        raise CheckpointError(
            f"{path} holds one generator alone, and this needs the {part.removesuffix('.')}: use a checkpoint."
        )


def load_critic(path: Path) -> Critic:
    """Return the critic of a checkpoint in `eval` mode, with the heads that its method uses."""
    tensors, config, header = load_run(path)

    require_part(path, tensors, "critic.")

    def make() -> Critic:
        critic = config.network.critic(tuple(header["image_shape"]))
        build.add_heads(critic, config)
        return critic

    return built(config, make, tensors, "critic.")
