"""What ganache wrote into the data is left out of them, and content decides whether data are the same."""

from __future__ import annotations

import os
import random
import shutil
import zipfile
from pathlib import Path

import pytest
from PIL import Image

import corpus
from conftest import run_command
from ganache.core.storage import write_image
from ganache.data import diagnose, load
from ganache.data.readers import Source
from ganache.data.readers.folder import FolderReader, hash_of_file
from ganache.data.readers.reader import ReadOptions
from ganache.errors import DataError

BRIEF = ["--recipe", "dcgan", "--size", "16", "--network.width", "4", "--batch", "4"]


def pictures(folder: Path, count: int = 6) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        noise = bytes(random.Random(i).randrange(256) for _ in range(3 * 256))
        Image.frombytes("RGB", (16, 16), noise).save(folder / f"{i}.png")


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of six pictures, with a run and figures of ganache inside."""
    pictures(tmp_path / "pics")
    monkeypatch.chdir(tmp_path / "pics")
    monkeypatch.setenv("GANACHE_CACHE", str(tmp_path / "cache"))
    assert run_command("train", ".", *BRIEF, "--steps", "2") == 0
    return tmp_path / "pics"


def test_a_run_inside_its_data_does_not_become_data(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = load(".").fingerprint
    packs = sorted((inside.parent / "cache").iterdir())
    assert run_command("train", ".", *BRIEF, "--steps", "4") == 0, "the same command resumes"
    assert "resumes at step 2: 6 of pics" in capsys.readouterr().out
    assert run_command("train", ".", *BRIEF, "--steps", "2", "--seed", "1") == 0
    again = load(".")
    assert again.fingerprint == before
    assert sorted((inside.parent / "cache").iterdir()) == packs, "nothing is decoded again"
    assert again.diagnosis is not None
    left_out = [remark for remark in again.diagnosis.remarks if "left out" in remark]
    assert len(left_out) == 1
    assert "files of 2 runs of ganache ('runs/pics-dcgan-seed1', 'runs/pics-dcgan')" in left_out[0]


def test_figures_inside_the_data_are_skipped_and_told(inside: Path) -> None:
    fingerprint = load(".").fingerprint
    run = str(inside / "runs" / "pics-dcgan")
    for words in (("sample", run), ("sample", run, "-n", "4", "--plain", "-o", "p.jpg"), ("compare", run)):
        assert run_command(*words) == 0
    (inside / "sub").mkdir()
    shutil.copy("runs/pics-dcgan/samples.png", "sub/renamed.dat")
    shutil.copy("runs/pics-dcgan/training.webp", "sub")
    diagnosis = diagnose(".")
    own = {skipped.name for skipped in diagnosis.skipped if skipped.reason.value == "made by ganache"}
    assert own == {"samples.png", "p.jpg", "compare.png", "sub/renamed.dat", "sub/training.webp"}
    assert load(".").fingerprint == fingerprint
    assert "made by ganache" in diagnosis.describe()


def test_runs_and_figures_in_an_archive_are_left_out_too(inside: Path) -> None:
    shutil.copy("runs/pics-dcgan/samples.png", "loose.png")
    archive = inside.parent / "all.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(inside.rglob("*")):
            if path.is_file():
                file.write(path, path.relative_to(inside.parent))
    (inside / "loose.png").unlink()
    assert load(str(archive)).fingerprint == load(str(inside)).fingerprint


def test_a_run_is_no_data_and_no_folder_is_taken_for_a_run(inside: Path) -> None:
    with pytest.raises(DataError, match="contains only what ganache wrote"):
        load("runs/pics-dcgan")
    with pytest.raises(DataError, match="made by ganache"):
        load("runs/pics-dcgan/samples")
    for config in ("{}", "[1]", "not JSON", '{"data": 1}', "[" * 100_000):
        Path("config.json").write_text(config)
        Path("log.jsonl").write_text("")
        assert len(load(".")) == 6


# ---- the same place, other content -----------------------------------------------------------------------------------


def key_of(folder: Path) -> str:
    from ganache.data.decoding import Target

    return FolderReader().read(Source.named(str(folder)), ReadOptions(Target())).key()


@pytest.mark.parametrize("size", [1, 4096, 4097, 12_288, 12_289, 100_000])
def test_a_byte_in_a_sampled_block_changes_the_hash(size: int, tmp_path: Path) -> None:
    content = bytearray(random.Random(0).randbytes(size))
    path = tmp_path / "file"
    path.write_bytes(content)
    before = hash_of_file(str(path), size)
    middle = (size - 4096) // 2
    sampled = range(size) if size <= 3 * 4096 else (0, 4095, middle, middle + 4095, size - 4096, size - 1)
    for position in {sampled[0], sampled[len(sampled) // 2], sampled[-1], *(sampled if size > 12_288 else ())}:
        changed = content.copy()
        changed[position] ^= 1
        path.write_bytes(changed)
        assert hash_of_file(str(path), size) != before


def test_another_set_unpacked_to_the_same_place_is_another_set(tmp_path: Path, cache: Path) -> None:
    """Files of the same names, sizes and times, as archives with fixed dates give them."""
    sets = []
    for version in range(2):
        shutil.rmtree(tmp_path / "pics", ignore_errors=True)
        (tmp_path / "pics").mkdir()
        for i in range(5):
            shade = 40 * i + (3 if version and i == 4 else 0)  # one picture differs, in one value
            path = tmp_path / "pics" / f"{i}.bmp"
            Image.new("L", (90, 90), shade).save(path)
            os.utime(path, (0, 0))
        sets.append((key_of(tmp_path / "pics"), load(str(tmp_path / "pics"), cache=cache).fingerprint))
    assert sets[0][0] != sets[1][0]
    assert sets[0][1] != sets[1][1]


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tar.xz", "zip"])
def test_another_archive_of_the_same_name_size_and_time_is_another_set(
    suffix: str, tmp_path: Path, cache: Path
) -> None:
    path, found = tmp_path / f"set.{suffix}", []
    for version in range(2):
        pictures(tmp_path / "pics", 40)
        changed = Image.frombytes("RGB", (16, 16), random.Random(100 + version).randbytes(768))
        changed.save(tmp_path / "pics" / "20.png", compress_level=0)
        for file in (tmp_path / "pics").iterdir():
            os.utime(file, (10**9, 10**9))
        kind = {"tar.gz": "gztar", "tar.xz": "xztar"}.get(suffix, suffix)
        archive = shutil.make_archive(str(tmp_path / "made"), kind, tmp_path, "pics")
        os.replace(archive, path)
        os.utime(path, (0, 0))
        found.append(load(str(path), cache=cache).fingerprint)
    assert found[0] != found[1]


def test_a_picture_edited_in_place_with_its_time_kept_is_seen(tmp_path: Path, cache: Path) -> None:
    corpus.write(tmp_path / "pics", {"a.bmp": corpus.encoded(corpus.RGB, "BMP")})
    before = load(str(tmp_path / "pics"), cache=cache).fingerprint
    path = tmp_path / "pics" / "a.bmp"
    status = path.stat()
    path.write_bytes(corpus.encoded(corpus.RGB.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "BMP"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert load(str(tmp_path / "pics"), cache=cache).fingerprint != before


def test_marks_do_not_reach_pictures_of_others(tmp_path: Path, cache: Path) -> None:
    corpus.write(tmp_path / "pics", {"made by ganache.png": corpus.encoded(corpus.RGB, "PNG")})
    write_image(corpus.RGB, tmp_path / "pics" / "ours.png")
    assert len(load(str(tmp_path / "pics"), cache=cache)) == 1
