"""Failures made on purpose are found with the right words, and a healthy run is left in peace."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ganache.cli import main
from ganache.cli.progress import second_line
from ganache.config.config import SPECS, Config, from_dict, recipe
from ganache.data import Dataset
from ganache.errors import TrainingError
from ganache.runs.diagnose import critic_loss_finding, describe_probes, findings
from ganache.runs.diagnose.history import thinned
from ganache.runs.log import read
from ganache.runs.probe import Probe, take_probe
from ganache.runs.prober import Prober, probe_inputs
from ganache.runs.run import Run
from ganache.training import build
from ganache.training.loop import train
from ganache.training.state import State
from ganache.types import Generator

SOURCE = Path(__file__).resolve().parents[1] / "src" / "ganache"
Line = dict[str, Any]
TINY_MLP = {"name": "mlp", "hidden": 32, "layers": 2}


class Watched:
    """A training without a folder, looked at every so many steps; `log` is what a run's log.jsonl would hold."""

    def __init__(self, config: Config, data: Dataset | None = None) -> None:
        self.config = config
        resolved = build.resolve(config)
        self.data = data or build.load_dataset(resolved)
        self.state = build.state(resolved, self.data.image_shape)
        self.log: list[Line] = []
        self.before: Tensor | None = None
        self.parts = resolved.method, build.stream(resolved, self.data), resolved.prior, build.plan(resolved)
        self.scene = probe_inputs(self.data, self.parts[2], self.parts[3])

    def train(self, steps: int, every: int) -> Watched:
        method, stream, prior, plan = self.parts
        for report in islice(train(self.state, method, stream, prior, plan), steps):
            if report.step % 10 and report.step % every:
                continue
            line: Line = {"step": report.step, "seconds": report.step / 10}
            for name in ("d", "g", "estimates"):
                line[name] = {key: float(value) for key, value in getattr(report, name).items()}
            for name in ("d_gradient_norm", "g_gradient_norm"):
                line[name] = float(getattr(report, name))
            self.log.append(line)
            if report.step % every == 0:
                self.look(self.shown())
        return self

    def shown(self) -> Generator:
        return self.state.average if self.config.record.average else self.state.generator

    def look(self, shown: Generator, state: State | None = None, step: int | None = None) -> None:
        method, stream, prior, plan = self.parts
        state = state or self.state
        seen, self.before = take_probe(self.scene, state, shown, method, stream, prior, plan, 8, self.before)
        if step is not None:
            self.log.append({**self.log[-1], "step": step})
        self.log[-1]["probe"] = replace(seen, step=self.log[-1]["step"]).to_json()

    def kinds(self) -> list[str]:
        return [finding.kind for finding in findings(self.log)]


def ring(recipe_name: str, **changes: Any) -> Config:
    return from_dict({"network": TINY_MLP, **changes}, recipe(recipe_name, data="ring8"))


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """A healthy training on small faces."""
    patch = pytest.MonkeyPatch()
    patch.setenv("GANACHE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    changes = {
        "data": {"size": "16", "count": 300},
        "network": {"width": 4, "z_dim": 8},
        "schedule": {"batch": 8},
        "precision": {"compute": "float32"},  # the same run on every processor, to rounding
    }
    healthy = Watched(from_dict(changes, recipe("faces-quick", data="faces"))).train(520, 65)
    patch.undo()
    return healthy


def edited(log: Sequence[Line], last: int, **values: Callable[[int, float], float] | float) -> list[Line]:
    """The log with numbers of its last looks changed: a value, or a function of (how many before the end, old one)."""
    lines = copy.deepcopy(list(log))
    looks = [line["probe"] for line in lines if "probe" in line]
    for back, seen in enumerate(reversed(looks[-last:])):
        for name, value in values.items():
            seen[name] = value(back, seen[name]) if callable(value) else value
    return lines


def longer(log: Sequence[Line], looks: int) -> list[Line]:
    """The log with its last look again and again, a little later each time, some weight having moved."""
    lines = copy.deepcopy(list(log))
    for _ in range(looks):
        last = copy.deepcopy(lines[-1])
        last["step"] += 65
        last["probe"]["step"] += 65
        last["probe"]["g_weights"] += 0.001
        last["probe"]["d_weights"] += 0.001
        lines.append(last)
    return lines


def only(log: Sequence[Line]) -> Any:
    (finding,) = findings(log)
    return finding


