"""Loading by name and by path: each source gives its data set, and an unknown one gives a one-sentence error."""

from __future__ import annotations

import os
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import corpus
from ganache.data import TOYS, diagnose, load
from ganache.data.labels import labels_from_folders
from ganache.errors import DataError, MissingExtra

PICTURE = corpus.encoded(corpus.RGB, "PNG")


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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("https://example.com/set.zip", "is an address, and nothing is downloaded"),
        ("set/*.png", "is a pattern for several files: give their folder, 'set'"),
        ("*", "give their folder, '.'"),
        ("nowhere/*.png", "neither a file or folder"),
    ],
)
def test_what_is_typed_instead_of_a_folder(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "set").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=re.escape(said)):
        load(name)


def test_subfolders_are_labels_if_all_images_are_in_them(tmp_path: Path, cache: Path) -> None:
    data = corpus.encoded(corpus.RGB, "PNG")
    files = {f"set/{c}/{i}.png": data for c, n in (("dog", 2), ("cat", 3)) for i in range(n)}
    # A folder whose only image is damaged is not a class, and a text file at the top is not an image.
    corpus.write(tmp_path / "in", files | {"set/bird/0.png": b"", "set/readme.txt": b"hello"})
    dataset = load(str(tmp_path / "in"), cache=cache)
    assert dataset.labels is not None
    assert dataset.labels.tolist() == [0, 0, 0, 1, 1]
    assert dataset.label_names == ("cat", "dog")
    assert diagnose(str(tmp_path / "in"), cache=cache).classes == {"cat": 3, "dog": 2}

    corpus.write(tmp_path / "in", {"set/loose.png": data})
    assert load(str(tmp_path / "in"), cache=cache).labels is None


def folder_of(*files: str) -> dict[str, str]:
    """Return {file: class} of files with these names; {} without classes."""
    labels = labels_from_folders(files)
    assert labels_from_folders(files, "none").indices is None
    return {} if labels.indices is None else {f: labels.names[i] for f, i in zip(files, labels.indices, strict=True)}


@pytest.mark.parametrize(
    ("files", "classes", "said"),
    [
        (["train/0/a", "train/1/b", "test/0/c", "test/1/d"], "0101", "parts of one set, not classes"),
        (["TRAIN/0/a", "Val/1/b", "x-Test/1/c"], "011", "parts of one set"),
        (["training_set/cat/a", "test_set/dog/b"], ["cat", "dog"], "parts of one set"),
        (["train2017/a", "val2017/b"], None, "parts of one set"),
        (["set/train/train/cat/a", "set/test/test/dog/b"], ["cat", "dog"], "parts of one set"),
        (["seg_train/seg_train/sea/a", "seg_test/seg_test/ice/b"], ["sea", "ice"], "parts of one set"),
        (["train/cat/a", "train/dog/b", "test/test/c"], None, "have no class"),
        (["train/n01/images/a", "train/n02/images/b", "val/images/c"], None, "below images have no class"),
        (["train/images/a", "val/images/b"], None, "parts of one set"),
        (["treino/ação/a", "teste/flor/b", "validação/flor/c"], ["ação", "flor", "flor"], "parts of one set"),
        (["训练集/猫/a", "测试集/狗/b"], ["猫", "狗"], "parts of one set"),
        (["fold1/cat/a", "fold2/dog/b", "fold2/cat/c"], ["cat", "dog", "cat"], "chunks of files"),
        (["train/e\u0301te/a", "test/\u00e9te/b", "test/hiver/c"], ["\u00e9te"] * 2 + ["hiver"], "parts of one set"),
        (["JPEGImages/a", "SegmentationClass/b"], ["JPEGImages", "SegmentationClass"], "to read the pictures alone"),
        (["images/a", "masks/b"], ["images", "masks"], "give their folder"),
        (["2021-05-01/a", "2021-05-02/b"], ["2021-05-01", "2021-05-02"], "if they are none, --data.labels none"),
        (["100APPLE/a", "101APPLE/b"], ["100APPLE", "101APPLE"], "if they are none, --data.labels none"),
        (["128x128/a", "256x256/b"], ["128x128", "256x256"], "if they are none, --data.labels none"),
        (["nature/a", "photos/b"], ["nature", "photos"], ""),
        (["7_of_hearts/a", "8_of_hearts/b"], ["7_of_hearts", "8_of_hearts"], ""),
        (["train/cat/a", "train/dog/b", "test/c"], None, "others do not"),
        (["trainA/a", "trainB/b", "testA/c", "testB/d"], "ABAB", "with the classes A, B"),
        (["cat_train/a", "dog_train/b", "dog_test/d"], ["cat", "dog", "dog"], "with the classes cat, dog"),
        (["bus/a", "car/b", "train/c"], ["bus", "car", "train"], ""),
        (["cat/a", "dog/b", "test/c"], ["cat", "dog", "test"], "move it out"),
        (["cat/a", "dog/b", "test/c", "val/d"], ["cat", "dog", "test", "val"], "move them out"),
        (["train/Cat/a", "test/cat/b", "test/dog/c"], ["Cat", "cat", "dog"], "Cat, cat differ only in case"),
        (["cat/train/a", "dog/train/b"], ["cat", "dog"], ""),
        (["contest/a", "trainer/b", "Valley/c"], ["contest", "trainer", "Valley"], ""),
    ],
)
def test_parts_of_a_set_are_no_classes(files: list[str], classes: Any, said: str) -> None:
    assert list(folder_of(*files).values()) == list(classes or [])
    assert said in " ".join(labels_from_folders(files).remarks)
    assert bool(said) == bool(labels_from_folders(files).remarks)


