"""StyleGAN2 pickles: a file of that format becomes a run with the same networks, and no code in it runs."""

from __future__ import annotations

import pickle
import sys
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganache.core.rendering import render
from ganache.errors import CheckpointError, DataError
from ganache.functional import latents
from ganache.networks import Style
from ganache.runs.checkpoint import load_critic, load_generator
from ganache.runs.data import run_data
from ganache.runs.folder import find_checkpoint
from ganache.runs.nvlabs import convert
from ganache.runs.start import Origin, take
from ganache.types import Prior
from weights import perturb

FAMILY = Style(z_dim=5, w_dim=6, width=4, max_width=8)  # at 16x16: 8, 8 and 4 channels
SHAPE = (3, 16, 16)


class Persistent:
    """What `torch_utils.persistence` pickles for a module: the name and source of its class, and its attributes."""

    def __init__(self, name: str, parameters: dict[str, Tensor], modules: dict[str, Persistent]) -> None:
        trained = OrderedDict((key, nn.Parameter(value)) for key, value in parameters.items())
        self.meta = {
            "type": "class",
            "version": 6,
            "module_src": "raise SystemExit('the source was run')",
            "class_name": name,
            "state": {
                "_parameters": trained,
                "_buffers": OrderedDict(),
                "_modules": OrderedDict(modules),
                "training": False,
            },
        }

    def __reduce__(self) -> Any:
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (self.meta,)


@pytest.fixture(autouse=True)
def _their_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the pickles the names that their code has."""
    module = ModuleType("torch_utils.persistence")

    def _reconstruct_persistent_obj(meta: Any) -> None:
        raise AssertionError("their code was called")

    _reconstruct_persistent_obj.__module__ = module.__name__
    _reconstruct_persistent_obj.__qualname__ = _reconstruct_persistent_obj.__name__
    module._reconstruct_persistent_obj = _reconstruct_persistent_obj  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch_utils", ModuleType("torch_utils"))
    monkeypatch.setitem(sys.modules, module.__name__, module)


def layer(module: nn.Module) -> Persistent:
    """Return one of our style layers in their form."""
    tensors = {"weight": module.convolution.weight.detach(), "bias": module.bias.detach()}
    tensors |= {"noise_strength": module.strength.detach(), "noise_const": module.fixed_noise}
    return Persistent("SynthesisLayer", tensors, {"affine": linear(module.affine)})


def linear(module: nn.Module) -> Persistent:
    return Persistent("FullyConnectedLayer", {"weight": module.weight.detach(), "bias": module.bias.detach()}, {})


def their_generator(G: nn.Module) -> Persistent:
    blocks = {}
    for level, side in enumerate((4, 8, 16)):
        colour = G.colours[level]
        tensors = {"weight": colour.convolution.weight.detach(), "bias": colour.convolution.bias.detach()}
        parts = {"torgb": Persistent("ToRGBLayer", tensors, {"affine": linear(colour.affine)})}
        parts["conv1"] = layer(G.layers[2 * level])
        if level:
            parts["conv0"] = layer(G.layers[2 * level - 1])
        constant = {} if level else {"const": G.constant.detach()}
        blocks[f"b{side}"] = Persistent("SynthesisBlock", constant, parts)
    mapping = {f"fc{index}": linear(each) for index, each in enumerate(G.mapping_network)}
    return Persistent(
        "Generator",
        {},
        {
            "synthesis": Persistent("SynthesisNetwork", {}, blocks),
            "mapping": Persistent("MappingNetwork", {"w_avg": G.mean_w}, mapping),
        },
    )


def their_critic(D: nn.Module) -> Persistent:
    def activated(module: nn.Module) -> Persistent:
        return Persistent(
            "Conv2dLayer", {"weight": module.convolution.weight.detach(), "bias": module.bias.detach()}, {}
        )

    blocks = {}
    for block, side in zip(D.blocks, (16, 8), strict=True):
        parts = {"conv0": activated(block.same), "conv1": activated(block.halve)}
        parts["skip"] = Persistent("Conv2dLayer", {"weight": block.shortcut.weight.detach()}, {})
        blocks[f"b{side}"] = Persistent("DiscriminatorBlock", {}, parts)
    blocks["b16"].meta["state"]["_modules"]["fromrgb"] = activated(D.first)
    hidden = D.hidden.weight.detach()
    channels_first = hidden.reshape(len(hidden), 4, 4, -1).permute(0, 3, 1, 2).reshape(hidden.shape)
    fc = Persistent("FullyConnectedLayer", {"weight": channels_first, "bias": D.hidden.bias.detach()}, {})
    end = {"conv": activated(D.last), "fc": fc, "out": linear(D.head)}
    return Persistent("Discriminator", {}, blocks | {"b4": Persistent("DiscriminatorEpilogue", {}, end)})


def networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    G, D = FAMILY.generator(SHAPE), FAMILY.critic(SHAPE)
    perturb(G), perturb(D)
    G.mean_w.normal_()
    return G.eval(), D.eval()


def written(path: Path, content: object) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path


def test_the_networks_are_those_of_the_file(tmp_path: Path) -> None:
    G, D = networks()
    file = written(tmp_path / "net.pkl", {"G": their_generator(G), "D": their_critic(D), "G_ema": their_generator(G)})
    sentence = convert(file, tmp_path / "run")
    assert sentence.endswith("16x16 pixels, 5 latent dimensions.")
    path = find_checkpoint(tmp_path / "run")
    generator, config, header = load_generator(path)
    assert (config.network, tuple(header["image_shape"])) == (FAMILY, SHAPE)
    z = latents.from_seeds(Prior(5), range(4))
    torch.testing.assert_close(generator(z), G(z))
    assert (render(generator, z) == render(G, z)).all()
    x = torch.rand(4, *SHAPE)
    torch.testing.assert_close(load_critic(path)(x), D(x))
    assert take(FAMILY.critic(SHAPE), load_critic(path)) == (10, 10)
    assert Origin.load(str(tmp_path / "run")).config.recipe == "style"


def test_a_file_without_a_critic_gets_a_new_one(tmp_path: Path) -> None:
    G, _ = networks()
    file = written(tmp_path / "net.pkl", {"G_ema": their_generator(G)})
    assert "no critic" in convert(file, tmp_path / "run")
    load_critic(find_checkpoint(tmp_path / "run"))


class Runs:
    """A pickle of this runs a function when it is loaded."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> Any:
        return self.function, self.arguments


