"""Tables of pictures: each format gives the same pictures and labels alone, below a folder, in a zip and in a tar."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import corpus
from ganache.data import diagnose, load
from ganache.errors import DataError

rng = np.random.default_rng(0)
PICTURES = rng.integers(0, 256, (26, 10, 10), dtype=np.uint8)
LABELS = np.arange(26, dtype=np.uint8)[::-1] + 1
"""From 1 to 26, as in EMNIST."""


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def csv(
    header: bool = True,
    last: bool = False,
    separator: str = ",",
    start: str = "",
    end: str = "\n",
    names: Sequence[str] = (),
) -> bytes:
    rows = [[*map(str, row)] for row in PICTURES.reshape(26, -1)]
    lines = [[*row, str(y)] if last else [str(y), *row] for row, y in zip(rows, LABELS, strict=True)]
    pixels = [f"pixel{i}" for i in range(100)]
    header_line = [*names] or ([*pixels, "label"] if last else ["label", *pixels])
    lines = [header_line, *lines] if header else lines
    return (start + "".join(separator.join(line) + end for line in lines)).encode()


def parquet(**columns: Any) -> bytes:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    cells = [{"bytes": corpus.encoded(Image.fromarray(picture), "PNG"), "path": "/etc/passwd"} for picture in PICTURES]
    file = io.BytesIO()
    pq.write_table(pa.table({"image": cells, "label": LABELS.astype(np.int64)} | columns), file, row_group_size=7)
    return file.getvalue()


PNG = corpus.encoded(corpus.RGB, "PNG")

TEST = {"x_test": PICTURES[:3, ::-1], "y_test": LABELS[:3]}

TABLES: dict[str, Callable[[], dict[str, bytes]]] = {
    "idx": lambda: {"train-images-idx3-ubyte": idx(PICTURES), "train-labels-idx1-ubyte": idx(LABELS)},
    "idx, dots": lambda: {"train-images.idx3-ubyte": idx(PICTURES), "train-labels.idx1-ubyte": idx(LABELS)},
    "idx, gzipped": lambda: {
        "emnist-images-idx3-ubyte.gz": gzip.compress(idx(PICTURES)),
        "emnist-labels-idx1-ubyte.gz": gzip.compress(idx(LABELS)),
    },
    "idx, in folders of their names": lambda: {
        "a-images-idx3-ubyte/a-images-idx3-ubyte": idx(PICTURES),
        "a-labels-idx1-ubyte/a-labels-idx1-ubyte": idx(LABELS),
    },
    "npz of Keras": lambda: {"mnist.npz": npz(**TEST, x_train=PICTURES, y_train=LABELS)},
    "npz of MedMNIST": lambda: {
        "m.npz": npz(
            val_images=PICTURES[:3], val_labels=LABELS[:3, None], train_images=PICTURES, train_labels=LABELS[:, None]
        )
    },
    "npz of rows": lambda: {"a.npz": npz(arr_0=PICTURES.reshape(26, 100), arr_1=LABELS)},
    "csv of Kaggle": lambda: {"train.csv": csv()},
    "csv without names": lambda: {"train.csv": csv(header=False)},
    "csv with the label at the end": lambda: {"hmnist.csv": csv(last=True)},
    "csv with a byte order mark and other lines": lambda: {"a.csv": csv(start="\ufeff", end="\r\n\r\n")},
    "csv without names, with a byte order mark": lambda: {"a.csv": csv(header=False, start="\ufeff")},
    "csv without names, with the label at the end": lambda: {"a.csv": csv(header=False, last=True)},
    "csv with numbers as names": lambda: {"a.csv": csv(names=[*map(str, range(101))])},
    "csv with numbers as names and the label at the end": lambda: {
        "a.csv": csv(last=True, names=[*map(str, range(1, 102))])
    },
    "csv with a separator at the end": lambda: {"a.csv": csv(header=False, end=",\n")},
    "csv with semicolons": lambda: {"a.csv": csv(separator=";")},
    "csv with tabs": lambda: {"a.tsv": csv(separator="\t")},
    "parquet": lambda: {"train-00000-of-00001.parquet": parquet()},
}


def as_alone(files: dict[str, bytes], folder: Path) -> Path:
    corpus.write(folder / "alone", files)
    return folder / "alone" / next(iter(files))


def as_folder(files: dict[str, bytes], folder: Path) -> Path:
    deep = {f"MNIST/raw/{name}": content for name, content in files.items()}
    corpus.write(folder / "deep", deep | {"MNIST/README.md": b"digits", "MNIST/raw/t10k.csv": b"id,name\n1,2\n"})
    return folder / "deep"


def as_zip(files: dict[str, bytes], folder: Path) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"in\\{name}", content)
    return folder / "a.zip"


def as_tar(files: dict[str, bytes], folder: Path) -> Path:
    with tarfile.open(folder / "a.tar.gz", "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"./in/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return folder / "a.tar.gz"


@pytest.mark.parametrize("place", [as_alone, as_folder, as_zip, as_tar])
@pytest.mark.parametrize("table", TABLES)
def test_pictures_and_labels_of_every_table_in_every_place(
    table: str, place: Callable[..., Path], tmp_path: Path, cache: Path
) -> None:
    data = load(str(place(TABLES[table](), tmp_path)), cache=cache)
    assert (data.images[..., 0] == PICTURES).all()
    assert data.labels is not None
    assert data.label_names == tuple(str(i) for i in range(1, 27)), "no class without pictures"
    assert (data.labels == LABELS - 1).all()


class Code:
    """A pickle of it creates a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("ran"),))


