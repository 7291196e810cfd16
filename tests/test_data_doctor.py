"""Damaged and unusual files: none aborts loading, each gets the right reason, and usable ones the right pixels."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

import corpus
import corpus_good
from ganache.core import old_names
from ganache.data import Diagnosis, SkipReason, diagnose, load
from ganache.data.decoding import Target, decode_image
from ganache.data.duplicates import NEAR_BITS, near_groups
from ganache.data.readers.image_files import MAX_BYTES
from ganache.data.skip_reasons import SkipFile
from ganache.errors import DataError

GOOD = corpus_good.good_files()
BAD = corpus.bad_files()
# Warnings of Pillow are silenced while files are inspected, not while one file is decoded.
pytestmark = pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Image size")
SQUARE = (corpus.SIDE, corpus.SIDE)


def test_the_corpus_is_large() -> None:
    assert len(BAD) >= 40
    assert len(GOOD) + len(BAD) >= 100


@pytest.mark.parametrize("name", GOOD)
def test_good_file_has_the_right_pixels_and_conversions(name: str) -> None:
    case = GOOD[name]
    picture = decode_image(case.data, Target(SQUARE, 3))
    difference = np.abs(picture.pixels.astype(int) - case.expected().astype(int))
    assert difference.max() <= case.tolerance
    assert set(picture.conversions) == set(case.conversions)


@pytest.mark.parametrize("name", BAD)
def test_bad_file_has_the_right_reason(name: str) -> None:
    data, reasons = BAD[name]
    with pytest.raises(SkipFile) as caught:
        decode_image(data, Target(SQUARE, 3))
    assert caught.value.reason in reasons
    assert caught.value.detail


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder with every usable, damaged, special and system file."""
    folder = tmp_path / "mixed"
    corpus.write(folder, {name: case.data for name, case in GOOD.items()})
    corpus.write(folder, {name: data for name, (data, _) in BAD.items()} | corpus.litter())
    return folder


def test_a_folder_with_all_files(mixed: Path, tmp_path: Path) -> None:
    special = corpus.make_special_files(mixed)
    dataset = load(str(mixed), size=SQUARE, channels=3, cache=tmp_path / "cache")
    found = dataset.diagnosis
    assert found is not None

    names = sorted(GOOD)
    assert len(dataset) == found.usable == len(names)
    for pixels, name in zip(dataset.images, names, strict=True):
        case = GOOD[name]
        assert np.abs(pixels.astype(int) - case.expected().astype(int)).max() <= case.tolerance, name

    reasons = {skipped.name: skipped.reason for skipped in found.skipped}
    assert reasons.keys() == BAD.keys() | special.keys()
    assert all(reasons[name] in BAD[name][1] for name in BAD)
    assert all(reasons[name] == reason for name, reason in special.items())
    assert found.files == len(GOOD) + len(BAD) + len(special)


def test_the_text_of_the_diagnosis(mixed: Path, tmp_path: Path) -> None:
    found = diagnose(str(mixed), size=SQUARE, cache=tmp_path / "cache")
    text = str(found)
    for reason in found.reasons:
        assert reason in text
    assert "empty.png" in text
    assert f"{found.usable:,} of {found.files:,}" in text
    assert Diagnosis.from_json(found.to_json()) == found