# ---- healthy -------------------------------------------------------------------------------------------------------


def test_a_healthy_training_on_faces_gives_no_finding(faces: Watched) -> None:
    assert faces.kinds() == []
    assert "8 looks up to step 520" in describe_probes(faces.log)
    assert "needed" not in describe_probes(faces.log)


def test_a_healthy_training_on_points_gives_no_finding() -> None:
    gentle = {"lr": 1e-3, "beta1": 0.5}
    config = ring(
        "wgan-gp",
        data={"flip": False},
        method={"weight": 0.1},  # as the authors have it on toys: with 10 the training does go in circles
        schedule={"batch": 32, "critic_steps": 2},
        critic_optimiser={**gentle, "lr": 2e-3},
        generator_optimiser=gentle,
    )
    assert Watched(config).train(540, 90).kinds() == []


def test_every_age_of_a_healthy_training_is_left_in_peace(faces: Watched) -> None:
    assert [findings(faces.log[:n]) for n in range(len(faces.log))] == [[]] * len(faces.log)
    assert "No look" in describe_probes(faces.log[:3])
    assert "are needed to judge" in describe_probes(faces.log[:20])


# ---- failures made on purpose --------------------------------------------------------------------------------------


def test_a_critic_with_fifty_times_the_rate() -> None:
    config = ring("gan-mlp", critic_optimiser={"lr": 1e-2})
    found = findings(Watched(config).train(600, 100).log)
    assert found[0].kind == "critic too strong"
    assert "better stop" in found[0].sentence
    assert "--critic-optimiser.lr" in found[0].advice
    assert "generator too strong" not in [finding.kind for finding in found]


def test_a_generator_with_fifty_times_the_rate() -> None:
    bare = TINY_MLP | {"generator_norm": "none", "slope": 0.0}  # batch norm would hold it back
    found = findings(Watched(ring("gan-mlp", network=bare, generator_optimiser={"lr": 1e-2})).train(600, 100).log)
    kinds = [finding.kind for finding in found]
    assert "generator too strong" in kinds
    assert "critic too strong" not in kinds
    assert "--generator-optimiser.lr" in found[kinds.index("generator too strong")].advice


class Same(Generator):
    """A generator that has stopped listening to its latents."""

    def __init__(self, inner: Generator) -> None:
        super().__init__()
        self.inner, self.z_dim, self.image_shape = inner, inner.z_dim, inner.image_shape

    def synthesis(self, w: Tensor) -> Tensor:
        x: Tensor = self.inner.synthesis(torch.zeros_like(w))
        return x


def test_a_collapsed_generator(faces: Watched) -> None:
    fallen = copy.copy(faces)
    fallen.log = copy.deepcopy(faces.log)
    collapsed = replace(faces.state, generator=Same(faces.state.generator))
    for step in (600, 650, 700):
        fallen.look(collapsed.generator, collapsed, step)
        assert "mode collapse" not in fallen.kinds(), "three looks might be a moment"
    fallen.look(collapsed.generator, collapsed, 750)
    (found,) = [finding for finding in findings(fallen.log) if finding.kind == "mode collapse"]
    assert found.severity == "alarm"
    assert "nearly the same picture" in found.sentence
    assert "0 % as much" in found.evidence


class Copier(Generator):
    """A generator that shows training pictures."""

    def __init__(self, pictures: Tensor, z_dim: int) -> None:
        super().__init__()
        self.z_dim, self.image_shape = z_dim, tuple(pictures.shape[1:])
        self.pictures = torch.nn.Parameter(pictures, requires_grad=False)

    def synthesis(self, w: Tensor) -> Tensor:
        return self.pictures[(w[:, 0].abs() * 1e4).long() % len(self.pictures)]


def test_a_generator_that_copies_training_pictures(faces: Watched) -> None:
    copying = copy.copy(faces)
    copying.log = copy.deepcopy(faces.log)
    for step in (600, 650, 700):
        copying.look(Copier(faces.scene.real, 8), step=step)
    (found,) = [finding for finding in findings(copying.log) if finding.kind != "nothing changes"]
    assert found.kind == "memorisation"
    assert "100 % of its pictures" in found.evidence


