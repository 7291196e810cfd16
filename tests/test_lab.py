"""The lab's commands, as a user meets them: pictures, requests beside them, and sentences."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from conftest import run_command as run
from ganache import load_generator
from ganache.core.rendering import generate, render
from ganache.lab.experiments import Sample
from ganache.networks import Dcgan
from ganache.runs.folder import at_step, find_checkpoint, read_names
from ganache.training import build

TRAIN = ["train", "faces", "--size", "16", "--batch", "4", "--network.width", "4", "--network.z-dim", "6"]
BRIEF = ["--data.count", "30", "--record.samples", "4", "--steps", "2", "--record.keep_steps", "1"]
BRIEF += ["--projected.weight", "0"]
BRIEF += ["--generator-optimiser.lr", "0.02"]  # else two steps leave pictures so grey that some are the same


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "faces"
    assert run(*TRAIN, *BRIEF, "--out", str(folder)) == 0
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pixels(file: str) -> np.ndarray:
    """Of every frame."""
    with Image.open(file) as picture:
        frames = []
        for number in range(getattr(picture, "n_frames", 1)):
            picture.seek(number)
            frames.append(np.asarray(picture.convert("RGB")).copy())
    return np.stack(frames)


def test_pictures_by_the_thousand_are_those_of_the_sheet(trained: Path) -> None:
    sheet = ["sample", str(trained), "-n", "600", "--seed", "7", "--std", "1"]
    for name in ("many.npy", "many.zip"):
        assert run(*sheet, "-o", name) == 0
    many = np.load("many.npy")
    generator, config, _ = load_generator(find_checkpoint(trained, "last"))
    wanted = render(generator, Sample(n=600, seed=7, std=1.0).latents(build.prior(config)))
    assert many.dtype == np.uint8
    assert many.shape == wanted.shape
    assert np.abs(many.astype(int) - wanted).max() <= 3  # made in bfloat16, where the machine has it
    assert len(np.unique(many.reshape(600, -1), axis=0)) == 600
    with zipfile.ZipFile("many.zip") as archive:
        assert archive.namelist() == [f"{seed:03}.png" for seed in range(7, 607)]
        with archive.open("606.png") as last:
            assert np.array_equal(np.asarray(Image.open(last)).reshape(many[-1].shape), many[-1])
    assert json.loads(Path("many.json").read_text())["seed"] == 7
    assert sorted(each.name for each in Path().iterdir()) == ["many.json", "many.npy", "many.zip"]


@pytest.mark.parametrize(
    "words",
    [
        "picture --points 3 smiling --dimensions 2 --values 0.5 --directions smiling sefa1 --steps 2 -1 -o one.png",
        "sample -n 9 --mean -0.3 0 --std 0.4 1 -o one.png",
        "distribution --n 8 --means -0.5 0.5 -o one.png",
        "average --n 3 -o one.png",
        "arithmetic --operation abs(a-b) --points 3 smiling -o one.png",
        "arithmetic --operation a-b+c --points 3,17 smiling 4,smiling -o one.png",
        "traverse --dimension 2 --values -1 1 --points smiling 7 -o one.webp",
        "dimensions --top 3 --n 4 -o one.png",
        "directions --top 2 --keep sefa -o one.png",
        "directions --how pca --n 40 --top 2 --steps -1 1 -o one.png",
        "directions --how examples --having smiling 5 --lacking 6 7,8 --keep grin -o one.png",
        "along --directions smiling --points 1 smiling -o one.png",
        "invert face.png --iterations 3 --refinements 2 --keep real -o one.png",
        "walk --points 1 smiling 2 --frames 3 --way lerp --no-loop -o one.webp",
        "truncation --n 2 -o one.png",
        "real-vs-fake --n 3 -o one.png",
        "neighbours --n 2 --k 3 -o one.png",
    ],
)
def test_each_picture_is_made_again_from_the_request_beside_it(trained: Path, words: str) -> None:
    command, *options = words.split()
    Image.effect_noise((40, 30), 60).save("face.png")
    assert run("name", str(trained), "smiling", "--seeds", "3,17,40", "--std", "0.5") == 0
    assert run(command, str(trained), *options) == 0
    kind = "webp" if options[-1].endswith("webp") else "png"
    request = json.loads(Path("one.json").read_text())
    assert request["kind"] == command
    assert run("name", str(trained), "smiling", "--seeds", "5") == 0, "a name that means something else by now"
    assert run("render", str(trained), "one.json", "-o", f"other.{kind}") == 0
    assert np.array_equal(pixels(f"one.{kind}"), pixels(f"other.{kind}"))
    assert json.loads(Path("other.json").read_text()) == request


def test_checkpoints_side_by_side(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("truncation", f"{trained}@1", f"{trained}@last", "--n", "2", "-o", "two.png") == 0
    assert "faces, step 1; faces, step 2" in capsys.readouterr().out
    for run_, name in ((f"{trained}@1", "one.png"), (str(trained), "last.png"), (f"{trained}@2", "again.png")):
        assert run("sample", run_, "-n", "4", "--plain", "-o", name) == 0
    assert not np.array_equal(pixels("one.png"), pixels("last.png"))
    assert np.array_equal(pixels("again.png"), pixels("last.png"))
    assert run("sample", str(trained), "-n", "4", "--plain", "--checkpoint", "1", "-o", "old.png") == 0
    assert np.array_equal(pixels("one.png"), pixels("old.png"))
    assert run("render", f"{trained}@1", str(trained), "two.json", "-o", "more.png") == 0
    assert np.array_equal(pixels("two.png"), pixels("more.png"))


def test_a_folder_may_have_an_at_in_its_name() -> None:
    Path("me@home").mkdir()
    assert at_step("me@home") == (Path("me@home"), "last")
    assert at_step("me@home@2000") == (Path("me@home"), "2000")
    assert at_step("run@best") == (Path("run"), "best")


def test_latents_are_named_listed_and_forgotten(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("z.json").write_text("[0.5, 0, 0, 0, 0, -1]")
    assert run("name", str(trained), "kept", "--vector", "z.json") == 0
    assert run("name", str(trained), "both", "--seeds", "3", "17", "--mean", "-0.25") == 0
    capsys.readouterr()
    assert run("name", str(trained)) == 0
    listed = capsys.readouterr().out
    assert "kept: a vector of 6 numbers" in listed
    assert "both: the mean of seeds 3, 17 at mean -0.25, std 1" in listed
    assert read_names(trained)["kept"].vector == (0.5, 0.0, 0.0, 0.0, 0.0, -1.0)
    assert run("traverse", str(trained), "--dimension", "0", "--points", "kept", "-o", "kept.png") == 0
    assert run("name", str(trained), "kept", "--forget") == 0
    assert "kept" not in read_names(trained)
    assert run("name", str(trained), "kept", "--forget") == 2


def test_an_inverted_picture_is_a_latent_by_name(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.effect_noise((40, 30), 60).save("one.png")
    Image.effect_noise((16, 16), 60).convert("RGB").save("two.png")
    brief = ("--iterations", "5", "--starts", "2", "--refinements", "2", "--keep", "real", "-o", "made.png")
    assert run("invert", str(trained), "one.png", "two.png", *brief) == 0
    said = capsys.readouterr().out
    assert "one.png: grey to RGB, cropped to the aspect ratio, downscaled, as the run's data were." in said
    assert "two.png: grey" not in said
    assert "two.png: PSNR " in said
    assert "real1, real2" in said
    assert len(read_names(trained)["real2"].vector) == 6
    assert run("walk", str(trained), "--points", "real1", "real2", "--frames", "2", "-o", "way.webp") == 0


def test_directions_are_kept_and_moved_along(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("directions", str(trained), "--top", "3", "--points", "5", "--keep", "sefa", "-o", "found.png") == 0
    assert "sefa1, sefa2, sefa3" in capsys.readouterr().out
    vectors = np.array([read_names(trained)[f"sefa{k}"].vector for k in (1, 2, 3)])
    assert np.abs(vectors @ vectors.T - np.eye(3)).max() < 1e-6
    assert run("along", str(trained), "--directions", "sefa2", "--points", "5", "-o", "along.png") == 0
    assert json.loads(Path("along.json").read_text())["directions"][0]["vector"] == vectors[1].tolist()
    found, along = pixels("found.png")[0], pixels("along.png")[0]
    row = along[-(14 + 80) : -14, -200:-14]  # some of its last two pictures, inside the margin
    assert any(np.array_equal(found[y : y + len(row), -200:-14], row) for y in range(len(found) - len(row)))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("traverse RUN --dimension 6", "There is no dimension 6: this generator's latents have 0 to 5."),
        ("traverse RUN --dimension category", "have no 'category': use a number from 0 to 5"),
        ("traverse RUN --values 0 nan", "values is nan: use a number"),
        ("dimensions RUN --top 0", "top is 0: use a number from 1"),
        ("dimensions RUN --reach inf", "reach is inf: use a number"),
        ("dimensions RUN --n 5000", "5000 latents are too many: ask for 1000"),
        ("dimensions RUN --classes 1", "no class 1: this generator has no classes"),
        ("directions RUN --how examples --having 3", "lacking is empty: give at least one"),
        ("directions RUN --having 3", "for examples, and not for sefa: add --how examples"),
        ("directions RUN --keep 3x", "neither a seed nor a name"),
        ("directions RUN --how examples --having smiling --lacking smilng", "no latent named 'smilng'"),
        ("along RUN", "No direction is named: keep some with"),
        ("along RUN --directions nobody", "no latent named 'nobody'"),
        ('along RUN --directions {"vector":[0,0,0,0,0,0]}', "leads nowhere"),
        ("invert RUN", "No picture to reproduce is given"),
        ("invert RUN nowhere.png", "nowhere.png cannot be read"),
        ("invert RUN mine.json", "mine.json cannot be used as a picture: "),
        ("invert RUN --iterations 0", "iterations is 0: use a number from 1"),
        ("invert RUN --rate nan", "rate is nan: use a number"),
        ("walk RUN --points 1 smilng", "no latent named 'smilng': did you mean 'smiling'?"),
        ("walk RUN -o w.mpg", "must end in .webp, .gif, .mp4 or .png"),
        ("walk RUN --points 1", "at least 2 points"),
        ("walk RUN --points 1 2,", "neither a seed nor a name"),
        ("walk RUN --points 1 99999999999999999999", "is no seed"),
        ('walk RUN --points 1 {"vector":[0,0]}', "has 2 numbers, and this generator's latents have 6"),
        ('walk RUN --points 1 {"vector":[0,NaN]}', "has the number nan"),
        ('walk RUN --points 1 {"vector":', "cannot be read"),
        ("sample RUN --classes 3", "no class 3: this generator has no classes"),
        (
            "sample RUN --mean 0 1 --plain",
            "2 pairs of mean and std are given, and --plain, .npy and .zip hold images of one",
        ),
        ("sample RUN --std 0.5 1 -o many.npy", "2 pairs of mean and std are given"),
        ("sample nowhere", "not a run with a checkpoint"),
        ("sample RUN@77", "no checkpoint '77': use last, best, or one of the steps 1, 2."),
        ("sample", "No run was named"),
        ("truncation nowhere", "not a run with a checkpoint"),
        ("arithmetic RUN --operation a-b+c", "a-b+c needs 3 latents, and 2 are given"),
        ("average RUN --n 0", "n is 0: use a number from 1"),
        ("real-vs-fake RUN --n 31", "31 real pictures are asked for, and there are 30"),
        ("real-vs-fake RUN --data facs", "did you mean 'faces'?"),
        ("neighbours RUN --k 30", "30 neighbours are asked for, of 30 real pictures"),
        ("neighbours RUN --data facs", "did you mean 'faces'?"),
        ("render RUN", "ganache render RUN request.json"),
        ("render RUN nowhere.json", "cannot be read as a request"),
        ("render RUN wrong.json", "has no 'sed': did you mean 'seed'"),
        ("render RUN long.json", "has 3 numbers, and this generator's latents have 6"),
        ("sample RUN -o mine.png", "mine.json exists, is no request"),
        ("name nowhere x --seeds 3", "not a run with a checkpoint"),
        ("name RUN x", "by its seeds or by its vector"),
        ("name RUN 17 --seeds 3", "neither a seed nor a name"),
        ("name RUN EMPTY --seeds 3", "'' is neither a seed nor a name"),
        ("name RUN x --seeds 3,y", "expected whole numbers"),
        ("name RUN x --seeds 3 --std nan", "has the number nan"),
        ("name RUN x --vector mine.json", "holds no list of numbers"),
        ("name RUN x --vector short.json", "holds 3 numbers, and the latents"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_exit_code_2(
    trained: Path, words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("name", str(trained), "smiling", "--seeds", "3") == 0
    names = (trained / "names.json").read_text()
    Path("mine.json").write_text('{"my": "notes"}')
    Path("short.json").write_text("[1, 2, 3]")
    Path("wrong.json").write_text('{"kind": "sample", "sed": 1}')
    Path("long.json").write_text('{"kind": "walk", "points": [1, {"vector": [1, 2, 3]}]}')
    before = sorted(Path().iterdir())
    capsys.readouterr()
    assert run(*(word.replace("RUN", str(trained)).replace("EMPTY", "") for word in words.split())) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("ganache: ")
    assert error.count("\n") == 1
    assert sorted(Path().iterdir()) == before, "nothing is left behind"
    assert (trained / "names.json").read_text() == names


def test_damaged_names_are_said(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for damage in ("{", "[]", '{"x": 3}', '{"x": {"seeds": ["a"]}}'):
        (trained / "names.json").write_text(damage)
        assert run("walk", str(trained), "--points", "x", "7") == 2
        assert "names.json cannot be read" in capsys.readouterr().err
    (trained / "names.json").unlink()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("dimensions --top 1 --n 2", "changing each dimension"),
        ("invert face.png --iterations 2 --perceptual 0", "inverting"),
    ],
)
def test_what_takes_long_shows_a_bar_in_a_terminal(
    trained: Path, words: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (16, 16)).save("face.png")
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    command, *more = words.split()
    assert run(command, str(trained), *more, "-o", "one.png") == 0
    assert said in terminal.getvalue()
    assert "100%" in terminal.getvalue()


def test_large_pictures_are_generated_a_few_at_a_time() -> None:
    """A batch of 64 pictures of 256x256 took 20 GB."""
    sizes = []
    G = Dcgan(z_dim=3, width=2).generator((3, 256, 128))
    G.register_forward_hook(lambda network, given, x: sizes.append(len(x)))
    assert generate(G, torch.randn(20, 3)).shape == (20, 3, 256, 128)
    assert sizes == [8, 8, 4]
