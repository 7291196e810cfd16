"""Plugins: a method, a network family, a recipe and a claim are each added by one file outside the package.

Every test writes that one file and runs the real command line in a process of its own. Nothing else is edited, and no
part of the package is copied.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from forked import run_ganache, run_python

METHOD = '''
"""Squared hinge, with a penalty at each real image."""

from dataclasses import dataclass

from ganache import METHODS, Method
from ganache.functional.losses import wasserstein_real
from ganache.functional.penalties import gradient_norms, zero_centred


@dataclass(frozen=True)
class SquaredHinge(Method):
    per_sample_gradients = True

    margin: float = 1.0
    """Distance of the targets from 0."""

    def d_terms(self, G, D, real, z):
        real_scores, fake_scores = D.both(real, G(z))
        return {
            "real": (self.margin - real_scores).relu().square().mean(),
            "fake": (self.margin + fake_scores).relu().square().mean(),
            "penalty": zero_centred(gradient_norms(D, real)),
        }

    def g_terms(self, G, D, real, z):
        return {"fake": wasserstein_real(D(G(z)))}


METHODS["mine"] = SquaredHinge
'''

CODED_METHOD = '''
"""A method with latent codes of its own, which no file of the package knows by name."""

from dataclasses import dataclass

from torch import nn

from ganache import METHODS, Method
from ganache.functional.losses import gan_fake, gan_real


@dataclass(frozen=True)
class Coded(Method):
    recipe = "gan-mlp"

    values: int = 3

    @property
    def latent_codes(self):
        return self.values, 1

    def code_head(self, features):
        return nn.Linear(features, self.values + 1)

    def d_terms(self, G, D, real, z):
        error = (D.read_codes(D.features(G(z))) - z[:, -self.values - 1 :]).square().mean()
        return {"real": gan_real(D(real)), "fake": gan_fake(D(G(z))), "codes": error}

    def g_terms(self, G, D, real, z):
        return {"fake": gan_real(D(G(z)))}


METHODS["coded"] = Coded
'''

NETWORK = '''
"""One hidden layer; the critic has batch norm, and says so."""

from dataclasses import dataclass

from torch import nn

from ganache import NETWORKS, Critic, Generator, Network


class OneLayer(Generator):
    def __init__(self, z_dim, hidden, shape):
        super().__init__()
        self.z_dim, self.image_shape = z_dim, shape
        self.body = nn.Sequential(nn.Linear(z_dim, hidden), nn.ReLU(), nn.Linear(hidden, shape[0]))

    def synthesis(self, w):
        return self.body(w)


class Judge(Critic):
    def __init__(self, hidden, shape):
        super().__init__()
        self.image_shape = shape
        self.body = nn.Sequential(nn.Linear(shape[0], hidden), nn.BatchNorm1d(hidden), nn.ReLU())
        self.head = nn.Linear(hidden, 1)

    def features(self, x):
        return self.body(x)


@dataclass(frozen=True)
class Mine(Network):
    z_dim: int = 4
    """Dimensions of a latent."""
    hidden: int = 8
    """Units of the hidden layer."""

    def generator(self, shape):
        return OneLayer(self.z_dim, self.hidden, shape)

    def critic(self, shape):
        return Judge(self.hidden, shape)

    def critic_mixes_images(self):
        return {"batch norm": "--network.name mlp"}


NETWORKS["mine"] = Mine
'''

RECIPE = """
title = "My own settings"
source = "Nowhere"
advice = "For a test."
deviations = ["none"]

[network]
name = "mlp"
hidden = 8