def lying(shape: tuple[int, ...], dtype: str = "|u1") -> bytes:
    """Return an .npz whose header announces more than it holds."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header.encode() + bytes(100))
    return file.getvalue()


ROW = ",".join(["1"] * 101).encode() + b"\n"

HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "objects": ("a.npz", lambda: npz(x=np.array([Code()] * 9)), "no array of images"),
    "objects as labels": ("a.npz", lambda: npz(x_train=PICTURES, y_train=np.array([Code()] * 26)), ""),
    "a long array": ("a.npz", lambda: lying((10**9, 64, 64)), "bytes, more than"),
    "a cut array": ("a.npz", lambda: lying((1000, 64, 64)), "cannot be read"),
    "a negative shape": ("a.npz", lambda: lying((-5, 64, 64)), "cannot be read"),
    "other arrays": ("a.npz", lambda: npz(weights=np.zeros((5, 7))), "no array of images, but weights 5x7 float64"),
    "an empty array": ("a.npz", lambda: npz(x=np.zeros((0, 28, 28))), "no array of images"),
    "labels of another length": ("a.npz", lambda: npz(x=PICTURES, y=LABELS[:5]), ""),
    "a short row": ("a.csv", lambda: ROW + b"1,2,3\n" + ROW, "row that is not 101 numbers"),
    "words": ("a.csv", lambda: ROW + ROW.replace(b"1", b"x"), "row that is not 101 numbers"),
    "no row": ("a.csv", lambda: csv().split(b"\n")[0], "no row of pixels"),
    "a long line": ("a.csv", lambda: ROW + b"1," * 2**21 + b"1\n", "more than 4 MiB"),
    "values of a formula": ("a.csv", lambda: ROW + b"=cmd|'/C calc'!A1" + ROW[1:], "row that is not 101 numbers"),
    "not a number": ("a.csv", lambda: ROW + b"nan," * 100 + b"1\n", "NaN"),
    "a table of names": ("a.csv", lambda: b"path,label\n/etc/passwd,1\n" * 50, "not in a format that can be read"),
    "a cut idx": ("a-idx3-ubyte", lambda: idx(PICTURES)[:-5], "fewer bytes"),
    "a large idx": ("a-idx3-ubyte", lambda: struct.pack(">4I", 0x803, 2**31, 2**15, 2**15), "no usable IDX header"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_damaged_and_hostile_tables(case: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, make, said = HOSTILE[case]
    monkeypatch.chdir(tmp_path)
    corpus.write(tmp_path / "in", {name: make()})
    for place in (tmp_path / "in" / name, tmp_path / "in"):
        if not said:
            assert load(str(place), cache=cache).labels is None
            continue
        with pytest.raises(DataError) as error:
            load(str(place), cache=cache)
        is_no_table = place.is_dir() and "contains no usable picture" in str(error.value)
        assert is_no_table or said in str(error.value)
        assert "\n" not in str(error.value)
    assert not Path("ran").exists(), "no code of the file ran"


def tar(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for info, content in entries:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_nothing_outside_a_tar_is_opened_and_no_name_ends_it(tmp_path: Path, cache: Path) -> None:
    data = corpus.encoded(Image.fromarray(PICTURES[0]), "PNG")
    corpus.write(tmp_path, {"secret.png": data})
    secret = str(tmp_path / "secret.png")
    content = tar(
        *((entry(name), data) for name in ("/a.png", "../b.png", "..", "c\\d.png", "e" * 300, "._f.png")),
        *((entry(kind.decode(), kind, secret), b"") for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE)),
        (entry("folder", tarfile.DIRTYPE), b""),
    )
    (tmp_path / "a.tar").write_bytes(content)
    found = diagnose(str(tmp_path / "a.tar"), cache=cache)
    assert (found.usable, found.files) == (5, 8)
    (tmp_path / "cut.tgz").write_bytes(gzip.compress(content)[:-60])
    with pytest.raises(DataError, match=r"tar archive that cannot be read .*: download it again"):
        load(str(tmp_path / "cut.tgz"), cache=cache)


def test_colours_in_rows_are_found_by_their_neighbours(tmp_path: Path, cache: Path) -> None:
    y, x = np.mgrid[0:16, 0:16]
    one = np.stack([10 * x, 10 * y, 255 - 8 * x], axis=2).astype(np.uint8)
    pictures = np.stack([one, one[::-1], one[:, ::-1]])
    for name, rows in (("planes", pictures.transpose(0, 3, 1, 2)), ("pixels", pictures)):
        np.save(tmp_path / f"{name}.npy", rows.reshape(3, -1))
        assert (load(str(tmp_path / f"{name}.npy"), cache=cache).images == pictures).all(), name


def test_the_column_of_images_in_a_parquet_table(tmp_path: Path, cache: Path) -> None:
    table = parquet(id=[b"x%d" % i for i in range(26)], image=[b"no" for _ in range(26)], photo=[{"bytes": PNG}] * 26)
    (tmp_path / "a.parquet").write_bytes(table)
    assert len(load(str(tmp_path / "a.parquet"), cache=cache)) == 26
    (tmp_path / "b.parquet").write_bytes(parquet(image=[b"x%d" % i for i in range(26)], img=[PNG] * 26, a=[b"?"] * 26))
    with pytest.raises(DataError, match="26 not an image"):
        load(str(tmp_path / "b.parquet"), cache=cache)
    (tmp_path / "c.parquet").write_bytes(parquet(image=list(range(26)), a=[b"?"] * 26, img=[PNG] * 26))
    assert len(load(str(tmp_path / "c.parquet"), cache=cache)) == 26


def test_the_names_of_the_classes_of_the_hub(tmp_path: Path, cache: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for stored, names in [
        ({"label": {"names": ["cat", "dog", "owl"], "_type": "ClassLabel"}}, ("cat", "owl")),
        ({"label": {"names": ["cat", "dog"]}}, ("0", "2")),
        ({"label": {"names": ["cat", "dog", "cat"]}}, ("0", "2")),
        ({"label": 3}, ("0", "2")),
        ([], ("0", "2")),
    ]:
        described = {b"huggingface": json.dumps({"info": {"features": stored}}).encode()}
        table = pa.table({"image": [{"bytes": PNG}] * 4, "label": [0, 2, 0, 2]}).replace_schema_metadata(described)
        pq.write_table(table, tmp_path / "a.parquet")
        data = load(str(tmp_path / "a.parquet"), cache=cache)
        found = tuple(data.label_names[i] for i in sorted(set(np.asarray(data.labels).tolist())))
        assert found == names, stored


def webdataset(folder: Path, classes: Mapping[int, bytes]) -> Path:
    with tarfile.open(folder / "00000.tar", "w") as archive:
        for i, picture in enumerate(PICTURES):
            content = {"jpg": corpus.encoded(Image.fromarray(picture), "PNG"), "json": b"{}"}
            for kind, data in (content | ({"cls": classes[i]} if i in classes else {})).items():
                info = tarfile.TarInfo(f"a.b/{i:04d}.{kind}")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return folder / "00000.tar"


def test_the_classes_of_a_webdataset(tmp_path: Path, cache: Path) -> None:
    whole = load(str(webdataset(tmp_path, {i: b"%d\n" % y for i, y in enumerate(LABELS)})), cache=cache)
    assert whole.labels is not None
    assert (whole.labels == LABELS - 1).all()
    assert whole.label_names == tuple(str(i) for i in range(1, 27))
    assert whole.diagnosis is not None
    assert len(whole.diagnosis.skipped) == 26, "only the texts"
    words = load(str(webdataset(tmp_path, {i: b"cat" if i % 2 else b"dog" for i in range(26)})), cache=cache)
    assert words.label_names == ("cat", "dog")
    for classes in ({0: b"1"}, dict.fromkeys(range(26), b"\xff\xfe")):
        assert load(str(webdataset(tmp_path, classes)), cache=cache).labels is None


def test_a_parquet_table_that_names_files_does_not_open_them(tmp_path: Path, cache: Path) -> None:
    corpus.write(tmp_path, {"secret.png": corpus.encoded(Image.fromarray(PICTURES[0]), "PNG")})
    cells = [{"bytes": corpus.encoded(Image.fromarray(PICTURES[0]), "PNG"), "path": None}]
    cells += [{"bytes": None, "path": str(tmp_path / "secret.png")}] * 25
    (tmp_path / "a.parquet").write_bytes(parquet(image=cells))
    found = diagnose(str(tmp_path / "a.parquet"), cache=cache)
    assert found.usable == 1
    assert {file.detail for file in found.skipped} == {"the table names a file, which is not opened"}
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-50])
    with pytest.raises(DataError, match=r"is damaged \(.*\): download it again"):
        load(str(tmp_path / "cut.parquet"), cache=cache)
