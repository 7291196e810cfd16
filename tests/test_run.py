"""The folder of a run: its files; interruptions and damage do not change how a run ends."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganache.config.config import Config, recipe
from ganache.config.sections import DataConfig, OptimiserConfig, RecordConfig, ScheduleConfig
from ganache.core import checkpoint_file
from ganache.core.rendering import render
from ganache.errors import CheckpointError, ConfigError, TrainingError
from ganache.figures import picture
from ganache.lab.experiments import Sample
from ganache.methods import NoisyGan
from ganache.networks import AnimeArticle
from ganache.runs import checkpoint
from ganache.runs.folder import best_checkpoint, checkpoints, find_checkpoint, samples
from ganache.runs.run import Run
from ganache.training import build

DATA = DataConfig(source="faces", count=50, size="24")
RECORD = RecordConfig(log_every=1, sample_every=2, samples=4, checkpoint_every=4, keep=2)


def small(steps: int = 10, **changes: object) -> Config:
    """A run like the anime article's, with dropout and label noise: it uses every kind of randomness."""
    config = Config(
        data=DATA,
        network=AnimeArticle(z_dim=4, width=2),
        method=NoisyGan(),
        generator_optimiser=OptimiserConfig(lr=0.02),
        schedule=ScheduleConfig(batch=3, steps=steps),
        record=RECORD,
    )
    return replace(config, **changes)  # type: ignore[arg-type]


def complete(folder: Path, config: Config, stop_after: int | None = None) -> Run:
    run = Run.open(folder, config)
    for report in run.training():
        if report.step == stop_after:
            run.save()
            run.close()
            return run
    run.finish()
    return run


def bits(folder: Path) -> dict[str, torch.Tensor]:
    return checkpoint_file.load(find_checkpoint(folder))[0]


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_the_folder_has_all_its_files(tmp_path: Path) -> None:
    complete(tmp_path / "run", small())
    folder = tmp_path / "run"
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 11))
    assert [line["images"] for line in lines] == [3 * step for step in range(1, 11)]
    for line in lines:
        assert line["d"].keys() == {"real", "fake"}
        assert line["g"].keys() == {"fake"}
        assert line["images_per_second"] > 0
        assert line["estimates"].keys() == {"jensen_shannon"}
        assert line["d_gradient_norm"] > 0
        assert line["g_gradient_norm"] > 0
    assert [line["seconds"] for line in lines] == sorted(line["seconds"] for line in lines)
    assert sorted(p.name for p in (folder / "samples").iterdir()) == [f"{s:09d}.png" for s in (1, 2, 4, 6, 8, 10)]
    assert [int(path.stem) for path in checkpoints(folder)][-2:] == [8, 10]
    with Image.open(folder / "training.webp") as moving:
        assert moving.n_frames == 6
    assert json.loads((folder / "config.json").read_text())["network"]["name"] == "anime-article"


def test_samples_png_equals_a_sample_of_the_last_checkpoint(tmp_path: Path) -> None:
    complete(tmp_path / "run", small(4))
    generator, config, _ = checkpoint.load_generator(find_checkpoint(tmp_path / "run"))
    grid = picture(render(generator, Sample(n=4).latents(build.prior(config))))
    assert np.array_equal(np.asarray(grid), np.asarray(Image.open(tmp_path / "run" / "samples.png")))


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_the_last_step_is_among_the_samples_of_a_run_of_any_length(tmp_path: Path, steps: int) -> None:
    complete(tmp_path, small(steps))
    drawn = samples(tmp_path)
    assert [int(path.stem) for path in drawn] == sorted({1, *range(2, steps, 2), steps})
    assert drawn[-1].read_bytes() == (tmp_path / "samples.png").read_bytes()
    with Image.open(tmp_path / "training.webp") as moving:
        assert getattr(moving, "n_frames", 1) == len(drawn)


def test_an_image_does_not_depend_on_its_batch(tmp_path: Path) -> None:
    complete(tmp_path / "run", small(2))
    generator, config, _ = checkpoint.load_generator(find_checkpoint(tmp_path / "run"))
    prior = build.prior(config)
    many, one = render(generator, Sample(n=9).latents(prior)), render(generator, Sample(n=1, seed=5).latents(prior))
    assert np.abs(many[5].astype(int) - one[0].astype(int)).max() <= 1