def test_no_code_of_a_file_runs(tmp_path: Path) -> None:
    import os
    import subprocess

    G, _ = networks()
    made = tmp_path / "made"
    hostile = [
        Runs(os.mkdir, str(made)),
        Runs(subprocess.call, ["mkdir", str(made)]),
        Runs(eval, f"open({str(made)!r}, 'w')"),
    ]
    convert(written(tmp_path / "net.pkl", {"G_ema": their_generator(G), "augment_pipe": hostile}), tmp_path / "run")
    assert not made.exists()
    for index, each in enumerate(hostile):
        with pytest.raises(CheckpointError):
            convert(written(tmp_path / f"{index}.pkl", each), tmp_path / "none")
    assert not made.exists()


def test_a_module_that_holds_itself_ends(tmp_path: Path) -> None:
    circle = Persistent("Generator", {}, {})
    circle.meta["state"]["_modules"] |= {f"again{number}": circle for number in range(60)}
    with pytest.raises((CheckpointError, RecursionError)):
        convert(written(tmp_path / "circle.pkl", {"G_ema": circle}), tmp_path / "none")


def built(*opcodes: bytes) -> bytes:
    return b"\x80\x04" + b"".join(opcodes) + b"."


def test_a_pickle_can_change_nothing_of_ours(tmp_path: Path) -> None:
    """BUILD sets the attributes of an object, and of a class or a function where that is what it is given."""
    G, _ = networks()
    good = pickle.dumps({"G_ema": their_generator(G)})
    names = (b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n", b"ctorch._utils\n_rebuild_tensor_v2\n")
    changes = b"N}(\x8c\x07tensorsK\x01\x8c\x0c__defaults__K\x01u\x86"  # (None, {...}): slots, set one by one
    before = torch._utils._rebuild_tensor_v2.__defaults__
    for name in names:
        for state in (changes, b"}\x8c\x07tensorsK\x01s"):
            with suppress(CheckpointError):
                hostile = written(tmp_path / "hostile.pkl", None)
                hostile.write_bytes(built(b"}\x8c\x05G_ema", name, state, b"bs"))
                convert(hostile, tmp_path / "none")
    assert torch._utils._rebuild_tensor_v2.__defaults__ is before
    (tmp_path / "good.pkl").write_bytes(good)
    convert(tmp_path / "good.pkl", tmp_path / "run")


def nested_key() -> bytes:
    return built(b"}", b")" + b"\x85" * 100_000, b"K\x01s")


@pytest.mark.parametrize("content", [nested_key(), built(b"K\x01r\xfe\xff\xff\xff")])
def test_a_pickle_cannot_exhaust_the_process(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "net.pkl"
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read as networks"):
        convert(file, tmp_path / "none")


@pytest.mark.parametrize("place", ["wide", "deep", "long", "nan"])
def test_sizes_that_a_file_does_not_have_are_refused(tmp_path: Path, place: str) -> None:
    """They are views of one number, or names of layers: networks of that size were built."""
    G, _ = networks()
    theirs = their_generator(G)
    synthesis = theirs.meta["state"]["_modules"]["synthesis"].meta["state"]["_modules"]
    mapping = theirs.meta["state"]["_modules"]["mapping"].meta["state"]
    if place == "wide":
        synthesis["b4"].meta["state"]["_parameters"]["const"] = torch.zeros(1).expand(2**20, 4, 4)
    elif place == "deep":
        synthesis[f"b{2**30}"] = synthesis.pop("b16")
    elif place == "long":
        mapping["_modules"]["fc0"].meta["state"]["_parameters"]["weight"] = torch.zeros(4, 2**22)
    else:
        mapping["_parameters"]["w_avg"] = torch.full((4,), torch.nan)
    with pytest.raises(CheckpointError, match=r"net\.pkl (cannot be read|holds no|has another)"):
        convert(written(tmp_path / "net.pkl", {"G_ema": theirs}), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_the_data_of_a_converted_run_are_unknown(tmp_path: Path) -> None:
    """They were said to be the drawn faces of the recipe."""
    G, _ = networks()
    convert(written(tmp_path / "net.pkl", {"G_ema": their_generator(G)}), tmp_path / "run")
    with pytest.raises(DataError, match="trained on are unknown: name them with  --data DATA"):
        run_data(find_checkpoint(tmp_path / "run"))


@pytest.mark.parametrize("content", [b"", b"\x80\x04.", b"not a pickle", pickle.dumps([1]), pickle.dumps({"G_ema": 1})])
def test_other_files_are_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "net.pkl"
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"net\.pkl (cannot be read as networks|holds no generator)"):
        convert(file, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_other_architectures_are_refused(tmp_path: Path) -> None:
    G, _ = networks()
    theirs = their_generator(G)
    del theirs.meta["state"]["_modules"]["synthesis"].meta["state"]["_modules"]["b8"].meta["state"]["_modules"]["conv0"]
    with pytest.raises(CheckpointError, match=r"has another architecture .* \(layers\.1\.\S+ is missing"):
        convert(written(tmp_path / "a.pkl", {"G_ema": theirs}), tmp_path / "none")
    with pytest.raises(CheckpointError, match="holds no StyleGAN2 generator"):
        convert(written(tmp_path / "b.pkl", {"G_ema": Persistent("Generator", {}, {})}), tmp_path / "none")
    (tmp_path / "there").mkdir()
    with pytest.raises(CheckpointError, match="exists already"):
        convert(written(tmp_path / "c.pkl", {"G_ema": their_generator(G)}), tmp_path / "there")
