"""Mistakes in plugins: each is one sentence that names the entry, and no run folder is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganache
from conftest import run_command
from ganache.cli.environment import VALUES
from ganache.config.config import from_dict
from ganache.core.plugins import import_file
from ganache.core.table import Table
from ganache.data.pixel_arrays import PixelArray, PixelBlocks
from ganache.data.readers import Reader, ReadOptions, Source
from ganache.evaluation.features.base import FeatureInputs, Features
from ganache.evaluation.features.extract import build_features
from ganache.fastconv import switch
from ganache.fastconv.kernels import loading
from ganache.training import build

TABLES: dict[str, Table[Any]] = {
    name: getattr(ganache, name)
    for name in ("METHODS", "NETWORKS", "READERS", "FEATURES", "EXPERIMENTS", "CLAIMS", "RECIPES")
}

METHOD = """
from dataclasses import dataclass
import ganache, torch

{decorator}
class Mine({base}):
    margin: float = 1.0

    def d_terms({d_parameters}):
        return {d}

    def g_terms(self, G, D, real, z):
        return {g}

ganache.METHODS["mine"] = {entry}
"""
GOOD_METHOD = {
    "decorator": "@dataclass(frozen=True)",
    "base": "ganache.Method",
    "d_parameters": "self, G, D, real, z",
    "d": '{"real": -D(real).mean()}',
    "g": '{"fake": -D(G(z)).mean()}',
    "entry": "Mine",
}

NETWORK = """
from dataclasses import dataclass
from torch import nn
import ganache

class Generator({generator_base}):
    def __init__(self, z_dim, shape):
        super().__init__()
        self.z_dim, self.image_shape = z_dim, {image_shape}
        self.body = nn.Linear(z_dim, 2)

    def synthesis(self, w):
        return {x}

class Critic(ganache.Critic):
    def __init__(self, shape):
        super().__init__()
        self.image_shape = shape
        self.{head} = nn.Linear({features}, 1)

    def features(self, x):
        return x

    def score(self, h):
        return {scores}

@dataclass(frozen=True)
class Mine(ganache.Network):
    {z_dim}

    def generator(self, shape):
        return Generator(4, shape)

    def critic(self, shape):
        return {critic}

