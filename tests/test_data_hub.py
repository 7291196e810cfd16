"""The Hugging Face hub, with a fake of its library: no test uses the network."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

import corpus
from ganache.data import load
from ganache.data.readers import hub
from ganache.errors import DataError, MissingExtra


def fake_datasets(
    monkeypatch: pytest.MonkeyPatch, downloads: Path, rows: list[dict[str, Any]], version: str = "5.2.0"
) -> types.ModuleType:
    """Install a fake of the part of the `datasets` library that the reader uses, which downloads into `downloads`."""
    module = types.ModuleType("datasets")

    class ImageFeature:
        def __init__(self, decode: bool = True) -> None:
            self.decode = decode

    class ClassLabel:
        def __init__(self, *names: str) -> None:
            self.names = names

    class Table(list[dict[str, Any]]):
        def __init__(self, rows: list[dict[str, Any]]) -> None:
            super().__init__(rows)
            self.features = {"picture": ImageFeature(), "kind": ClassLabel("odd", "even")}

        def __getitem__(self, key: Any) -> Any:
            return [row[key] for row in self] if isinstance(key, str) else super().__getitem__(key)

        def select_columns(self, names: list[str]) -> Table:
            assert names == ["picture"]
            return self

        def cast_column(self, name: str, feature: ImageFeature) -> Table:
            assert name == "picture"
            assert not feature.decode
            return self

    asked: list[tuple[str, str, bool]] = []

    def load_dataset(name: str, *, split: str, trust_remote_code: bool) -> Table:
        asked.append((name, split, trust_remote_code))
        return Table(rows)

    constants = types.ModuleType("huggingface_hub.constants")
    constants.HF_HUB_CACHE = str(downloads / "hub")  # type: ignore[attr-defined]
    paths = {"DOWNLOADED_DATASETS_PATH": downloads / "files", "EXTRACTED_DATASETS_PATH": downloads / "files/extracted"}
    module.config = types.SimpleNamespace(**paths)  # type: ignore[attr-defined]
    module.__version__ = version  # type: ignore[attr-defined]

    module.Image = ImageFeature  # type: ignore[attr-defined]
    module.ClassLabel = ClassLabel  # type: ignore[attr-defined]
    module.load_dataset = load_dataset  # type: ignore[attr-defined]
    module.asked = asked  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)
    monkeypatch.setitem(sys.modules, "huggingface_hub", types.ModuleType("huggingface_hub"))
    monkeypatch.setitem(sys.modules, "huggingface_hub.constants", constants)
    monkeypatch.setattr(hub, "is_reachable", lambda: True)
    return module


def test_hub_images_are_inspected_and_packed(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good: dict[str, Any] = {"bytes": corpus.encoded(corpus.RGB, "PNG"), "path": None}
    corpus.write(tmp_path, {"files/beside.png": good["bytes"]})
    rows = [
        {"picture": good, "kind": 1},
        {"picture": {"bytes": b"broken", "path": None}, "kind": 0},
        {"picture": {"bytes": None, "path": str(tmp_path / "files" / "beside.png")}, "kind": 0},
        {"picture": {"bytes": None, "path": str(tmp_path / "files" / "gone.png")}, "kind": 0},
        {"picture": None, "kind": 0},
    ]
    library = fake_datasets(monkeypatch, tmp_path, rows)
    dataset = load("cifar10", cache=cache)
    assert library.asked == [("uoft-cs/cifar10", "train", False)]
    assert (dataset.images == corpus.PICTURE).all()
    assert dataset.labels is not None
    assert dataset.labels.tolist() == [1, 0]
    assert dataset.label_names == ("odd", "even")

    # The second load uses neither the network nor the library.
    monkeypatch.setattr(hub, "is_reachable", lambda: False)
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert load("cifar10", cache=cache, download=False).fingerprint == dataset.fingerprint


def test_only_downloaded_files_are_read(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table may name any file of this machine."""
    picture = corpus.encoded(corpus.RGB, "PNG")
    names = [
        "private.png",
        "files/own.png",
        "hub/datasets--owner--name/blobs/own.png",
        "hub/datasets--other--set/x.png",
    ]
    corpus.write(tmp_path, dict.fromkeys(names, picture))
    (tmp_path / "files" / "link.png").symlink_to(tmp_path / "private.png")
    (tmp_path / "hub" / "datasets--owner--name" / "link.png").symlink_to("blobs/own.png")
    others = ["files/../private.png", "files/link.png", "hub/datasets--owner--name/link.png"]
    rows = [{"picture": {"bytes": None, "path": str(tmp_path / name)}, "kind": 0} for name in names + others]
    rows += [
        {"picture": {"bytes": None, "path": path}, "kind": 0} for path in ("/dev/zero", "http://example.com/a.png")
    ]
    fake_datasets(monkeypatch, tmp_path, rows)
    monkeypatch.chdir(tmp_path)
    dataset = load("hf:owner/name", cache=cache)
    assert len(dataset) == 3
    assert dataset.diagnosis is not None
    skipped = {(file.name, file.detail) for file in dataset.diagnosis.skipped}
    refused = "the table names a file that does not come from the hub"
    assert skipped == {(f"train/{i:08d}", refused) for i in (0, 3, 4, 5, 7, 8)}


@pytest.mark.parametrize("version", ["2.19.2", "3.6.0", "", "x"])
def test_versions_that_run_code_of_a_data_set_are_refused(
    version: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = fake_datasets(monkeypatch, tmp_path, [], version)
    with pytest.raises(DataError, match=r"can run code .* pip install 'datasets>=4.0'"):
        load("hf:owner/name", cache=cache)
    assert library.asked == []


@pytest.mark.parametrize(
    "name", ["../../x", "/etc", "json", "owner/here", "a/b/c", "owner/name.py/..", "a/b\n", ".a/b"]
)
def test_names_that_the_library_would_read_as_paths_are_refused(
    name: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "owner" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    library = fake_datasets(monkeypatch, tmp_path, [])
    with pytest.raises(DataError, match="names no data set of the hub"):
        load(f"hf:{name}", cache=cache)
    assert library.asked == []


@pytest.mark.parametrize("name", ["mnist", "cifar10", "hf:owner/name"])
def test_nothing_is_downloaded_unless_the_user_names_it(
    name: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = fake_datasets(monkeypatch, tmp_path, [])
    with pytest.raises(DataError, match=f"only data that you name are downloaded: add  --data {name}"):
        load(name, cache=cache, download=False)
    assert library.asked == []


def test_hub_without_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("HF_DATASETS_OFFLINE", raising=False)
    monkeypatch.setattr(hub, "is_reachable", lambda: False)
    for name in ("mnist", "hf:owner/name"):
        with pytest.raises(DataError, match=r"comes from the network .* give a local folder"):
            load(name, cache=cache)


def test_hub_without_the_library(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "is_reachable", lambda: True)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"ganache\[hub\]"):
        load("mnist", cache=cache)
