"""The range of values belongs to the set, and pictures that show nothing are found by the doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

import corpus
from ganache.data import diagnose, load
from ganache.data.decoding import decode_picture
from ganache.data.value_range import BINS, DEFAULTS, Histogram, Kind, Range, decide, ranges_of_record
from ganache.errors import DataError

SIDE = 16


def shares(count: int = 8) -> NDArray[np.float64]:
    """Return pictures [N, H, W] of numbers from 0 to 1; every second one is darker."""
    values = np.random.default_rng(0).random((count, SIDE, SIDE))
    values[:, 0, :2] = 0, 1
    values[1::2] *= 0.8
    return values


def stray(values: NDArray[Any], value: float, every: int = 1) -> NDArray[Any]:
    """Return the pictures with this value in one pixel of every n-th one."""
    values = values.copy()
    values[::every, -1, -1] = value
    return values


def missing(values: NDArray[Any], value: float) -> NDArray[Any]:
    """Return the pictures with this value in the lower third of each."""
    values = values.copy()
    values[:, -5:] = value
    return values


SETS: dict[str, tuple[NDArray[Any], tuple[float, float]]] = {
    "12 bits in 16": (np.rint(shares() * 4095).astype("u2"), (0, 4095)),
    "12 bits, hot pixels": (stray(np.rint(shares() * 4095).astype("u2"), 65_535, 2), (0, 4095)),
    "10 bits, big-endian": (np.rint(shares() * 1023).astype(">u2"), (0, 1023)),
    "16 bits": (np.rint(shares() * 65_535).astype("u2"), (0, 65_535)),
    "8 bits in 16": (np.rint(shares() * 255).astype("u2"), (0, 255)),
    "0 to 300": (np.rint(shares() * 300).astype("u2"), (0, 300)),
    "0 to 300, floats": ((shares() * 300).astype("f4"), (0, 300)),
    "heat, 20000 to 24000": (np.rint(20_000 + shares() * 4000).astype("u2"), (20_000, 24_000)),
    "tomography": (np.rint(shares() * 4000 - 1000).astype("i2"), (-1000, 3000)),
    "tomography, padded": (missing(np.rint(shares() * 4000 - 1000).astype("i2"), -32_768), (-1000, 3000)),
    "masks": ((shares() > 0.5).astype("u1"), (0, 1)),
    "masks of 16 bits": ((shares() > 0.5).astype("u2"), (0, 1)),
    "masks of 64 bits": ((shares() > 0.5).astype("i8"), (0, 1)),
    "masks with missing values": (missing((shares() > 0.5).astype("f4"), -9999), (0, 1)),
    "8 bits": (np.rint(shares() * 255).astype("u1"), (0, 255)),
    "8 bits, signed": (np.rint(shares() * 255 - 128).astype("i1"), (-128, 127)),
    "unit": (shares().astype("f4"), (0, 1)),
    "unit, half": (shares().astype("f2"), (0, 1)),
    "unit, big-endian double": (shares().astype(">f8"), (0, 1)),
    "unit with 1.0001": (stray(shares().astype("f4"), 1.0001, 8), (0, 1)),
    "unit with 1.02": (stray(shares().astype("f4"), 1.02, 2), (0, 1)),
    "unit with -9999": (stray(shares().astype("f4"), -9999), (0, 1)),
    "signed unit": ((shares() * 2 - 1).astype("f4"), (-1, 1)),
    "bytes as floats": ((shares() * 255).astype("f4"), (0, 255)),
    "heights": ((100 + shares() * 50).astype("f4"), (100, 150)),
    "heights with -9999": (missing((100 + shares() * 50).astype("f4"), -9999), (100, 150)),
    "heights with -3.4e38": (missing((shares() * 8848).astype("f4"), np.finfo("f4").min), (0, 8848)),
    "reflectance": ((shares() * 0.02).astype("f4"), (0, 0.02)),
}
"""name -> (pictures [N, H, W], the values of black and white)."""


def expected(values: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    """Return the pixels of values, all of one range."""
    scaled: NDArray[np.float64] = ((values.astype(np.float64) - low) / (high - low) * 255).clip(0, 255)
    return scaled


def write_tiffs(folder: Path, values: NDArray[Any]) -> None:
    import tifffile

    folder.mkdir()
    for i, picture in enumerate(values):
        order = ">" if picture.dtype.byteorder == ">" else "<"
        tifffile.imwrite(folder / f"{i}.tif", picture, photometric="minisblack", byteorder=order)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("kind", ["files", "array"])
def test_one_range_for_the_whole_set(kind: str, name: str, tmp_path: Path, cache: Path) -> None:
    values, (low, high) = SETS[name]
    source = tmp_path / ("set" if kind == "files" else "set.npy")
    if kind == "files":
        if values.dtype == np.int64:
            values = values.astype(np.int32)
        write_tiffs(source, values)
    else:
        np.save(source, values)
    dataset = load(str(source), cache=cache)
    assert np.abs(dataset.images[..., 0] - expected(values, low, high)).max() <= 2
    usual = DEFAULTS[Kind.FLOATS if values.dtype.kind == "f" else Kind.SIXTEEN if values.dtype == "u2" else Kind.EIGHT]
    remarks = diagnose(str(source), cache=cache).remarks
    is_usual = (low, high) == (usual.low, usual.high) and low <= values.min() and values.max() <= high
    assert len(remarks) == (0 if is_usual else 1), remarks
    assert is_usual or "--data.range" in remarks[0]


@pytest.mark.parametrize("kind", ["files", "array"])
@pytest.mark.parametrize("name", ["12 bits in 16", "8 bits", "unit", "heights with -9999"])
def test_a_range_that_is_given(name: str, kind: str, tmp_path: Path, cache: Path) -> None:
    values = SETS[name][0]
    low, high = {"8 bits": (50, 200), "unit": (-0.5, 0.5)}.get(name, (60, 3000))
    source = tmp_path / ("set" if kind == "files" else "set.npy")
    if kind == "files":
        write_tiffs(source, values)
    else:
        np.save(source, values)
    dataset = load(str(source), value_range=(low, high), cache=cache)
    assert np.abs(dataset.images[..., 0] - expected(values, low, high)).max() <= 1
    assert load(str(source), cache=cache).fingerprint != dataset.fingerprint


def test_a_range_of_arrays_that_need_no_other_conversion(tmp_path: Path, cache: Path) -> None:
    values = SETS["8 bits"][0]
    header = b"".join(n.to_bytes(4, "big") for n in (0x803, *values.shape))
    corpus.write(tmp_path, {"train-images-idx3-ubyte": header + values.tobytes()})
    images = load(str(tmp_path / "train-images-idx3-ubyte"), value_range=(50, 200), cache=cache).images
    assert np.abs(images[..., 0] - expected(values, 50, 200)).max() <= 1


def test_a_range_of_8_bit_files_of_every_kind(tmp_path: Path, cache: Path) -> None:
    values = SETS["8 bits"][0]
    corpus.write(
        tmp_path / "set",
        {
            "grey.png": corpus.encoded(Image.fromarray(values[0]), "PNG"),
            "rgb.png": corpus.encoded(Image.fromarray(np.stack([values[0]] * 3, axis=-1)), "PNG"),
            "opaque.png": corpus.encoded(Image.fromarray(values[0]).convert("RGBA"), "PNG"),
        },
    )
    images = load(str(tmp_path / "set"), value_range=(100, 150), cache=cache).images
    assert np.abs(images - expected(values[0], 100, 150)[:, :, None]).max() <= 1


@pytest.mark.parametrize("low_high", [(1.0, 1.0), (2.0, 1.0), (0.0, np.nan), (-np.inf, 1.0)])
def test_a_range_that_is_none(low_high: tuple[float, float]) -> None:
    with pytest.raises(DataError, match="range of values"):
        load("faces", value_range=low_high, count=10)


def test_uncertain_sets_are_named(tmp_path: Path, cache: Path) -> None:
    labels = (shares() * 20).astype(np.uint8)
    mixed = {
        f"{i}.png": corpus.encoded(Image.fromarray((row > 0.5).astype(np.uint8)), "PNG")
        for i, row in enumerate(shares())
    }
    corpus.write(tmp_path / "mixed", mixed | {"full.png": corpus.encoded(Image.fromarray(SETS["8 bits"][0][0]), "PNG")})
    corpus.write(
        tmp_path / "labels", {f"{i}.png": corpus.encoded(Image.fromarray(row), "PNG") for i, row in enumerate(labels)}
    )
    (remark,) = diagnose(str(tmp_path / "labels"), cache=cache).remarks
    assert "--data.range 0 20" in remark
    assert (load(str(tmp_path / "labels"), cache=cache).images[..., 0] == labels).all()
    assert any(
        "8 of 9 pictures have only the values 0 and 1" in said
        for said in diagnose(str(tmp_path / "mixed"), cache=cache).remarks
    )


def test_a_single_picture_has_the_range_of_a_set_of_one() -> None:
    scan = corpus.encoded(Image.fromarray(SETS["12 bits in 16"][0][0]), "PNG")
    mask = corpus.encoded(Image.fromarray(SETS["masks"][0][0]), "PNG")
    assert decode_picture(scan, (SIDE, SIDE), 1).pixels.max() == 255
    assert set(np.unique(decode_picture(mask, (SIDE, SIDE), 1).pixels)) == {0, 255}
    given = decode_picture(scan, (SIDE, SIDE), 1, value_range=(0, 65_535)).pixels
    assert given.max() == 16


@pytest.mark.parametrize("kind", ["files", "array"])
@pytest.mark.parametrize("name", [name for name in SETS if not name.startswith(("8 bits", "bytes"))])
def test_a_single_picture_can_have_the_range_of_its_set(name: str, kind: str, tmp_path: Path, cache: Path) -> None:
    values = SETS[name][0]
    write_tiffs(tmp_path / "set", values.astype(np.int32) if values.dtype == np.int64 else values)
    np.save(tmp_path / "array.npy", values)
    source = str(tmp_path / ("set" if kind == "files" else "array.npy"))
    found = load(source, cache=cache)
    for i, pixels in enumerate(found.images):
        file = (tmp_path / "set" / f"{i}.tif").read_bytes()
        alone = decode_picture(file, (SIDE, SIDE), 1, of_set=lambda: found.ranges)
        assert np.abs(alone.pixels.astype(int) - pixels).max() <= (kind == "array"), i
    assert load(source, cache=cache).ranges == found.ranges, "they are kept in the pack"


def test_the_range_of_a_set_is_asked_for_only_if_values_must_be_scaled() -> None:
    def never() -> dict[Kind, Range]:
        raise AssertionError

    scan, photo = (corpus.encoded(Image.fromarray(SETS[name][0][0]), "PNG") for name in ("12 bits in 16", "8 bits"))
    decode_picture(photo, (SIDE, SIDE), 1, of_set=never)
    decode_picture(scan, (SIDE, SIDE), 1, value_range=(0, 4095), of_set=never)
    other = decode_picture(scan, (SIDE, SIDE), 1, of_set=lambda: {Kind.FLOATS: Range(0, 5)})
    assert other.pixels.max() == 255, "the set has no such values: its own range"


@pytest.mark.parametrize(
    "record", [None, [], {"8-bit values": "x"}, {"8-bit values": [1]}, {"16-bit values": [None, 2]}]
)
def test_ranges_that_are_none_are_left_out(record: Any) -> None:
    assert ranges_of_record(record) == {}


@settings(deadline=None, max_examples=50)
@given(
    hnp.arrays(
        st.sampled_from(["f2", "f4", "f8", "i1", "i2", "i4", "u2", "u4", ">u2", ">f4"]).map(np.dtype),
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=5),
    )
)
@example(np.full((1, 1, 1), -1.5, dtype=np.float16))
def test_every_set_has_a_range_in_order(values: NDArray[Any]) -> None:
    if not np.isfinite(values).all():
        with pytest.raises(ValueError, match="NaN"):
            Histogram.of(values)
        return
    for kind in Kind:
        chosen = decide(kind, Histogram.of(values))
        assert chosen.low <= chosen.high
        assert chosen.to_pixels(values).shape == values.shape


def test_histograms_add_up_and_hold_every_value_in_its_bin() -> None:
    values = np.concatenate([[0.0], 10.0 ** np.linspace(-30, 30, 1001), -(10.0 ** np.linspace(-30, 30, 1001))])
    whole, parts = Histogram.of(values), Histogram()
    for part in np.array_split(values, 7):
        parts.add(Histogram.of(part))
    assert (whole.bins == parts.bins).all()
    assert (whole.counts == parts.counts).all()
    assert (whole.low, whole.high) == (values.min(), values.max())
    assert len(whole.bins) == len(values) <= BINS
    assert whole.share_outside(Range(-1e31, 1e31)) == 0


def test_the_missing_value_that_a_tiff_names_is_black_and_does_not_count(tmp_path: Path, cache: Path) -> None:
    import tifffile

    (tmp_path / "set").mkdir()
    heights = (100 + shares() * 50).astype("f4")
    for i, picture in enumerate(missing(heights, 141)):
        tag = (42113, "s", 0, "141", True)
        tifffile.imwrite(tmp_path / "set" / f"{i}.tif", picture, extratags=[tag], metadata=None)
    images = load(str(tmp_path / "set"), cache=cache).images[..., 0]
    assert (images[:, -5:] == 0).all()
    assert np.abs(images[:, :-5] - expected(heights, 100, 150)[:, :-5]).max() <= 2


# ---- transparency ----


def icons(colour: int, alpha: int | None, count: int = 4) -> dict[str, bytes]:
    """Return icons of one grey value with a round opacity, or this opacity everywhere."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] - 7.5
    files = {}
    for i in range(count):
        opacity = np.where(x**2 + y**2 < 20 + 5 * i, 255, 0) if alpha is None else np.full((SIDE, SIDE), alpha)
        shown = (
            np.full((SIDE, SIDE, 3), colour)
            if alpha is None
            else np.random.default_rng(i).integers(0, 255, (SIDE, SIDE, 3))
        )
        rgba = np.dstack([shown, opacity]).astype(np.uint8)
        files[f"{i}.png"] = corpus.encoded(Image.fromarray(rgba), "PNG")
    return files


