"""Tables of pictures: each format gives the same pictures and labels alone, below a folder, in a zip and in a tar."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import corpus
from ganache.data import load

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


def csv(header: bool = True, last: bool = False, separator: str = ",", start: str = "", end: str = "\n") -> bytes:
    names = [f"pixel{i}" for i in range(100)]
    rows = [[*map(str, row)] for row in PICTURES.reshape(26, -1)]
    lines = [[*row, str(y)] if last else [str(y), *row] for row, y in zip(rows, LABELS, strict=True)]
    lines = [[*names, "label"] if last else ["label", *names], *lines] if header else lines
    return (start + "".join(separator.join(line) + end for line in lines)).encode()


def parquet(**columns: Any) -> bytes:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    cells = [{"bytes": corpus.encoded(Image.fromarray(picture), "PNG"), "path": "/etc/passwd"} for picture in PICTURES]
    file = io.BytesIO()
    pq.write_table(pa.table({"image": cells, "label": LABELS.astype(np.int64)} | columns), file, row_group_size=7)
    return file.getvalue()


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
