"""Formats that are not read, known by their first bytes: what a file is, and the command that makes pictures of it."""

from __future__ import annotations

import re
import shlex
import struct
from dataclasses import dataclass

HEAD = 4096
"""Bytes that `recognise` looks at."""

AGAIN = "download it again"


@dataclass(frozen=True)
class Format:
    """One format that is not read."""

    what: str
    """A noun phrase: "a 7z archive"."""

    command: str = ""
    """Shell command that makes what can be read; {path} and {folder} stand for the file and its folder."""

    advice: str = ""
    """What to do, in words, if there is no command."""

    def to_do(self, path: str) -> str:
        """Return what the user can do with the file at `path`; the command is quoted for the shell."""
        if not self.command:
            return self.advice or "give pictures, such as PNG or JPEG"
        folder = shlex.quote(path.rpartition("/")[0] or ".")
        command = self.command.replace("{path}", shlex.quote(path)).replace("{folder}", folder)
        result = "pictures.npy" if "pictures.npy" in command else "pictures.npz" if "pictures.npz" in command else ""
        return f"convert it with  {command}" + (f"  and give {result}" if result else "")


def _largest(load: str) -> str:
    """Return the command that saves the largest array of a file as .npy; `load` is Python that sets `a`."""
    return f"""python -c {_quoted(f"import sys, numpy as np; {load}; np.save('pictures.npy', a)")} {{path}}"""


def _quoted(code: str) -> str:
    """Return Python for the shell, with double quotes inside, which need no escapes there."""
    return shlex.quote(code.replace("'", '"'))


_HDF5 = _largest(
    "import h5py; f = h5py.File(sys.argv[1]); s = []; f.visititems(lambda n, d: s.append(d) if hasattr(d, 'shape') "
    "else None); a = max(s, key=lambda d: d.size)[:]"
)
_MATLAB = _largest(
    "import scipy.io; a = max((v for v in scipy.io.loadmat(sys.argv[1]).values() if hasattr(v, 'ndim')), key=lambda v: "
    "v.size); a = np.moveaxis(a, -1, 0) if a.ndim > 2 and a.shape[-1] > 4 else a"
)
_TORCH = _largest(
    "import torch; t = torch.load(sys.argv[1], weights_only=True); t = t if isinstance(t, (list, tuple)) else "
    "list(t.values()) if isinstance(t, dict) else [t]; a = max((v for v in t if hasattr(v, 'numel')), "
    "key=lambda v: v.numel()).numpy()"
)
_CIFAR = (
    "import sys, pickle, numpy as np; d = [pickle.load(open(f, 'rb'), encoding='bytes') for f in sys.argv[1:]]; "
    "np.savez('pictures.npz', x=np.concatenate([b[b'data'] for b in d]), y=np.concatenate([b.get(b'labels', "
    "b.get(b'fine_labels')) for b in d]))"
)
_LMDB = (
    "import sys, os, lmdb; os.mkdir('pictures'); [open('pictures/%08d' % i, 'wb').write(v) for i, (k, v) in "
    "enumerate(lmdb.open(sys.argv[1], readonly=True, lock=False).begin().cursor())]"
)
_TFRECORD = (
    "import sys, os, tensorflow as tf; os.mkdir('pictures'); [open('pictures/%08d_%d' % (i, j), 'wb').write(b) for i, "
    "r in enumerate(tf.data.TFRecordDataset(sys.argv[1:])) for f in "
    "tf.train.Example.FromString(r.numpy()).features.feature.values() for j, b in enumerate(f.bytes_list.value)]"
)


_CIFAR_BIN = (
    "import sys, numpy as np; a = np.concatenate([np.fromfile(f, np.uint8) for f in sys.argv[1:]]).reshape(-1, {row}); "
    "np.savez('pictures.npz', x=a[:, {row} - 3072:].reshape(-1, 3, 32, 32), y=a[:, {row} - 3073])"
)
_STL = (
    "import sys, numpy as np; a = np.fromfile(sys.argv[1], np.uint8).reshape(-1, 3, 96, 96); "
    "np.save('pictures.npy', a.transpose(0, 3, 2, 1))"
)
_ONE_COLUMN = (
    "import sys, csv, numpy as np; csv.field_size_limit(10**8); r = [*csv.DictReader(open(sys.argv[1]))]; p = "
    "max(r[0], key=lambda k: len(r[0][k])); np.savez('pictures.npz', x=np.array([v[p].split() for v in r]).astype("
    "np.uint8), y=np.array([next(v[k] for k in v if k != p) for v in r]))"
)


