"""Exported generators produce PyTorch's pictures, or the export is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

import ganache
from ganache.cli import main
from ganache.core.rendering import Model, generate
from ganache.errors import ConfigError, ExportError, MissingExtra
from ganache.functional.latents import from_seeds
from ganache.lab.dimension_effects import latents_to_rank
from ganache.lab.experiments import Dimensions
from ganache.lab.points import Kept
from ganache.networks import NETWORKS, Dcgan, Mlp
from ganache.output.export.controls import controls
from ganache.output.export.graph import compare, graph, run, split_latent, to_onnx
from ganache.output.export.half import halve
from ganache.types import Prior
from weights import perturb

LONG = {"style"}
SMALL = {"width": 8, "hidden": 16, "blocks": 1}


def model_of(family: str, shape: tuple[int, ...], prior: Prior) -> Model:
    """Return a small generator with random weights."""
    kind = NETWORKS[family]
    small = {each.name: SMALL[each.name] for each in fields(kind) if each.name in SMALL}  # type: ignore[arg-type]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = kind(z_dim=prior.z_dim, **small).generator(shape)
        perturb(generator)
        for layer in generator.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.1)
                layer.running_var.uniform_(0.5, 2)
    return Model(generator.eval(), prior, family)


@pytest.fixture(scope="module", autouse=True)
def operators_read_once() -> Iterator[None]:
    """Let PyTorch's exporter read the source of onnxscript's 500 operators once, and not at every export."""
    registry = pytest.importorskip("torch.onnx._internal.exporter._registration").ONNXRegistry
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "from_torchlib", staticmethod(cache(registry.from_torchlib)))
        yield


PRIORS = [Prior(6), Prior(11, categories=3, continuous=2), Prior(6, "uniform"), Prior(9, categories=3)]


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(place, id=name, marks=[pytest.mark.slow] if name in LONG else [])
        for place, name in enumerate(NETWORKS)
    ],
)
def test_every_family_produces_pytorchs_pictures_in_onnx(place: int) -> None:
    model = model_of(list(NETWORKS)[place], (3 if place % 2 else 1, 24, 24), PRIORS[place % 4])
    proto = graph(model)
    whole = proto.SerializeToString()
    assert compare(whole, model) < 0.02  # of 255 levels: the order of sums
    for n in (1, 5):
        z = from_seeds(model.prior, range(100, 100 + n))
        x = run(whole, split_latent(z, model.prior))
        torch.testing.assert_close(x, generate(model.generator, z), atol=2e-4, rtol=0)
    half = halve(proto).SerializeToString()
    assert compare(half, model) < 2
    assert len(half) < 0.75 * len(whole)


def test_a_modulated_generator_in_onnx() -> None:
    generator = Dcgan(z_dim=4, width=4, self_modulation=True).generator((3, 24, 24))
    perturb(generator)
    model = Model(generator.eval(), Prior(4), "modulated")
    assert compare(graph(model).SerializeToString(), model) < 0.02


def test_spectral_norms_are_divided_out_in_the_file_and_stay_in_the_generator() -> None:
    generator = Dcgan(z_dim=4, width=4, generator_spectral=True, attention=12).generator((3, 24, 24)).eval()
    model = Model(generator, Prior(4), "spectral")
    before = generate(generator, from_seeds(model.prior, range(2)))
    proto = graph(model)
    assert compare(proto.SerializeToString(), model) < 0.02
    assert not {"ReduceL2", "Div"} & {node.op_type for node in proto.graph.node}
    assert any(is_parametrized(layer) for layer in generator.modules())
    assert torch.equal(before, generate(generator, from_seeds(model.prior, range(2))))


def test_another_generators_pictures_are_refused() -> None:
    prior = Prior(4)
    one, other = (Model(Mlp(z_dim=4, hidden=8).generator((1, 8, 8)).eval(), prior, name) for name in ("one", "other"))
    perturb(other.generator, 1.0)
    with pytest.raises(ExportError, match="differ from PyTorch's by"):
        compare(to_onnx(one), other)


def test_weights_beyond_half_precision_stay_whole() -> None:
    generator = Mlp(z_dim=40, hidden=8).generator((1, 8, 8)).eval()
    with torch.no_grad():
        next(generator.parameters())[0, 0] = 1e5
    model = Model(generator, Prior(40), "large")
    assert compare(halve(graph(model)).SerializeToString(), model) < 2


def test_points_are_refused() -> None:
    toy = Model(Mlp(z_dim=2, hidden=8).generator((2,)), Prior(2), "toy")
    with pytest.raises(ConfigError, match="toy generates points"):
        to_onnx(toy)


def test_without_the_extra_one_is_told_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingExtra, match=r"ganache\[export\]"):
        to_onnx(model_of("mlp", (1, 8, 8), Prior(4)))


def test_the_page_has_the_labs_order_of_dimensions_and_tells_directions_from_latents() -> None:
    model = model_of("dcgan", (3, 24, 24), Prior(9, categories=2, continuous=1))
    smile = Kept("smile", vector=(0.6, 0.8, *[0.0] * 7))
    kept = {"smile": smile, "me": Kept("me", seeds=(3, 17)), "other": Kept("other", vector=(1.0, 2.0))}
    about = controls(model, kept)
    n = latents_to_rank(model.prior, model.generator.image_shape)
    ranked = [each.sweep.dimension for each in Dimensions(n=n).effects(model)]
    assert [each["number"] for each in about["dimensions"]] == [each for each in ranked if each in range(6)]
    assert [each["number"] for each in about["codes"]] == [8]
    named, *others = about["directions"]
    assert named["name"] == "smile"
    assert named["vector"] == pytest.approx([0.6, 0.8, 0, 0, 0, 0])
    assert {each["name"].split()[0] for each in others} == {"SeFa", "PCA"}
    for each in others:
        assert np.linalg.norm(each["vector"]) == pytest.approx(1, abs=1e-4)
    assert [each["name"] for each in about["kept"]] == ["me"]


TRAIN = ["train", "faces", "--size", "16", "--batch", "4", "--network.width", "4", "--network.z-dim", "6"]
BRIEF = ["--data.count", "30", "--record.samples", "4", "--steps", "2", "--record.keep_steps", "1"]
BRIEF += ["--projected.weight", "0"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps."""
    folder = tmp_path_factory.mktemp("runs") / "faces"
    main([*TRAIN, *BRIEF, "--out", str(folder)])
    return folder


def test_the_command_writes_both_files_and_refuses_what_is_not_its_own(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, model = tmp_path / "model.html", tmp_path / "model.onnx"
    for _ in range(2):  # the second time over its own
        main(["export", str(trained), "--onnx", str(model)])
    assert "its pictures match PyTorch's" in capsys.readouterr().out
    generator, config, _ = ganache.load_generator(ganache.find_checkpoint(trained))
    z = from_seeds(ganache.prior(config), range(3))
    x = run(model.read_bytes(), split_latent(z, ganache.prior(config)))
    torch.testing.assert_close(x, generate(generator, z), atol=1e-4, rtol=0)
    page.write_text("mine")
    for arguments, said in (
        ([], "No file to write was named"),
        (["--html", str(page)], "was not made by ganache"),
        (["--html", "model.htm"], "must end in .html"),
        (["--onnx", str(tmp_path)], "must end in .onnx"),
    ):
        with pytest.raises(SystemExit) as stopped:
            main(["export", str(trained), *arguments])
        assert stopped.value.code == 2
        assert said in capsys.readouterr().err
    assert page.read_text() == "mine"
