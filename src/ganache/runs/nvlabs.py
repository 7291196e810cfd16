"""StyleGAN2 networks in the pickles of NVlabs/stylegan2-ada-pytorch and stylegan3, turned into a run. No code runs.

Such a pickle holds each module as the source of its class and its attributes (`torch_utils/persistence.py`). The
source is ignored: the tensors and the numbers that describe the networks are read, and all names that the pickle refers
to, except a few that rebuild tensors, stand for objects that do nothing.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganache.config.config import Config, recipe, to_dict
from ganache.core import checkpoint_file
from ganache.core.meta import on_meta
from ganache.core.storage import create_folder, read_bytes, write_json
from ganache.errors import CheckpointError
from ganache.networks import Style
from ganache.runs.data import UNKNOWN
from ganache.runs.file_names import PARTS, checkpoint_path
from ganache.runs.resume import DATA_FINGERPRINT
from ganache.types import Critic, Generator

MAX_BYTES = 2**31
"""Size of a file that is read."""


MAX_TUPLES = 20_000
"""Tuples in a pickle, which are a few for each tensor. Hashing deeply nested ones would overflow the stack."""
MAX_MEMO = 1_000_000
"""Largest number of an object that a pickle refers to again: memory is set aside for as many."""
SIDES = tuple(2**power for power in range(2, 11))
"""Sides of the layers that networks may have: 4 to 1,024."""


class Inert:
    """Stands for every object that is not needed: it accepts any arguments and any state, and does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        pass

    def extend(self, values: Any) -> None:
        pass


class Module:
    """A module of the pickle: the name of its class, and its attributes."""

    def __init__(self, meta: Any) -> None:
        meta = meta if isinstance(meta, Mapping) else {}
        state = meta.get("state")
        self.attributes = state if isinstance(state, Mapping) else {}

    def __setstate__(self, state: Any) -> None:
        pass

    def tensors(self, prefix: str = "", seen: set[int] | None = None) -> dict[str, Tensor]:
        """Return the parameters and buffers of the module and of those inside it, by name.

        Raises ValueError for numbers that are none, and for a tensor that is larger than what the file holds of it.
        """
        found: dict[str, Tensor] = {}
        seen = set() if seen is None else seen
        if id(self) in seen:  # a hostile file may have a module that holds itself
            return found
        seen.add(id(self))
        for group in ("_parameters", "_buffers"):
            entries = self.attributes.get(group)
            for name, value in (entries if isinstance(entries, Mapping) else {}).items():
                if isinstance(value, Tensor):
                    found[f"{prefix}{name}"] = own_numbers(value)
        modules = self.attributes.get("_modules")
        for name, module in (modules if isinstance(modules, Mapping) else {}).items():
            if isinstance(module, Module):
                found |= module.tensors(f"{prefix}{name}.", seen)
        return found


def own_numbers(tensor: Tensor) -> Tensor:
    """Return a tensor in float32; raise ValueError if it repeats its storage, or if a number is NaN or infinite."""
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise ValueError("a tensor is larger than its storage")
    numbers = tensor.detach().float()
    if not numbers.isfinite().all():
        raise ValueError("a weight is not a number")
    return numbers


class Attributes(dict[str, Any]):
    """dnnlib's EasyDict."""

    def __setstate__(self, state: Any) -> None:
        self.update(state if isinstance(state, Mapping) else {})


def storage(content: bytes) -> Any:
    """Return the storage of a tensor, by PyTorch's own loader of data without code."""
    require_plausible(content, pickles=5)  # a number, a version, the machine, the storage's kind, and its key
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def parameter(data: Any, requires_grad: bool, hooks: Any) -> Any:
    return data