def test_data_of_one_colour_and_data_that_are_all_the_same() -> None:
    config = from_dict({"data": {"size": "16"}, "network": {"name": "dcgan", "width": 2}, "schedule": {"batch": 4}})
    colours = np.random.default_rng(0).integers(0, 256, (300, 1, 1, 3)).astype(np.uint8)
    plain = Dataset("plain", np.broadcast_to(colours, (300, 16, 16, 3)), None, (), "0")
    found = only(Watched(config, plain).train(2, 2).log)
    assert (found.kind, found.severity) == ("data problem", "alarm")
    assert "of one colour" in found.sentence
    same = Dataset("same", np.broadcast_to(plain.images[:1], (300, 16, 16, 3)), None, (), "0")
    assert "all the same" in only(Watched(config, same).train(2, 2).log).sentence


def test_a_tiny_set_of_pictures_is_a_hint(faces: Watched) -> None:
    found = only(edited(faces.log, 1, data_size=40))
    assert (found.kind, found.severity) == ("data problem", "hint")
    assert "40 pictures" in found.sentence


@pytest.mark.parametrize(("who", "other"), [("generator", "critic"), ("critic", "generator")])
def test_a_learning_rate_of_0(who: str, other: str) -> None:
    found = only(Watched(ring("gan-mlp", **{f"{who}_optimiser": {"lr": 0.0}})).train(4, 2).log)
    assert (found.kind, found.severity) == ("nothing changes", "alarm")
    assert f"the {who}" in found.sentence
    assert other not in found.sentence
    assert f"--{who}-optimiser.lr" in found.advice


def test_a_planted_nan_is_told_by_the_log(tmp_path: Path) -> None:
    run = Run.open(tmp_path, ring("gan-mlp", schedule={"steps": 20}, record={"checkpoint_every": 5, "log_every": 1}))
    training = run.training()
    next(report for report in training if report.step == 7)
    next(run.state.generator.parameters()).data.fill_(math.nan)
    with pytest.raises(TrainingError):
        next(training)
    run.close()
    found = only(read(tmp_path / "log.jsonl"))
    assert (found.kind, found.severity) == ("numbers that are no numbers", "alarm")
    assert "At step 8" in found.evidence


# ---- from a real log, changed --------------------------------------------------------------------------------------


def test_gradients_that_vanish_or_explode(faces: Watched) -> None:
    for name, factor, kind in (
        ("g_gradient_norm", 1e-4, "vanishing gradients"),
        ("g_gradient_norm", 1e3, "exploding gradients"),
        ("d_gradient_norm", 1e3, "exploding gradients"),
    ):
        log = copy.deepcopy(faces.log)
        for line in log[-10:]:
            line[name] *= factor
        assert only(log).kind == kind


def test_a_run_past_its_peak_that_became_darker(faces: Watched) -> None:
    best = min(line["probe"]["score"] for line in faces.log if "probe" in line)
    log = longer(faces.log, 5)
    found = only(edited(log, 4, score=1.6 * best, brightness_shift=-0.2))
    assert found.kind == "past its peak"
    assert "darker" in found.evidence
    assert "near step 5" in found.sentence
    assert findings(edited(log, 4, score=1.1 * best)) == [], "no more than the noise"


def test_partial_collapse_in_its_three_forms(faces: Watched) -> None:
    log = longer(faces.log, 4)
    assert findings(log) == [], "quality that stands is no fault"
    for change, words in (
        ({"nearest_ratio": 0.05}, "again and again"),
        ({"coverage": 0.2, "precision": 0.9, "variety": 0.9}, "whole kinds of the data are missing"),
        ({"variety": 0.25}, "lost much of their variety"),
    ):
        found = [f for f in findings(edited(log, 4, **change)) if f.kind == "partial mode collapse"]
        assert len(found) == 1
        assert words in found[0].sentence


def test_training_that_goes_in_circles(faces: Watched) -> None:
    log = longer(faces.log, 6)
    swings = edited(log, 10, score=lambda back, old: 300.0 if back % 2 else 500.0)
    assert "rises and falls" in only(swings).sentence
    hops = edited(log, 4, drift=0.9, variety=0.35, score=400.0)
    assert "move together" in next(f for f in findings(hops) if f.kind == "oscillation").sentence


def test_an_improving_run_is_left_in_peace_however_odd(faces: Watched) -> None:
    odd = {"variety": 0.01, "critic_accuracy": 1.0, "drift": 3.0}
    better = edited(faces.log, 4, score=lambda back, old: 10.0 * (1 + back), **odd)
    assert findings(better) == []


