"""Going on from a trained model: a new run begins with the networks of another one, on other pictures.

All layers that fit are taken. Two networks of one family differ where the size, the classes or the latents differ, and
then the numbers in the names of their layers differ too. So layers are matched by their shapes, in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganache.config.config import Config, from_recipe, name_of
from ganache.config.sections import DataConfig, StartConfig
from ganache.errors import CheckpointError, ConfigError
from ganache.runs import checkpoint
from ganache.runs.folder import at_step, find_checkpoint
from ganache.training.state import State


@dataclass(frozen=True)
class Origin:
    """The checkpoint that a run starts from."""

    path: Path
    tensors: dict[str, Tensor]
    config: Config
    header: dict[str, Any]

    @classmethod
    def load(cls, source: str) -> Origin:
        """Load RUN, RUN@STEP, a checkpoint file, or one of the hub (hf:owner/name).

        Raises CheckpointError if it is none, MissingExtra for one of the hub without its library.
        """
        path = Path(source)
        if not path.is_file():
            folder, which = at_step(source)
            path = find_checkpoint(folder, which)
        return cls(path, *checkpoint.load_run(path))


def settings_from(origin: Origin, recipe: str | None = None) -> Config:
    """Return the settings of a run that starts from a model: its networks and training, or those of a recipe.

    Of the data only the size, and whether they are mirrored, are those of the model.
    """
    base = from_recipe(recipe) if recipe else replace(origin.config, data=DataConfig(flip=origin.config.data.flip))
    shape = origin.header["image_shape"]
    size = None if len(shape) == 1 else f"{shape[1]}x{shape[2]}" if shape[1] != shape[2] else str(shape[1])
    return replace(base, seed=0, data=replace(base.data, size=size), network=origin.config.network)


def start(state: State, config: Config) -> str:
    """Take the layers of the model that the settings start from, as `start_from` does; "" if they name none."""
    return start_from(state, Origin.load(config.start.source), config.start) if config.start.source else ""


def start_from(state: State, origin: Origin, settings: StartConfig) -> str:
    """Take all layers that fit into the networks of a new run, in place; return a sentence on what was taken.

    Raises CheckpointError if none fits, and ConfigError if optimisers are to be kept and belong to other networks.
    """
    critic, (generator, *_) = checkpoint.load_critic(origin.path), checkpoint.load_generator(origin.path, average=False)
    taken = {"generator": take(state.generator, generator), "critic": take(state.critic, critic)}
    if not any(count for count, _ in taken.values()):
        family = name_of("network", origin.config.network)
        shape = "x".join(map(str, origin.header["image_shape"]))
        raise CheckpointError(
            f"No layer of {origin.path} fits: it holds networks of the family {family} for {shape} (channels, height, "
            "width); use the same family, with the same width."
        )
    if state.average is not state.generator:
        take(state.average, checkpoint.load_generator(origin.path)[0])
    if settings.optimisers == "kept":
        if any(count < total for count, total in taken.values()):
            raise ConfigError(
                "start.optimisers is 'kept', and not all layers fit, so there is nothing to keep for the others: use "
                "fresh optimisers."
            )
        checkpoint.restore_optimisers(state, origin.tensors)
    counts = " and ".join(f"{count} of {total} layers of the {part}" for part, (count, total) in taken.items())
    step = origin.header["step"]
    frozen = f" Not trained: {', '.join(settings.freeze)}." if settings.freeze else ""
    return f"The run starts from {origin.path}, trained for {step:,} steps: {counts} are taken.{frozen}"


@torch.no_grad()
def take(network: nn.Module, trained: nn.Module) -> tuple[int, int]:
    """Copy the layers that fit into a network; return (layers with weights that were taken, all that it has).

    Layers fit if their names have the same words, and their tensors the same shapes.
    """
    own, other = (layers_of(each.state_dict(keep_vars=True)) for each in (network, trained))
    names, others = list(own), list(other)
    kinds = [[signature(name, layers[name]) for name in layers] for layers in (own, other)]
    taken = set()
    for a, b, size in SequenceMatcher(a=kinds[0], b=kinds[1], autojunk=False).get_matching_blocks():
        for name, source in zip(names[a : a + size], others[b : b + size], strict=True):
            for leaf, tensor in own[name].items():
                tensor.copy_(other[source][leaf])
            taken.add(name)
    with_weights = [
        name for name, leaves in own.items() if any(isinstance(each, nn.Parameter) for each in leaves.values())
    ]
    return len(taken.intersection(with_weights)), len(with_weights)


def layers_of(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return layer -> name inside it -> tensor, in the order of the network.

    A layer is a module with tensors of its own, and all modules inside it.
    """
    found: dict[str, dict[str, Tensor]] = {}
    modules = {name.rpartition(".")[0] for name in tensors} - {""}
    for name, tensor in tensors.items():
        parts = name.split(".")
        parents = (".".join(parts[:length]) for length in range(1, len(parts)))
        layer = next((parent for parent in parents if parent in modules), "")
        found.setdefault(layer, {})[name.removeprefix(f"{layer}.")] = tensor
    return found


def signature(module: str, leaves: Mapping[str, Tensor]) -> tuple[Any, ...]:
    """Return what two layers must have in common: the words of their names, and the shapes of their tensors."""
    words = tuple(word for word in module.split(".") if not word.isdigit())
    return (words, *((leaf, tuple(tensor.shape)) for leaf, tensor in leaves.items()))


# ---- parts that are not trained --------------------------------------------------------------------------------------


def freeze(state: State, parts: tuple[str, ...]) -> None:
    """Exclude parts of the networks from training: critic:first-3, generator:mapping, ...

    `first-N` and `last-N` are layers with weights, counted from the input (Mo et al. 2020, "Freeze the discriminator",
    freezes the critic's first ones); any other word selects the layers whose name has it. Raises ConfigError if there
    is no such part, and if nothing of a network is left to train.
    """
    for part in parts:
        name, _, which = part.partition(":")
        network: Any = {"generator": state.generator, "critic": state.critic}.get(name)
        if network is None:
            raise ConfigError(f"start.freeze is '{part}': begin with critic or generator, as in critic:first-3.")
        layers = {key: leaves for key, leaves in layers_of(dict(network.named_parameters())).items() if leaves}
        chosen = chosen_layers(list(layers), which)
        if not chosen:
            known = ", ".join(dict.fromkeys(key.split(".")[0] for key in layers if key))
            raise ConfigError(
                f"start.freeze is '{part}', and the {name} has no such layers: use first-N, last-N, {known}."
            )
        network.frozen = [*network.frozen, *(weight for key in chosen for weight in layers[key].values())]
        network.requires_grad_(True)
        if not any(weight.requires_grad for weight in network.parameters()):
            raise ConfigError(
                f"start.freeze is '{' '.join(parts)}', which leaves nothing of the {name} to train: freeze fewer "
                "layers, as in critic:first-3."
            )


def chosen_layers(names: list[str], which: str) -> list[str]:
    """Return the layers that a word selects.

    >>> chosen_layers(["first", "blocks.0", "blocks.1", "head"], "first-2")
    ['first', 'blocks.0']
    >>> chosen_layers(["first", "blocks.0", "blocks.1", "head"], "blocks")
    ['blocks.0', 'blocks.1']
    """
    end, _, count = which.partition("-")
    if end in ("first", "last") and count.isdigit() and count.isascii():
        number = min(int(count), len(names))
        return names[:number] if end == "first" else names[len(names) - number :]
    return [name for name in names if not which or which in name]