def _frames(path: str) -> str:
    return f"mkdir -p pictures && ffmpeg -i {path} -vf fps=2 pictures/%06d.png"


ZIP = Format("a zip archive", "unzip {path} -d pictures")
CUT_ZIP = Format("the beginning of a zip archive, whose end is missing", advice=f"{AGAIN}, completely")
EMPTY = Format("an empty file", advice=f"copy it or {AGAIN}")
TORCH = Format("a PyTorch file", _TORCH)
PARQUET = Format("a Parquet table", "pip install pyarrow", "")
PICKLE = Format("a Python pickle (which can run code)", f"python -c {_quoted(_CIFAR)} {{folder}}/data_batch_*")
VIDEO = Format("a video", _frames("{path}"))
RAW = Format("a raw photo", "dcraw -T {path}")
ONE_COLUMN = Format("a table with all pixels of a picture in one column", f"python -c {_quoted(_ONE_COLUMN)} {{path}}")
WEB_PAGE = Format("a web page", advice="the link leads to a page: download the file itself")

_STARTS = {
    b"7z\xbc\xaf\x27\x1c": Format("a 7z archive", "7z x {path} -opictures"),
    b"Rar!\x1a\x07": Format("a RAR archive", "unrar x {path} pictures/"),
    b"\x89HDF\r\n\x1a\n": Format("an HDF5 file", _HDF5),
    b"MATLAB 5.0": Format("a MATLAB file", _MATLAB),
    b"PAR1": PARQUET,
    b"ARROW1": Format("an Arrow table", advice="save its pictures as PNG files, or the table as Parquet"),
    b"\xff\xff\xff\xff": Format("an Arrow stream", advice="save its pictures as PNG files, or the table as Parquet"),
    b"PK\x03\x04": ZIP,
    b"PK\x05\x06": Format("an empty zip archive", advice="pack the pictures again"),
    b"%PDF": Format("a PDF document", "mkdir -p pictures && pdfimages -png {path} pictures/p"),
    b"\x1f\x8b": Format("a gzip file", "gunzip -k {path}"),
    b"BZh": Format("a bzip2 file", "bunzip2 -k {path}"),
    b"\xfd7zXZ\0": Format("an xz file", "unxz -k {path}"),
    b"\x28\xb5\x2f\xfd": Format("a Zstandard file", "unzstd {path}"),
    b"\xff\x0a": Format("a JPEG XL picture", "djxl {path} picture.png"),
    b"\0\0\0\x0cJXL ": Format("a JPEG XL picture", "djxl {path} picture.png"),
    b"v/1\x01": Format("an OpenEXR picture", "magick {path} picture.png"),
    **dict.fromkeys((b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0"), RAW),
    b"\x93NUMPY": Format(
        "a NumPy array", advice="give the path of the .npy file itself, with all pictures as N x H x W x C"
    ),
    b"bplist": Format("a placeholder of iCloud", advice="let iCloud download the picture itself"),
    b"8BPS": Format("a Photoshop picture", "magick {path}[0] picture.png"),
    b"DDS ": Format("a DirectDraw texture", "magick {path} picture.png"),
    b"%!PS": Format("a PostScript drawing", "magick -density 200 {path} picture.png"),
    b"gimp xcf": Format("a GIMP picture", "magick {path} -flatten picture.png"),
    b"\x1aE\xdf\xa3": VIDEO,
    b"SQLite format 3\0": Format("an SQLite database", advice="save its pictures as files"),
    b"SIMPLE  =": Format(
        "a FITS picture", _largest("from astropy.io import fits; a = fits.getdata(sys.argv[1])[None]")
    ),
}

_HEIC = Format("a HEIC picture", "magick {path} picture.png")

_FURTHER = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), _HEIC),
    b"crx ": RAW,
    **dict.fromkeys((b"avif", b"avis"), Format("an AVIF picture", "magick {path} picture.png")),
    b"record": Format("a TFRecord file", f"python -c {_quoted(_TFRECORD)} {{path}}"),
}
"""Brands of ISO files that are pictures, where others are videos; and records."""

_LMDB_FILE = Format("an LMDB database", f"python -c {_quoted(_LMDB)} {{folder}}")