ganache.NETWORKS["mine"] = Mine
"""
GOOD_NETWORK = {
    "generator_base": "ganache.Generator",
    "image_shape": "shape",
    "x": "self.body(w)",
    "head": "head",
    "features": "2",
    "scores": "self.head(h).flatten()",
    "z_dim": "z_dim: int = 4",
    "critic": "Critic(shape)",
}


@pytest.fixture(autouse=True)
def unchanged_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = {name: set(table) for name, table in TABLES.items()}
    yield
    for name, table in TABLES.items():
        for added in set(table) - before[name]:
            del table[added]


def plugin(text: str) -> None:
    path = Path("mine.py")
    path.write_text(text)
    import_file(path)


def filled(text: str, good: dict[str, str], changes: dict[str, str]) -> str:
    for field, value in (good | changes).items():
        text = text.replace("{" + field + "}", value)
    return text


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert run_command(*args) == 2
    (sentence,) = capsys.readouterr().err.strip().splitlines()
    assert not Path("run").exists()
    return sentence


TRAIN = ("train", "ring8", "--recipe", "gan-mlp", "--steps", "2", "--batch", "8", "--data.count", "300", "--out", "run")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"d_parameters": "self, G, D, real"},
            r"defines d_terms\(self, G, D, real\): use d_terms\(self, G, D, real, z",
        ),
        ({"decorator": ""}, r"write @dataclass\(frozen=True\)"),
        ({"decorator": "@dataclass"}, r"write @dataclass\(frozen=True\)"),
        ({"base": "object"}, "the class Mine: assign a subclass of Method"),
        ({"d_parameters": "self, G, D, real, z", "entry": "type('Mine', (ganache.Method,), {})"}, "frozen dataclass"),
        ({"entry": "Mine()"}, "an instance of Mine: assign a subclass of Method"),
        ({"entry": "None"}, "it is None: assign a subclass of Method"),
    ],
)
def test_a_wrong_method_is_refused_when_it_is_assigned(changes: dict[str, str], words: str) -> None:
    with pytest.raises(ganache.ConfigError, match=words) as refusal:
        plugin(filled(METHOD, GOOD_METHOD, changes))
    assert "mine.py cannot be loaded" in str(refusal.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"d": "[D(real).mean()]"}, "d_terms returned an instance of list: return a dict"),
        ({"d": "{}"}, "d_terms returned an empty dict"),
        ({"d": '{"real": 3.0}'}, "d_terms returned an instance of float as 'real'"),
        ({"d": '{"real": D(real)}'}, "d_terms returned a float32 tensor of shape [8] as 'real'"),
        ({"d": '{"real": torch.zeros(())}'}, "d_terms returned terms that do not depend on D"),
        ({"g": "None"}, "g_terms returned None: return a dict"),
        ({"g": '{"real": real.mean()}'}, "g_terms returned terms that do not depend on G"),
    ],
)
def test_a_method_that_returns_something_else_is_refused_before_the_run(
    changes: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin(filled(METHOD, GOOD_METHOD, changes))
    sentence = refused(capsys, *TRAIN, "--method.name", "mine")
    assert words in sentence
    assert "The method 'mine' (METHODS['mine'])" in sentence
    assert words in refused(capsys, *TRAIN, "--method.name", "mine", "--dry-run")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"generator_base": "nn.Module"}, "returned an instance of Generator as generator: return a ganache.Generator"),
        ({"critic": "None"}, "returned None as critic: return a ganache.Critic"),
        ({"image_shape": "(3,)"}, "image_shape is (3,): set self.image_shape to (2,)"),
        ({"z_dim": "z_dim: int = 5"}, "z_dim is 4: set self.z_dim to 5"),
        ({"head": "top"}, "without the layer 'head'"),
        (
            {"x": "self.body(w)[:, :1]"},
            "returned a float32 tensor of shape [8, 1]: return a float32 tensor of shape [8, 2]",
        ),
        ({"x": "self.body(w).double()"}, "returned a float64 tensor of shape [8, 2]"),
        ({"x": "(self.body(w),)"}, "returned an instance of tuple"),
        (
            {"features": "3"},
            "'features' returned a float32 tensor of shape [8, 2]: return a float32 tensor of shape [8, 3]",
        ),
        ({"scores": "self.head(h)"}, "critic that returned a float32 tensor of shape [8, 1]"),
    ],
)
def test_a_network_that_returns_something_else_is_refused_before_the_run(
    changes: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin(filled(NETWORK, GOOD_NETWORK, changes))
    sentence = refused(capsys, *TRAIN, "--network.name", "mine")
    assert words in sentence
    assert "The network 'mine' (NETWORKS['mine'])" in sentence


def test_a_network_without_latent_size_is_refused() -> None:
    with pytest.raises(ganache.ConfigError, match="Mine has no 'z_dim'"):
        plugin(filled(NETWORK, GOOD_NETWORK, {"z_dim": "pass"}))


def test_the_trial_changes_no_random_state_and_no_weights() -> None:
    plugin(filled(METHOD, GOOD_METHOD, {}))
    plugin(filled(NETWORK, GOOD_NETWORK, {}).replace("mine", "my-network"))
    settings = {"network": {"name": "my-network"}, "method": {"name": "mine"}}
    resolved = build.resolve(from_dict(settings))
    before = torch.get_rng_state()
    state = build.state(resolved, (2,))
    assert torch.equal(torch.get_rng_state(), before)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        G, D = build.networks(resolved.config, (2,))
    for network, expected in ((state.generator, G), (state.critic, D)):
        for found, right in zip(network.parameters(), expected.parameters(), strict=True):
            assert torch.equal(found, right)
            assert found.grad is None
            assert found.requires_grad


@pytest.mark.parametrize("name", TABLES)
def test_every_table_keeps_its_own_entries(name: str) -> None:
    table = TABLES[name]
    built_in, value = next(iter(table.items()))
    other = next(each for each in table.values() if each is not value)
    with pytest.raises(
        ganache.ConfigError, match=rf"{name}\['{built_in}'\] was assigned, and there is a .*another name"
    ):
        table[built_in] = other
    with pytest.raises(ganache.ConfigError, match="choose another name"):
        table.update({built_in: other})
    for wrong in (None, 3, object):
        with pytest.raises(ganache.ConfigError, match=rf"{name}\['mine'\] cannot be used as a .*: assign a"):
            table["mine"] = wrong
    for wrong in ("two words", "../up", "a/b", ".hidden", "-o", ""):
        with pytest.raises(ganache.ConfigError, match="is of letters, digits and any of"):
            table[wrong] = value
    assert table[built_in] is value
    assert "mine" not in table
    for right in ("mine", "clip.b32", "méthode", "a+b"):
        table[right] = value
        assert table.named(right) is value


def test_every_built_in_entry_is_what_its_table_asks_for() -> None:
    for name, table in TABLES.items():
        for entry, value in table.items():
            assert table.entry.mistake(value) is None, (name, entry)


def test_a_class_of_the_same_file_may_be_assigned_again_and_that_of_another_may_not() -> None:
    plugin(filled(METHOD, GOOD_METHOD, {}))
    plugin(filled(METHOD, GOOD_METHOD, {"d": '{"other": D(real).mean()}'}))
    Path("other.py").write_text(filled(METHOD, GOOD_METHOD, {}))
    with pytest.raises(ganache.ConfigError, match="there is a method 'mine': choose another name"):
        import_file(Path("other.py"))


@pytest.mark.parametrize("name", ["mnist", "chollet"])
def test_the_first_versions_names_of_networks_stay_theirs(name: str) -> None:
    """A file of the first version means ganache's network by this name."""
    with pytest.raises(ganache.ConfigError, match="choose another name"):
        plugin(filled(NETWORK, GOOD_NETWORK, {}).replace("mine", name))