class Function:
    """A function that a pickle may call. It may not set attributes of it, as it could of the function itself."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call

    def __call__(self, *arguments: Any) -> Any:
        return self.call(*arguments)

    def __setstate__(self, state: Any) -> None:
        pass


ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): Module,
    ("dnnlib.util", "EasyDict"): Attributes,
    ("torch._utils", "_rebuild_tensor_v2"): Function(torch._utils._rebuild_tensor_v2),
    ("torch._utils", "_rebuild_parameter"): Function(parameter),
    ("torch.storage", "_load_from_bytes"): Function(storage),
}
"""What the names in a pickle stand for; all others are Inert."""


class Reader(pickle.Unpickler):
    """An unpickler that looks up nothing outside ALLOWED."""

    def find_class(self, module: str, name: str) -> Any:
        return ALLOWED.get((module, name), Inert)

    def persistent_load(self, key: Any) -> Any:
        return Inert()


def require_plausible(content: bytes, pickles: int = 1) -> None:
    """Raise ValueError for pickles that would exhaust the stack or the memory of the process that reads them."""
    stream, tuples = io.BytesIO(content), 0
    for _ in range(pickles):
        for opcode, argument, _ in pickletools.genops(stream):
            tuples += opcode.name.startswith("TUPLE")
            if tuples > MAX_TUPLES:
                raise ValueError("too many tuples")
            if "PUT" in opcode.name and isinstance(argument, int) and argument > MAX_MEMO:
                raise ValueError("a reference beyond all objects")


def networks_of(path: Path) -> dict[str, dict[str, Tensor]]:
    """Return the tensors of the networks of a pickle, by the keys G, D and G_ema, and by name.

    Raises CheckpointError if it is no such file.
    """
    try:
        content = read_bytes(path, MAX_BYTES)
        require_plausible(content)
        found = Reader(io.BytesIO(content)).load()
        networks = {
            str(key): value.tensors()
            for key, value in (found if isinstance(found, dict) else {}).items()
            if isinstance(value, Module)
        }
    except OSError as error:
        raise checkpoint_file.unreadable(path, error) from None
    except Exception as error:  # whatever a damaged or a hostile file makes the unpickler do
        raise CheckpointError(
            f"{path} cannot be read as networks of StyleGAN2 ({type(error).__name__}): give a .pkl file that "
            "stylegan2-ada-pytorch or stylegan3 wrote."
        ) from None
    if not {"G", "G_ema"} & networks.keys():
        raise CheckpointError(f"{path} holds no generator: give a .pkl file with the networks G_ema and D.")
    return networks


# ---- names and shapes ------------------------------------------------------------------------------------------------


def renamed(name: str, sizes: list[int]) -> str:
    """Return our name of a tensor of their generator or critic; `sizes` are the sides of the layers, coarse to fine.

    >>> renamed("synthesis.b8.conv0.affine.weight", [4, 8]), renamed("b8.conv1.weight", [4, 8])
    ('layers.1.affine.weight', 'blocks.0.halve.convolution.weight')
    """
    head, *rest = name.removeprefix("synthesis.").split(".")
    tail = ".".join(rest)
    if head == "mapping":
        layer, _, leaf = tail.partition(".")
        return "mean_w" if tail == "w_avg" else f"mapping_network.{layer.removeprefix('fc')}.{leaf}"
    level = sizes.index(int(head.removeprefix("b")))
    layer, _, leaf = tail.partition(".")
    leaf = {"noise_const": "fixed_noise", "noise_strength": "strength"}.get(leaf, leaf)
    leaf = "convolution.weight" if leaf == "weight" else leaf
    if not name.startswith("synthesis."):
        return critic_name(layer, leaf, len(sizes) - 1 - level)
    if layer == "const":
        return "constant"
    if layer == "torgb":
        return f"colours.{level}." + ("convolution.bias" if leaf == "bias" else leaf)
    return f"layers.{2 * level - (layer == 'conv0')}.{leaf}"


def critic_name(layer: str, leaf: str, block: int) -> str:
    """Return our name of a tensor of their critic, in the block that halves the side for the block + 1-th time."""
    if layer == "fromrgb":
        return f"first.{leaf}"
    if layer in ("fc", "out"):
        return {"fc": "hidden", "out": "head"}[layer] + "." + leaf.removeprefix("convolution.")
    if layer == "conv":
        return f"last.{leaf}"
    if layer == "skip":
        return f"blocks.{block}.shortcut.weight"
    return f"blocks.{block}.{'same' if layer == 'conv0' else 'halve'}.{leaf}"


def converted(theirs: Mapping[str, Tensor], ours: Generator | Critic, path: Path) -> dict[str, Tensor]:
    """Return their tensors by our names. Raises CheckpointError unless each of ours is there, in its shape."""
    sides = sorted(
        {int(part[1:]) for name in theirs for part in name.split(".") if part[:1] == "b" and part[1:].isdigit()}
    )
    found = {}
    for name, value in theirs.items():
        if not name.endswith("resample_filter"):
            try:
                found[renamed(name, sides)] = value
            except (ValueError, KeyError):
                continue  # a buffer or layer that ours does not have; the next check tells whether it matters
    kept = {}
    for name, own in ours.state_dict().items():
        tensor = torch.zeros(()) if name == "mean_path_length" else found.get(name)
        if tensor is None or tensor.numel() != own.numel() or tensor.squeeze().shape != own.squeeze().shape:
            raise CheckpointError(
                f"{path} has another architecture than StyleGAN2 with skip outputs and residual critic ({name} is "
                "missing or has another shape): it cannot be converted."
            )
        if name == "hidden.weight":  # they flatten channels first, we flatten them last
            side = math.isqrt(own.shape[1] // own.shape[0])
            tensor = tensor.reshape(len(own), -1, side, side).permute(0, 2, 3, 1)
        kept[name] = tensor.reshape(own.shape).clone()
    return kept


def network_of(generator: Mapping[str, Tensor], path: Path) -> tuple[Style, tuple[int, int, int]]:
    """Return the settings of the network family and the image shape that belong to the tensors of their generator."""
    try:
        sides = sorted(int(name.split(".")[1][1:]) for name in generator if name.endswith("torgb.weight"))
        if tuple(sides) != SIDES[: len(sides)]:
            raise ValueError("other sides of layers")
        colours = generator[f"synthesis.b{sides[-1]}.torgb.weight"]
        layers = sum(name.startswith("mapping.fc") and name.endswith(".weight") for name in generator)
        family = Style(
            z_dim=generator["mapping.fc0.weight"].shape[1],
            w_dim=generator["mapping.w_avg"].shape[0],
            mapping_layers=layers,
            width=colours.shape[1],
            max_width=generator["synthesis.b4.const"].shape[0],
        )
    except (KeyError, IndexError, ValueError):
        raise CheckpointError(
            f"{path} holds no StyleGAN2 generator: networks of StyleGAN3 and others are not read."
        ) from None
    if "mapping.embed.weight" in generator:
        raise CheckpointError(f"{path} has classes, which their networks embed in another way: it cannot be converted.")
    return family, (colours.shape[0], sides[-1], sides[-1])


def convert(path: Path, folder: Path) -> str:
    """Write a run with the networks of a pickle, at step 0; return a sentence on it.

    Raises CheckpointError if the file is none, has another architecture, or if the folder exists.
    """
    if folder.exists():
        raise CheckpointError(f"{folder} exists already: name another folder with --out.")
    networks = networks_of(path)
    average = networks["G_ema"] if "G_ema" in networks else networks["G"]
    family, shape = network_of(average, path)
    with on_meta():  # without memory: what the file says of its sizes may not be so
        G, D = family.generator(shape), family.critic(shape)
    parts = {"average": converted(average, G, path), "generator": converted(networks.get("G", average), G, path)}
    critic = networks.get("D")
    parts["critic"] = converted(critic, D, path) if critic else family.critic(shape).state_dict()
    tensors = {f"{part}.{name}": tensor for part, state in parts.items() for name, tensor in state.items()}
    config = to_dict(settings(family, shape[1]))
    header = {"step": 0, "batch_index": 0, "seconds": 0.0, "config": config, "image_shape": list(shape)}
    header[DATA_FINGERPRINT] = UNKNOWN
    for part in PARTS:
        create_folder(folder / part)
    checkpoint_file.save(checkpoint_path(folder, 0), tensors, header)
    write_json(folder / "config.json", config | {DATA_FINGERPRINT: UNKNOWN})
    new = "" if critic else ", which has no critic, so that of the run is new"
    return f"{folder} has the networks of {path}{new}: {shape[2]}x{shape[1]} pixels, {family.z_dim} latent dimensions."


def settings(family: Style, side: int) -> Config:
    """Return the settings of the recipe `style` for these networks."""
    from dataclasses import replace

    base = recipe("style")
    return replace(base, network=family, data=replace(base.data, size=str(side)))
