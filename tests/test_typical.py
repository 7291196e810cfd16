"""Instance selection: which images training is shown, and that the others are still there for scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganache.config.config import from_dict, recipe
from ganache.config.sections import DataConfig
from ganache.data import Dataset, Stream
from ganache.errors import ConfigError
from ganache.runs.run import Run
from ganache.training import build
from ganache.training.typical import distances, with_typical


def drawn(count: int = 200, size: str = "32") -> Dataset:
    config = recipe("dcgan", data="faces")
    return build.prepared(replace(config.data, count=count, size=size, held_out=0.2))


def test_pictures_of_another_kind_are_left_out_and_held_out_ones_are_not_looked_at() -> None:
    data = drawn()
    strange = data.training[[3, 50, 120]]
    pictures = data.images.copy()
    pictures[strange[0]] = np.random.default_rng(0).integers(0, 256, pictures.shape[1:], dtype=np.uint8)
    pictures[strange[1], ::2] = 255
    pictures[strange[2]] = 255 - pictures[strange[2]]
    pictures[data.held_out] = 0
    found = with_typical(replace(data, images=pictures), DataConfig(typical=0.8))
    assert len(found.shown) == round(0.8 * len(data.training))
    assert not np.isin(found.shown, strange).any()
    assert np.isin(found.shown, data.training).all()
    assert (np.diff(found.shown) > 0).all()
    assert np.array_equal(found.training, data.training), "scores compare with all of them"
    batches = Stream(found, len(found.shown), seed=0, order="sequential")
    assert np.array_equal(batches._rows(0), found.shown)


def test_each_class_keeps_its_share() -> None:
    data = drawn(120)
    labels = np.repeat([0, 1, 2], [100, 19, 1])
    labelled = replace(data, labels=labels, label_names=("a", "b", "c"), held_out=data.held_out[:0])
    found = with_typical(labelled, DataConfig(typical=0.5, classes=3))
    assert np.bincount(labels[found.shown]).tolist() == [50, 10, 1]
    first = with_typical(replace(labelled, images=labelled.images[:100], labels=labels[:100]), DataConfig(typical=0.5))
    assert np.array_equal(found.shown[:50], first.shown), "a class is compared with itself"
    without = with_typical(labelled, DataConfig(typical=0.5))
    assert np.array_equal(without.shown, with_typical(replace(labelled, labels=None), DataConfig(typical=0.5)).shown)


def test_distances_are_those_of_the_fitted_normal_distribution() -> None:
    x = np.random.default_rng(0).standard_normal((4000, 3)) @ np.diag([1.0, 10.0, 0.1]) + 5
    expected = np.einsum("ni,ij,nj->n", x - x.mean(0), np.linalg.inv(np.cov(x.T, bias=True)), x - x.mean(0))
    np.testing.assert_allclose(distances(x), expected, rtol=1e-8)
    assert np.isfinite(distances(np.ones((5, 3)))).all(), "images that are all alike"


def test_a_run_is_shown_the_selected_images_whoever_loads_them() -> None:
    config = from_dict({"data": {"typical": 0.5, "size": "32", "count": 100}}, recipe("dcgan", data="faces"))
    data = build.dataset(config)
    assert len(data.shown) == round(0.5 * len(data.training))
    assert data.shown_text == f"the most typical {len(data.shown)} of {len(data.training)}"
    assert with_typical(data, config.data) is data, "a selection is kept"
    assert np.array_equal(with_typical(build.prepared(config.data), config.data).shown, data.shown)


@pytest.mark.slow
def test_a_run_that_is_resumed_is_shown_the_same_images(tmp_path: Path) -> None:
    """Also one that held out none, whose split is undone when it is resumed."""
    settings = {"data": {"typical": 0.5, "size": "32", "count": 240, "held_out": 0.0}, "network": {"width": 4}}
    config = from_dict(
        {**settings, "schedule": {"steps": 1, "batch": 8}, "device": "cpu"}, recipe("dcgan", data="faces")
    )
    first = Run.open(tmp_path / "run", config)
    shown, _ = first.data.shown, first.close()
    again = Run.open(tmp_path / "run", replace(config, data=replace(config.data, held_out=DataConfig.held_out)))
    assert np.array_equal(again.data.shown, shown)
    assert len(shown) == 120
    again.close()


def test_points_and_other_shares_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"use --data\.typical 1"):
        build.dataset(from_dict({"data": {"typical": 0.5}}, recipe("gan-mlp", data="ring8")))
    for share in (0.0, 1.5):
        with pytest.raises(ConfigError, match=r"data\.typical"):
            from_dict({"data": {"typical": share}}, recipe("dcgan"))