@pytest.mark.parametrize(
    ("colour", "alpha", "before", "advice"),
    [
        (255, None, "white", "black"),
        (0, None, "black", "white"),
        (255, None, "#ffffff", "black"),
        (0, 0, "white", "ignore"),
    ],
)
def test_pictures_of_one_colour_are_found_with_the_option_that_helps(
    colour: int, alpha: int | None, before: str, advice: str, tmp_path: Path, cache: Path
) -> None:
    corpus.write(tmp_path / "icons", icons(colour, alpha))
    source = str(tmp_path / "icons")
    (remark,) = diagnose(source, background=before, cache=cache).remarks
    assert "4 of 4 pictures" in remark
    assert f"--data.background {advice}" in remark
    helped = load(source, background=advice, cache=cache)
    assert (helped.images.reshape(4, -1).std(axis=1) > 10).all()
    assert helped.diagnosis is not None
    assert not helped.diagnosis.remarks


@pytest.mark.parametrize(
    ("background", "values"),
    [("white", {255}), ("black", {0}), ("#336699", {0x33, 0x66, 0x99}), ("checker", {102, 153}), ("ignore", {7})],
)
def test_backgrounds(background: str, values: set[int], tmp_path: Path, cache: Path) -> None:
    clear = np.zeros((SIDE, SIDE, 4), np.uint8)
    clear[..., :3] = 7
    corpus.write(tmp_path / "set", {"a.png": corpus.encoded(Image.fromarray(clear), "PNG")})
    dataset = load(str(tmp_path / "set"), background=background, cache=cache)
    assert set(np.unique(dataset.images)) == values
    grey = {"a.png": corpus.encoded(Image.fromarray(clear).convert("LA"), "PNG")}
    corpus.write(tmp_path / "grey", grey)
    assert load(str(tmp_path / "grey"), background=background, cache=cache).image_shape[0] == (
        3 if "#" in background else 1
    )


def test_an_unknown_background() -> None:
    with pytest.raises(DataError, match="checker"):
        load("faces", background="red", count=10)
