"""Probes do not affect training, are a function of the state, and keep to their share of the time."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganache.config.config import Config, from_dict, recipe
from ganache.core import checkpoint_file
from ganache.data import Dataset
from ganache.runs.folder import find_checkpoint
from ganache.runs.probe import Probe
from ganache.runs.prober import FIRST_PROBE_STEPS, Prober, probe_inputs, scoring
from ganache.runs.run import Run
from ganache.training import build
from ganache.training.loop import train
from ganache.training.state import State

SMALL: dict[str, Any] = {
    "data": {"source": "faces", "count": 30, "size": "16"},
    "network": {"name": "dcgan", "z_dim": 8, "width": 4},
    "schedule": {"batch": 4, "steps": 5},
    "record": {"log_every": 1, "samples": 4, "checkpoint_every": 100},
}
KINDS: dict[str, dict[str, Any]] = {
    "batch norm": {},
    "dropout and label noise": {
        "data": {"size": "24"},
        "network": {"name": "anime-article", "z_dim": 4, "width": 2},
        "method": {"name": "noisy-gan"},
    },
    "a penalty at random points": {"network": {"critic_norm": "layer"}, "method": {"name": "wgan-gp"}},
    "clipped weights": {"method": {"name": "wgan"}, "critic_optimiser": {"name": "rmsprop"}},
    "a head for latent codes": {"method": {"name": "infogan"}, "network": {"z_dim": 32}},
    "spectral norm": {"network": {"critic_norm": "none", "critic_spectral": True}, "method": {"name": "hinge"}},
    "adaptive augmentation": {"view": {"augment": ["colour", "cutout"], "adaptive": True, "noise": 0.2}},
    "separate critic terms": {"schedule": {"separate_critic_terms": True, "ema_half_life": None}},
}


def trained(folder: Path, config: Config, data: Dataset | None = None) -> Run:
    run = Run.open(folder, config, data)
    list(run.training())
    run.save(scored=False)
    run.close()
    return run


def labelled(config: Config) -> Dataset:
    """The same faces; every other one has class 1."""
    faces = build.dataset(config)
    return replace(faces, labels=np.arange(len(faces)) % 2, label_names=("even", "odd"))


@pytest.mark.parametrize("kind", [*KINDS, "classes"])
def test_a_probed_run_ends_with_the_same_bits(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = from_dict(KINDS.get(kind, {}), from_dict(SMALL))
    data = None
    if kind == "classes":
        data = labelled(config)
        config = replace(config, data=replace(config.data, classes=2))
    trained(tmp_path / "plain", config, data)
    monkeypatch.setattr(Prober, "due", lambda prober, state: True)
    run = trained(tmp_path / "probed", config, data)
    probes = [line["probe"] for line in run.log.lines]
    assert len(probes) == 5
    assert all(probe["critic_headroom"] is not None and probe["score"] > 0 for probe in probes)
    ends = [checkpoint_file.load(find_checkpoint(tmp_path / name))[0] for name in ("plain", "probed")]
    assert ends[0].keys() == ends[1].keys()
    assert [name for name in ends[0] if not torch.equal(ends[0][name], ends[1][name])] == []


def probed(config: Config, state: State, critic_steps: int = 3) -> Probe:
    resolved = build.resolve(config)
    data = build.load_dataset(resolved)
    settings = replace(config.probe, critic_steps=critic_steps)
    prober = Prober(settings, data, resolved.prior, scoring(data, "perceptual"))
    torch.rand(3)  # numbers drawn before do not matter
    return prober.take(state, state.generator, resolved.method, build.stream(resolved, data), build.plan(resolved))


def test_a_probe_is_a_function_of_the_state() -> None:
    config = from_dict({"method": {"name": "wgan-gp"}, "network": {"critic_norm": "layer"}}, from_dict(SMALL))
    state = build.state(build.resolve(config), (3, 16, 16))
    one, two = (replace(probed(config, state), cost=0.0) for _ in range(2))
    assert one == two


def test_a_probe_survives_json_and_non_finite_values_become_none() -> None:
    state = build.state(build.resolve(from_dict(SMALL)), (3, 16, 16))
    seen = probed(from_dict(SMALL), state)
    assert Probe.from_json(json.loads(json.dumps(seen.to_json(), allow_nan=False))) == seen
    assert seen.drift is None
    assert replace(seen, score=math.inf).to_json()["score"] is None
    next(state.critic.parameters()).data.fill_(math.nan)
    broken = probed(from_dict(SMALL), state)
    assert broken.non_finite == next(state.critic.parameters()).numel()
    assert broken.score is None
    assert "NaN" not in json.dumps(broken.to_json())


def test_the_headroom_is_large_far_from_the_optimum_and_small_near_it() -> None:
    """With a fixed generator, a new critic has much headroom, and one after many steps has little."""
    changed = {"network": {"hidden": 32, "layers": 2}, "critic_optimiser": {"lr": 5e-3}}
    config = from_dict(changed, recipe("gan-mlp", data="ring8"))
    state = build.state(build.resolve(config), (2,))
    fresh = probed(config, state, 50)
    assert fresh.critic_headroom is not None
    assert fresh.critic_headroom > 0.2
    held = from_dict({"generator_optimiser": {"lr": 0.0}}, config)
    resolved = build.resolve(held)
    batches = build.stream(resolved, build.load_dataset(resolved))
    steps = train(state, resolved.method, batches, resolved.prior, build.plan(resolved))
    list(islice(steps, 150))
    best = probed(held, state, 50)
    assert best.critic_headroom is not None
    assert abs(best.critic_headroom) < fresh.critic_headroom / 3
    assert best.critic_loss is not None
    assert fresh.critic_loss == pytest.approx(2 * math.log(2), abs=0.05)
    assert best.critic_loss < fresh.critic_loss - 0.2
    assert best.critic_auc is not None
    assert best.critic_auc > 0.9


def test_probes_keep_to_their_share_of_the_time() -> None:
    config = from_dict(SMALL)
    data, state = build.dataset(config), build.state(build.resolve(config), (3, 16, 16))

    score = scoring(data, "perceptual")
    fresh = Prober(config.probe, data, build.prior(config), score)
    state.step = int(FIRST_PROBE_STEPS / 0.05) - 1
    assert not fresh.due(state)
    state.step += 1
    assert fresh.due(state)
    before = Probe(step=10, seconds=100.0, non_finite=0, g_weights=1.0, d_weights=1.0, data_size=30, data_variety=0.5,
                  data_contrast=0.2, cost=2.0)  # fmt: skip
    again = Prober(config.probe, data, build.prior(config), score, [before])
    state.seconds = 100 + 2 + 2 / 0.05 - 0.1
    assert not again.due(state)
    state.seconds += 0.2
    assert again.due(state)
    never = Prober(replace(config.probe, share=0.0), data, build.prior(config), score, [before])
    assert not never.due(state)


def test_inputs_are_whole_batches_and_a_large_training_set_is_searched_in_part() -> None:
    config = replace(from_dict(SMALL), schedule=replace(from_dict(SMALL).schedule, batch=50))
    data = Dataset("grey", np.zeros((12_000, 4, 4, 1), np.uint8), None, (), "0")
    seen = probe_inputs(data, build.prior(config), scoring(data, "patches")(), build.plan(build.resolve(config)))
    assert len(seen.z_judged) == 50
    assert seen.training.shape == (10_000, 16)
    assert len(seen.real) == 256
