"""IDX and .npy files: every valid layout gives the right pixels, and damaged files give a one-sentence error."""

from __future__ import annotations

import gzip
import mmap
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import corpus
from corpus import pictures
from ganache.data import diagnose, load
from ganache.data.pixel_arrays import PixelArray
from ganache.data.readers import READERS
from ganache.data.readers.reader import Reader, ReadOptions, Source
from ganache.errors import DataError

SHARED = Path(__file__).parents[2] / "shared" / "data"


def idx(magic: int, *shape: int) -> bytes:
    return b"".join(n.to_bytes(4, "big") for n in (magic, *shape))


def write_idx(folder: Path, name: str, images: np.ndarray, labels: list[int] | None, packed: bool) -> Path:
    pack = gzip.compress if packed else bytes
    suffix = ".gz" if packed else ""
    path = folder / f"{name}-images-idx3-ubyte{suffix}"
    corpus.write(folder, {path.name: pack(idx(0x803, *images.shape) + images.tobytes())})
    if labels is not None:
        content = idx(0x801, len(labels)) + bytes(labels)
        corpus.write(folder, {f"{name}-labels-idx1-ubyte{suffix}": pack(content)})
    return path


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_and_folders(packed: bool, tmp_path: Path) -> None:
    train, test = pictures(6, 9, 8), pictures(4, 9, 8, seed=1)
    write_idx(tmp_path, "train", train, [3, 1, 4, 1, 5, 9], packed)
    path = write_idx(tmp_path, "t10k", test, None, packed)
    whole = load(str(tmp_path))
    assert (whole.images[..., 0] == train).all()
    assert whole.labels is not None
    assert whole.labels.tolist() == [3, 1, 4, 1, 5, 9]
    assert whole.image_shape == (1, 9, 8)
    alone = load(str(path))
    assert (alone.images[..., 0] == test).all()
    assert alone.labels is None