NUMBERS = range(3)


@pytest.mark.parametrize(
    ("files", "are_classes"),
    [
        ([f"{k}000/{i}.png".zfill(9) for k in NUMBERS for i in NUMBERS], False),  # FFHQ, 00000 and 01000
        ([f"ffhq/0{k}000/{i}.png" for k in (0, 2, 5) for i in range(k + 1)], False),  # with some missing
        ([f"0000{k}/img{1000 * k + i:08d}.png" for k in NUMBERS for i in NUMBERS], False),  # numbered on
        ([f"{i % 1000:04d}/{i}.jpg" for i in (5, 1005, 17, 2017, 30)], False),  # the last digits
        ([f"{h[:2]}/{h}.jpg" for h in ("0a" * 16, "ff" * 16, "0b" * 16)], False),  # by hash
        ([f"images_{k:03d}/images/{i}.png" for k in NUMBERS for i in NUMBERS], False),
        ([f"part{k}/{i}.png" for k in NUMBERS for i in NUMBERS], False),
        ([f"000{k}/{i}.png" for k in NUMBERS for i in range(1000)], False),  # a thousand each
        ([f"{k}/{i}.png" for k in range(10) for i in NUMBERS], True),  # digits
        ([f"{k}/{10 * i + k}.png" for k in range(10) for i in NUMBERS], True),
        ([f"{k:04d}/a.png" for k in range(300)], True),  # a person each
        ([f"n0144076{k}/n0144076{k}_{i}.JPEG" for k in NUMBERS for i in NUMBERS], True),  # ImageNet
        ([f"{age}/{i}.png" for age in (10, 20, 30) for i in NUMBERS], True),
        ([f"{rupees}/{i}.png" for rupees in (100, 200, 500) for i in NUMBERS], True),
    ],
)
def test_chunks_of_files_are_no_classes(files: list[str], are_classes: bool) -> None:
    assert bool(folder_of(*files)) == are_classes
    assert labels_from_folders(files, "folders").indices is not None
    assert are_classes or "--data.labels folders" in " ".join(labels_from_folders(files).remarks)


def test_the_rule_for_labels_is_part_of_what_is_cached(tmp_path: Path, cache: Path) -> None:
    data = corpus.encoded(corpus.RGB, "PNG")
    corpus.write(
        tmp_path / "in", {f"{part}/{c}/{i}.png": data for part in ("a_train", "b_test") for c in "xyz" for i in "1"}
    )
    found = {rule: load(str(tmp_path / "in"), labels=rule, cache=cache) for rule in ("auto", "folders", "none")}
    # "a" and "b" remain of the parts' names.
    assert [each.label_names for each in found.values()] == [("a", "b"), ("a_train", "b_test"), ()]
    assert found["none"].labels is None
    assert len({each.fingerprint for each in found.values()}) == 3
    with pytest.raises(DataError, match="rule for labels 'folder': did you mean 'folders'"):
        load(str(tmp_path / "in"), labels="folder", cache=cache)  # type: ignore[arg-type]


def test_a_single_subfolder_is_not_a_label(tmp_path: Path, cache: Path) -> None:
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


