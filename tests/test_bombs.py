"""Small files that announce much: each is refused, or read, without its memory or its time."""

from __future__ import annotations

import io
import json
import os
import struct
import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from conftest import run_command
from ganache.core import checkpoint_file, storage
from ganache.core.strict import MOST_ENTRIES, MOST_ERRORS, build
from ganache.core.text import in_one_line, printable
from ganache.data import load
from ganache.data.decoding import Target, decode_image
from ganache.data.decoding_cost import LARGE_BYTES, LONGEST_HEADER
from ganache.data.readers import folder as readers_folder
from ganache.data.skip_reasons import SkipFile, SkipReason
from ganache.errors import CheckpointError, ConfigError, DataError
from ganache.lab.points import Kept
from ganache.runs import folder, log_lines
from ganache.runs.file_names import MAX_JSON
from ganache.runs.folder import read_config, read_evaluation, read_names, write_names


def picture(kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.radial_gradient("L").resize((32, 32)).save(file, kind)
    return file.getvalue()


# ---- archives --------------------------------------------------------------------------------------------------------


def header(kind: bytes, size: int) -> bytes:
    entry = tarfile.TarInfo("a name")
    entry.type, entry.size = kind, size
    return entry.tobuf(tarfile.GNU_FORMAT)


def archive(**attributes: str) -> bytes:
    """Return an archive of a picture with these attributes and a plain one."""
    file, content = io.BytesIO(), picture()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, given in (("a.png", attributes), ("b.png", {})):
            entry = tarfile.TarInfo(name)
            entry.size, entry.pax_headers = len(content), given
            tar.addfile(entry, io.BytesIO(content))
    return file.getvalue()


HOLES = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "99999999999"}


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_an_archive_with_gigabytes_of_names_is_refused(kind: bytes, tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(header(kind, 2**34))
    os.truncate(path, 2**34 + 1024)  # it takes no space
    with pytest.raises(DataError, match="17,179,869,184 bytes"):
        load(str(path), cache=cache)


def test_an_archive_with_a_file_of_holes_is_refused(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "a.tar").write_bytes(archive(**HOLES))
    with pytest.raises(DataError, match="holes"):
        load(str(tmp_path / "a.tar"), cache=cache)


@pytest.mark.parametrize("time", ["nan", "inf", "-inf", "1e300"])
def test_an_archive_with_an_impossible_time_is_read(time: str, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "a.tar").write_bytes(archive(mtime=time))
    assert len(load(str(tmp_path / "a.tar"), cache=cache)) == 2


# ---- pictures --------------------------------------------------------------------------------------------------------


def test_pictures_that_cost_much_before_their_size_is_known() -> None:
    side = int((LARGE_BYTES / 16) ** 0.5) + 1
    inner = picture()[:16] + struct.pack(">II", side, side) + picture()[24:]
    icon = struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", 64, 64, 0, 0, 1, 32, len(inner), 22) + inner
    comment = b"P6 #" + LONGEST_HEADER * b"a" + b"\n32 32 255\n" + bytes(3 * 32 * 32)
    comments = b"P5\n" + LONGEST_HEADER // 2 * b"#\n" + b"32 32 255\n" + bytes(32 * 32)
    for data in (icon, comment, comments):
        with pytest.raises(SkipFile) as caught:
            decode_image(data, Target((16, 16)))
        assert caught.value.reason == SkipReason.BOMB
    noise = os.urandom(3 * 256 * 256)
    for usual in (b"P6 # made by hand\n256 256 255\n" + noise, b"P4\n1024 1024\n" + noise):
        assert decode_image(usual, Target((16, 16))).pixels.shape[:2] == (16, 16)


def test_files_without_a_size_are_not_opened(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as those of the system, which a run may name as its data: reading /proc/kmsg never ends."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.png").write_bytes(picture())
    (tmp_path / "data" / "kmsg").touch()
    opened = list[str]()

    def watched(path: str, *arguments: Any, **options: Any) -> Any:
        opened.append(Path(path).name)
        return open(path, *arguments, **options)

    monkeypatch.setattr(readers_folder, "open", watched, raising=False)
    monkeypatch.setattr(readers_folder, "hash_of_file", lambda *_: 0)
    assert len(load(str(tmp_path / "data"), cache=cache)) == 1
    assert opened == ["a.png"]


# ---- files of a run --------------------------------------------------------------------------------------------------


def read_json(kind: Any, content: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        build(kind, content, "latent")
    return str(caught.value)


def test_one_record_has_limits_of_entries_and_errors() -> None:
    assert "entries" in read_json(Kept, {"vector": [[]] * (MOST_ENTRIES + 2)})
    assert "another type" in read_json(Kept, {"vector": ["x"] * (MOST_ERRORS + 1)})
    assert "vector.0" in read_json(Kept, {"vector": ["x"] * MOST_ERRORS})
    assert len(build(Kept, {"vector": [0.5] * 100_000}, "latent").vector) == 100_000


def test_names_that_could_not_be_read_again_are_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_JSON", 20_000)
    kept = {name: Kept(name, vector=(0.123456789,) * 100) for name in "abcdef"}
    write_names(tmp_path, {"a": kept["a"]})
    assert read_names(tmp_path) == {"a": kept["a"]}
    with pytest.raises(ConfigError, match="forget some first"):
        write_names(tmp_path, {f"{name}{i}": each for name, each in kept.items() for i in range(2)})
    assert read_names(tmp_path) == {"a": kept["a"]}


READERS = {
    "config.json": lambda path: read_config(path.parent),
    "names.json": lambda path: read_names(path.parent),
    "evaluation.json": read_evaluation,
    "log.jsonl": lambda path: list(log_lines.entries(path)),
    "000000001.safetensors": checkpoint_file.load,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("size", [MAX_JSON + 1, 2**40])
def test_a_file_that_is_larger_than_any_of_ours_is_not_read(name: str, size: int, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"{}")
    os.truncate(path, size)  # it takes no space
    if name != "log.jsonl" or size > storage.MAX_TEXT:
        with pytest.raises(CheckpointError):
            READERS[name](path)


def test_a_checkpoint_with_gigabytes_of_holes_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "000000001.safetensors"
    checkpoint_file.save(path, {"generator.weight": torch.ones(3)}, {})
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    plain = json.loads(content[8 : 8 + length])
    plain["generator.more"] = {"dtype": "F32", "shape": [2**34], "data_offsets": [12, 12 + 2**36]}
    text = json.dumps(plain).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    os.truncate(path, 8 + len(text) + 12 + 2**36)
    with pytest.raises(CheckpointError, match="nearly all of them empty"):
        checkpoint_file.load(path)


def test_a_log_has_limits_of_lines_and_of_their_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.jsonl"
    line = b'{"step": 1, "notice": "x"}\n'
    path.write_bytes(line + b"x" * (2 * log_lines.LONGEST_LINE + 5) + b"\n" + line + line[:-1])
    found = list(log_lines.entries(path))
    assert [bool(plain) for _, plain in found] == [True, False, False, False, True]
    assert b"".join(raw for raw, _ in found) == path.read_bytes()[: -len(line) + 1], "nothing is lost but the last line"
    monkeypatch.setattr(log_lines, "MOST_LINES", 2)
    with pytest.raises(CheckpointError, match="more than 2 lines"):
        list(log_lines.entries(path))


# ---- recipes ---------------------------------------------------------------------------------------------------------

RECIPES = {
    "nested lists": "a = " + 2_000 * "[" + 2_000 * "]",
    "nested tables": "a = " + 900 * "{a=" + "1" + 900 * "}",
    "dotted": "a" + 60_000 * ".a" + " = 1",
    "a dotted heading": "[" + 60_000 * "a." + "a]",
    "digits": "seed = " + 4_050 * "9",
    "more digits": "seed = " + 60_000 * "9",
    "a date": "seed = 1979-05-27T07:32:00Z",
    "a time in a section": "[schedule]\nsteps = 07:32:00",
    "a date in the heading": "title = 1979-05-27",
    "not a number": "[generator_optimiser]\nlr = nan",
    "infinite": "[schedule]\nsteps = inf",
    "large": "# comment\n" * 20_000,
}


@pytest.mark.parametrize("kind", RECIPES)
def test_a_recipe_of_somebody_else_is_read_or_refused_in_a_sentence(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.toml"
    path.write_text(RECIPES[kind])
    for words in (["recipes", str(path)], ["train", "ring8", "--recipe", str(path), "--steps", "1", "--dry-run"]):
        assert run_command(*words) == 2
        said = capsys.readouterr().err
        assert said.startswith("ganache: "), words
        assert len(said) < 1_500


# ---- text ------------------------------------------------------------------------------------------------------------


def test_invisible_characters_that_a_terminal_or_a_reader_would_follow_are_shown() -> None:
    harmful = "\x00\x07\x08\x1b\r\x7f\x9b\u061c\u200e\u200f\u2028\u202e\u2066\u2069\ud800"
    for character in harmful:
        assert printable(f"a{character}b") not in (f"a{character}b", "ab")
    assert printable("tab\tline\nÄ 猫 \U0001f469\u200d\U0001f680") == "tab\tline\nÄ 猫 \U0001f469\u200d\U0001f680"
    assert in_one_line("a\tb\nc") == r"a\tb\nc"
