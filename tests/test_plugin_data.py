"""One file outside the package adds a data reader, another a feature extractor, with no change in ganache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ganache
from forked import run_ganache
from ganache.core.images import as_x
from ganache.core.plugins import VARIABLE, import_file
from ganache.data.readers import PixelArray, Reader, ReadOptions, Source
from ganache.errors import ConfigError, DataError
from ganache.evaluation.features.base import FeatureInputs, Features
from ganache.evaluation.features.extract import build_features

READER = '''
"""Read a text file of image paths, one per line: `label path`."""

from ganache.data.readers import READERS, ImageFile, ImageFiles, Reader


class ListReader(Reader):
    help = "a .mine file that lists image files"

    def opens(self, source):
        return source.is_file and source.path.suffix == ".mine"

    def read(self, source, options):
        lines = [line.split() for line in source.path.read_text().splitlines()]
        paths = [source.path.parent / name for _, name in lines]
        return ImageFiles(
            [
                ImageFile(path.name, path.read_bytes, (path.stat().st_mtime_ns,), int(label))
                for (label, _), path in zip(lines, paths, strict=True)
            ],
            location=str(source.path),
            label_names=("dark", "bright"),
        )


READERS["mine"] = ListReader()
'''

FEATURES = '''
"""Features: the mean and the standard deviation of each channel."""

import torch

from ganache.evaluation.features import FEATURES
from ganache.evaluation.features.base import Features


class ChannelMoments(Features):
    name = "mine"
    preprocessing = "as they are"

    def __init__(self, image_shape):
        super().__init__()
        self.num_features = 2 * image_shape[0]

    def vectors(self, x):
        pixels = x.flatten(2)
        return torch.cat([pixels.mean(dim=2), pixels.std(dim=2)], dim=1)


FEATURES["mine"] = ChannelMoments
'''

SMALL = ["--size", "16", "--batch", "4", "--network.width", "4", "--steps", "1", "--projected.weight", "0"]


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file x.mine, and 120 images that it lists."""
    folder = tmp_path_factory.mktemp("listed")
    random = np.random.default_rng(0)
    lines = []
    for i in range(120):
        pixels = random.integers(0, 128, (16, 16, 3), dtype=np.uint8) + 127 * (i % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i:03}.png")
        lines.append(f"{i % 2} {i:03}.png\n")
    (folder / "x.mine").write_text("".join(lines))
    return folder / "x.mine"


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The value of GANACHE_PLUGINS: a file with a reader, and a file with a feature extractor."""
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "list_reader.py").write_text(READER)
    (folder / "channel_moments.py").write_text(FEATURES)
    return os.pathsep.join([str(folder / "list_reader.py"), str(folder / "channel_moments.py")])


def command(*args: str, plugins: str = "") -> subprocess.CompletedProcess[str]:
    return run_ganache(*args, **{VARIABLE: plugins, "COLUMNS": "200"})


@pytest.mark.slow
def test_the_command_line_uses_both(listed: Path, plugins: str, tmp_path: Path) -> None:
    doctor = command("doctor", str(listed), plugins=plugins)
    assert doctor.returncode == 0, doctor.stderr
    assert "x.mine: 120 pictures, 16x16 RGB." in doctor.stdout
    assert "bright (60), dark (60)" in doctor.stdout

    run = str(tmp_path / "run")
    train = command("train", str(listed), *SMALL, "--out", run, plugins=plugins)
    assert train.returncode == 0, train.stderr

    evaluation = command("evaluate", run, "--features", "mine", "-n", "100", plugins=plugins)
    assert evaluation.returncode == 0, evaluation.stderr
    assert "features mine " in evaluation.stdout
    assert "6 per picture (as they are)" in " ".join(evaluation.stdout.split())

    listed = "{auto,classifier,inception,mine,perceptual,perceptual-2,pixels,random}"
    assert listed in command("evaluate", "--help", plugins=plugins).stdout


def test_without_the_plugins_one_sentence_says_what_is_missing(listed: Path) -> None:
    refused = command("doctor", str(listed))
    assert refused.returncode == 2
    assert "x.mine' is not in a format that can be read: give " in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert command("evaluate", "run", "--features", "mine").returncode == 2


def test_the_help_of_evaluate_does_not_load_pytorch() -> None:
    script = (
        "import sys\nfrom ganache.cli import main\n"
        "try:\n    main(['evaluate', '--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    )
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "classifier,inception,perceptual,perceptual-2,pixels,random" in "".join(printed.split())
    assert printed.splitlines()[-1] == "[]"


def test_python_uses_both(listed: Path, plugins: str, request: pytest.FixtureRequest, cache: Path) -> None:
    with pytest.raises(DataError, match=r"x\.mine' is not in a format"):
        ganache.load(listed, cache=cache)
    request.addfinalizer(lambda: [table.pop("mine", None) for table in (ganache.READERS, ganache.FEATURES)])
    for path in plugins.split(os.pathsep):
        import_file(Path(path))

    data = ganache.load(listed, cache=cache)
    assert len(data) == 120
    assert data.label_names == ("dark", "bright")
    features = build_features("mine", FeatureInputs(data, data.training, data.held_out))
    h = features(as_x(data.at(data.training)))
    assert h.shape == (120, 6)
    assert features.hash != build_features("pixels", FeatureInputs(data, data.training, data.held_out)).hash


def test_a_plugin_is_asked_before_the_built_in_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    class Everything(Reader):
        help = "everything"

        def opens(self, source: Source) -> bool:
            return True

        def read(self, source: Source, options: ReadOptions) -> PixelArray:
            raise DataError("asked first")

    monkeypatch.setitem(ganache.READERS, "everything", Everything())
    with pytest.raises(DataError, match="asked first"):
        ganache.load("faces")


def test_every_registered_extractor_keeps_the_interface() -> None:
    for name, extractor in ganache.FEATURES.items():
        assert issubclass(extractor, Features)
        assert extractor.name == name


def test_an_unknown_extractor_is_refused_with_the_closest_name(monkeypatch: pytest.MonkeyPatch) -> None:
    data = ganache.load("faces", count=8, size=(16, 16))
    inputs = FeatureInputs(data, data.training, data.held_out)
    monkeypatch.setitem(ganache.FEATURES, "channels", ganache.FEATURES["pixels"])
    with pytest.raises(ConfigError, match="There are no features 'chanels': did you mean 'channels'"):
        build_features("chanels", inputs)
    assert build_features("channels", inputs).num_features == 16 * 16 * 3