@pytest.mark.parametrize("content", [b"hello", b"\1\2\3" * 50, "Grün".encode()])
def test_a_file_in_an_unknown_format(content: bytes, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "what.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"not in a format that can be read: give a folder of image files, .*zip"):
        load(str(tmp_path / "what.zip"), cache=cache)


HOSTILE = {"": 1, "/": 0, "..": 1, "a/../../b.png": 1, "/etc/c.png": 1, "C:\\d.png": 1, "e\0f.png": 1, "x" * 3000: 1}
"""Name of an entry -> the number of pictures that it adds."""

SYSTEM = ["__MACOSX/._1.png", "set/._1.png", "set/Thumbs.db", "DESKTOP.INI", "set/.DS_Store", "@eaDir/1.png"]


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    """Write a zip whose names are stored as they are; Python's own replaces some."""
    with zipfile.ZipFile(path, "w") as archive:
        for i, (name, content) in enumerate(files.items()):
            info = zipfile.ZipInfo(f"{i}")
            info.filename = name
            archive.writestr(info, content)
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_in_a_zip_ends_the_doctor(name: str, tmp_path: Path, cache: Path) -> None:
    data = corpus.encoded(corpus.RGB, "PNG")
    path = zipped(tmp_path / "a.zip", {"1.png": data, name: data})
    found = diagnose(str(path), cache=cache)
    assert (found.usable, found.files) == (1 + HOSTILE[name], 1 + HOSTILE[name])
    assert "\0" not in found.describe()


def test_a_zip_of_windows_has_folders_and_no_system_files(tmp_path: Path, cache: Path) -> None:
    data = corpus.encoded(corpus.RGB, "PNG")
    files = {f"set\\{part}\\{c}\\{i}.png": data for part in ("Train", "Test") for c in ("cat", "dog") for i in "12"}
    system = {name.replace("/", "\\"): b"no picture" for name in SYSTEM}
    found = diagnose(str(zipped(tmp_path / "a.zip", files | system)), cache=cache)
    assert found.classes == {"cat": 4, "dog": 4}
    assert not found.skipped


def test_a_path_with_backslashes_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    corpus.write(Path("pics"), {"1.png": PICTURE})
    with pytest.raises(DataError, match=r"write the path with /, as in './pics'"):
        load(".\\pics")


def test_names_of_files_and_folders_that_are_not_utf8(tmp_path: Path, cache: Path) -> None:
    data = corpus.encoded(corpus.RGB, "PNG")
    names = [b"gr\xfcn", b"new\nline", b"\x1b[31m", "日本語".encode(), b"x" * 200]
    for name in names:
        folder = os.fsencode(tmp_path / "in") + b"/" + name
        os.makedirs(folder)
        for file in (b"\xff.png", b"a\nb.png"):
            Path(os.fsdecode(folder + b"/" + file)).write_bytes(data + name)
        Path(os.fsdecode(folder + b"/\xfe.txt")).write_bytes(b"text")
    for _ in ("built", "from the cache"):
        found = diagnose(str(tmp_path / "in"), cache=cache)
        assert len(found.classes) == len(names)
        assert found.describe().encode().count(b"\n") < 30
        assert found.to_json().encode()
    assert load(str(tmp_path / "in"), cache=cache).label_names == tuple(sorted(map(os.fsdecode, names)))


@pytest.mark.parametrize(
    ("make", "is_text"),
    [
        (lambda folder: corpus.write(folder, {f"{c}/1.png": PICTURE for c in "0123456789"}), True),
        (lambda folder: corpus.write(folder, {f"train/{c}/1.png": PICTURE for c in "abcdefg"}), True),
        (lambda folder: corpus.write(folder, {f"{c}/1.png": PICTURE for c in "AB"}), False),
        (lambda folder: corpus.write(folder, {f"{c}/1.png": PICTURE for c in ("cat", "dog")}), False),
    ],
)
def test_pictures_of_characters_are_known(make: Any, is_text: bool, tmp_path: Path, cache: Path) -> None:
    make(tmp_path / "in")
    assert load(str(tmp_path / "in"), cache=cache).is_text == is_text
    assert load("digits").is_text
    assert not load("faces", count=5, cache=cache).is_text


def test_a_zip_with_a_damaged_directory(tmp_path: Path, cache: Path) -> None:
    corpus.make_odd_zip(tmp_path / "a.zip", 10)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    start = data.index(b"PK\x01\x02")
    data[start : start + 4] = b"XXXX"
    (tmp_path / "a.zip").write_bytes(bytes(data))
    with pytest.raises(DataError, match="not a readable zip"):
        load(str(tmp_path / "a.zip"), cache=cache)


def test_faces_depend_on_their_seed_only(cache: Path) -> None:
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
def test_toys_depend_on_their_seed_only(name: str) -> None:
    points = load(name, count=2_000).images
    assert points.shape == (2_000, 2)
    assert points.dtype == np.float32
    assert np.abs(points).max() < 1.2
    assert (load(name, count=2_000).images == points).all()
    assert (load(name, count=2_000, seed=1).images != points).any()


@pytest.mark.parametrize(("name", "modes"), [("ring8", 8), ("grid25", 25)])
def test_the_modes_of_a_toy_have_the_stated_centres_and_spread(name: str, modes: int) -> None:
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
    # The modes do not overlap, so each point belongs to one of them.
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=-1) + 9 * np.eye(modes)
    assert apart.min() > 10 * std


def test_the_line_is_at_zero() -> None:
    points = load("lines", count=5_000).images
    assert (points[:, 0] == 0).all()
    assert np.abs(np.sort(points[:, 1]) - (np.arange(5_000) + 0.5) / 5_000).max() < 0.03


def test_the_name_of_a_data_set_is_one_line(tmp_path: Path, cache: Path) -> None:
    corpus.write(tmp_path / "a\n\x1b[31mb", {"1.png": PICTURE})
    found = load(str(tmp_path / "a\n\x1b[31mb"), cache=cache)
    assert found.name == "a\\n\\x1b[31mb"
    assert found.diagnosis is not None
    assert found.diagnosis.source == found.name