_PLACES = {
    (128, b"DICM"): Format("a DICOM picture", "dcm2img {path} picture.png"),
    (8, b"CR\2"): RAW,
    (16, b"\xde\xc0\xef\xbe"): _LMDB_FILE,
    (16, b"\xbe\xef\xc0\xde"): _LMDB_FILE,
    (344, b"n+1"): Format("a NIfTI volume", _largest("import nibabel; a = nibabel.load(sys.argv[1]).get_fdata().T")),
    (257, b"ustar"): Format("a tar archive", "tar xf {path} --one-top-level=pictures"),
}
"""(Position, bytes there) -> format."""

_TEXTS = {
    b"<!doctype html": WEB_PAGE,
    b"<html": WEB_PAGE,
    b"<svg": Format("an SVG drawing, which has no pixels", "rsvg-convert {path} -o picture.png"),
    b"version https://git-lfs": Format(
        "a Git LFS pointer: fetch the file itself", advice="fetch it with  git lfs pull"
    ),
    b"%pdf": _STARTS[b"%PDF"],
}

_NAMES = {
    r"data_batch_\d\.bin|test_batch\.bin": ("CIFAR-10", _CIFAR_BIN.format(row=3073), "{folder}/data_batch_*.bin"),
    r"(?:train|test)\.bin": ("CIFAR-100", _CIFAR_BIN.format(row=3074), "{path}"),
    r"(?:train|test|unlabeled)_X\.bin": ("STL-10", _STL, "{path}"),
}
"""Names of files without a signature: data set, Python that converts them, and its argument."""

_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"8BPS", b"P4\n", b"P5\n", b"P6\n")


def recognise(head: bytes, name: str = "") -> Format | None:
    """Return the format of a file that is not read, from its first HEAD bytes and its name; None if it is unknown."""
    if not head:
        return EMPTY
    for start, found in _STARTS.items():
        if head.startswith(start):
            return found
    if head[4:8] == b"ftyp":
        return _FURTHER.get(head[8:12], VIDEO)
    if (head[:4] == b"RIFF" and head[8:12] == b"AVI ") or head[:4] in (b"\0\0\x01\xba", b"OggS", b"FLV\x01"):
        return VIDEO
    if head[0] == 0x80 and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return TORCH if name.lower().endswith((".pt", ".pth", ".ckpt")) else PICKLE
    for (position, mark), found in _PLACES.items():
        if head[position : position + len(mark)] == mark:
            return found
    if _is_tfrecord(head, name):
        return _FURTHER[b"record"]
    return _text(head) or by_name(name)


def by_name(name: str) -> Format | None:
    """Return the format of a file without a signature; None if its name tells nothing."""
    for pattern, (title, code, argument) in _NAMES.items():
        if re.fullmatch(pattern, name.rpartition("/")[2]):
            return Format(f"a file of {title} without a header", f"python -c {_quoted(code)} {argument}")
    return None


def named(what: str) -> Format | None:
    """Return the format that `recognise` calls this, for a file whose bytes are not at hand."""
    fixed = (*_STARTS.values(), *_TEXTS.values(), *_FURTHER.values(), *_PLACES.values(), PICKLE, VIDEO, ONE_COLUMN)
    return next((each for each in fixed if each.what == what), None)


def is_picture(head: bytes) -> bool:
    """Whether a file begins like a picture that is read."""
    is_riff = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return head.startswith(_PICTURES) or is_riff


def is_text(head: bytes) -> bool:
    """Whether a file begins with ASCII text."""
    return head.isascii() and b"\0" not in head


def _text(head: bytes) -> Format | None:
    """Return the format of a file in text."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<?xml") and b"<svg" in start:
        return _TEXTS[b"<svg"]
    lines = start.split(b"\n", 2)
    if b"pixels" in lines[0] and len(lines) > 1 and re.search(rb"(?:\d+ ){64}", lines[1]):
        return ONE_COLUMN
    return next((found for begin, found in _TEXTS.items() if start.startswith(begin)), None)


def _is_tfrecord(head: bytes, name: str) -> bool:
    """Whether a file is one of TensorFlow's records: a length, its checksum, and a message that fills the length."""
    if ".tfrecord" in name.lower():
        return True
    if len(head) < 32:
        return False
    (length,) = struct.unpack("<Q", head[:8])
    return 16 <= length < 2**31 and head[12:13] == b"\n" and head[4:8] == bytes(4) and b"\n" in head[13:20]
