"""A checkpoint whose settings describe another network than its weights is refused before that network is built."""

from __future__ import annotations

import resource
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ganache.config.config import Config, to_dict
from ganache.config.sections import DataConfig
from ganache.core import checkpoint_file
from ganache.errors import CheckpointError, ConfigError, GanacheError
from ganache.methods import InfoGan
from ganache.networks import NETWORKS
from ganache.runs import checkpoint
from ganache.training import build

SMALL: dict[str, dict[str, Any]] = {"mlp": {"hidden": 8, "layers": 2}, "infogan": {}, "wgan-article": {}}
SHAPE = (1, 32, 32)


def small(name: str) -> tuple[Config, dict[str, torch.Tensor], tuple[int, ...]]:
    """Return (settings, the weights of a small generator, its image shape) of a network family."""
    kind = NETWORKS[name]
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    settings: dict[str, Any] = {"z_dim": 4} | ({"width": 4} if "width" in names else {}) | SMALL.get(name, {})
    network = kind(**settings)
    for shape in (SHAPE, (1, 28, 28)):
        try:
            weights = network.generator(shape).state_dict()
        except ConfigError:
            continue
        return Config(network=network), {f"generator.{name}": tensor for name, tensor in weights.items()}, shape
    raise AssertionError(name)


def save(path: Path, config: dict[str, Any], tensors: dict[str, torch.Tensor], shape: tuple[int, ...]) -> None:
    header = {"step": 1, "batch_index": 1, "seconds": 1.0, "config": config, "image_shape": list(shape)}
    checkpoint_file.save(path, tensors, header)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("value", [2**10, 2**20, 2**40, 2**70])
def test_absurd_settings_are_refused_without_the_memory_of_the_network(name: str, value: int, tmp_path: Path) -> None:
    config, tensors, shape = small(name)
    path = tmp_path / "000000001.safetensors"
    save(path, to_dict(config), tensors, shape)
    checkpoint.load_generator(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for field, old in vars(config.network).items():
        if isinstance(old, int) and not isinstance(old, bool):
            plain = to_dict(config)
            plain["network"][field] = value
            save(path, plain, tensors, shape)
            try:  # a setting of the critic alone changes nothing here
                generator, *_ = checkpoint.load_generator(path)
                assert {name: weight.shape for name, weight in generator.state_dict().items()} == {
                    name.removeprefix("generator."): tensor.shape for name, tensor in tensors.items()
                }
            except GanacheError:
                pass
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, "kilobytes"


@pytest.mark.parametrize("shape", [(1, 65536, 65536), (65536, 32, 32), (3, 32, 32), (1, 65536, 32), (2,)])
@pytest.mark.parametrize("name", ["dcgan", "mlp", "residual"])
def test_another_image_shape_is_refused(name: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    config, tensors, _ = small(name)
    save(tmp_path / "000000001.safetensors", to_dict(config), tensors, shape)
    with pytest.raises((CheckpointError, ConfigError)):
        checkpoint.load_generator(tmp_path / "000000001.safetensors")


def test_codes_that_leave_no_noise_and_a_header_without_settings_are_refused(tmp_path: Path) -> None:
    config, tensors, shape = small("mlp")
    path = tmp_path / "000000001.safetensors"
    for changed in (
        replace(config, method=InfoGan(categories=4)),
        replace(config, method=InfoGan(categories=-5)),
        replace(config, data=DataConfig(classes=2**60)),
    ):
        save(path, to_dict(changed), tensors, shape)
        with pytest.raises(GanacheError):
            checkpoint.load_generator(path)
    checkpoint_file.save(path, tensors, {})
    with pytest.raises(CheckpointError, match="holds no settings"):
        checkpoint.load_generator(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("d_optimiser.x.exp_avg", torch.zeros(3)),
        ("d_optimiser.0.step.more", torch.zeros(())),
        ("g_optimiser.999.step", torch.zeros(())),
        ("g_optimiser.-1.step", torch.zeros(())),
        ("g_optimiser.0.exp_avg", torch.zeros(5, 5)),
        ("g_optimiser.0.momentum_buffer", torch.zeros(8, 4)),
        ("generator.extra", torch.zeros(3)),
    ],
)
def test_the_state_of_another_optimiser_is_refused_and_nothing_is_restored(name: str, value: torch.Tensor) -> None:
    config = replace(small("mlp")[0], schedule=replace(Config().schedule, ema_half_life=None))
    state = build.state(build.resolve(config), SHAPE)
    tensors = checkpoint.state_tensors(state)
    for index, weight in enumerate(state.generator.parameters()):
        moments = {"step": torch.zeros(()), "exp_avg": torch.zeros_like(weight), "exp_avg_sq": torch.zeros_like(weight)}
        tensors |= {f"g_optimiser.{index}.{slot}": tensor for slot, tensor in moments.items()}
    before = {key: tensor.clone() for key, tensor in state.generator.state_dict().items()}
    for weight in tensors:
        if weight.startswith("generator."):
            tensors[weight] = tensors[weight] + 1
    header = {"step": 1, "batch_index": 1, "seconds": 0.0}
    with pytest.raises(CheckpointError):
        checkpoint.restore(state, tensors | {name: value}, header)
    assert all(torch.equal(before[key], tensor) for key, tensor in state.generator.state_dict().items())
    with pytest.raises(CheckpointError, match="another optimiser"):
        checkpoint.restore(state, {key: tensors[key] for key in tensors if key != "g_optimiser.1.exp_avg"}, header)
    checkpoint.restore(state, tensors, header)
