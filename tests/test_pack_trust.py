"""Packs and mapped files that others can write: only one's own packs are opened, and no content ends a process."""

from __future__ import annotations

import json
import os
import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import corpus
from forked import run_python
from ganache.core import storage
from ganache.data import Stream, diagnose, load
from ganache.errors import DataError

IS_ROOT = hasattr(os, "getuid") and os.getuid() == 0


@pytest.fixture
def pictures(tmp_path: Path) -> str:
    for name, shift in (("cat/a", 0), ("cat/b", 40), ("dog/c", 80)):
        picture = corpus.encoded(corpus.RGB.point(lambda value, by=shift: (value + by) % 256), "PNG")
        corpus.write(tmp_path / "pics", {f"{name}.png": picture})
    return str(tmp_path / "pics")


def only_pack(cache: Path) -> Path:
    (pack,) = cache.iterdir()
    return pack


def forge(pack: Path) -> None:
    """Replace the images by white ones, with checksums that fit."""
    from ganache.data.pack_writer import PackWriter

    count = len(np.load(pack / "labels.npy"))
    extra = json.loads((pack / "pack.json").read_text())["extra"]
    shape = np.load(pack / "images.npy").shape
    shutil.rmtree(pack)
    with PackWriter(pack, expected=count) as writer:
        writer.add(np.full(shape, 255, np.uint8))
        writer.finish(np.zeros(count, np.int64), ("cat", "dog"), extra)


@pytest.mark.skipif(not IS_ROOT, reason="only root can give files away")
def test_a_pack_of_another_account_is_left_alone(pictures: str, cache: Path) -> None:
    own = load(pictures, cache=cache)
    pack = only_pack(cache)
    forge(pack)
    assert (load(pictures, cache=cache).images == 255).all(), "this is what the forger wants"
    os.chown(pack, 12345, 12345)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = load(pictures, cache=cache)
        assert again.fingerprint == own.fingerprint
        assert load(pictures, cache=cache).fingerprint == own.fingerprint
    assert sorted(cache.iterdir()) == [pack, pack.with_name(f"{pack.name}-0")]
    os.chown(pack.with_name(f"{pack.name}-0"), 12345, 12345)
    with pytest.raises(DataError, match="belong to another account"):
        load(pictures, cache=cache)


@pytest.mark.skipif(not IS_ROOT, reason="only root can give files away")
def test_cached_features_of_another_account_are_computed_again(tmp_path: Path) -> None:
    import torch

    from ganache.evaluation.features.cache import cached_tensors

    key = ("x",)
    cached_tensors(tmp_path, key, lambda: {"features": torch.zeros(2)})
    (file,) = (tmp_path / "features").iterdir()
    assert cached_tensors(tmp_path, key, lambda: {"features": torch.ones(2)})["features"].sum() == 0
    os.chown(file, 12345, 12345)
    assert cached_tensors(tmp_path, key, lambda: {"features": torch.ones(2)})["features"].sum() == 2


def test_file_systems_without_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every file seems to be of one account, all are ours."""
    assert storage.is_of_this_account(tmp_path)
    monkeypatch.setattr(os, "getuid", lambda: 54321, raising=False)
    assert storage.is_of_this_account(tmp_path)


HOSTILE: list[Any] = [None, -1, 2**70, 1e308, "x", "\x1b[2J", [], [-1], ["x"], [[[]]], {}, {"../../x": 1}, True]


@pytest.mark.parametrize(
    "field", ["shape", "bytes", "header_bytes", "checksums", "arrays", "label_names", "fingerprint", "extra", "stamp",
              "diagnosis", "remarks"],
)  # fmt: skip
def test_no_field_of_a_pack_is_believed(field: str, pictures: str, cache: Path, tmp_path: Path) -> None:
    own = load(pictures, cache=cache)
    saved = tmp_path / "saved"
    shutil.copytree(only_pack(cache), saved)
    for value in HOSTILE:
        pack = only_pack(cache)
        shutil.rmtree(pack)
        shutil.copytree(saved, pack)
        record = json.loads((pack / "pack.json").read_text())
        (record if field in record else record["extra"])[field] = value
        (pack / "pack.json").write_text(json.dumps(record))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            again = load(pictures, cache=cache)
        assert (again.images == own.images).all()
        assert len(again.label_names) > max(again.labels if again.labels is not None else [-1])


DIAGNOSIS_FIELDS = [
    "files",
    "usable",
    "shape",
    "sizes",
    "modes",
    "conversions",
    "skipped",
    "exact_duplicates",
    "classes",
]


@pytest.mark.parametrize("field", [*DIAGNOSIS_FIELDS, "near_duplicates", "remarks", "unknown"])
def test_no_field_of_a_stored_diagnosis_ends_the_doctor(field: str, pictures: str, cache: Path) -> None:
    load(pictures, cache=cache)
    for value in HOSTILE:
        file = only_pack(cache) / "pack.json"
        record = json.loads(file.read_text())
        record["extra"]["diagnosis"] = json.dumps({**json.loads(record["extra"]["diagnosis"]), field: value})
        file.write_text(json.dumps(record))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert "\x1b" not in diagnose(pictures, cache=cache).describe()


@pytest.mark.parametrize("name", ["pack.json", "images.npy", "labels.npy", "digests.npy"])
@pytest.mark.parametrize("what", ["pipe", "link", "folder", "device"])
def test_pipes_links_and_devices_in_a_pack_are_damage(name: str, what: str, pictures: str, cache: Path) -> None:
    own = load(pictures, cache=cache)
    path = only_pack(cache) / name
    path.rename(cache.parent / name)
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if what == "device" else cache.parent / name)
    with pytest.warns(RuntimeWarning, match="damaged"):
        assert load(pictures, cache=cache).fingerprint == own.fingerprint


# ---- a file that is cut short while it is mapped ---------------------------------------------------------------------


def test_a_mapped_file_that_is_cut_short_is_an_error_and_no_signal(tmp_path: Path) -> None:
    path = tmp_path / "set.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), dtype=np.uint8))
    code = """
import os, sys
from ganache.data import Stream, diagnose, load
from ganache.errors import DataError
data = load(sys.argv[1])
stream = Stream(data, 8)
stream[0]
os.truncate(sys.argv[1], 5000)
uses = (lambda: stream[1], lambda: data.at(data.training), lambda: data.split(0.1), lambda: diagnose(sys.argv[1]))
for use in uses:
    try:
        use()
    except DataError as error:
        print(error)
"""
    done = run_python(code, str(path))
    assert done.returncode == 0, done.stderr
    assert len(re.findall("cut short while it was in use", done.stdout)) == 3
    assert "is not a readable .npy" in done.stdout


def test_a_file_that_is_replaced_by_another_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "set.npy"
    images = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 3), dtype=np.uint8)
    np.save(path, images)
    data = load(str(path))
    np.save(tmp_path / "new.npy", images[:2])
    os.replace(tmp_path / "new.npy", path)
    assert (data.at(data.training) == images).all()
    assert Stream(data, 8)[0].shape == (8, 3, 8, 8)
