"""The memory for decoding is bounded and known in advance, and large JPEGs are decoded small."""

from __future__ import annotations

import io
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from corpus import RGB, SIDE, encoded, png_of
from forked import run_python
from ganache.data import SkipReason, load
from ganache.data.decoding import Target, decode_image
from ganache.data.decoding_cost import LARGE_BYTES, MAX_SCANS, one_large_at_a_time
from ganache.data.skip_reasons import SkipFile
from ganache.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore:Image size")

MIB = 2**20

MEASURE = """
import ctypes, sys
from pathlib import Path
import ganache.data.decoding as decoding
from ganache.data.skip_reasons import SkipFile

needed = [0]
check = decoding.require_memory
decoding.require_memory = lambda bytes, *size: (needed.append(bytes), check(bytes, *size))

# By default glibc gives fewer arrays a mapping of their own the more of them a process, or the one that it was forked
# from, has freed. The others leave holes in the heap, so the peak depends on what ran before.
M_MMAP_THRESHOLD = -3
assert ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 2**16) == 1

def peak():
    return 1024 * next(int(row.split()[1]) for row in open("/proc/self/status") if row.startswith("VmHWM"))

for name in sys.argv[1:]:
    data = Path(name).read_bytes()
    Path("/proc/self/clear_refs").write_text("5")
    before, said = peak(), "decoded"
    try:
        decoding.decode_image(data, decoding.Target((64, 64)))
    except SkipFile as skip:
        said = skip.reason.name
    print(peak() - before, needed[-1], said)
"""


def measured(folder: Path, files: dict[str, bytes]) -> dict[str, tuple[int, int, str]]:
    """Return {name: (peak of the memory in bytes, estimate of it, result)} of decoding in another process."""
    paths = [folder / name for name in files]
    for path, data in zip(paths, files.values(), strict=True):
        path.write_bytes(data)
    done = run_python(MEASURE, *map(str, paths))
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    return {name: (int(a), int(b), said) for name, (a, b, said) in zip(files, rows, strict=True)}


def zeros(count: int) -> bytes:
    """Return `count` zeros, compressed, without holding them in memory."""
    packer, block = zlib.compressobj(1), bytes(MIB)
    return b"".join(packer.compress(block[: min(MIB, count - done)]) for done in range(0, count, MIB)) + packer.flush()


def float_tiff(side: int, octets: int, samples: int, content: bytes) -> bytes:
    """Return a TIFF of floats in one compressed strip."""
    tags = {
        256: side, 257: side, 258: 8 * octets, 259: 8, 262: 1 if samples == 1 else 2, 273: 8, 277: samples, 278: side,
        279: len(content), 339: 3,
    }  # fmt: skip
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, 1, n) for tag, n in tags.items())
    return b"II*\0" + struct.pack("<I", 8 + len(content)) + content + directory + bytes(4)


def test_small_files_that_would_need_gigabytes(tmp_path: Path) -> None:
    refused = {
        "rgb16.png": png_of(9_000, 9_000, 16, 2, b"", zeros(MIB)),
        "rgba16.png": png_of(9_000, 9_000, 16, 6, b"", zeros(MIB)),
        "float.tif": float_tiff(10_000, 4, 1, zeros(MIB)),
        "double-rgb.tif": float_tiff(6_000, 8, 3, zeros(MIB)),
        "colour.jp2": encoded(Image.new("RGB", (200, 200)), "JPEG2000").replace(
            struct.pack(">II", 200, 200), struct.pack(">II", 9_000, 9_000)
        ),
    }
    side = 2_500
    read = {
        "grey16.png": png_of(side, side, 16, 0, b"", zeros(side * (1 + 2 * side))),
        "grey.tif": float_tiff(side, 4, 1, zeros(4 * side * side)),
    }
    found = measured(tmp_path, refused | read)
    assert {name: said for name, (_, _, said) in found.items()} == {
        **dict.fromkeys(refused, "BOMB"),
        **dict.fromkeys(read, "decoded"),
    }
    assert all(peak <= 16 * MIB for name, (peak, _, _) in found.items() if name in refused)
    assert all(peak <= 12 * side * side + 24 * MIB for name, (peak, _, _) in found.items() if name in read)


