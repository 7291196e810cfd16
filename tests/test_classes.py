"""Conditional training: fakes of the real images' classes, a projection critic, and images of a requested class."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganache.config.config import Config, from_dict
from ganache.config.rules import refuse_contradictions
from ganache.config.sections import DataConfig, RecordConfig, ScheduleConfig
from ganache.core import checkpoint_file
from ganache.errors import ConfigError
from ganache.lab.experiments import Sample
from ganache.methods import Gan, InfoGan, NoisyGan
from ganache.networks import Mlp
from ganache.runs.run import Run
from ganache.training import build
from ganache.training.critic_view import ProjectionCritic
from ganache.types import Critic, Generator, Method, Prior, Terms


def test_a_latent_is_noise_then_one_hot_category_then_codes() -> None:
    prior = Prior(20, std=2.0, categories=5, continuous=3)
    assert prior.noise == 12
    z = prior.sample(20_000, generator=torch.Generator().manual_seed(0))
    assert z[:, :12].std().item() == pytest.approx(2.0, rel=0.01)
    assert z[:, 12:17].sum(dim=1).eq(1).all()
    assert z[:, 12:17].mean(dim=0).tolist() == pytest.approx([0.2] * 5, abs=0.01)
    assert z[:, 17:].abs().max().item() <= 1
    assert z[:, 17:].std().item() == pytest.approx(3**-0.5, rel=0.02)
    chosen = prior.sample(3, category=torch.tensor([4, 0, 4]))
    assert chosen[:, 12:17].argmax(dim=1).tolist() == [4, 0, 4]


def test_classes_are_assigned_in_turn_and_do_not_change_the_noise() -> None:
    prior = Prior(20, categories=5)
    z, conditional = Sample(n=6).latents(prior), Sample(n=6, classes=(1, 3)).latents(prior)
    assert conditional[:, 15:].argmax(dim=1).tolist() == [1, 3, 1, 3, 1, 3]
    assert torch.equal(z[:, :15], conditional[:, :15])
    with pytest.raises(ConfigError, match="has classes 0 to 4"):
        Sample(classes=(5,)).latents(prior)
    with pytest.raises(ConfigError, match="no classes"):
        Sample(classes=(0,)).latents(Prior(20))


class Rows(Critic):
    """A critic whose features are x itself and whose head is 0."""

    image_shape = (2,)

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(2, 1, bias=False)
        nn.init.zeros_(self.head.weight)
        self.classes = nn.Embedding(3, 2)

    def features(self, x: Tensor) -> Tensor:
        return x


def test_the_projection_critic_adds_the_projection_on_the_class() -> None:
    D, y = Rows(), torch.tensor([2, 0])
    x = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    assert D.classes is not None
    directions = D.classes(torch.tensor([2, 0, 2, 0]))  # fakes and reals with the same labels
    torch.testing.assert_close(ProjectionCritic(D, y)(x), (directions * x).sum(dim=1))


class Recorder(Method):
    """A method that keeps its arguments."""

    def __init__(self) -> None:
        self.calls: list[tuple[Tensor, Tensor, Critic]] = []

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        self.calls.append((real, z, D))
        return {"it": D(real).mean()}

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        self.calls.append((real, z, D))
        return {"it": D(G(z)).mean()}


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Write forty images, whose brightness is their label, as MNIST's files."""
    labels = np.arange(40, dtype=np.uint8) % 4
    pictures = np.broadcast_to(60 * labels[:, None, None], (40, 8, 8)).astype(np.uint8)
    for name, magic, array in (("images-idx3", 0x803, pictures), ("labels-idx1", 0x801, labels)):
        header = np.array([magic, *array.shape], dtype=">u4").tobytes()
        (tmp_path / f"train-{name}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes()))
    return tmp_path


def test_fakes_have_the_classes_of_the_real_images_at_the_same_index(digits: Path, tmp_path: Path) -> None:
    from itertools import islice

    from ganache.training.loop import train

    config = Config(
        data=DataConfig(source=str(digits), classes=4), network=Mlp(z_dim=9), schedule=ScheduleConfig(batch=6)
    )
    data, method = build.dataset(config), Recorder()
    resolved = build.resolve(config)
    state, plan = build.state(resolved, data.image_shape), build.plan(resolved)
    list(islice(train(state, method, build.stream(resolved, data), resolved.prior, plan), 3))
    assert len(method.calls) == 6
    for real, z, D in method.calls:
        labels = ((real[:, 0, 0, 0] + 1) * 127.5 / 60).round().long()
        assert torch.equal(z[:, 5:].argmax(dim=1), labels)
        assert isinstance(D, ProjectionCritic)
        assert torch.equal(D.labels, labels)


@pytest.mark.parametrize("method", [Gan(), NoisyGan(), InfoGan(4, 1)])
def test_a_run_with_classes_or_codes_trains_resumes_and_samples(method: Method, digits: Path, tmp_path: Path) -> None:
    from ganache.runs import checkpoint
    from ganache.runs.folder import find_checkpoint

    classes = 0 if method.latent_codes else 4

    def config(steps: int) -> Config:
        return Config(
            data=DataConfig(source=str(digits), classes=classes),
            network=Mlp(z_dim=9, hidden=16),
            method=method,
            schedule=ScheduleConfig(batch=6, steps=steps),
            record=RecordConfig(samples=4),
        )

    checkpoints = []
    for name, stops in (("whole", [4]), ("parts", [2, 4])):
        for stop in stops:
            run = Run.open(tmp_path / name, config(stop))
            assert len(list(run.training()))
            run.finish()
        checkpoints.append(checkpoint_file.load(find_checkpoint(tmp_path / name))[0])
    assert all(torch.equal(checkpoints[0][key], checkpoints[1][key]) for key in checkpoints[0])
    assert any(key.startswith(("critic.classes", "critic.codes")) for key in checkpoints[0])
    generator, loaded, _ = checkpoint.load_generator(find_checkpoint(tmp_path / "whole"))
    z = Sample(n=3, classes=(2,)).latents(build.prior(loaded))
    assert generator(z).shape == (3, 1, 8, 8)


def test_a_wrong_number_of_classes_is_refused(digits: Path) -> None:
    with pytest.raises(ConfigError, match="has 4 classes"):
        build.dataset(Config(data=DataConfig(source=str(digits), classes=3), network=Mlp()))
    with pytest.raises(ConfigError, match="no labels"):
        build.dataset(Config(data=DataConfig(source="faces", count=5, size="16", classes=3), network=Mlp()))
    with pytest.raises(ConfigError, match="finds classes by itself"):
        refuse_contradictions(from_dict({"data": {"classes": 10}, "method": {"name": "infogan"}}))
    with pytest.raises(ConfigError, match="it must be larger"):
        refuse_contradictions(from_dict({"method": {"name": "infogan"}, "network": {"z_dim": 12}}))
    assert replace(Config(), method=InfoGan()).categories() == 10