[schedule]
batch = 8
steps = 2
"""

CLAIM = '''
"""A claim that needs no training: seeds differ."""

from dataclasses import dataclass

from ganache import CLAIMS
from ganache.claims.claim import Claim, Size, values
from ganache.claims.drawing import figure
from ganache.claims.verdict import Part


@dataclass(frozen=True)
class Counting(Size):
    steps: int = 4


def measure(unit, size):
    return {"number": float(unit.seed + size.steps + len(unit.variant))}


def judge(measured):
    return (Part("The number", values(measured, "one", "number"), holds=1.0, fails=0.0),)


CLAIMS["mine"] = Claim(
    name="mine",
    number=99,
    statement="A number is large.",
    source="Nowhere",
    protocol="Counted.",
    size=lambda settings: Counting(),
    variants=lambda size: ("one", "two"),
    measure=measure,
    judge=judge,
    draw=lambda measured: {"number": figure("The number", height=2)},
)
'''


def ganache(*arguments: str, plugins: Path | None = None, **variables: str) -> CompletedProcess[str]:
    """Run the command line in a process of its own, with GANACHE_PLUGINS set to `plugins`."""
    return run_ganache(*arguments, **variables, **({} if plugins is None else {"GANACHE_PLUGINS": str(plugins)}))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def ok(done: CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(done: CompletedProcess[str]) -> str:
    """Return the one sentence of a refusal."""
    assert done.returncode == 2, done.stdout + done.stderr
    (sentence,) = done.stderr.strip().splitlines()
    assert sentence.startswith("ganache: ")
    return sentence


def last_line(run: Path) -> dict[str, dict[str, float]]:
    return json.loads((run / "log.jsonl").read_text().splitlines()[-1])  # type: ignore[no-any-return]


TOY = ("--steps", "2", "--batch", "8", "--record.log-every", "1")


def test_a_method(tmp_path: Path) -> None:
    plugin, run = write(tmp_path / "mine.py", METHOD), tmp_path / "run"
    command = ["train", "ring8", "--recipe", "gan-mlp", "--method.name", "mine", "--method.margin", "2", *TOY]
    ok(ganache(*command, "--out", str(run), plugins=plugin))
    assert last_line(run)["d"].keys() == {"real", "fake", "penalty"}
    assert json.loads((run / "config.json").read_text())["method"] == {"name": "mine", "margin": 2.0}
    # The rules ask the method itself whether batch norm in the critic contradicts it.
    sentence = refused(ganache("train", "faces", "--recipe", "dcgan", "--method.name", "mine", plugins=plugin))
    assert "The method mine penalises the critic's gradient at each image" in sentence
    # Without the plugin the run is refused, not loaded by some other way.
    assert "There is no method 'mine'" in refused(ganache("sample", str(run)))


def test_a_method_with_latent_codes(tmp_path: Path) -> None:
    plugin, run = write(tmp_path / "coded.py", CODED_METHOD), tmp_path / "run"
    command = ["train", "ring8", "--recipe", "gan-mlp", "--method.name", "coded", "--network.z-dim", "6", *TOY]
    ok(ganache(*command, "--out", str(run), plugins=plugin))
    assert last_line(run)["d"].keys() == {"real", "fake", "codes"}
    script = "from ganache.claims.training import method_recipes; print(list(method_recipes())[-1])"
    printed = ok(run_python(f"import ganache; ganache.load_plugins(); {script}", GANACHE_PLUGINS=str(plugin)))
    assert printed.strip() == "coded", "claims that compare methods have it, last"


def test_a_network(tmp_path: Path) -> None:
    plugin, run = write(tmp_path / "mine.py", NETWORK), tmp_path / "run"
    command = ["train", "ring8", "--recipe", "gan-mlp", "--network.name", "mine", "--network.hidden", "16", *TOY]
    ok(ganache(*command, "--out", str(run), plugins=plugin))
    assert json.loads((run / "config.json").read_text())["network"] == {"name": "mine", "z_dim": 4, "hidden": 16}
    sentence = refused(ganache(*command, "--method.name", "wgan-gp", plugins=plugin))
    assert "with batch norm in the critic" in sentence
    assert "add --network.name mlp" in sentence


def test_a_recipe_as_a_toml_file_and_as_text(tmp_path: Path) -> None:
    text = f"import ganache\nganache.RECIPES['from-text'] = '''{RECIPE}'''\n"
    folder = write(tmp_path / "plugins" / "mine.toml", RECIPE).parent
    write(folder / "texts.py", text)
    listed = ok(ganache("recipes", plugins=folder)).splitlines()
    named = [line.split()[0] for line in listed if line.endswith("My own settings")]
    assert named == ["from-text", "mine"]
    assert any(line.startswith("dcgan ") for line in listed)
    for name in named:
        run = tmp_path / name
        ok(ganache("train", "ring8", "--recipe", name, "--out", str(run), plugins=folder))
        config = json.loads((run / "config.json").read_text())
        assert (config["recipe"], config["network"]["hidden"], config["schedule"]["steps"]) == (name, 8, 2)
    write(folder / "dcgan.toml", RECIPE)
    assert "There is a recipe 'dcgan' already" in refused(ganache("recipes", plugins=folder))


def test_a_claim_in_the_main_process_and_in_workers(tmp_path: Path) -> None:
    plugin = write(tmp_path / "mine.py", CLAIM)
    listed = ok(ganache("claims", "--list", plugins=plugin)).splitlines()
    assert listed[-1].split()[:2] == ["99", "mine"]
    for workers in ("1", "2"):
        out = tmp_path / workers
        words = ("--quick", "--seeds", "3", "--workers", workers, "--out", str(out))
        ok(ganache("claims", "mine", *words, plugins=plugin))
        verdict = json.loads((out / "mine" / "verdict.json").read_text())
        assert (verdict["claim"], verdict["seeds"]) == ("A number is large.", 3)
        assert len(list((out / "mine" / "units").glob("*.json"))) == 6


def test_an_installed_package_is_loaded_by_its_entry_point(tmp_path: Path) -> None:
    site = write(tmp_path / "site" / "squared_hinge.py", METHOD).parent
    write(
        site / "squared_hinge-1.0.dist-info" / "METADATA", "Metadata-Version: 2.1\nName: squared-hinge\nVersion: 1.0\n"
    )
    points = write(
        site / "squared_hinge-1.0.dist-info" / "entry_points.txt", "[ganache.plugins]\nmine = squared_hinge\n"
    )
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    run = str(tmp_path / "run")
    ok(ganache("train", "ring8", "--recipe", "gan-mlp", "--method.name", "mine", *TOY, "--out", run, PYTHONPATH=path))
    points.write_text("[ganache.plugins]\nmine = no_such_module\n")
    sentence = refused(ganache("recipes", PYTHONPATH=path))
    assert "The plugin 'mine' (no_such_module) cannot be loaded" in sentence


def test_python_code_loads_plugins_with_the_first_public_name(tmp_path: Path) -> None:
    plugin = write(tmp_path / "mine.py", METHOD)
    script = "import ganache; print(ganache.recipe('gan-mlp').method, 'mine' in ganache.METHODS)"
    assert ok(run_python(script, GANACHE_PLUGINS=str(plugin))).split()[-1] == "True"
    plugin = write(tmp_path / "broken.py", "import no_such_module")
    script = "import ganache\ntry:\n    ganache.METHODS\nexcept ganache.ConfigError as error:\n    print(error)"
    printed = ok(run_python(script, GANACHE_PLUGINS=str(plugin)))
    assert "broken.py cannot be loaded (ModuleNotFoundError: No module named 'no_such_module')" in printed


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("broken.py", "def f(:", "broken.py cannot be loaded (SyntaxError: "),
        (
            "broken.py",
            "raise ValueError('two\\nlines')",
            "broken.py cannot be loaded (ValueError: two lines): correct it",
        ),
        ("broken.py", "raise SystemExit(3)", "broken.py cannot be loaded (SystemExit: 3): correct it"),
        ("broken.txt", "", "a plugin is a file .py or .toml"),
        ("missing/", None, "which does not exist"),
    ],
)
def test_a_broken_plugin_is_one_sentence(tmp_path: Path, name: str, text: str | None, words: str) -> None:
    path = tmp_path / name if text is None else write(tmp_path / name, text)
    assert words in refused(ganache("recipes", plugins=path))


def test_two_plugins_of_one_name_are_refused(tmp_path: Path) -> None:
    paths = [write(tmp_path / folder / "mine.py", METHOD) for folder in ("a", "b")]
    assert "names two plugins called mine.py" in refused(
        ganache("recipes", plugins=Path(f"{paths[0]}{os.pathsep}{paths[1]}"))
    )


def test_no_run_and_no_recipe_loads_a_plugin(tmp_path: Path) -> None:
    """Files from others never run code: whatever they name, only GANACHE_PLUGINS and installed packages count."""
    trap = "from pathlib import Path\nPath(__file__).with_suffix('.ran').touch()\n"
    mine, run = write(tmp_path / "mine.py", trap + METHOD), tmp_path / "run"
    ok(ganache("train", "ring8", "--recipe", "gan-mlp", "--method.name", "mine", *TOY, "--out", str(run), plugins=mine))
    ran = mine.with_suffix(".ran")
    ran.unlink()
    write(run / "mine.py", trap + METHOD)
    for name in ("mine", str(mine)):
        settings = json.loads((run / "config.json").read_text())
        settings["method"]["name"] = name
        (run / "config.json").write_text(json.dumps(settings))
        refused(ganache("sample", str(run)))
        recipe = write(tmp_path / "recipe.toml", f'plugins = ["{mine}"]\n[method]\nname = "{name}"\n')
        refused(ganache("train", "ring8", "--recipe", str(recipe), "--steps", "1", "--out", str(tmp_path / "other")))
    environment = {"GANACHE_PLUGINS": ""}
    refused(ganache("train", "ring8", "--recipe", str(recipe), "--out", str(tmp_path / "other"), **environment))
    assert not list(tmp_path.rglob("*.ran"))