def test_broken_idx_files(tmp_path: Path) -> None:
    path = write_idx(tmp_path, "train", pictures(6, 9, 8), [1, 2], False)
    with pytest.raises(DataError, match=r"6 images and .* 2 labels"):
        load(str(path))
    with pytest.raises(DataError, match="labels only"):
        load(str(tmp_path / "train-labels-idx1-ubyte"))
    whole = path.read_bytes()
    for content, said in (
        (whole[:-1], "fewer bytes"),
        (whole + b"x", "more bytes"),
        (whole[:10], "no usable IDX header"),
        (gzip.compress(whole)[:-50], "cannot be read"),
        (idx(0x803, 2**31, 2**31, 2**31) + bytes(10), "no usable IDX header"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=said):
            load(str(path))


@pytest.mark.skipif(not (SHARED / "mnist").is_dir(), reason="the digits lie in ../shared/data, which is absent")
def test_the_handwritten_digits(cache: Path) -> None:
    dataset = load(str(SHARED / "mnist"))
    assert dataset.images.shape == (10_000, 28, 28, 1)
    assert dataset.labels is not None
    # As published: the first test digits, and the number of each.
    assert dataset.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(dataset.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    padded = load(str(SHARED / "mnist"), size=(32, 32), channels=3, cache=cache)
    assert padded.image_shape == (3, 32, 32)
    assert padded.labels is not None
    assert (padded.labels == dataset.labels).all()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the faces lie in ../shared/data, which is absent")
def test_the_anime_faces(cache: Path) -> None:
    dataset = load(str(SHARED / "anime-faces-8k.zip"), cache=cache)
    assert dataset.images.shape == (7_994, 64, 64, 3)
    assert dataset.diagnosis is not None
    assert not dataset.diagnosis.skipped


@pytest.mark.parametrize(
    ("stored", "shape"),
    [
        (pictures(5, 8, 9), (1, 8, 9)),
        (pictures(5, 8, 9, 1), (1, 8, 9)),
        (pictures(5, 8, 9, 3), (3, 8, 9)),
        (pictures(5, 8, 9, 3).transpose(0, 3, 1, 2), (3, 8, 9)),
        ((pictures(5, 8, 9, 3) / 255).astype(np.float32), (3, 8, 9)),
        ((pictures(5, 8, 9, 3) / 127.5 - 1).astype(np.float64), (3, 8, 9)),
        (pictures(5, 8, 9, 3).astype(np.float32), (3, 8, 9)),
        (pictures(5, 8, 9, 3).astype(np.int64), (3, 8, 9)),
        (pictures(5, 8, 9, 3).astype(np.uint16) * 257, (3, 8, 9)),
    ],
)
def test_npy_of_every_dtype_and_layout(stored: np.ndarray, shape: tuple[int, ...], tmp_path: Path, cache: Path) -> None:
    np.save(tmp_path / "a.npy", stored)
    dataset = load(str(tmp_path / "a.npy"), cache=cache)
    assert dataset.image_shape == shape
    assert dataset.images.dtype == np.uint8
    assert (dataset.images == pictures(5, 8, 9, *([3] if shape[0] == 3 else [1])).reshape(5, 8, 9, -1)).all()
    with pytest.raises(ValueError, match="read-only"):
        dataset.images[0] = 0


def test_npy_booleans_and_transparency(tmp_path: Path, cache: Path) -> None:
    np.save(tmp_path / "bool.npy", np.eye(8, dtype=bool)[None])
    assert (load(str(tmp_path / "bool.npy"), cache=cache).images[0, ..., 0] == 255 * np.eye(8)).all()
    clear = pictures(2, 8, 8, 4)
    clear[..., 3] = 0
    np.save(tmp_path / "clear.npy", clear)
    assert (load(str(tmp_path / "clear.npy"), cache=cache).images == 255).all()


def one_and_zero(folder: Path) -> dict[str, Path]:
    """Return files of arrays in which all values are 0 or 1."""
    masks = np.stack([np.eye(8, dtype=np.uint8)] * 12)
    (folder / "idx").write_bytes(idx(0x803, *masks.shape) + masks.tobytes())
    with tarfile.open(folder / "idx.tar", "w") as archive:
        archive.add(folder / "idx", "a-idx3-ubyte")
    np.save(folder / "a.npy", masks)
    np.savez(folder / "a.npz", x=masks)
    return {name: folder / name for name in ("idx", "idx.tar", "a.npy", "a.npz")}


class Masks(Reader):
    """Masks in memory."""

    help = "masks"
    names = ("masks",)

    def read(self, source: Source, options: ReadOptions) -> PixelArray:
        return PixelArray(np.stack([np.eye(8, dtype=np.uint8)] * 12)[..., None])


@pytest.mark.parametrize("name", ["idx", "idx.tar", "a.npy", "a.npz", "masks"])
def test_arrays_of_0_and_1_are_masks(name: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READERS, "masks", Masks())
    source = str(one_and_zero(tmp_path).get(name, name))
    data = load(source, cache=cache)
    assert (data.images[0, ..., 0] == 255 * np.eye(8)).all()
    assert any("0 or 1" in said for said in diagnose(source, cache=cache).remarks)
    plain = load(source, value_range=(0, 255), cache=cache)
    assert plain.images.max() == 1


def test_arrays_and_files_of_one_colour_are_named(tmp_path: Path, cache: Path) -> None:
    flat = np.empty((12, 8, 8, 3), np.uint8)
    flat[:] = (12, 200, 80)
    np.save(tmp_path / "a.npy", flat)
    corpus.write(tmp_path / "set", {f"{i}.png": corpus.encoded(Image.fromarray(flat[0]), "PNG") for i in range(12)})
    for source in ("a.npy", "set"):
        (remark,) = diagnose(str(tmp_path / source), cache=cache).remarks
        assert "12 of 12 pictures have a single colour" in remark
    flat[:, 0, 1] = 0
    np.save(tmp_path / "a.npy", flat)
    assert not diagnose(str(tmp_path / "a.npy"), cache=cache).remarks


def test_npy_points(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(100, 2))
    np.save(tmp_path / "points.npy", points)
    dataset = load(str(tmp_path / "points.npy"))
    assert dataset.image_shape == (2,)
    assert np.allclose(dataset.images, points)


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (np.array([{"a": 1}], dtype=object), "not a readable .* numpy.stack"),
        (np.zeros((32, 24, 3), np.uint8), "one picture of 24x32 pixels"),
        (np.zeros((5, 8)), "shape 5x8"),
        (np.zeros((0, 8, 8, 3)), "shape 0x8x8x3"),
        (np.full((2, 8, 8), np.nan), "values from nan"),
        (np.full((2, 8, 8), 300.0), "from 300 to 300"),
        (np.full((2, 8, 8), -4), "from -4"),
        (np.full((2, 8, 8), "a"), "values of the type"),
    ],
)
def test_npy_arrays_that_are_not_images(stored: np.ndarray, said: str, tmp_path: Path, cache: Path) -> None:
    np.save(tmp_path / "a.npy", stored, allow_pickle=True)
    with pytest.raises(DataError, match=said):
        load(str(tmp_path / "a.npy"), cache=cache)


def test_an_array_is_converted_once(tmp_path: Path, cache: Path) -> None:
    np.save(tmp_path / "a.npy", pictures(5, 16, 16, 3))
    half = load(str(tmp_path / "a.npy"), size=(8, 8), channels=1, cache=cache)
    expected = [
        np.asarray(Image.fromarray(p).convert("L").resize((8, 8), Image.Resampling.LANCZOS))
        for p in pictures(5, 16, 16, 3)
    ]
    assert (half.images[..., 0] == np.stack(expected)).all()
    assert load(str(tmp_path / "a.npy"), size=(8, 8), channels=1, cache=cache).fingerprint == half.fingerprint


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="tells its memory only on Linux")
def test_the_pages_of_a_large_array_do_not_stay_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "sparse.npy"
    sparse = np.lib.format.open_memmap(path, "w+", np.uint8, (30_000, 64, 64, 3))
    sparse[29_000] = 7
    sparse.flush()
    del sparse

    def mapped() -> int:
        return int(Path("/proc/self/statm").read_text().split()[2]) * mmap.PAGESIZE

    before = mapped()
    dataset = load(str(path), held_out=0.1)
    assert dataset.images.nbytes > 300 * 2**20
    assert mapped() - before < 100 * 2**20
    scattered = dataset.at(np.arange(0, 30_000, 10))
    assert mapped() - before < 100 * 2**20
    assert scattered.shape == (3000, 64, 64, 3)
    assert scattered.max(axis=(1, 2, 3)).nonzero()[0].tolist() == [2900]
    assert dataset.images[29_000].max() == 7  # the pages come back
