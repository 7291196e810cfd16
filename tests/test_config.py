"""Settings: every recipe is complete, settings survive JSON, and errors are one sentence."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from ganache.config.config import Config, differences, from_dict, recipe, to_dict
from ganache.config.recipes import names, read
from ganache.config.sections import DataConfig, ScheduleConfig
from ganache.errors import ConfigError
from ganache.methods import Wgan
from ganache.networks import Mlp


@pytest.mark.parametrize("name", names())
def test_every_recipe_is_complete_and_survives_json(name: str) -> None:
    config = recipe(name)
    assert from_dict(to_dict(config)) == config
    found = read(name)
    assert all([found.title, found.source, found.advice, found.deviations])
    assert config.schedule.steps, "a recipe has a budget"
    text = (resources.files("ganache.config.recipes") / f"{name}.toml").read_text()
    assert len(text.splitlines()) < 80
    # Every value in the file reaches the settings.
    written = {k: v for k, v in tomllib.loads(text).items() if isinstance(v, dict)}
    plain = to_dict(config)
    assert all(plain[section][key] == value for section, table in written.items() for key, value in table.items())


def test_the_articles_numbers() -> None:
    anime, wgan, listing = recipe("anime-article"), recipe("wgan"), recipe("wgan-article")
    assert (anime.critic_optimiser.lr, anime.generator_optimiser.lr) == (8e-4, 4e-4)
    assert (anime.critic_optimiser.beta2, anime.critic_optimiser.epsilon) == (0.9, 1e-7)
    assert (anime.schedule.batch, anime.schedule.steps, anime.network.z_dim) == (32, 15_000, 64)
    assert (wgan.critic_optimiser.lr, wgan.schedule.critic_steps, wgan.schedule.boost_first) == (5e-5, 5, 25)
    assert isinstance(wgan.method, Wgan)
    assert wgan.method.clip == 0.01
    assert (listing.schedule.batch, listing.schedule.critic_steps) == (128, 1)


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ({"sede": 1}, "no setting 'sede': did you mean 'seed' or"),
        ({"data": {"flop": True}}, "no setting 'data.flop': did you mean 'flip'?"),
        ({"data": {"flip": "yes"}}, "data.flip is 'yes'"),
        ({"data": {"size": "64x"}}, "data.size is '64x'"),
        ({"data": 3}, "'data' is 3: it is a section"),
        ({"method": {"name": "wgam"}}, "no method 'wgam': did you mean 'wgan'"),
        ({"method": {"name": "wgan", "clop": 1}}, "no setting 'method.clop': did you mean 'clip'?"),
        ({"network": {"name": "dcgan", "z_dim": 0}}, "z_dim 0"),
        ({"schedule": {"steps": 5, "minutes": 2.0}}, "Both steps and minutes"),
        ({"schedule": {"batch": 0}}, "schedule.batch is 0"),
        ({"critic_optimiser": {"beta1": 1.5}}, "beta1 is 1.5"),
        ({"seed": -1}, "-1 is no seed: use a whole number from 0 to 2^63 - 1"),
        ({"device": "gpu"}, "device is 'gpu'"),
    ],
)
def test_errors_are_one_sentence(plain: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        from_dict(plain).network.generator((3, 64, 64))
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_another_name_has_its_own_defaults_and_the_same_name_keeps_the_values() -> None:
    base = Config(network=Mlp(hidden=7), method=Wgan(clip=0.5))
    assert from_dict({"method": {"name": "wgan"}}, base).method == Wgan(clip=0.5)
    assert from_dict({"network": {"layers": 2}}, base).network == Mlp(hidden=7, layers=2)
    assert from_dict({"network": {"name": "dcgan"}}, base).network.z_dim == 100


def test_differences_name_each_setting_once() -> None:
    old, new = to_dict(Config()), to_dict(Config(seed=3, schedule=ScheduleConfig(batch=8), method=Wgan()))
    found = {name: (before, after) for name, before, after in differences(old, new)}
    assert found["seed"] == (0, 3)
    assert found["schedule.batch"] == (64, 8)
    assert found["method.name"] == ("gan", "wgan")
    assert list(differences(old, old)) == []


def test_a_keyword_budget_replaces_that_of_the_recipe() -> None:
    assert recipe("dcgan", minutes=2.0).schedule.steps is None
    assert recipe("dcgan", data="ring8").data == DataConfig(source="ring8", size="64", flip=True)


def test_a_recipe_may_be_a_file_of_the_user(tmp_path) -> None:  # type: ignore[no-untyped-def]
    mine = tmp_path / "mine.toml"
    mine.write_text('[method]\nname = "wgan"\n')
    assert recipe(str(mine)).method == Wgan()
    mine.write_text("[method\n")
    with pytest.raises(ConfigError, match="is not TOML"):
        recipe(str(mine))
    with pytest.raises(ConfigError, match="did you mean 'dcgan'"):
        recipe("dcgam")
    with pytest.raises(ConfigError, match="no recipe file"):
        recipe(str(tmp_path / "other.toml"))
