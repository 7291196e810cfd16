"""Pictures whose transparency is kept: read, trained on, drawn, saved, shown."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import corpus
from ganache.cli import main
from ganache.core.images import CHECKER, as_image, as_rgb, opaque
from ganache.data import diagnose, load
from ganache.figures import picture
from ganache.functional import augment
from ganache.playground.encoding import encode_sheet
from playground_client import BRIEF, FAST
from test_data_range import icons

SIDE = 16


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def clear_half(colour: int) -> Image.Image:
    """A picture whose left half is transparent black and whose right half has this colour."""
    pixels = np.zeros((SIDE, SIDE, 4), np.uint8)
    pixels[:, SIDE // 2 :] = (colour, colour, colour, 255)
    return Image.fromarray(pixels)


def loaded(image: Image.Image, folder: Path, cache: Path, **options: object) -> NDArray[np.uint8]:
    corpus.write(folder / "set", {"a.png": corpus.encoded(image, "PNG")})
    (pixels,) = load(str(folder / "set"), channels=4, cache=cache, **options).images  # type: ignore[arg-type]
    return pixels  # type: ignore[no-any-return]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_opacity_is_kept_and_invisible_pixels_have_the_background(mode: str, tmp_path: Path, cache: Path) -> None:
    for background, value in (("white", 255), ("#336699", 0x33), ("ignore", 0)):
        pixels = loaded(clear_half(80).convert(mode), tmp_path, cache, background=background)
        assert (pixels[..., 3] == np.repeat([0, 255], SIDE // 2)).all()
        assert (pixels[:, SIDE // 2 :, :3] == 80).all()
        assert background == "ignore" or (pixels[:, : SIDE // 2, 0] == value).all()


def test_pictures_without_transparency_are_opaque(tmp_path: Path, cache: Path) -> None:
    pixels = loaded(Image.new("L", (SIDE, SIDE), 9), tmp_path, cache)
    assert (pixels == (9, 9, 9, 255)).all()
    drawn = load("faces", size=(SIDE, SIDE), count=3, channels=4, cache=cache).images
    assert drawn.shape == (3, SIDE, SIDE, 4)
    assert (drawn[..., 3] == 255).all()


def test_resizing_does_not_mix_in_what_is_invisible(tmp_path: Path, cache: Path) -> None:
    """The edge between invisible black and visible 200 stays at 200, and only its opacity is in between."""
    large = clear_half(200).resize((4 * SIDE, 4 * SIDE), Image.Resampling.NEAREST).crop((2, 0, 4 * SIDE, 4 * SIDE))
    pixels = loaded(large, tmp_path, cache, size=(SIDE, SIDE), fit="stretch")
    between = (pixels[..., 3] > 20) & (pixels[..., 3] < 235)
    assert between.any()
    assert np.abs(pixels[between][:, :3].astype(int) - 200).max() <= 6


def test_padding_is_transparent(tmp_path: Path, cache: Path) -> None:
    pixels = loaded(Image.new("RGB", (2 * SIDE, SIDE), "red"), tmp_path, cache, size=(SIDE, SIDE), fit="pad")
    assert (pixels[: SIDE // 4] == (255, 255, 255, 0)).all()
    assert (pixels[SIDE // 4 : -SIDE // 4] == (255, 0, 0, 255)).all()


def test_an_array_keeps_its_opacity(tmp_path: Path, cache: Path) -> None:
    pixels = np.full((2, SIDE, SIDE, 4), (7, 8, 9, 0), np.uint8)
    pixels[:, 4:] = (1, 2, 3, 100)
    np.save(tmp_path / "set.npy", pixels)
    (image, _) = load(str(tmp_path / "set.npy"), channels=4, cache=cache).images
    np.testing.assert_array_equal(image, pixels[0])
    (small, _) = load(str(tmp_path / "set.npy"), size=(8, 8), channels=4, cache=cache).images
    assert (small[0] == (255, 255, 255, 0)).all()


def test_white_shapes_are_seen_by_their_opacity(tmp_path: Path, cache: Path) -> None:
    """On white they are blank, which the doctor says; with four channels nothing is lost."""
    corpus.write(tmp_path / "icons", icons(255, None))
    assert diagnose(str(tmp_path / "icons"), cache=cache).remarks
    found = diagnose(str(tmp_path / "icons"), channels=4, cache=cache)
    assert not found.remarks
    assert "RGB with transparency" in str(found)


def test_a_checkerboard_shows_through() -> None:
    pixels = np.asarray(clear_half(80))
    seen = np.asarray(opaque(as_image(pixels)))
    assert set(np.unique(seen[:, : SIDE // 2])) == set(CHECKER)
    assert (seen[:, SIDE // 2 :] == 80).all()
    assert opaque(Image.new("L", (3, 3), 5)).getpixel((0, 0)) == (5, 5, 5)
    _, jpeg = encode_sheet(pixels[None])
    assert abs(int(np.asarray(Image.open(io.BytesIO(jpeg)))[:, -4:].mean()) - 80) <= 2
    assert picture(pixels[None]).mode == "RGBA"


def test_features_and_augmentations_know_opacity() -> None:
    x = torch.rand(4, 4, 8, 8) * 2 - 1
    changed = augment.colour(x)
    torch.testing.assert_close(changed[:, 3:], x[:, 3:])
    assert not torch.allclose(changed[:, :3], x[:, :3])
    hidden = torch.cat([x[:, :3], -torch.ones(4, 1, 8, 8)], dim=1)
    assert not as_rgb(hidden).any()
    shown = torch.cat([x[:, :3], torch.ones(4, 1, 8, 8)], dim=1)
    torch.testing.assert_close(as_rgb(shown), x[:, :3])


@pytest.mark.slow
def test_a_run_on_transparent_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained, sampled with opacity, animated, reported and evaluated."""
    monkeypatch.chdir(tmp_path)
    corpus.write(tmp_path / "set", icons(40, None, 120))
    words = ["--size", "16", "--data.channels", "4", "--network.z-dim", "6", "--view.augment", "colour"]
    main(["train", "set", *words, *BRIEF, *FAST, "--out", "run"])
    with Image.open("run/samples.png") as samples:
        assert samples.mode == "RGBA"
    with Image.open("run/training.webp") as frame:
        assert frame.convert("RGBA").getextrema()[3] == (255, 255)
    main(["sample", "run", "-n", "3", "-o", "three.zip"])
    with zipfile.ZipFile("three.zip") as archive, archive.open("0.png") as file:
        assert Image.open(file).mode == "RGBA"
    main(["sample", "run", "-n", "3", "-o", "three.png"])
    main(["evaluate", "run", "-n", "100"])
    main(["report", "run"])
    main(["neighbours", "run", "-n", "2"])
    assert Path("run/report.html").exists()
