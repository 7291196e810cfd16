"""Held-out images: which they are, that training never sees them, and how runs of earlier versions are read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganache.config.config import Config, recipe
from ganache.config.sections import DataConfig, RecordConfig
from ganache.data import Dataset, Stream, load
from ganache.data.split import content_digests, held_out_positions
from ganache.errors import ConfigError
from ganache.runs.checkpoint import load_generator
from ganache.runs.folder import find_checkpoint
from ganache.runs.run import Run

ONE_IN_TWENTY = 0.05


def pictures(n: int, seed: int = 0) -> np.ndarray:
    """Return n different images, uint8 [n, 4, 4, 1]."""
    return np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 1), dtype=np.uint8)


def test_the_split_of_an_image_depends_on_its_content_only() -> None:
    few, many = pictures(1000), np.concatenate([pictures(500, seed=1), pictures(1000)])
    of_few, of_many = (held_out_positions(content_digests(images), ONE_IN_TWENTY) for images in (few, many))
    assert 25 <= len(of_few) <= 80
    assert (of_many[of_many >= 500] - 500).tolist() == of_few.tolist()
    assert set(of_few) <= set(held_out_positions(content_digests(few), 0.1)), "a larger share adds to a smaller one"


def test_the_split_is_pinned() -> None:
    """A run that is evaluated years later must get the same held-out images."""
    ramp = (3 * np.arange(400) % 256).astype(np.uint8).reshape(200, 2, 1, 1)
    assert held_out_positions(content_digests(ramp), ONE_IN_TWENTY).tolist() == [
        6,
        33,
        38,
        62,
        66,
        68,
        72,
        115,
        118,
        134,
        161,
        166,
        190,
        194,
        196,
    ]


def test_duplicates_are_in_the_same_split() -> None:
    twice = np.concatenate([pictures(600), pictures(600)[::-1]])
    aside = set(held_out_positions(content_digests(twice), ONE_IN_TWENTY))
    assert aside
    assert all((1199 - i in aside) == (i in aside) for i in range(1200))


def test_small_sets_and_frequent_images_are_not_held_out() -> None:
    assert len(held_out_positions(content_digests(pictures(199)), 0.5)) == 0
    assert len(held_out_positions(content_digests(pictures(200)), 0.5)) > 50
    for value in range(40):
        flat = np.full((300, 4, 4, 1), value, dtype=np.uint8)
        assert len(held_out_positions(content_digests(flat), 0.5)) == 0


def test_packs_arrays_and_points_are_split(tmp_path: Path, cache: Path) -> None:
    np.save(tmp_path / "array.npy", pictures(400))
    array = load(str(tmp_path / "array.npy"), cache=cache, held_out=ONE_IN_TWENTY)
    assert array.held_out.tolist() == held_out_positions(content_digests(pictures(400)), ONE_IN_TWENTY).tolist()
    for _ in ("packed now", "found"):
        faces = load("faces", count=300, size=(16, 16), cache=cache, held_out=ONE_IN_TWENTY)
        assert faces.held_out.tolist() == held_out_positions(content_digests(faces.images), ONE_IN_TWENTY).tolist()
        assert len(faces.held_out) > 5
    points = load("ring8", count=400, held_out=ONE_IN_TWENTY)
    for data in (array, faces, points):
        assert sorted([*data.held_out, *data.training]) == list(range(len(data)))
        assert len(data.split(0.0).held_out) == 0
    assert len(load("ring8", count=400).held_out) == 0


@pytest.mark.parametrize("order", ["shuffle", "sequential"])
def test_a_stream_never_shows_held_out_images(order: str) -> None:
    whole = Dataset("numbered", np.arange(500, dtype=np.float32).repeat(2).reshape(-1, 2), None, (), "0")
    data = replace(whole, held_out=np.array([0, 7, 499]))
    stream = Stream(data, 71, order=order)  # type: ignore[arg-type]
    shown = [int(i) for batch in range(7) for i in stream[batch][:, 0]]
    assert sorted(shown) == [i for i in range(500) if i not in (0, 7, 499)]


def settings(**data: object) -> Config:
    config = recipe("gan-mlp", data="ring8", steps=2)
    small = RecordConfig(log_every=1, sample_every=1, samples=4, checkpoint_every=1)
    return replace(config, data=DataConfig(source="ring8", count=400, **data), record=small)  # type: ignore[arg-type]


def trained(folder: Path, config: Config) -> Run:
    run = Run.open(folder, config)
    list(run.training())
    run.finish()
    return run


def test_a_run_of_an_earlier_version_has_seen_every_image(tmp_path: Path) -> None:
    """Its config has no such setting: it resumes with all images, and refuses to hold some out."""
    folder = tmp_path / "run"
    old = trained(folder, settings(held_out=0.0))
    assert len(old.batches.dataset.training) == 400
    record = json.loads((folder / "config.json").read_text())
    del record["data"]["held_out"]
    (folder / "config.json").write_text(json.dumps(record))
    with pytest.raises(ConfigError, match=r"data.held_out: 0.0 -> 0.2"):
        Run.open(folder, settings(held_out=0.2))
    for _ in ("first", "again, now that it is on record"):
        resumed = Run.open(folder, settings())
        assert len(resumed.data.held_out) == 0
        assert json.loads((folder / "config.json").read_text())["data"]["held_out"] == 0
        resumed.close()


def test_a_checkpoint_of_an_earlier_version_has_seen_every_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganache.runs import run as run_module

    def without(config: Config) -> dict[str, object]:
        plain = to_dict(config)
        del plain["data"]["held_out"]
        return plain

    to_dict = run_module.to_dict
    trained(tmp_path / "new", settings())
    monkeypatch.setattr(run_module, "to_dict", without)
    trained(tmp_path / "old", settings())
    for name, share in (("new", ONE_IN_TWENTY), ("old", 0.0)):
        _, config, _ = load_generator(find_checkpoint(tmp_path / name))
        assert config.data.held_out == share


@pytest.mark.parametrize("share", [-0.1, 0.6])
def test_shares_are_checked(share: float) -> None:
    with pytest.raises(ConfigError, match=r"data\.held_out is .*: use a share from 0 to 0\.5"):
        DataConfig(held_out=share)