@pytest.mark.parametrize("section", ["method", "network"])
def test_without_the_plugin_the_sentence_names_the_variable(section: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("qqq", "hing", "dcgam"):
        sentence = refused(capsys, *TRAIN, f"--{section}.name", name)
        assert f"There is no {section} '{name}': " in sentence
        assert "GANACHE_PLUGINS" in sentence
    assert "leave it out" in refused(capsys, *TRAIN, "--recipe", write("[method]\nname = 'hinge'\nmargin = 1\n"))


def write(recipe: str) -> str:
    Path("mine.toml").write_text(recipe)
    return "mine.toml"


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("titel = 'x'", "has 'titel' outside all sections: did you mean 'title'?"),
        ("title = 3", ": title is 3"),
        ("deviations = 5", ": deviations is 5"),
        ("deviations = [5]", ": deviations.0 is 5"),
        ("[title]", ": title is {}"),
        ("network = 5", "has 'network' outside all sections"),
        ("[netwrok]", "There is no setting 'netwrok': did you mean 'network'?"),
        ("[network]\nname = 'nosuch'", "There is no network 'nosuch'"),
        ("[network]\nname = ['nosuch']", "There is no network '['nosuch']'"),
        ("[schedule]\nbatch = 'x'", "schedule.batch is 'x'"),
        ("[schedule]\nbatch = 0", "0"),
        ("seed = 'x'", "seed is 'x'"),
        ("seed = ", "is not TOML"),
    ],
)
def test_a_wrong_recipe_is_one_sentence_that_names_its_file(
    recipe: str, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = refused(capsys, "train", "ring8", "--recipe", write(recipe), "--out", "run")
    assert words in sentence
    assert "mine.toml" in sentence
    monkeypatch.setenv("GANACHE_PLUGINS", "mine.toml")
    assert "mine.toml" in refused(capsys, "train", "ring8", "--recipe", "mine", "--out", "run")
    assert run_command("recipes") == 0
    listed = capsys.readouterr().out.splitlines()
    assert sum(line.startswith(("dcgan ", "mine ")) for line in listed) == 2
    assert words in next(line for line in listed if line.startswith("mine ") and "(cannot be used) " in line)
    assert words in refused(capsys, "recipes", "mine.toml")


def test_a_described_recipe_names_the_help_that_shows_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command("recipes", "dcgan") == 0
    assert "`ganache train DATA --recipe dcgan --help`" in capsys.readouterr().out


IMAGES = np.zeros((4, 8, 8, 3), np.uint8)


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        ([1, 2], "returned an instance of list: return one of PixelArray, PixelBlocks, ImageFiles, RemoteFiles"),
        (PixelArray(IMAGES.astype(np.float32)), "returned float32 [4, 8, 8, 3]: return images as uint8"),
        (PixelArray(IMAGES[..., 0]), "returned uint8 [4, 8, 8]"),
        (PixelArray(np.zeros((4, 3), np.float32)), "returned float32 [4, 3]"),
        (PixelArray(IMAGES, np.zeros(3, np.int64), ("a",)), "the labels int64 [3] and 1 label_names"),
        (PixelArray(IMAGES, np.ones(4, np.int64), ("a",)), "indices into label_names"),
        (PixelBlocks(("x",), 4, lambda: iter([IMAGES.astype(float)])), "one of which is float64 [4, 8, 8, 3]"),
        (PixelBlocks(("y",), 4, lambda: iter([[1]])), "one of which is an instance of list"),
    ],
)
def test_a_reader_that_returns_something_else_is_refused(contents: Any, words: str, tmp_path: Path) -> None:
    class Mine(Reader):
        help = "mine"
        names = ("mine",)

        def read(self, source: Source, options: ReadOptions) -> Any:
            return contents

    ganache.READERS["mine"] = Mine()
    with pytest.raises(ganache.DataError) as refusal:
        ganache.load("mine", cache=tmp_path / "cache")
    assert words in str(refusal.value)
    assert "The reader 'mine' (READERS['mine'])" in str(refusal.value)


