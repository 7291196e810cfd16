"""`evaluate`: scores of generators with known properties, and how results are cached, printed and refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from conftest import run_command as run
from ganache.core.images import as_x
from ganache.data import Dataset, load
from ganache.errors import ConfigError, DataError, TrainingError
from ganache.evaluation import measure
from ganache.evaluation.evaluation import DESCRIPTIONS, Evaluation
from ganache.evaluation.features import classifier, extract
from ganache.evaluation.features.base import Features
from ganache.evaluation.features.pixels import PixelFeatures
from ganache.evaluation.measure import SEED, evaluate
from ganache.types import Critic, Generator, Prior

PRIOR = Prior(2)


class Shows(Generator):
    """A generator that returns one of the given images x [N, *image_shape], chosen by the latent."""

    def __init__(self, x: Tensor, change: Callable[[Tensor], Tensor] = lambda x: x) -> None:
        super().__init__()
        self.x = torch.nn.Parameter(x, requires_grad=False)
        self.z_dim, self.image_shape, self.change = 2, tuple(x.shape[1:]), change

    def synthesis(self, w: Tensor) -> Tensor:
        share = torch.special.ndtr(w[:, 0].double())
        return self.change(self.x[(share * len(self.x)).long().clamp(max=len(self.x) - 1)])


@pytest.fixture(scope="module")
def faces() -> Dataset:
    return load("faces", count=400, size=(16, 16), channels=1, held_out=0.1)


@pytest.fixture(scope="module")
def others() -> Dataset:
    """Other faces than those of `faces`."""
    return load("faces", count=400, size=(16, 16), channels=1, seed=7)


def shown(data: Dataset, change: Callable[[Tensor], Tensor] = lambda x: x) -> Shows:
    return Shows(as_x(data.images[data.training]), change)


def test_memorisation_of_a_copying_and_of_an_independent_generator(faces: Dataset, others: Dataset) -> None:
    copies, innocent = (evaluate(shown(data), PRIOR, faces, n=300, features="random") for data in (faces, others))
    assert copies["memorised"].value == pytest.approx(1)
    assert "p = " in copies["memorised"].how
    assert copies["memorised"].value > 4 * copies["memorised"].error
    assert abs(innocent["memorised"].value) < 3 * innocent["memorised"].error
    for name in ("precision", "coverage", "density"):
        assert innocent[name].value > 0.5
    assert {score.name for score in innocent.scores} == DESCRIPTIONS.keys() - {
        "inception_score",
        "classes",
        "class_entropy",
        "code_accuracy",
        "ppl",
        "ppl_w",
        "layers",
    }
    assert all(np.isfinite([score.value, score.error]).all() for score in copies.scores)
    variety, patches = innocent["variety"], innocent["patches"]
    assert variety.real is not None
    assert patches.real is not None
    assert variety.value == pytest.approx(variety.real, rel=0.1)
    assert patches.value == pytest.approx(patches.real, rel=0.3)


def test_scores_depend_on_the_seed_and_a_collapsed_generator_scores_worse(
    faces: Dataset, others: Dataset, cache: Path
) -> None:
    first, again = (evaluate(shown(others), PRIOR, faces, n=200, features="pixels", cache=cache) for _ in range(2))
    assert first == again
    assert evaluate(shown(others), PRIOR, faces, n=200, features="pixels", seed=SEED + 10**6, cache=cache) != first
    collapsed = evaluate(shown(others, torch.zeros_like), PRIOR, faces, n=200, features="pixels", cache=cache)
    for score in first.scores:
        if score.name not in ("memorised", "precision", "density"):
            worse = collapsed[score.name].value
            assert worse > score.value if score.better == "lower" else worse < score.value, score.name
    assert collapsed["variety"].value < 0.001


def test_the_protocol(faces: Dataset, others: Dataset) -> None:
    header = {"step": 12, "data_fingerprint": faces.fingerprint}
    found = evaluate(shown(others), PRIOR, faces, n=500, features="pixels", header=header)
    assert found.protocol.generated == 500
    assert found.protocol.real == len(faces.training) < 400
    assert found.protocol.held_out == len(faces.held_out) > 20
    assert (found.protocol.split, found.protocol.step, found.protocol.features) == ("training", 12, "pixels")
    assert found.protocol.features_hash == PixelFeatures((1, 16, 16)).hash
    text = found.describe()
    for words in ("frechet_infinity", "+-", "12", "against", found.protocol.features_hash, "few for 256 features"):
        assert words in text
    assert Evaluation.from_json(found.to_json()) == found
    assert Evaluation.from_json(found.to_json().replace('"preprocessing"', '"sees"')) == found, "an earlier version"


def test_data_other_than_the_training_data(faces: Dataset, others: Dataset) -> None:
    found = evaluate(shown(others), PRIOR, faces, n=200, features="pixels", header={"data_fingerprint": "0123"})
    assert (found.protocol.split, found.protocol.real, found.protocol.held_out) == ("all", 200, 0)
    assert "not the data that the generator was trained on" in found.notes[0]
    with pytest.raises(KeyError):
        found["memorised"]


def test_features_of_real_images_are_cached(
    faces: Dataset, others: Dataset, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    real_look = extract.picture_layers

    def counting(pictures: np.ndarray, extractor: Features) -> list[Tensor]:
        looked.append(len(pictures))
        return real_look(pictures, extractor)

    for module in (extract, measure):
        monkeypatch.setattr(module, "picture_layers", counting)
    first = evaluate(shown(others), PRIOR, faces, n=150, features="pixels", cache=cache)
    assert sum(looked) == 150 + len(faces), "copies are looked for among all"
    looked.clear()
    assert evaluate(shown(others), PRIOR, faces, n=150, features="pixels", cache=cache) == first
    assert sum(looked) == 150
    for path in (cache / "features").iterdir():
        path.write_bytes(b"damaged")
    assert evaluate(shown(others), PRIOR, faces, n=150, features="pixels", cache=cache) == first
    looked.clear()
    evaluate(shown(others), PRIOR, faces, n=150, features="random", cache=cache)
    assert sum(looked) > 150, "other features are not taken for these"


def test_a_cache_that_cannot_be_written_is_ignored(faces: Dataset, others: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert (
        evaluate(shown(others), PRIOR, faces, n=100, features="pixels", cache=tmp_path / "file").protocol.generated
        == 100
    )


def test_pictures_are_compared_by_perceptual_features(others: Dataset, cache: Path) -> None:
    faces = load("faces", count=100, size=(16, 16), channels=1)

    def blur(x: Tensor) -> Tensor:
        return torch.nn.functional.interpolate(torch.nn.functional.avg_pool2d(x, 2), scale_factor=2, mode="bilinear")

    good, blurred = (evaluate(each, PRIOR, faces, n=100, cache=cache) for each in (shown(others), shown(others, blur)))
    assert good.protocol.features == "perceptual"
    assert good.protocol.num_features == 1280
    assert blurred["kernel"].value > good["kernel"].value + 5 * good["kernel"].error


@pytest.mark.slow
def test_splotches_are_farther_from_faces_than_faces_with_a_grid(cache: Path) -> None:
    """Both are far away in the last layer of the network, which does not order them; all layers together do."""
    faces, others = (load("faces", count=200, size=(64, 64), seed=seed, held_out=0.0) for seed in (0, 1))
    rows = torch.arange(64)
    grid = 0.5 * ((rows % 4 < 2).float()[:, None] + (rows % 4 < 2).float()) - 0.5
    with_grid = (as_x(others.images) + 0.6 * grid).clamp(-1, 1)
    smooth = torch.nn.functional.interpolate(
        torch.randn(200, 1, 5, 5, generator=torch.Generator().manual_seed(0)), size=(64, 64), mode="bicubic"
    )
    splotches = torch.where(smooth > 1.2, torch.tensor([1.0, -1.0, -1.0]).view(3, 1, 1), torch.ones(3, 1, 1))
    grids, blots = (evaluate(Shows(x), PRIOR, faces, n=200, cache=cache) for x in (with_grid, splotches))
    assert grids["layers"].value + 5 * blots["layers"].error < blots["layers"].value
    assert [score.name for score in grids.scores][:2] == ["layers", "frechet"]


def test_points_are_compared_unchanged() -> None:
    ring, again = (load("ring8", count=600, seed=seed, held_out=0.05) for seed in (0, 1))
    found = evaluate(shown(again), PRIOR, ring, n=400)
    assert found.protocol.features == "pixels"
    assert found["precision"].value > 0.9
    assert found["coverage"].value > 0.9
    assert abs(found["frechet_infinity"].value) < 0.02
    one_mode = replace(again.split(0.0), images=again.images[again.labels == 0], labels=None)
    assert evaluate(shown(one_mode), PRIOR, ring, n=400)["coverage"].value < 0.2
    with pytest.raises(ConfigError, match="--features pixels"):
        evaluate(shown(again), PRIOR, ring, n=400, features="random")


def test_classes_of_labelled_digits(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    digits = load("digits", held_out=0.1)
    assert digits.labels is not None
    of_training = digits.labels[digits.training]
    few = digits.training[of_training < 4]
    makes_four = Shows(as_x(digits.images[few]))
    found = evaluate(makes_four, PRIOR, digits, n=400, features="classifier", cache=cache)
    assert (found["classes"].value, found["classes"].real) == (4, 10)
    assert found["class_entropy"].value == pytest.approx(2, abs=0.1)
    assert found["class_entropy"].real == pytest.approx(np.log2(10), abs=0.02)
    assert found["inception_score"].value < 5 < 8 < (found["inception_score"].real or 0)
    assert found["memorised"].value > 0.8
    assert "held-out pictures" in found.notes[0]

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the classifier was trained again")

    monkeypatch.setattr(classifier, "train_classifier", never)
    assert evaluate(makes_four, PRIOR, digits, n=400, features="classifier", cache=cache) == found


class Reads(Critic):
    """A critic that reads brightness as a code: 2 for images above the threshold, 0 below, of three codes."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = torch.nn.Parameter(torch.tensor(threshold))
        self.codes = torch.nn.Identity()

    def features(self, x: Tensor) -> Tensor:
        bright = (x.flatten(1).mean(dim=1) > self.threshold).long()
        return torch.nn.functional.one_hot(2 * bright, 3).float()


