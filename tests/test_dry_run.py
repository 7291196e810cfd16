"""`ganache train --dry-run`: what is printed is true, and nothing is trained or written."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganache.cli import main
from ganache.config.config import Config, from_dict, recipe
from ganache.config.origins import origins
from ganache.networks import Dcgan, Mlp
from ganache.runs.run import Run
from ganache.training import build, forecast
from ganache.training.cost import critic_multiply_adds, network_costs, step_cost
from ganache.training.forecast import planned_steps
from ganache.types import Critic, Generator

SMALL = ["--size", "16", "--data.count", "240", "--batch", "4"]
NARROW = [*SMALL, "--network.width", "4"]
QUICK = [*NARROW, "--projected.weight", "0"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(forecast, "MOST_STEPS", 1)


def printed(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    main(["train", *args, "--dry-run"])
    return capsys.readouterr().out


def count(network: Generator | Critic) -> int:
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("dcgan", ()),
        ("wgan-gp", ()),
        ("gan-mlp", ()),
        ("infogan", ("--network.name", "dcgan")),
        ("hinge", ("--data.classes", "0")),
        ("r3gan", ("--network.width", "8")),
        ("wgan-article", ("--size", "28", "--data.channels", "1")),
    ],
)
def test_a_recipe_is_printed_and_nothing_is_written(
    name: str, extra: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "open", None)
    text = printed(capsys, "faces", "--recipe", name, *SMALL, *extra)
    assert list(Path().iterdir()) == []
    assert f"recipe {name}" in text
    assert re.search(r"schedule.batch +4 +64 +command line", text)
    for words in ("Generator", "Critic", "weights", "optimiser state", "generator step", "no run folder was written"):
        assert words in text
    assert "unknown" not in text


def test_several_recipes_and_seeds_are_printed_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "faces", "--recipe", "dcgan,wgan", "--seeds", "2", *SMALL)
    assert re.findall(r"Dry run of (\S+):", text) == [
        f"runs/faces-{name}" for name in ("dcgan", "dcgan-seed1", "wgan", "wgan-seed1")
    ]
    assert text.count("\nGenerator ") == 2, "one table per recipe, as seeds change nothing in it"
    assert "kept in the cache" in text


@pytest.mark.slow
def test_data_are_read_only_if_the_image_shape_needs_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert re.search(
        r"faces: the most typical \d+ of \d+ for training, \d+ more are held out", printed(capsys, "faces", *NARROW)
    )
    assert re.search(r"images +2 numbers", printed(capsys, "ring8", "--recipe", "gan-mlp"))
    monkeypatch.setattr(build, "load", None)
    text = printed(capsys, "no/such/folder", *QUICK, "--data.channels", "1")
    assert "1 x 16 x 16" in text
    assert "not read" in text


def test_an_existing_run_would_be_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["train", "faces", *QUICK, "--steps", "1", "--out", "run"])
    before = {path: path.stat().st_mtime_ns for path in Path("run").rglob("*")}
    capsys.readouterr()
    assert "resumes the run" in printed(capsys, "faces", *QUICK, "--out", "run")
    assert {path: path.stat().st_mtime_ns for path in Path("run").rglob("*")} == before


def test_settings_that_cannot_work_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for args in (["--size", "30"], ["--method.name", "wgan-gp"]):
        with pytest.raises(SystemExit):
            main(["train", "faces", *args, "--dry-run"])
        assert "ganache: " in capsys.readouterr().err


def test_each_setting_has_its_origin() -> None:
    of_recipe = recipe("wgan")
    config = from_dict({"seed": 3, "method": {"clip": 0.02}, "critic_optimiser": {"lr": 5e-5}}, of_recipe)
    found = {origin.name: (origin.value, origin.default, origin.source) for origin in origins(config, of_recipe)}
    assert found["seed"] == (3, 0, "command line")
    assert found["method.name"] == ("wgan", "gan", "recipe wgan")
    assert found["method.clip"] == (0.02, 0.01, "command line"), "compared with the default of the method"
    assert found["critic_optimiser.lr"] == (5e-5, 2e-4, "recipe wgan")
    assert "recipe" not in found
    assert origins(Config(), Config()) == []


@pytest.mark.parametrize("name", ["dcgan", "gan-mlp", "wgan-gp", "sagan"])
@pytest.mark.slow
def test_weights_are_those_of_the_networks(name: str) -> None:
    config = recipe(name)
    if hasattr(config.network, "width"):
        config = replace(config, network=replace(config.network, width=8))
    resolved, shape = build.resolve(config), (3, 32, 32)
    G, D = build.networks(config, shape)
    random_state = torch.get_rng_state()
    generator, critic = network_costs(resolved, shape)
    assert torch.equal(torch.get_rng_state(), random_state), "nothing is drawn"
    assert (generator.weights, critic.weights) == (count(G), count(D))
    assert sum(layer.weights for layer in critic.layers) == critic.weights
    cost = step_cost(resolved, shape)
    assert cost.gradients == 4 * (count(G) + count(D))
    assert cost.weights == 4 * (2 * count(G) + count(D)), "with the averaged generator"


@pytest.mark.parametrize("settings", [{"method": {"name": "infogan"}}, {"data": {"classes": 3}}])
def test_heads_of_the_critic_are_layers_too(settings: dict[str, dict[str, object]]) -> None:
    """InfoGAN's head for codes, and the embedding of a conditional critic."""
    resolved = build.resolve(from_dict(settings, Config(network=Dcgan(z_dim=20, width=4))))
    _, critic = network_costs(resolved, (3, 16, 16))
    assert {layer.name.split(".")[0] for layer in critic.layers} & {"codes", "classes"}
    assert sum(layer.weights for layer in critic.layers) == critic.weights
    assert sum(layer.multiply_adds for layer in critic.layers) == critic.multiply_adds


