"""The score of a checkpoint: what it orders, what it tells of the images, and that scores of two kinds never mix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from ganache.config.config import Config, from_dict
from ganache.core import checkpoint_file
from ganache.core.images import as_x
from ganache.core.storage import write_json
from ganache.data.drawn.faces import draw
from ganache.errors import ConfigError
from ganache.evaluation.metrics.energy import energy_distance
from ganache.evaluation.training_score import REGIONS, PatchScore, PerceptualScore, relative_distance, training_score
from ganache.output.same_data import DIFFERENT_SCORES, data_key, warning
from ganache.runs.diagnose import describe_no_finding, findings
from ganache.runs.folder import find_checkpoint, read_config
from ganache.runs.run import Run


@pytest.fixture(scope="module")
def faces() -> Tensor:
    return as_x(draw(128, size=(32, 32)))


@pytest.fixture(scope="module")
def score(faces: Tensor) -> PerceptualScore:
    return PerceptualScore(faces[:64])


def test_the_energy_distance_is_that_of_its_definition() -> None:
    a, b = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([[2.0], [4.0]])
    between = (2 + 4 + 1 + 3 + 1 + 1) / 6
    within = 2 * (1 + 3 + 2) / 9 + 2 * 2 / 4
    assert energy_distance(a, b) == pytest.approx(2 * between - within)
    assert energy_distance(a, a) == pytest.approx(0, abs=1e-6)


def test_images_are_ordered_also_where_all_real_ones_are_equal() -> None:
    distances = [relative_distance(torch.ones(4, 3), torch.full((4, 3), value)) for value in (1.0, 0.5, 0.0)]
    assert distances == sorted(distances)
    assert 0 == distances[0] < distances[1]
    assert isinstance(training_score("perceptual", torch.zeros(1, 3, 16, 16)), PatchScore), "nothing to compare with"


def test_worse_images_have_a_worse_score(faces: Tensor, score: PerceptualScore) -> None:
    other = faces[64:128]
    blurred = [
        interpolate(avg_pool2d(other, side), size=32, mode="bilinear", align_corners=False) for side in (2, 4, 8)
    ]
    noise = torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    scores = [score.compare(x).score for x in (faces[:64], other, *blurred, noise)]
    assert scores == sorted(scores)
    assert scores[0] == pytest.approx(0, abs=0.1)
    assert scores[1] < score.score_of_blank_images() / 20


def test_fidelity_and_variety_are_told_apart(faces: Tensor, score: PerceptualScore) -> None:
    real, few = score.compare(faces[64:128]), score.compare(faces[:4].repeat(16, 1, 1, 1))
    assert real.coverage is not None
    assert few.coverage is not None
    assert few.precision == 1.0
    assert few.coverage < 0.5 < 0.8 < real.coverage


@pytest.mark.parametrize(("name", "rows", "columns"), [("top left", 0, 0), ("centre", 12, 12), ("bottom", 24, 12)])
def test_the_region_that_differs_is_named(
    name: str, rows: int, columns: int, faces: Tensor, score: PerceptualScore
) -> None:
    x = faces[64:128].clone()
    x[:, :, rows : rows + 8, columns : columns + 8] = x[:, :, rows : rows + 8, columns : columns + 8].flip(1, 3)
    regions = score.compare(x).regions
    assert regions is not None
    assert tuple(regions) == REGIONS
    assert max(regions, key=lambda each: regions[each]) == name


@pytest.mark.parametrize("shape", [(2,), (3, 4, 4), (2, 16, 16)])
def test_what_the_network_cannot_see_has_a_score_of_patches(shape: tuple[int, ...]) -> None:
    x = torch.rand(8, *shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    compared = training_score("perceptual", x)
    assert isinstance(compared, PatchScore)
    assert compared.compare(x).score == 0.0


# ---- in a run --------------------------------------------------------------------------------------------------------


def small(**changes: Any) -> Config:
    settings = {
        "data": {"source": "faces", "count": 40, "size": "16"},
        "network": {"name": "dcgan", "z_dim": 8, "width": 4},
        "schedule": {"batch": 4, "steps": 1},
        "record": {"samples": 4},
    }
    return from_dict(changes, from_dict(settings))


def best_score(folder: Path, config: Config) -> float:
    run = Run.open(folder, config)
    list(run.training())
    run.finish()
    score: float = checkpoint_file.read_header(find_checkpoint(folder, "last"))["score"]
    return score


def test_a_run_from_before_goes_on_with_patches_and_its_score_never_changes(tmp_path: Path) -> None:
    """A run in which scores of two kinds were mixed would choose its best checkpoint by chance."""
    old = tmp_path / "old"
    by_patches = best_score(old, small(policy={"score": "patches"}))
    known = read_config(old)
    assert known is not None
    del known["policy"]["score"]
    write_json(old / "config.json", known)
    assert best_score(old, small()) == by_patches
    assert best_score(old, small()) == by_patches, "and still does, as it has been recorded now"
    recorded = read_config(old)
    assert recorded is not None
    assert recorded["policy"]["score"] == "patches"

    new = tmp_path / "new"
    assert best_score(new, small()) != by_patches
    with pytest.raises(ConfigError, match=r"policy\.score: perceptual -> patches"):
        Run.open(new, small(policy={"score": "patches"}))
    keys = [data_key(config, (3, 16, 16)) for config in (recorded, read_config(new) or {})]
    assert warning(keys) == DIFFERENT_SCORES, "their scores are not compared either"
    assert warning(keys[:1] * 2) == ""


# ---- diagnosis -------------------------------------------------------------------------------------------------------


def log_with(coverage: float, precision: float, scores: tuple[float, ...], top: float = 10.0) -> list[dict[str, Any]]:
    """The log of a run with a probe every 200 steps."""
    probe = {"seconds": 1.0, "non_finite": 0, "g_weights": 1.0, "d_weights": 1.0, "data_size": 8_000}
    probe |= {"data_variety": 0.5, "data_contrast": 0.3, "cost": 0.1, "blank_score": 1_000.0, "variety": 0.9}
    probe |= {"perceptual_coverage": coverage, "perceptual_precision": precision}
    line = {"seconds": 10.0, "d": {"real": 0.1}, "g": {"fake": 0.1}, "d_gradient_norm": 1.0, "g_gradient_norm": 1.0}
    regions = dict.fromkeys(REGIONS, 10.0) | {"top": top}
    return [
        line
        | {
            "step": 200 * n,
            "probe": probe | {"step": 200 * n, "score": score, "g_weights": n, "d_weights": n, "regions": regions},
        }
        for n, score in enumerate(scores, start=1)
    ]


FLAT = (400.0,) * 3 + (100.0,) * 8
FALLING = tuple(400.0 * 0.8**n for n in range(11))


def test_images_that_are_easily_told_from_real_ones_are_never_called_right() -> None:
    (finding,) = findings(log_with(0.15, 0.4, FLAT, top=20.0))
    assert (finding.kind, finding.severity) == ("far from real", "hint")
    for measured in ("40 %", "15 %", ": top."):
        assert measured in finding.evidence
    (narrow,) = findings(log_with(0.15, 0.7, FLAT))
    assert "part of the data" in narrow.sentence
    assert "region" not in narrow.evidence


def test_a_run_that_improves_is_told_how_far_it_is() -> None:
    assert findings(log_with(0.15, 0.4, FALLING)) == []
    assert "15 % of the real images have" in describe_no_finding(log_with(0.15, 0.4, FALLING))
    assert findings(log_with(0.9, 0.7, FLAT)) == []
