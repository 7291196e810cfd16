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


def fake_datasets(rows: list[dict[str, Any]]) -> types.ModuleType:
    """Return a fake of the part of the `datasets` library that the reader uses."""
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

        def cast_column(self, name: str, feature: ImageFeature) -> Table:
            assert name == "picture"
            assert not feature.decode
            return self

    asked: list[tuple[str, str]] = []

    def load_dataset(name: str, *, split: str) -> Table:
        asked.append((name, split))
        return Table(rows)

    module.Image = ImageFeature  # type: ignore[attr-defined]
    module.ClassLabel = ClassLabel  # type: ignore[attr-defined]
    module.load_dataset = load_dataset  # type: ignore[attr-defined]
    module.asked = asked  # type: ignore[attr-defined]
    return module


def test_hub_images_are_inspected_and_packed(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good: dict[str, Any] = {"bytes": corpus.encoded(corpus.RGB, "PNG"), "path": None}
    rows = [
        {"picture": good, "kind": 1},
        {"picture": {"bytes": b"broken", "path": None}, "kind": 0},
        {"picture": {"bytes": None, "path": str(tmp_path / "beside.png")}, "kind": 0},
        {"picture": {"bytes": None, "path": str(tmp_path / "gone.png")}, "kind": 0},
        {"picture": None, "kind": 0},
    ]
    (tmp_path / "beside.png").write_bytes(good["bytes"])
    library = fake_datasets(rows)
    monkeypatch.setitem(sys.modules, "datasets", library)
    monkeypatch.setattr(hub, "_is_reachable", lambda: True)
    dataset = load("cifar10", cache=cache)
    assert library.asked == [("uoft-cs/cifar10", "train")]
    assert (dataset.images == corpus.PICTURE).all()
    assert dataset.labels is not None
    assert dataset.labels.tolist() == [1, 0]
    assert dataset.label_names == ("odd", "even")

    # The second load uses neither the network nor the library.
    monkeypatch.setattr(hub, "_is_reachable", lambda: False)
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert load("cifar10", cache=cache).fingerprint == dataset.fingerprint


def test_hub_without_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("HF_DATASETS_OFFLINE", raising=False)
    monkeypatch.setattr(hub, "_is_reachable", lambda: False)
    for name in ("mnist", "hf:owner/name"):
        with pytest.raises(DataError, match=r"comes from the network .* give a local folder"):
            load(name, cache=cache)


def test_hub_without_the_library(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_is_reachable", lambda: True)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"ganache\[hub\]"):
        load("mnist", cache=cache)
