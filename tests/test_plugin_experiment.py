"""An experiment is added by one file outside the package: the command line, Python and the playground offer it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ganache
from forked import run_ganache, run_python
from ganache.core.plugins import import_file
from ganache.lab.serialisation import command, from_json, to_json
from ganache.runs.models import load_model
from playground_client import ORIGIN, SOCKET, ask, client, received, train

EXPERIMENT = '''
"""Mirrored latents: z beside -z."""

from dataclasses import dataclass

from ganache import EXPERIMENTS, Experiment, Figure, ImageGrid, PageView, Sample


@dataclass(frozen=True)
class Mirror(Experiment):
    """Show latents next to their negatives."""

    page = PageView("Mirror", "Latents and their negatives.", {"n": 3}, ("seed",))

    n: int = 2
    """Number of latents, one per row."""
    seed: int = 0
    """The first seed."""

    def cost(self, prior):
        return 2 * self.n

    def figure(self, model, inputs):
        from ganache.core.rendering import render
        from torch import stack

        z = Sample(self.n, seed=self.seed).latents(model.prior)
        pictures = render(model.generator, stack([z, -z], dim=1).flatten(0, 1))
        return Figure("Mirrored latents.", ((ImageGrid(pictures, 2, ("z", "-z"), (), model.name),),))


EXPERIMENTS["mirror"] = Mirror
'''


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("plugins") / "mirror.py"
    file.write_text(EXPERIMENT)
    return file


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "faces")


@pytest.fixture
def loaded(plugin: Path) -> Iterator[None]:
    """The plugin in this process, for one test."""
    import_file(plugin)
    yield
    del ganache.EXPERIMENTS["mirror"]


def commands(plugin: Path, folder: Path, *lines: list[str]) -> str:
    """Run commands in one process of their own with GANACHE_PLUGINS; return what they print."""
    code = f"from ganache.cli import main\nfor line in {lines!r}:\n    main(line)"
    done = run_python(code, cwd=folder, GANACHE_PLUGINS=str(plugin))
    assert done.returncode == 0, done.stderr
    return done.stdout


def help_text(plugin: Path, *words: str) -> str:
    return run_ganache(*words, "--help", GANACHE_PLUGINS=str(plugin), COLUMNS="200").stdout


def test_on_the_command_line(plugin: Path, run: Path, tmp_path: Path) -> None:
    commands(
        plugin,
        tmp_path,
        ["mirror", str(run), "-n", "3", "--seed", "5", "-o", "x.png"],
        ["render", str(run), "x.json", "-o", "y.png"],
    )
    assert json.loads((tmp_path / "x.json").read_text()) == {"kind": "mirror", "n": 3, "seed": 5}
    first, again = (np.asarray(Image.open(tmp_path / name)) for name in ("x.png", "y.png"))
    assert np.array_equal(first, again)
    assert "Show latents next to their negatives." in help_text(plugin)
    options = help_text(plugin, "mirror")
    assert "Number of latents, one per row. (default: 2)" in options
    assert "(default: mirror.png)" in options


@pytest.mark.usefixtures("loaded")
def test_in_python(run: Path) -> None:
    request = ganache.EXPERIMENTS["mirror"](n=3, seed=5)  # type: ignore[call-arg]
    assert from_json(to_json(request)) == request
    assert command(request, ["RUN"]) == ["ganache", "mirror", "RUN", "--n", "3", "--seed", "5"]
    model, _ = load_model(ganache.find_checkpoint(run), "faces")
    figure = ganache.show(request, [model, model])
    assert isinstance(figure, ganache.Figure)
    (first,), (second,) = figure.groups
    assert isinstance(first, ganache.ImageGrid)
    assert first.pictures.shape == (6, 16, 16, 3)
    assert np.array_equal(first.pictures, second.pictures)  # type: ignore[union-attr]
    assert not np.array_equal(first.pictures[0], first.pictures[1])
    with pytest.raises(ganache.ConfigError, match="n is 0: use a number from 1"):
        ganache.EXPERIMENTS["mirror"](n=0)  # type: ignore[call-arg]


@pytest.mark.usefixtures("loaded")
def test_on_the_page(run: Path) -> None:
    with client(run) as browser, browser.websocket_connect(SOCKET, headers=ORIGIN) as page:
        listed = {each["kind"]: each for each in received(page)[0]["hello"]["experiments"]}
        assert listed["mirror"] == {
            "kind": "mirror",
            "name": "Mirror",
            "hint": "Latents and their negatives.",
            "request": {"kind": "mirror", "n": 3},
            "follows": ["seed"],
            "one_model": False,
            "spaces": False,
            "styled": False,
            "reads_data": False,
            "formats": ["png", "webp", "jpg", "jpeg"],
        }
        request = {**listed["mirror"]["request"], "seed": 5}
        header, (sheet,) = ask(page, "show", slot="view", request=request, models=[{}])
        assert header["title"] == "Mirrored latents."
        assert header["groups"][0][0]["column_labels"] == ["z", "-z"]
        assert header["groups"][0][0]["count"] == 6
        assert Image.open(io.BytesIO(sheet)).size == (6 * 16, 16)
        told, _ = ask(page, "tell", request=request, models=[{}])
        assert told["command"] == f"ganache mirror {run} --n 3 --seed 5"
        refused, _ = ask(page, "show", slot="view", request={"kind": "mirror", "n": 501}, models=[{}])
        assert "1,002 pictures are asked for" in refused["error"]