def test_an_interrupted_run_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    complete(tmp_path / "whole", small())
    complete(tmp_path / "parts", small(), stop_after=3)
    complete(tmp_path / "parts", small(), stop_after=7)
    complete(tmp_path / "parts", small())
    assert same(bits(tmp_path / "whole"), bits(tmp_path / "parts"))
    for name in ("samples.png", "samples/000000008.png"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()
    steps = [json.loads(line)["step"] for line in (tmp_path / "parts" / "log.jsonl").read_text().splitlines()]
    assert steps == list(range(1, 11)), "each step once, in order"


def test_a_checkpoint_without_a_score_is_never_the_best(tmp_path: Path) -> None:
    run = complete(tmp_path / "run", small(8), stop_after=5)
    assert best_checkpoint(tmp_path / "run") is not None
    run = Run.open(tmp_path / "run", small(8))
    next(run.training())
    unscored = run.save(scored=False)
    run.close()
    assert find_checkpoint(tmp_path / "run") == unscored
    assert best_checkpoint(tmp_path / "run") != unscored
    complete(tmp_path / "run", small(8))


def test_a_larger_budget_resumes_and_a_spent_one_does_nothing(tmp_path: Path) -> None:
    complete(tmp_path / "whole", small(8))
    complete(tmp_path / "grown", small(5))
    spent = Run.open(tmp_path / "grown", small(5))
    assert list(spent.training()) == []
    spent.close()
    complete(tmp_path / "grown", small(8))
    assert same(bits(tmp_path / "whole"), bits(tmp_path / "grown"))


def test_a_damaged_checkpoint_is_reported_and_the_previous_one_is_used(tmp_path: Path) -> None:
    complete(tmp_path / "whole", small())
    complete(tmp_path / "damaged", small(), stop_after=9)
    newest = checkpoints(tmp_path / "damaged")[-1]
    content = bytearray(newest.read_bytes())
    content[-5] ^= 255
    newest.write_bytes(content)
    run = Run.open(tmp_path / "damaged", small())
    assert run.state.step == 8
    (notice,) = run.notices
    assert newest.name in notice
    assert "damaged" in notice
    run.close()
    complete(tmp_path / "damaged", small())
    assert same(bits(tmp_path / "whole"), bits(tmp_path / "damaged"))


def test_changed_settings_are_shown_and_can_be_forced(tmp_path: Path) -> None:
    complete(tmp_path / "run", small(4))
    with pytest.raises(ConfigError) as refusal:
        Run.open(tmp_path / "run", small(4, seed=2, schedule=ScheduleConfig(batch=5, steps=4)))
    assert "schedule.batch: 3 -> 5" in str(refusal.value)
    assert "seed: 0 -> 2" in str(refusal.value)
    assert "--force" in str(refusal.value)
    forced = Run.open(tmp_path / "run", small(6, seed=2), force=True)
    assert forced.state.step == 4
    assert len(list(forced.training())) == 2
    with pytest.raises(CheckpointError, match="is in use"):
        Run.open(tmp_path / "run", small(6, seed=2))
    forced.close()
    with pytest.raises(ConfigError, match="the data:"):
        Run.open(tmp_path / "run", small(6, seed=2, data=replace(DATA, count=51)))
    with pytest.raises(CheckpointError, match="another network"):
        Run.open(tmp_path / "run", small(6, network=AnimeArticle(z_dim=4, width=3)), force=True)


def test_a_setting_that_did_not_exist_before_is_no_difference(tmp_path: Path) -> None:
    complete(tmp_path / "run", small(2))
    recorded = json.loads((tmp_path / "run/config.json").read_text())
    del recorded["view"], recorded["network"]["dropout"]
    (tmp_path / "run/config.json").write_text(json.dumps(recorded))
    complete(tmp_path / "run", small(3))


def test_a_folder_that_is_not_a_run_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(CheckpointError, match="no run of ganache"):
        Run.open(tmp_path, small())
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]
    with pytest.raises(CheckpointError, match="not a run"):
        find_checkpoint(tmp_path)


def test_the_last_the_best_and_the_chosen_checkpoints_are_kept(tmp_path: Path) -> None:
    record = replace(RECORD, checkpoint_every=1, keep=2, keep_steps=(3,))
    complete(tmp_path / "run", small(9, record=record))
    kept = [int(path.stem) for path in checkpoints(tmp_path / "run")]
    assert kept[-2:] == [8, 9]
    assert 3 in kept
    best = best_checkpoint(tmp_path / "run")
    scores = [checkpoint_file.read_header(path)["score"] for path in checkpoints(tmp_path / "run")]
    assert best is not None
    assert checkpoint_file.read_header(best)["score"] == min(scores)
    assert find_checkpoint(tmp_path / "run", "best") == best
    assert find_checkpoint(tmp_path / "run", "3").stem == "000000003"
    with pytest.raises(CheckpointError, match="no checkpoint '5000'"):
        find_checkpoint(tmp_path / "run", "5000")


def test_nan_ends_the_run_and_the_last_good_checkpoint_stays(tmp_path: Path) -> None:
    run = Run.open(tmp_path / "run", small(10))
    training = run.training()
    for _ in range(5):
        next(training)
    next(run.state.critic.parameters()).data.fill_(math.nan)
    with pytest.raises(TrainingError, match="with lower learning rates"):
        next(training)
    with pytest.raises(TrainingError, match="weight is NaN or infinite"):
        run.save()
    tensors = bits(tmp_path / "run")
    assert int(find_checkpoint(tmp_path / "run").stem) == 4
    assert all(t.isfinite().all() for t in tensors.values())


def test_minutes_and_images_are_budgets_too(tmp_path: Path) -> None:
    by_images = small(schedule=ScheduleConfig(batch=3, images=10))
    assert complete(tmp_path / "images", by_images).state.step == 4
    by_time = small(schedule=ScheduleConfig(batch=3, minutes=0.02))
    assert 1.2 <= complete(tmp_path / "time", by_time).state.seconds < 60


def test_a_two_dimensional_toy_trains_and_is_drawn_as_points(tmp_path: Path) -> None:
    config = replace(recipe("gan-mlp", data="ring8", steps=20), record=replace(RECORD, samples=50))
    run = complete(tmp_path / "run", config)
    assert run.data.image_shape == (2,)
    with Image.open(tmp_path / "run" / "samples.png") as drawn:
        assert len(np.unique(np.asarray(drawn))) > 10