def noisy(mode: str, side: int = 1_400) -> Image.Image:
    grey = Image.fromarray(np.random.default_rng(0).integers(0, 256, (side // 8, side // 8), dtype=np.uint8))
    large = grey.resize((side, side))
    if mode in ("I;16", "I", "F"):
        return Image.fromarray(np.asarray(large).astype({"I;16": "u2", "I": "i4", "F": "f4"}[mode]))
    return large.convert("RGBA").convert(mode)


@pytest.mark.slow
def test_the_estimate_is_an_upper_bound(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    float_rgb = io.BytesIO()
    tifffile.imwrite(float_rgb, np.zeros((1_600, 1_600, 3), "f4"), photometric="rgb", compression="zlib")
    side = 1_600
    files = {
        **{f"{mode}.png": encoded(noisy(mode), "PNG", compress_level=1) for mode in ("L", "LA", "RGBA", "P", "I;16")},
        **{f"{mode}.tif": encoded(noisy(mode), "TIFF") for mode in ("RGB", "CMYK", "I;16", "I", "F")},
        "lzw.tif": encoded(noisy("F"), "TIFF", compression="tiff_lzw"),
        "float-rgb.tif": float_rgb.getvalue(),
        "rgb16.png": png_of(side, side, 16, 2, bytes(side * (1 + 6 * side))),
        "rgba16.png": png_of(side, side, 16, 6, bytes(side * (1 + 8 * side))),
        "turned.png": encoded(noisy("RGBA"), "PNG", compress_level=1, exif=exif.tobytes()),
        "plain.webp": encoded(noisy("RGB"), "WEBP", method=0),
        "plain.avif": encoded(noisy("RGB"), "AVIF", speed=10),
        "plain.jp2": encoded(noisy("L"), "JPEG2000"),
        "plain.sgi": encoded(noisy("RGB"), "SGI"),
        "plain.gif": encoded(noisy("P"), "GIF"),
        "progressive.jpg": encoded(noisy("RGB"), "JPEG", progressive=True),
        "ink.jpg": encoded(noisy("CMYK"), "JPEG", progressive=True),
    }
    for name, (peak, needed, said) in measured(tmp_path, files).items():
        assert said == "decoded", name
        assert peak <= needed + 4 * MIB, name


def test_progressive_jpegs_with_thousands_of_scans() -> None:
    data = encoded(RGB, "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    many = data[:last] + (MAX_SCANS + 1) * data[last:-2] + data[-2:]
    with pytest.raises(SkipFile, match="scans") as caught:
        decode_image(many, Target((SIDE, SIDE)))
    assert caught.value.reason == SkipReason.BOMB


def test_an_icon_with_a_large_picture_inside() -> None:
    inner = png_of(9_500, 9_500, 8, 6, b"", zeros(1_000))
    header = struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", 64, 64, 0, 0, 1, 32, len(inner), 22)
    with pytest.raises(SkipFile) as caught:
        decode_image(header + inner, Target((SIDE, SIDE)))
    assert caught.value.reason == SkipReason.BOMB


def test_one_image_of_an_array_that_needs_gigabytes(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "row.npy"
    np.lib.format.open_memmap(path, "w+", np.float32, (1, 50_000, 50_000))  # sparse: it takes no space
    with pytest.raises(DataError, match=r"50000x50000 pixels and needs .* MiB"):
        load(str(path), cache=cache)


def test_large_pictures_wait_for_each_other() -> None:
    order: list[str] = []

    def second() -> None:
        with one_large_at_a_time(LARGE_BYTES + 1):
            order.append("second")

    with one_large_at_a_time(LARGE_BYTES + 1), one_large_at_a_time(LARGE_BYTES + 1):
        waiting = threading.Thread(target=second)
        waiting.start()
        with one_large_at_a_time(LARGE_BYTES):
            order.append("small")
        waiting.join(0.05)
        order.append("first")
    waiting.join()
    assert order == ["small", "first", "second"]


def flat_jpeg(width: int, height: int) -> bytes:
    """Return a grey JPEG of this size, without encoding so many pixels."""
    data = encoded(Image.new("L", (8, 8), 128), "JPEG")
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    size = struct.pack(">HH", height, width)
    blocks = (width + 7) // 8 * ((height + 7) // 8)
    # A block is 00 (no difference from the block before) and 1010 (all other coefficients are 0): four fill 3 bytes.
    content = b"\x28\xa2\x8a" * (blocks // 4 + 1)
    return data[: frame + 5] + size + data[frame + 9 : scan + 10] + content + b"\xff\xd9"


def test_a_jpeg_of_200_megapixels_is_decoded_small(tmp_path: Path) -> None:
    ((peak, _, said),) = measured(tmp_path, {"phone.jpg": flat_jpeg(16_320, 12_240)}).values()
    assert said == "decoded"
    assert peak < 64 * MIB
    found = decode_image(flat_jpeg(16_320, 12_240), Target((64, 64)))
    assert found.original_size == (12_240, 16_320)
    assert (found.pixels == 128).all()
    with pytest.raises(SkipFile, match="16320x12240"):
        decode_image(flat_jpeg(16_320, 12_240), Target((8_192, 8_192)))


@pytest.mark.parametrize("size", [(64, 64), (100, 48)])
def test_decoding_small_differs_little_from_decoding_everything(size: tuple[int, int]) -> None:
    y, x = np.indices((1_200, 1_500))
    waves = [128 + 100 * np.sin(x / a) * np.cos(y / b) for a, b in ((137, 161), (190, 123), (115, 240))]
    image = Image.fromarray(np.stack(waves, axis=-1).astype(np.uint8))
    jpeg = encoded(image, "JPEG", quality=95, subsampling=0)
    small = decode_image(jpeg, Target(size, 3)).pixels.astype(int)
    whole = decode_image(encoded(Image.open(io.BytesIO(jpeg)), "PNG"), Target(size, 3)).pixels.astype(int)
    assert np.abs(small - whole).max() <= 6
    assert np.abs(small - whole).mean() <= 1
