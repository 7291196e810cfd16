"""Every kind of source becomes the data set that it should be, and what is none is refused in one sentence."""

from __future__ import annotations

import gzip
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import corpus
from ganache.data import TOYS, diagnose, hub, load
from ganache.errors import DataError, MissingExtra

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def pictures(n: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


# --- names


@pytest.mark.parametrize(
    ("name", "hint"),
    [("facs", r"did you mean 'faces'\?"), ("fashionmnist", "fashion-mnist"), ("", "choose one of"), ("x" * 5000, "")],
)
def test_an_unknown_name_is_refused_with_a_hint(name: str, hint: str) -> None:
    with pytest.raises(DataError, match=rf"neither a file or folder here nor a built-in data set: .*{hint}"):
        load(name)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"size": (0, 64)}, "size"),
        ({"size": (64,)}, "size"),
        ({"channels": 2}, "channels"),
        ({"fit": "squash"}, "did you mean|choose one of"),
        ({"count": 0}, "at least 1"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        load("faces", **settings)


# --- folders


def test_subfolders_are_labels_when_all_pictures_lie_in_them(tmp_path: Path, cache: Path) -> None:
    data = corpus.encoded(corpus.RGB, "PNG")
    files = {f"set/{c}/{i}.png": data for c, n in (("dog", 2), ("cat", 3)) for i in range(n)}
    # A folder whose only picture is broken is no class, and a text at the top is no picture.
    corpus.write(tmp_path / "in", files | {"set/bird/0.png": b"", "set/readme.txt": b"hello"})
    dataset = load(str(tmp_path / "in"), cache=cache)
    assert dataset.labels is not None
    assert dataset.labels.tolist() == [0, 0, 0, 1, 1]
    assert dataset.label_names == ("cat", "dog")
    assert diagnose(str(tmp_path / "in"), cache=cache).classes == {"cat": 3, "dog": 2}

    corpus.write(tmp_path / "in", {"set/loose.png": data})
    assert load(str(tmp_path / "in"), cache=cache).labels is None


def test_one_subfolder_is_no_label(tmp_path: Path, cache: Path) -> None:
    corpus.write(tmp_path / "in", {f"only/{i}.png": corpus.encoded(corpus.RGB, "PNG") for i in range(2)})
    assert load(str(tmp_path / "in"), cache=cache).labels is None


def test_a_linked_folder_is_read_once_under_its_own_name(tmp_path: Path, cache: Path) -> None:
    corpus.write(tmp_path / "elsewhere", {"far.png": corpus.encoded(corpus.RGB, "PNG")})
    corpus.write(tmp_path / "in", {"z/near.png": corpus.encoded(corpus.RGB, "PNG")})
    (tmp_path / "in" / "a").symlink_to("z")
    (tmp_path / "in" / "b").symlink_to(tmp_path / "elsewhere")
    dataset = load(str(tmp_path / "in"), cache=cache)
    assert dataset.diagnosis is not None
    assert dataset.diagnosis.exact_duplicates == (("b/far.png", "z/near.png"),)
    assert [s.name for s in dataset.diagnosis.skipped] == ["a"]


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + bytes(50), b"\x1f\x8b\x08broken"])
def test_a_file_that_is_no_source(content: bytes, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "what.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"not a zip, IDX or \.npy file"):
        load(str(tmp_path / "what.zip"), cache=cache)


def test_a_zip_whose_list_is_broken(tmp_path: Path, cache: Path) -> None:
    corpus.make_odd_zip(tmp_path / "a.zip", 10)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    start = data.index(b"PK\x01\x02")
    data[start : start + 4] = b"XXXX"
    (tmp_path / "a.zip").write_bytes(bytes(data))
    with pytest.raises(DataError, match="not a readable zip"):
        load(str(tmp_path / "a.zip"), cache=cache)


# --- IDX


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
    with pytest.raises(DataError, match="6 images and .* 2 labels"):
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
    # As published: the first test digits, and how many there are of each.
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


# --- .npy


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
def test_npy_of_every_kind(stored: np.ndarray, shape: tuple[int, ...], tmp_path: Path, cache: Path) -> None:
    np.save(tmp_path / "a.npy", stored)
    dataset = load(str(tmp_path / "a.npy"), cache=cache)
    assert dataset.image_shape == shape
    assert dataset.images.dtype == np.uint8
    assert (dataset.images == pictures(5, 8, 9, *([3] if shape[0] == 3 else [1])).reshape(5, 8, 9, -1)).all()
    with pytest.raises(ValueError, match="read-only"):
        dataset.images[0] = 0


def test_npy_black_and_white_and_clear(tmp_path: Path, cache: Path) -> None:
    np.save(tmp_path / "bool.npy", np.eye(8, dtype=bool)[None])
    assert (load(str(tmp_path / "bool.npy"), cache=cache).images[0, ..., 0] == 255 * np.eye(8)).all()
    clear = pictures(2, 8, 8, 4)
    clear[..., 3] = 0
    np.save(tmp_path / "clear.npy", clear)
    assert (load(str(tmp_path / "clear.npy"), cache=cache).images == 255).all()


def test_npy_points(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(100, 2))
    np.save(tmp_path / "points.npy", points)
    dataset = load(str(tmp_path / "points.npy"))
    assert dataset.image_shape == (2,)
    assert np.allclose(dataset.images, points)


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (np.array([{"a": 1}], dtype=object), "not a readable"),
        (np.zeros((5, 8)), "shape 5x8"),
        (np.zeros((0, 8, 8, 3)), "shape 0x8x8x3"),
        (np.full((2, 8, 8), np.nan), "values from nan"),
        (np.full((2, 8, 8), 300.0), "from 300 to 300"),
        (np.full((2, 8, 8), -4), "from -4"),
        (np.full((2, 8, 8), "a"), "values of the kind"),
    ],
)
def test_npy_that_is_no_picture(stored: np.ndarray, said: str, tmp_path: Path, cache: Path) -> None:
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


