"""Packs: built once, found again, checked when opened, built again if damaged, and read-only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import corpus
from ganache.data import Dataset, inspection, load
from ganache.data.pack import CHUNK_BYTES, DamagedPack, open_pack
from ganache.data.pack_writer import PackWriter
from ganache.errors import DataError


def noise(n: int, side: int = 24, seed: int = 0) -> np.ndarray:
    """Return n different images, uint8 [n, side, side, 3]."""
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "set"
    files = {f"{i}.png": corpus.encoded(Image.fromarray(p), "PNG") for i, p in enumerate(noise(5))}
    corpus.write(place, files)
    return place


def never_decode(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a packed file was decoded again")

    monkeypatch.setattr(inspection, "decode_image", refuse)


def only_pack(cache: Path) -> Path:
    (pack,) = cache.iterdir()
    return pack


def test_the_second_load_decodes_nothing(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(str(folder), cache=cache)
    never_decode(monkeypatch)
    second = load(str(folder), cache=cache)
    assert (first.images == noise(5)).all()
    assert (second.images == first.images).all()
    assert second.fingerprint == first.fingerprint
    assert second.diagnosis == first.diagnosis


def test_the_images_are_a_read_only_map(folder: Path, cache: Path) -> None:
    images = load(str(folder), cache=cache).images
    assert isinstance(images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


@pytest.mark.parametrize("what", ["size", "fit", "channels", "content", "name", "permission"])
def test_the_key_changes_with(what: str, folder: Path, cache: Path) -> None:
    load(str(folder), cache=cache, size=(24, 16))
    settings: dict[str, object] = {"size": (24, 16)}
    if what == "size":
        settings["size"] = (16, 24)
    elif what == "fit":
        settings["fit"] = "pad"
    elif what == "channels":
        settings["channels"] = 1
    elif what == "content":
        time = (folder / "0.png").stat().st_mtime_ns
        (folder / "0.png").write_bytes((folder / "1.png").read_bytes())
        os.utime(folder / "0.png", ns=(time + 1, time + 1))
    elif what == "name":
        (folder / "0.png").rename(folder / "9.png")
    else:
        (folder / "0.png").chmod(0o640)
    load(str(folder), cache=cache, **settings)  # type: ignore[arg-type]
    assert len(list(cache.iterdir())) == 2


def test_folders_with_equal_names_sizes_and_times_have_different_keys(tmp_path: Path, cache: Path) -> None:
    found = []
    for i, place in enumerate((tmp_path / "a" / "set", tmp_path / "b" / "set")):
        corpus.write(place, {"x.bmp": corpus.encoded(Image.fromarray(noise(1, seed=i)[0]), "BMP")})
        os.utime(place / "x.bmp", ns=(10**18, 10**18))
        found.append(load(str(place), cache=cache))
    assert found[0].fingerprint != found[1].fingerprint


def test_a_zip_and_its_folder_are_the_same_data(folder: Path, tmp_path: Path, cache: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in sorted(folder.iterdir(), reverse=True):
            archive.write(path, path.name)
    packed, loose = load(str(tmp_path / "set.zip"), cache=cache), load(str(folder), cache=cache)
    assert packed.fingerprint == loose.fingerprint
    assert (packed.images == loose.images).all()
    assert packed.name == "set.zip"


def spoil(pack: Path, how: str) -> None:
    images = pack / "images.npy"
    data = bytearray(images.read_bytes())
    if how == "flipped bit":
        data[-1] ^= 1
    elif how == "flipped header":
        data[len(data) - 5 * 24 * 24 * 3 - 70] ^= 1
    elif how == "cut":
        del data[-1:]
    elif how == "grown":
        data += b"\0"
    elif how == "no json":
        (pack / "pack.json").unlink()
    elif how == "cut json":
        (pack / "pack.json").write_text((pack / "pack.json").read_text()[:-20])
    elif how == "other json":
        (pack / "pack.json").write_text(json.dumps({"bytes": len(data)}))
    elif how == "no images":
        images.unlink()
        return
    images.write_bytes(bytes(data))


@pytest.mark.parametrize(
    "how", ["flipped bit", "cut", "grown", "no json", "cut json", "other json", "no images", "flipped header"]
)
def test_a_damaged_pack_is_built_again_with_a_warning(how: str, folder: Path, cache: Path) -> None:
    whole = load(str(folder), cache=cache)
    spoil(only_pack(cache), how)
    with pytest.warns(RuntimeWarning, match="damaged"):
        again = load(str(folder), cache=cache)
    assert (again.images == noise(5)).all()
    assert again.fingerprint == whole.fingerprint
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(str(folder), cache=cache)
    only_pack(cache)


def test_damage_in_any_chunk_is_detected(tmp_path: Path) -> None:
    side = 256
    blocks = noise(90, side)
    with PackWriter(tmp_path / "pack", expected=90) as writer:
        for block in blocks:
            writer.add(block[None])
        writer.finish(None, (), {})
    path = tmp_path / "pack" / "images.npy"
    opened = open_pack(tmp_path / "pack")
    assert opened is not None
    assert (opened.images == blocks).all()
    size = path.stat().st_size
    assert size > 4 * CHUNK_BYTES
    for place in (128, size // 2, size - CHUNK_BYTES, size - 1):
        with open(path, "r+b") as file:
            file.seek(place)
            (value,) = file.read(1)
            file.seek(place)
            file.write(bytes([value ^ 1]))
        with pytest.raises(DamagedPack, match="does not match its checksum"):
            open_pack(tmp_path / "pack")
        with open(path, "r+b") as file:
            file.seek(place)
            file.write(bytes([value]))
    assert open_pack(tmp_path / "pack") is not None


def test_temporary_folders_of_killed_processes_are_ignored_and_later_removed(folder: Path, cache: Path) -> None:
    young, old = cache / "writing-young", cache / "writing-old"
    for place in (young, old):
        corpus.write(place, {"images.npy": b"half"})
    os.utime(old, (0, 0))
    assert len(load(str(folder), cache=cache)) == 5
    assert young.exists()
    assert not old.exists()


def test_an_interrupted_pack_leaves_nothing(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(inspection, "decode_image", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load(str(folder), cache=cache)
    assert not list(cache.iterdir())


def test_of_two_writers_the_first_to_finish_wins(cache: Path) -> None:
    place = cache / "pack"
    with PackWriter(place, expected=1) as slow, PackWriter(place, expected=1) as fast:
        slow.add(noise(1))
        fast.add(noise(1))
        fast.finish(None, (), {"who": "fast"})
        slow.finish(None, (), {"who": "slow"})
    pack = open_pack(place)
    assert pack is not None
    assert pack.extra == {"who": "fast"}
    assert only_pack(cache) == place


def test_two_processes_at_once(folder: Path, cache: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ganache.data import load;"
        "print(load(sys.argv[1], cache=Path(sys.argv[2])).fingerprint)"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(folder), str(cache)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert said[0] == said[1] == load(str(folder), cache=cache).fingerprint + "\n"
    only_pack(cache)


def test_a_cache_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"cannot be written .*GANACHE_CACHE"):
        load(str(folder), cache=tmp_path / "file" / "cache")


def test_a_pack_larger_than_the_free_space_is_refused_immediately(cache: Path) -> None:
    with (
        PackWriter(cache / "pack", expected=10**12) as writer,
        pytest.raises(DataError, match=r"needs up to .* GiB and .* has .* free"),
    ):
        writer.add(noise(1))
    assert not list(cache.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk(cache: Path) -> None:
    with PackWriter(cache / "pack", expected=1) as writer:
        writer._file.close()
        with open("/dev/full", "wb", buffering=0) as full:
            writer._file = full  # type: ignore[assignment]
            with pytest.raises(DataError, match=r"is full: make room"):
                writer.add(noise(1))
    assert not list(cache.iterdir())


def test_the_location_of_the_cache(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("GANACHE_CACHE", raising=False)
    load(str(folder))
    only_pack(tmp_path / "xdg" / "ganache")
    monkeypatch.setenv("GANACHE_CACHE", str(tmp_path / "own"))
    load(str(folder))
    only_pack(tmp_path / "own")


def sized(tmp_path: Path, cache: Path, *sizes: tuple[int, int], mode: str = "RGB") -> Dataset:
    """Write images of these sizes (width, height) to a folder."""
    files = {f"{i}.png": corpus.encoded(Image.new(mode, s), "PNG") for i, s in enumerate(sizes)}
    corpus.write(tmp_path / "sized", files)
    return load(str(tmp_path / "sized"), cache=cache)


@pytest.mark.parametrize(
    ("sizes", "shape", "remark"),
    [
        ([(40, 30), (40, 30)], (30, 40, 3), None),
        ([(40, 40), (40, 40), (50, 40)], (64, 64, 3), "differ in size"),
        ([(700, 600), (700, 600)], (64, 64, 3), "longer than 512 pixels"),
    ],
)
def test_the_default_size(
    sizes: list[tuple[int, int]], shape: tuple[int, ...], remark: str | None, tmp_path: Path, cache: Path
) -> None:
    dataset = sized(tmp_path, cache, *sizes)
    assert dataset.images.shape == (len(sizes), *shape)
    assert dataset.diagnosis is not None
    assert [remark in said for said in dataset.diagnosis.remarks] == ([True] if remark else [])


def test_one_colour_image_makes_all_images_rgb(tmp_path: Path, cache: Path) -> None:
    assert sized(tmp_path, cache, (40, 40), (40, 40), mode="L").image_shape == (1, 40, 40)
    corpus.write(tmp_path / "sized", {"z.png": corpus.encoded(Image.new("RGB", (40, 40), "red"), "PNG")})
    dataset = load(str(tmp_path / "sized"), cache=cache)
    assert dataset.image_shape == (3, 40, 40)
    assert dataset.images[2, 0, 0].tolist() == [255, 0, 0]


def test_a_repaired_zip_is_inspected_again(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for i, picture in enumerate(noise(3)):
            archive.writestr(f"{i}.png", corpus.encoded(Image.fromarray(picture), "PNG"))
    whole = path.read_bytes()
    broken = bytearray(whole)
    broken[200] ^= 0xFF
    path.write_bytes(bytes(broken))
    assert len(load(str(path), cache=cache)) == 2
    path.write_bytes(whole)
    os.utime(path, ns=(10**18, 10**18))
    assert len(load(str(path), cache=cache)) == 3
