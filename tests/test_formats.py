"""Formats that are not read: each is named by its first bytes, with the command that makes pictures of it."""

from __future__ import annotations

import re
import shlex
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile

import corpus
from conftest import run_command
from forked import run_python
from ganache.data import diagnose, load
from ganache.data.diagnosis import NoPictureError
from ganache.data.formats import _FURTHER, _PLACES, _STARTS, _TEXTS, PICKLE, VIDEO, recognise
from ganache.errors import DataError

FILL = bytes(range(1, 200)) * 25

FILES: dict[str, tuple[bytes, str, str]] = {
    "a.7z": (b"7z\xbc\xaf\x27\x1c\0\4", "a 7z archive", "7z x"),
    "a.rar": (b"Rar!\x1a\x07\x01\0", "a RAR archive", "unrar x"),
    "a.h5": (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "h5py"),
    "a.mat": (b"MATLAB 5.0 MAT-file", "a MATLAB file", "loadmat"),
    "a.pt": (b"\x80\2", "a PyTorch file", "torch.load"),
    "data_batch_1": (b"\x80\3}q", "a Python pickle (which can run code)", "data_batch_*"),
    "a.cr2": (b"II*\0\x10\0\0\0CR\2\0", "a raw photo", "dcraw"),
    "a.mp4": (b"\0\0\0\x20ftypisom\0\0\2\0isom", "a video", "ffmpeg"),
    "a.mov": (b"\0\0\0\x14ftypqt  ", "a video", "ffmpeg"),
    "a.avi": (b"RIFF\0\0\0\0AVI LIST", "a video", "ffmpeg"),
    "a.webm": (b"\x1aE\xdf\xa3", "a video", "ffmpeg"),
    "a.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture", "magick"),
    "a.dcm": (bytes(128) + b"DICM", "a DICOM picture", "dcm2img"),
    "a.jxl": (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture", "djxl"),
    "a.exr": (b"v/1\1", "an OpenEXR picture", "magick"),
    "a.pdf": (b"%PDF-1.7", "a PDF document", "pdfimages"),
    "data.mdb": (bytes(16) + b"\xde\xc0\xef\xbe", "an LMDB database", "lmdb"),
    "a.tfrecords": (b"\x10\0\0\0\0\0\0\0", "a TFRecord file", "tensorflow"),
    "train-0": (b"\xe8\3\0\0\0\0\0\0abcd\n\xe5\7\n", "a TFRecord file", "tensorflow"),
    "a.nii": (bytes(344) + b"n+1\0", "a NIfTI volume", "nibabel"),
    "a.zip": (b"PK\3\4", "the beginning of a zip archive, whose end is missing", "download it again"),
    "page.zip": (b"\n<!DOCTYPE HTML><p>sign in", "a web page", "download the file itself"),
    "lfs.zip": (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer", "git lfs pull"),
    "a.gz": (b"\x1f\x8b\x08broken", "a gzip file", "gunzip"),
    "data-00000-of-00001.arrow": (b"\xff\xff\xff\xff\x78\1\0\0", "an Arrow stream", "Parquet"),
    "a.orf": (b"IIRO\x08\0\0\0", "a raw photo", "dcraw"),
    "a.psd": (b"8BPS\0\1", "a Photoshop picture", "magick"),
    "a.dds": (b"DDS |", "a DirectDraw texture", "magick"),
    "a.eps": (b"%!PS-Adobe-3.0", "a PostScript drawing", "magick"),
    "data_batch_1.bin": (b"\6", "a file of CIFAR-10 without a header", "reshape(-1, 3073)"),
    "train.bin": (b"\6", "a file of CIFAR-100 without a header", "reshape(-1, 3074)"),
    "train_X.bin": (b"\6", "a file of STL-10 without a header", "pictures.npy"),
    "fer2013.csv": (
        b"emotion,pixels,Usage\n0," + b"70 " * 100,
        "a table with all pixels of a picture in one column",
        "pictures.npz",
    ),
    "a.arrow": (b"ARROW1\0\0", "an Arrow table", "Parquet"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_read_is_named_with_what_to_do(name: str, tmp_path: Path, cache: Path) -> None:
    start, what, how = FILES[name]
    folder = tmp_path / "it's here"
    corpus.write(folder, {name: start + FILL})
    with pytest.raises(DataError, match=re.escape(what)) as error:
        load(str(folder / name), cache=cache)
    assert how in str(error.value)
    assert "\n" not in str(error.value)
    assert "here" not in how
    if "convert it with  " in str(error.value):
        command = str(error.value).partition("convert it with  ")[2]
        assert any(word.startswith(str(folder)) for word in shlex.split(command)), "the path is quoted for the shell"
    with pytest.raises(DataError) as below:
        load(str(folder), cache=cache)
    if name != "a.zip":
        by_bytes = name not in ("a.pt", "a.tfrecords")
        assert not by_bytes or what in str(below.value), "and below a folder"
        assert not by_bytes or "convert" not in str(error.value) or str(folder).partition("'")[0] in str(below.value)


def test_what_a_command_makes_is_read(tmp_path: Path, cache: Path) -> None:
    pictures, labels = corpus.pictures(6, 32, 32, 3), np.arange(6, dtype=np.uint8)
    planes = pictures.transpose(0, 3, 1, 2).reshape(6, -1)
    large = np.repeat(np.repeat(pictures, 3, axis=1), 3, axis=2)
    files = {
        "cifar10/data_batch_1.bin": np.hstack([labels[:, None], planes])[:3].tobytes(),
        "cifar10/data_batch_2.bin": np.hstack([labels[:, None], planes])[3:].tobytes(),
        "cifar100/train.bin": np.hstack([labels[:, None] * 0 + 9, labels[:, None], planes]).tobytes(),
        "stl10/train_X.bin": large.transpose(0, 3, 2, 1).tobytes(),
        "fer/a.csv": "emotion,pixels,Usage\n"
        + "".join(
            f'{y},"{" ".join(map(str, x[..., 0].ravel()))}",Test\n' for x, y in zip(pictures, labels, strict=True)
        ),
    }
    corpus.write(tmp_path, {name: each.encode() if isinstance(each, str) else each for name, each in files.items()})
    for name in files:
        if name.endswith("2.bin"):
            continue
        with pytest.raises(DataError) as error:
            load(str(tmp_path / name), cache=cache)
        command = str(error.value).partition("convert it with  ")[2].partition("  and give ")[0]
        code, *arguments = shlex.split(command)[2:]
        found = [str(each) for word in arguments for each in sorted(Path("/").glob(word.lstrip("/")))]
        done = run_python(code, *found, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        made = load(str(tmp_path / f"pictures.np{'y' if 'stl' in name else 'z'}"), cache=cache)
        assert (made.images == {"s": large, "f": pictures[..., :1]}.get(name[0], pictures)).all(), name
        assert made.labels is None or made.labels.tolist() == list(range(6)), name


def test_the_thumbnail_of_a_raw_photo_is_no_picture(tmp_path: Path, cache: Path) -> None:
    thumbnail, raw = corpus.pictures(1, 40, 60, 3)[0], np.zeros((80, 120), np.uint16)
    paths = {name: tmp_path / name for name in ("a.nef", "b.arw", "c.dng", "d.tif", "pyramid.tif")}
    with tifffile.TiffWriter(paths["a.nef"]) as file:
        file.write(thumbnail, photometric="rgb", subifds=1, subfiletype=1)
        file.write(raw, subfiletype=0)
    with tifffile.TiffWriter(paths["b.arw"]) as file:
        file.write(thumbnail, photometric="rgb", subfiletype=1)
        file.write(raw, subfiletype=0)
    tifffile.imwrite(paths["c.dng"], thumbnail, photometric="rgb", extratags=[(50706, 1, 4, (1, 4, 0, 0), True)])
    with tifffile.TiffWriter(paths["d.tif"]) as file:  # without a word on it
        file.write(thumbnail, photometric="rgb")
        file.write(np.zeros((80, 120, 3), np.uint8), photometric="rgb")
    with tifffile.TiffWriter(paths["pyramid.tif"]) as file:
        file.write(thumbnail, photometric="rgb", subifds=1)
        file.write(thumbnail[::2, ::2], photometric="rgb", subfiletype=1)
    found = load(str(tmp_path), cache=cache)
    assert found.diagnosis is not None
    assert {(file.name, file.detail) for file in found.diagnosis.skipped} == {
        *((name, "a raw photo") for name in ("a.nef", "b.arw", "c.dng")),
        ("d.tif", "a thumbnail, and then a larger picture, which is not read"),
    }
    assert (found.images == thumbnail).all()


def test_pictures_that_are_still_in_a_cloud_are_named(tmp_path: Path, cache: Path) -> None:
    corpus.write(tmp_path / "set", {".IMG_1.HEIC.icloud": b"bplist00\xd3", "b.jpg": b"", ".DS_Store": b"x"})
    with pytest.raises(NoPictureError) as error:
        load(str(tmp_path / "set"), cache=cache)
    found = {file.name: file.detail for file in error.value.diagnosis.skipped}
    assert found.keys() == {".IMG_1.HEIC.icloud", "b.jpg"}
    assert "iCloud" in found[".IMG_1.HEIC.icloud"]
    assert "cloud" in found["b.jpg"]


def test_texts_beside_the_data_are_no_example(tmp_path: Path, cache: Path) -> None:
    texts = {f"{name}.txt": b"hello" for name in "abc"}
    for name, (start, what, _) in FILES.items():
        if name not in ("a.zip", "page.zip", "a.pt", "a.tfrecords"):
            corpus.write(tmp_path / name, texts | {name: start + FILL})
            with pytest.raises(DataError, match=re.escape(what)):
                load(str(tmp_path / name), cache=cache)


def test_an_archive_in_an_archive(tmp_path: Path, cache: Path) -> None:
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as archive:
        archive.writestr("1.png", corpus.encoded(corpus.RGB, "PNG"))
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.write(tmp_path / "inner.zip", "inner.zip")
    with pytest.raises(DataError, match=r"is a zip archive; unpack the archive first, and .* unzip inner.zip"):
        load(str(tmp_path / "outer.zip"), cache=cache)


def test_an_empty_file_and_a_single_picture(tmp_path: Path, cache: Path) -> None:
    corpus.write(tmp_path, {"a.zip": b"", "a.png": corpus.encoded(corpus.RGB, "PNG")})
    with pytest.raises(DataError, match="is an empty file, which is not read: copy it or download it again"):
        load(str(tmp_path / "a.zip"), cache=cache)
    with pytest.raises(DataError, match="is one picture: give the folder"):
        load(str(tmp_path / "a.png"), cache=cache)


def test_no_picture_is_taken_for_another_format() -> None:
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO", "TGA"):
        assert recognise(corpus.encoded(corpus.RGB, kind)) is None, kind
    known = (*_STARTS.values(), *_PLACES.values(), *_FURTHER.values(), *_TEXTS.values(), PICKLE, VIDEO)
    assert all(each.command or each.advice for each in known)


def test_the_doctor_names_each_skipped_file_when_none_is_usable(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: start + FILL for name, (start, _, _) in FILES.items() if name in ("a.heic", "a.dcm", "a.exr")}
    corpus.write(tmp_path / "odd", files)
    with pytest.raises(NoPictureError) as error:
        diagnose(str(tmp_path / "odd"), cache=cache)
    assert {skipped.name for skipped in error.value.diagnosis.skipped} == set(files)
    assert run_command("doctor", str(tmp_path / "odd")) == 2
    out, err = capsys.readouterr()
    assert out.startswith("odd: 0 of 3 usable.")
    assert "a.heic (a HEIC picture: convert it with  magick a.heic picture.png)" in out
    assert "a.dcm (a DICOM picture" in out
    assert err.count("\n") == 1


def test_the_size_that_admits_small_pictures_is_named(tmp_path: Path, cache: Path) -> None:
    small = {f"{i}.png": corpus.encoded(corpus.RGB.resize((16, 20 + i)), "PNG") for i in range(5)}
    corpus.write(tmp_path / "icons", small)
    with pytest.raises(DataError, match=r"5 too small\): --size 16 admits 5 of them"):
        load(str(tmp_path / "icons"), size=(64, 64), cache=cache)
    assert len(load(str(tmp_path / "icons"), size=(16, 16), cache=cache)) == 5
    corpus.write(tmp_path / "icons", {"big.png": corpus.encoded(corpus.RGB.resize((80, 64)), "PNG")})
    assert (
        "some pictures are too small: --size 16 admits 5 of them."
        in diagnose(str(tmp_path / "icons"), size=(64, 64), cache=cache).describe()
    )