def test_a_diagnosis_of_an_earlier_version(mixed: Path, tmp_path: Path) -> None:
    found = diagnose(str(mixed), size=SQUARE, cache=tmp_path / "cache")
    text = found.to_json()
    for old, new in old_names.CONVERSIONS.items():
        text = text.replace(f'"{new}":', f'"{old}":')
    assert text != found.to_json()
    assert Diagnosis.from_json(text) == found


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permissions(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    corpus.write(folder, {"a.png": GOOD["plain.png"].data, "b.png": GOOD["plain.png"].data, "c/d.png": b""})
    (folder / "b.png").chmod(0)
    (folder / "c").chmod(0)
    found = diagnose(str(folder), cache=tmp_path / "cache")
    (folder / "c").chmod(0o700)
    assert {s.name: s.reason for s in found.skipped} == {"b.png": SkipReason.UNREADABLE, "c": SkipReason.UNREADABLE}


def test_a_file_that_cannot_be_read_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "set"
    corpus.write(folder, {"a.png": GOOD["plain.png"].data, "b.png": GOOD["bitmap.bmp"].data})

    def refuse(path: object, *args: object, **kwargs: object) -> object:
        if str(path).endswith("b.png"):
            raise PermissionError(13, "Permission denied")
        return open(path, *args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr("ganache.data.readers.folder.open", refuse, raising=False)
    (skipped,) = diagnose(str(folder), cache=tmp_path / "cache").skipped
    assert (skipped.name, skipped.reason, skipped.detail) == ("b.png", SkipReason.UNREADABLE, "Permission denied")


def test_a_zip_with_unusual_entries(tmp_path: Path) -> None:
    expected = corpus.make_odd_zip(tmp_path / "odd.zip", MAX_BYTES + 1)
    dataset = load(str(tmp_path / "odd.zip"), cache=tmp_path / "cache")
    assert dataset.diagnosis is not None
    assert len(dataset) == 4
    assert (dataset.images == corpus.PICTURE).all()
    reasons = {skipped.name: skipped.reason for skipped in dataset.diagnosis.skipped}
    assert reasons == {name: reason for name, reason in expected.items() if reason}
    assert not (tmp_path.parent / "escape.png").exists()


def test_the_error_without_a_usable_file_counts_the_reasons(tmp_path: Path) -> None:
    corpus.write(tmp_path / "set", {name: BAD[name][0] for name in ("empty.png", "text.png", "page.jpg")})
    with pytest.raises(DataError, match=r"no usable picture \(2 not an image, 1 empty\): for example 'empty.png'"):
        load(str(tmp_path / "set"), cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    with pytest.raises(DataError, match="contains no file"):
        load(str(tmp_path / "set"), cache=tmp_path / "cache")


def test_exact_and_near_duplicates_are_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    files = {}
    for i in range(30):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        image = coarse.resize((64, 64), Image.Resampling.BICUBIC)
        files[f"{i:02d}.png"] = corpus.encoded(image, "PNG")
        if i == 3:
            files["03-again.jpg"] = corpus.encoded(image, "JPEG", quality=90)
    files["07-copy.png"] = files["07.png"]
    # Flat images all have the same hash, which is not informative.
    for shade in range(3):
        files[f"flat{shade}.png"] = corpus.encoded(Image.new("RGB", (64, 64), (shade, 9, 9)), "PNG")
    corpus.write(tmp_path / "set", files)
    found = diagnose(str(tmp_path / "set"), cache=tmp_path / "cache")
    assert found.exact_duplicates == (("07-copy.png", "07.png"),)
    assert found.near_duplicates == (("03-again.jpg", "03.png"),)


def test_control_characters_in_file_names_are_escaped(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    corpus.write(folder, {"good.png": GOOD["plain.png"].data, "bell\a\x1b[2J.png": b""})
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(b"")
    (folder / os.fsdecode(b"good\xff.png")).write_bytes(GOOD["bitmap.bmp"].data)
    found = diagnose(str(folder), cache=tmp_path / "cache")
    assert found.usable == 2
    text = str(found)
    text.encode("utf-8")
    assert "bell\\x07\\x1b[2J.png" in text
    assert Diagnosis.from_json(found.to_json()) == found


def test_progress_is_shown_only_on_request_and_on_a_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.write(tmp_path / "set", {"a.png": GOOD["plain.png"].data})
    load(str(tmp_path / "set"), cache=tmp_path / "quiet")
    assert capfd.readouterr() == ("", "")
    load(str(tmp_path / "set"), cache=tmp_path / "piped", progress=True)
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    load(str(tmp_path / "set"), cache=tmp_path / "loud", progress=True)
    assert "1/1" in capfd.readouterr().err


def test_near_groups_equal_those_of_all_pairs() -> None:
    rng = np.random.default_rng(0)
    seeds = rng.integers(0, 2**64, 40, dtype=np.uint64)
    hashes = seeds[rng.integers(0, 40, 400)]
    for _ in range(3):
        hashes = hashes ^ (np.uint64(1) << rng.integers(0, 64, 400, dtype=np.uint64))
    distance = np.array([[int(a ^ b).bit_count() for b in hashes.tolist()] for a in hashes.tolist()])
    _, component = connected_components(csr_array(distance <= NEAR_BITS), directed=False)
    expected = {tuple(np.flatnonzero(component == c).tolist()) for c in range(component.max() + 1)}
    found = near_groups(hashes)
    assert set(found) == {group for group in expected if len(group) > 1}
    assert len(found) > 10


def test_stacks_of_pictures_are_named(tmp_path: Path, cache: Path) -> None:
    stack = corpus.encoded(corpus.RGB, "TIFF", save_all=True, append_images=[corpus.RGB.rotate(90)] * 3)
    corpus.write(tmp_path / "set", {"a b.tif": stack, "c.png": corpus.encoded(corpus.RGB.rotate(180), "PNG")})
    (remark,) = diagnose(str(tmp_path / "set"), cache=cache).remarks
    assert remark.startswith("1 files hold several pictures")
    assert "magick 'a b.tif' %05d.png" in remark
    corpus.write(tmp_path / "set", {f"{i}.png": corpus.encoded(corpus.RGB.rotate(i), "PNG") for i in range(9)})
    assert not diagnose(str(tmp_path / "set"), cache=cache).remarks