def test_the_accuracy_of_codes_as_class_names(faces: Dataset) -> None:
    brightness = as_x(faces.images).flatten(1).mean(dim=1)
    central = brightness.sort().values[180:220]
    widest = int(central.diff().argmax())  # so that no rounding can decide
    middle = float(central[widest : widest + 2].mean())
    labelled = replace(faces, labels=(brightness < middle).long().numpy(), label_names=("bright", "dark"))
    with_codes = Prior(5, categories=3)
    found = evaluate(shown(faces), with_codes, labelled, n=300, features="pixels", critic=Reads(middle))
    score = found["code_accuracy"]
    assert (score.value, score.error, score.better) == (1, 0, "higher")
    assert "0 for 1, 2 for 0" in score.how
    blind = evaluate(shown(faces), with_codes, labelled, n=300, features="pixels", critic=Reads(2.0))["code_accuracy"]
    assert blind.value == pytest.approx(0.5, abs=0.1)
    assert blind.error == pytest.approx(0.5 / 300**0.5, rel=0.05)
    unlabelled = evaluate(shown(faces), with_codes, faces, n=300, features="pixels", critic=Reads(middle))
    assert any(note.startswith("code_accuracy is left out") for note in unlabelled.notes)
    for score in evaluate(shown(faces), PRIOR, labelled, n=300, features="pixels").scores:
        assert score.name != "code_accuracy"