def test_whether_the_critics_loss_is_to_be_trusted(faces: Watched) -> None:
    def said(**values: Any) -> str:
        found = critic_loss_finding(edited(faces.log, 8, **values))
        assert found is not None
        assert found.severity == "note"
        return found.sentence

    score = [line["probe"]["score"] for line in faces.log if "probe" in line][::-1]
    follows = {"critic_loss": lambda back, old: -score[back], "critic_headroom": 0.01, "critic_accuracy": 0.7}
    assert "is to be trusted now" in said(**follows)
    assert "and the loss has followed the quality" in said(**follows)
    assert "not to be trusted now, because a few more critic steps" in said(**{**follows, "critic_headroom": 0.4})
    assert "tells everything apart" in said(**{**follows, "critic_accuracy": 1.0})
    assert "has not followed" in said(**{**follows, "critic_loss": lambda back, old: score[back]})
    assert critic_loss_finding(faces.log[:15]) is None


def test_looks_in_a_hurry_are_judged_a_few_of_them(faces: Watched) -> None:
    first = next(Probe.from_json(line["probe"]) for line in faces.log if "probe" in line)
    many = [replace(first, step=step) for step in range(10, 2401, 10)]
    kept = thinned(many)
    assert kept[-1] is many[-1]
    assert [b.step - a.step for a, b in pairwise(kept)] == [100] * 23
    assert [take_probe.step for take_probe in thinned(many[:20])] == [50, 100, 150, 200]


def test_every_setting_that_advice_names_is_there() -> None:
    said = "".join(path.read_text() for path in (SOURCE / "runs" / "diagnose").glob("*.py"))
    named = set(re.findall(r"--([a-z-]+)\.([a-z0-9-]+)", said))
    assert len(named) > 12
    for section, setting in named:
        kinds = {**SPECS.get(section, {}), "": type(getattr(Config(), section.replace("-", "_")))}.values()
        known = {each.name for kind in kinds for each in fields(kind)} | ({"name"} if section in SPECS else set())
        assert setting.replace("-", "_") in known, f"--{section}.{setting}"


# ---- shown -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A finished run whose rates were 0."""
    monkeypatch.setattr(Prober, "due", lambda watcher, state: state.step % 3 == 0)
    zero = {"lr": 0.0}
    config = ring("gan-mlp", critic_optimiser=zero, generator_optimiser=zero, schedule={"steps": 6})
    run = Run.open(tmp_path / "stuck", from_dict({"record": {"log_every": 1}}, config))
    list(run.training())
    run.finish()
    return run


def test_findings_stand_in_the_log_and_on_the_second_line(stuck: Run) -> None:
    lines = [line for line in read(stuck.folder / "log.jsonl") if "findings" in line]
    assert [line["step"] for line in lines] == [3, 6]
    assert [len(line["findings"]) for line in lines] == [0, 1]
    assert second_line(stuck).startswith("alarm: Nothing changes in the generator and the critic")
    assert len(second_line(stuck, 40)) == 40
    again = Run.open(stuck.folder, stuck.config)
    assert again.findings == stuck.findings, "known as soon as the run is opened again"
    again.close()


def test_diagnose_prints_findings_with_evidence_and_advice(stuck: Run, capsys: pytest.CaptureFixture[str]) -> None:
    main(["diagnose", str(stuck.folder)])
    said = capsys.readouterr().out
    for words in ("alarm: Nothing changes", "Seen: Between steps 3 and 6", "Try: ", "2 looks up to step 6"):
        assert words in said
    main(["diagnose", str(stuck.folder), "--json"])
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    assert found.keys() == {"kind", "severity", "sentence", "evidence", "advice"}


def test_diagnose_says_when_all_is_well_and_refuses_what_is_no_run(
    tmp_path: Path, faces: Watched, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in faces.log) + '{"step": 5')
    main(["diagnose", str(tmp_path)])
    said = capsys.readouterr().out
    assert "Nothing is wrong" in said
    assert "8 looks" in said
    (tmp_path / "log.jsonl").write_text("")
    main(["diagnose", str(tmp_path)])
    assert "Nothing can be told yet" in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        main(["diagnose", str(tmp_path / "nowhere")])
    assert end.value.code == 2
    assert "is no run" in capsys.readouterr().err