# --- built-in names


def test_faces_are_drawn_once_and_the_same_each_time(cache: Path) -> None:
    faces = load("faces", count=300, seed=4, size=(32, 32), cache=cache)
    assert faces.images.shape == (300, 32, 32, 3)
    fewer = load("faces", count=10, seed=4, size=(32, 32), cache=cache)
    assert (fewer.images == faces.images[:10]).all()
    other = load("faces", count=10, seed=5, size=(32, 32), cache=cache)
    assert (other.images != fewer.images).any()


def test_digits() -> None:
    pytest.importorskip("sklearn")
    dataset = load("digits")
    assert dataset.images.shape == (1797, 8, 8, 1)
    assert (dataset.images.min(), dataset.images.max()) == (0, 255)
    assert dataset.labels is not None
    assert dataset.labels[:10].tolist() == list(range(10))


def test_digits_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtra, match=r"ganache\[digits\]"):
        load("digits")


@pytest.mark.parametrize("name", TOYS)
def test_toys_lie_in_the_square_and_come_from_their_seed(name: str) -> None:
    points = load(name, count=2_000).images
    assert points.shape == (2_000, 2)
    assert points.dtype == np.float32
    assert np.abs(points).max() < 1.2
    assert (load(name, count=2_000).images == points).all()
    assert (load(name, count=2_000, seed=1).images != points).any()


@pytest.mark.parametrize(("name", "modes"), [("ring8", 8), ("grid25", 25)])
def test_the_modes_of_a_toy_are_where_it_says(name: str, modes: int) -> None:
    n = 20_000
    points, which = TOYS[name].sample(n)
    centres, std = TOYS[name].centres, TOYS[name].std
    assert centres is not None
    assert which is not None
    assert std is not None
    assert len(centres) == modes
    shares = np.bincount(which, minlength=modes) / n
    assert np.abs(shares - 1 / modes).max() < 5 * np.sqrt(1 / modes / n)
    offsets = points - centres[which]
    assert np.abs(offsets.std(axis=0) / std - 1).max() < 0.03
    # The modes stand apart, so that a point belongs to one of them.
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=-1) + 9 * np.eye(modes)
    assert apart.min() > 10 * std


def test_the_line_stands_at_zero() -> None:
    points = load("lines", count=5_000).images
    assert (points[:, 0] == 0).all()
    assert np.abs(np.sort(points[:, 1]) - (np.arange(5_000) + 0.5) / 5_000).max() < 0.03


# --- the hub


def fake_datasets(rows: list[dict[str, Any]]) -> types.ModuleType:
    """As much of the `datasets` library as is used here."""
    module = types.ModuleType("datasets")

    class Feature:
        def __init__(self, names: tuple[str, ...] = (), decode: bool = True) -> None:
            self.names = names
            self.decode = decode

    class ImageFeature(Feature):
        pass

    class Table(list[dict[str, Any]]):
        features = {"picture": ImageFeature(), "kind": Feature(("odd", "even"))}

        def __getitem__(self, key: Any) -> Any:
            return [row[key] for row in self] if isinstance(key, str) else super().__getitem__(key)

        def cast_column(self, name: str, feature: Feature) -> Table:
            assert name == "picture"
            assert not feature.decode
            return self

    asked: list[tuple[str, str]] = []

    def load_dataset(name: str, *, split: str) -> Table:
        asked.append((name, split))
        return Table(rows)

    module.Image = ImageFeature  # type: ignore[attr-defined]
    module.ClassLabel = Feature  # type: ignore[attr-defined]
    module.load_dataset = load_dataset  # type: ignore[attr-defined]
    module.asked = asked  # type: ignore[attr-defined]
    return module


def test_hub_pictures_go_through_the_doctor(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = {"bytes": corpus.encoded(corpus.RGB, "PNG"), "path": None}
    rows = [
        {"picture": good, "kind": 1},
        {"picture": {"bytes": b"broken", "path": None}, "kind": 0},
        {"picture": good, "kind": 0},
    ]
    library = fake_datasets(rows)
    monkeypatch.setitem(sys.modules, "datasets", library)
    monkeypatch.setattr(hub, "_reachable", lambda: True)
    dataset = load("cifar10", cache=cache)
    assert library.asked == [("uoft-cs/cifar10", "train")]
    assert (dataset.images == corpus.PICTURE).all()
    assert dataset.labels is not None
    assert dataset.labels.tolist() == [1, 0]
    assert dataset.label_names == ("odd", "even")

    # The second time neither the network nor the library is asked.
    monkeypatch.setattr(hub, "_reachable", lambda: False)
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert load("cifar10", cache=cache).fingerprint == dataset.fingerprint


def test_hub_without_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("HF_DATASETS_OFFLINE", raising=False)
    monkeypatch.setattr(hub, "_reachable", lambda: False)
    for name in ("mnist", "hf:owner/name"):
        with pytest.raises(DataError, match=r"comes from the network .* give a local folder"):
            load(name, cache=cache)


def test_hub_without_the_library(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_reachable", lambda: True)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"ganache\[hub\]"):
        load("mnist", cache=cache)