def test_invalid_arguments_are_refused(faces: Dataset, others: Dataset) -> None:
    good = shown(others)
    with pytest.raises(ConfigError, match="n is 99"):
        evaluate(good, PRIOR, faces, n=99, features="pixels")
    with pytest.raises(ConfigError, match="no features 'randm': did you mean 'random'"):
        evaluate(good, PRIOR, faces, n=100, features="randm")
    with pytest.raises(ConfigError, match="has no labels"):
        evaluate(good, PRIOR, faces, n=100, features="classifier")
    with pytest.raises(DataError, match="50 pictures to compare with: at least 100"):
        evaluate(good, PRIOR, load("faces", count=50, size=(16, 16), channels=1), n=100)
    with pytest.raises(DataError, match=r"makes 1x16x16 \(channels, height, width\), and faces is 1x24x16"):
        evaluate(good, PRIOR, load("faces", count=120, size=(24, 16), channels=1), n=100)
    with pytest.raises(DataError, match=r"makes 1x16x16 .* and ring8 is points"):
        evaluate(good, PRIOR, load("ring8", count=120), n=100)
    with pytest.raises(TrainingError, match="not numbers"):
        evaluate(shown(others, lambda x: x / 0), PRIOR, faces, n=100, features="pixels")


# ---- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained_run(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("judged") / "run")
    quick = [
        "--size",
        "16",
        "--batch",
        "4",
        "--network.width",
        "4",
        "--data.count",
        "300",
        "--data.channels",
        "1",
        "--steps",
        "2",
        "--projected.weight",
        "0",
    ]
    assert run("train", "faces", *quick, "--out", folder) == 0
    return folder


def test_the_command_prints_text_or_json(trained_run: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run("evaluate", trained_run, "-n", "100", "--features", "pixels") == 0
    told = capsys.readouterr().out
    for name in ("frechet", "memorised", "better", "at step 2", "held out; features pixels"):
        assert name in told
    assert run("evaluate", trained_run, "-n", "100", "--features", "pixels", "--checkpoint", "2", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["protocol"]["split"] == "training"
    assert 0 < found["protocol"]["held_out"] < 40
    assert found["scores"][0]["name"] == "frechet"


def test_the_command_reads_the_codes_of_infogans_critic(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn")
    small = ["--recipe", "infogan", "--batch", "4", "--network.width", "4", "--network.hidden", "8", "--steps", "1"]
    assert run("train", "digits", *small, "--size", "8", "--out", str(tmp_path / "run")) == 0
    capsys.readouterr()
    assert run("evaluate", str(tmp_path / "run"), "-n", "200", "--features", "pixels") == 0
    assert "code_accuracy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["-n", "10"], "n is 10"),
        (["-n", "99999999999"], "generate at most 1,000,000 pictures"),
        (["--checkpoint", "77"], "no checkpoint '77'"),
        (["--features", "classifier"], "no labels"),
        (["--features", "inception"], "add --weights with the path of its file"),
        (["--weights", "some.pth"], "'perceptual' take no file of weights"),
        (["--features", "inception", "--weights", "nowhere.pth"], "There is no file nowhere.pth"),
        (["--data", "nowhere"], "neither a file or folder"),
        (["--data", "ring8"], "is points"),
    ],
)
def test_errors_of_the_command_are_one_sentence(
    args: list[str], words: str, trained_run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run("evaluate", trained_run, *args) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.startswith("ganache: ")
    assert error.count("\n") == 1


def test_a_folder_without_a_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("evaluate", str(tmp_path)) == 2
    assert "not a run with a checkpoint" in capsys.readouterr().err