@pytest.mark.parametrize("result", [None, torch.zeros(4, 2), torch.zeros(4, 3, dtype=torch.float64), torch.zeros(3)])
def test_features_of_another_shape_are_refused(result: Any) -> None:
    class Mine(Features):
        name = "mine"
        preprocessing = "none"
        num_features = 3

        def __init__(self, image_shape: tuple[int, ...]) -> None:
            super().__init__()

        def vectors(self, x: torch.Tensor) -> Any:
            return result

    ganache.FEATURES["mine"] = Mine
    data = ganache.load("faces", count=8, size=(16, 16))
    inputs = FeatureInputs(data, data.training, data.held_out)
    with pytest.raises(ganache.ConfigError, match=r"The features 'mine': vectors returned .*\[4, 3\]"):
        build_features("mine", inputs)(torch.zeros(4, 3, 16, 16))
    del Mine.preprocessing
    with pytest.raises(ganache.ConfigError, match="have no 'preprocessing'"):
        build_features("mine", inputs)


def test_an_error_inside_a_plugin_keeps_its_traceback_and_names_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    plugin(filled(METHOD, GOOD_METHOD, {"d": '{"real": 1 / 0}'}))
    with pytest.raises(ZeroDivisionError):
        run_command(*TRAIN, "--method.name", "mine")
    assert "mine.py: correct it with this traceback" in capsys.readouterr().err
    assert not Path("run").exists()


def test_an_experiment_with_the_name_of_a_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    ganache.EXPERIMENTS["explore"] = ganache.EXPERIMENTS["sample"]
    assert "there is a command 'explore'" in refused(capsys, "recipes")


@pytest.mark.parametrize("variable", VALUES)
def test_a_wrong_value_of_a_variable_is_one_sentence(
    variable: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {switch.VARIABLE: switch.MODES, loading.SWITCH[0]: loading.SWITCH[1]} == VALUES
    monkeypatch.setenv(variable, "typo")
    assert f"{variable} is 'typo'" in refused(capsys, "recipes")
    with pytest.raises(ValueError, match=f"{variable} is 'typo', and must be '{VALUES[variable][0]}' or "):
        switch.environment(variable, VALUES[variable])