def test_multiply_adds_of_layers_by_hand() -> None:
    resolved = build.resolve(Config(network=Dcgan(z_dim=10, width=4, critic_norm="none")))
    _, critic = network_costs(resolved, (3, 16, 16))
    convolutions = [layer for layer in critic.layers if layer.kind == "Conv2d"]
    assert convolutions[0].output_shape == (4, 8, 8)
    assert convolutions[0].multiply_adds == (4 * 8 * 8) * (3 * 4 * 4)
    assert convolutions[1].multiply_adds == (8 * 4 * 4) * (4 * 4 * 4)
    assert critic.multiply_adds == sum(layer.multiply_adds for layer in critic.layers)


def test_a_backward_pass_costs_two_forward_passes() -> None:
    """Without the gradients of the critic's input, which are not needed."""
    config = from_dict({"schedule": {"batch": 8}}, Config(network=Mlp(z_dim=6, hidden=10, layers=1)))
    resolved, shape = build.resolve(config), (2,)
    generator, critic = network_costs(resolved, shape)
    first = next(layer for layer in critic.layers if layer.kind == "Linear").multiply_adds
    assert critic_multiply_adds(resolved, shape) == 8 * (
        generator.multiply_adds + 2 * (3 * critic.multiply_adds - first)
    )


@pytest.mark.parametrize("name", ["gan", "r3gan"])
def test_arithmetic_and_activations_are_proportional_to_the_batch(name: str) -> None:
    base = Config(network=Dcgan(z_dim=10, width=4, critic_norm="layer"))
    one, two = (
        step_cost(build.resolve(from_dict({"method": {"name": name}, "schedule": {"batch": batch}}, base)), (3, 16, 16))
        for batch in (16, 32)
    )
    assert two.both_multiply_adds == 2 * one.both_multiply_adds
    assert two.activations == pytest.approx(2 * one.activations, rel=0.05)
    assert two.weights == one.weights


def test_a_batch_in_parts_costs_the_same_arithmetic_and_keeps_the_activations_of_one_part() -> None:
    base = Config(network=Dcgan(z_dim=10, width=4, critic_norm="layer"))
    whole, parts, part = (
        step_cost(build.resolve(from_dict({"schedule": schedule}, base)), (3, 16, 16))
        for schedule in ({"batch": 24}, {"batch": 24, "micro_batch": 8}, {"batch": 8})
    )
    assert parts.both_multiply_adds == whole.both_multiply_adds == 3 * part.both_multiply_adds
    assert parts.activations == part.activations


def test_budgets_in_steps_and_images() -> None:
    schedule = {"batch": 10, "critic_steps": 2, "boosted_critic_steps": 5, "boost_first": 3}
    by_steps = planned_steps(build.resolve(from_dict({"schedule": {**schedule, "steps": 8}})))
    assert by_steps is not None
    assert (by_steps.steps, by_steps.critic_steps) == (8, 3 * 5 + 5 * 2)
    by_images = planned_steps(build.resolve(from_dict({"schedule": {**schedule, "images": 151}})))
    assert by_images is not None
    assert (by_images.steps, by_images.critic_steps) == (4, 17)
    assert planned_steps(build.resolve(from_dict({"schedule": {"minutes": 3.0}}))) is None
