"""Deliberate failures are found and named correctly, and healthy runs give no finding."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from itertools import combinations, islice, pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ganache.cli import main
from ganache.cli.progress import worst_finding
from ganache.config.config import SPECS, Config, from_dict, recipe
from ganache.data import Dataset
from ganache.errors import TrainingError
from ganache.runs.diagnose import critic_loss_finding, describe_no_finding, describe_probes, findings
from ganache.runs.diagnose.history import thinned
from ganache.runs.log import read
from ganache.runs.probe import Probe, take_probe
from ganache.runs.prober import Prober, probe_inputs, scoring
from ganache.runs.run import Run
from ganache.training import build
from ganache.training.loop import train
from ganache.training.state import State
from ganache.types import Generator

SOURCE = Path(__file__).resolve().parents[1] / "src" / "ganache"
Line = dict[str, Any]
TINY_MLP = {"name": "mlp", "hidden": 32, "layers": 2}


class Training:
    """Training without a folder, probed at regular steps; `log` is what the log.jsonl of a run would hold."""

    def __init__(self, config: Config, data: Dataset | None = None) -> None:
        self.config = config
        resolved = build.resolve(config)
        self.data = data or build.load_dataset(resolved)
        self.state = build.state(resolved, self.data.image_shape)
        self.log: list[Line] = []
        self.previous: Tensor | None = None
        self.parts = resolved.method, build.stream(resolved, self.data), resolved.prior, build.plan(resolved)
        self.inputs = probe_inputs(self.data, self.parts[2], scoring(self.data, "patches")(), self.parts[3])

    def train(self, steps: int, every: int) -> Training:
        method, stream, prior, plan = self.parts
        for report in islice(train(self.state, method, stream, prior, plan), steps):
            if report.step % 10 and report.step % every:
                continue
            line: Line = {"step": report.step, "images": report.images, "seconds": report.step / 10}
            line["images_per_second"] = 10.0 * report.images / report.step
            for name in ("d", "g", "estimates"):
                line[name] = {key: float(value) for key, value in getattr(report, name).items()}
            for name in ("d_gradient_norm", "g_gradient_norm"):
                line[name] = float(getattr(report, name))
            self.log.append(line)
            if report.step % every == 0:
                self.probe(self.shown())
        return self

    def shown(self) -> Generator:
        return self.state.average if self.config.record.average else self.state.generator

    def probe(self, shown: Generator, state: State | None = None, step: int | None = None) -> None:
        method, stream, prior, plan = self.parts
        state = state or self.state
        probe, self.previous = take_probe(self.inputs, state, shown, method, stream, prior, plan, 8, self.previous)
        if step is not None:
            self.log.append({**self.log[-1], "step": step})
        self.log[-1]["probe"] = replace(probe, step=self.log[-1]["step"]).to_json()

    def kinds(self) -> list[str]:
        return [finding.kind for finding in findings(self.log)]


def ring(recipe_name: str, **changes: Any) -> Config:
    return from_dict({"network": TINY_MLP, **changes}, recipe(recipe_name, data="ring8"))


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """A healthy training on small faces."""
    patch = pytest.MonkeyPatch()
    patch.setenv("GANACHE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    changes = {
        "data": {"size": "16", "count": 300},
        "network": {"width": 4, "z_dim": 8},
        "schedule": {"batch": 8},
        "precision": {"compute": "float32"},  # the same run on every processor, to rounding
    }
    training = Training(from_dict(changes, recipe("faces-quick", data="faces"))).train(520, 65)
    patch.undo()
    return training


def edited(log: Sequence[Line], last: int, **values: Callable[[int, float], float] | float) -> list[Line]:
    """The log with measurements of its last probes changed: to a value, or by f(index from the end, old)."""
    lines = copy.deepcopy(list(log))
    probes = [line["probe"] for line in lines if "probe" in line]
    for back, probe in enumerate(reversed(probes[-last:])):
        for name, value in values.items():
            probe[name] = value(back, probe[name]) if callable(value) else value
    return lines


def longer(log: Sequence[Line], probes: int) -> list[Line]:
    """The log with its last probe repeated at later steps, with slightly changed weights."""
    lines = copy.deepcopy(list(log))
    for _ in range(probes):
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


def test_a_healthy_training_on_faces_gives_no_finding(faces: Training) -> None:
    assert faces.kinds() == []
    assert "8 probes up to step 520" in describe_probes(faces.log)
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
    assert Training(config).train(540, 90).kinds() == []


def test_a_healthy_training_gives_no_finding_at_any_step(faces: Training) -> None:
    assert [findings(faces.log[:n]) for n in range(len(faces.log))] == [[]] * len(faces.log)
    assert "No probe" in describe_probes(faces.log[:3])
    assert "are needed to judge" in describe_probes(faces.log[:20])


# ---- failures made on purpose --------------------------------------------------------------------------------------


def test_a_critic_with_fifty_times_the_rate() -> None:
    config = ring("gan-mlp", critic_optimiser={"lr": 1e-2})
    found = findings(Training(config).train(600, 100).log)
    assert found[0].kind == "critic too strong"
    assert "stop the run" in found[0].sentence
    assert "--critic-optimiser.lr" in found[0].advice
    assert "generator too strong" not in [finding.kind for finding in found]


def test_a_generator_with_fifty_times_the_rate() -> None:
    bare = TINY_MLP | {"generator_norm": "none", "slope": 0.0}  # batch norm would hold it back
    found = findings(Training(ring("gan-mlp", network=bare, generator_optimiser={"lr": 1e-2})).train(600, 100).log)
    kinds = [finding.kind for finding in found]
    assert "generator too strong" in kinds
    assert "critic too strong" not in kinds
    assert "--generator-optimiser.lr" in found[kinds.index("generator too strong")].advice


class Same(Generator):
    """A generator that ignores its latents."""

    def __init__(self, inner: Generator) -> None:
        super().__init__()
        self.inner, self.z_dim, self.image_shape = inner, inner.z_dim, inner.image_shape

    def synthesis(self, w: Tensor) -> Tensor:
        x: Tensor = self.inner.synthesis(torch.zeros_like(w))
        return x


def test_a_collapsed_generator(faces: Training) -> None:
    training = copy.copy(faces)
    training.log = copy.deepcopy(faces.log)
    collapsed = replace(faces.state, generator=Same(faces.state.generator))
    for step in (600, 650, 700):
        training.probe(collapsed.generator, collapsed, step)
        assert "mode collapse" not in training.kinds(), "three probes may be an accident"
    training.probe(collapsed.generator, collapsed, 750)
    (found,) = [finding for finding in findings(training.log) if finding.kind == "mode collapse"]
    assert found.severity == "alarm"
    assert "nearly the same image" in found.sentence
    assert "0 % as much" in found.evidence


class Copier(Generator):
    """A generator that returns training images."""

    def __init__(self, pictures: Tensor, z_dim: int) -> None:
        super().__init__()
        self.z_dim, self.image_shape = z_dim, tuple(pictures.shape[1:])
        self.pictures = torch.nn.Parameter(pictures, requires_grad=False)

    def synthesis(self, w: Tensor) -> Tensor:
        return self.pictures[(w[:, 0].abs() * 1e4).long() % len(self.pictures)]


def test_a_generator_that_copies_training_images(faces: Training) -> None:
    training = copy.copy(faces)
    training.log = copy.deepcopy(faces.log)
    for step in (600, 650, 700):
        training.probe(Copier(faces.inputs.real, 8), step=step)
    (found,) = [finding for finding in findings(training.log) if finding.kind != "no change"]
    assert found.kind == "memorisation"
    assert "100 % of its images" in found.evidence


def test_data_of_one_colour_and_data_that_are_all_the_same() -> None:
    config = from_dict({"data": {"size": "16"}, "network": {"name": "dcgan", "width": 2}, "schedule": {"batch": 4}})
    colours = np.random.default_rng(0).integers(0, 256, (300, 1, 1, 3)).astype(np.uint8)
    plain = Dataset("plain", np.broadcast_to(colours, (300, 16, 16, 3)), None, (), "0")
    found = only(Training(config, plain).train(2, 2).log)
    assert (found.kind, found.severity) == ("data problem", "alarm")
    assert "a single colour" in found.sentence
    same = Dataset("same", np.broadcast_to(plain.images[:1], (300, 16, 16, 3)), None, (), "0")
    assert "are the same" in only(Training(config, same).train(2, 2).log).sentence


def test_a_very_small_training_set_is_a_hint(faces: Training) -> None:
    found = only(edited(faces.log, 1, data_size=40))
    assert (found.kind, found.severity) == ("data problem", "hint")
    assert "its 40 images" in found.sentence


@pytest.mark.parametrize(("who", "other"), [("generator", "critic"), ("critic", "generator")])
def test_a_learning_rate_of_0(who: str, other: str) -> None:
    found = only(Training(ring("gan-mlp", **{f"{who}_optimiser": {"lr": 0.0}})).train(4, 2).log)
    assert (found.kind, found.severity) == ("no change", "alarm")
    assert f"the {who}" in found.sentence
    assert other not in found.sentence
    assert f"--{who}-optimiser.lr" in found.advice


def test_a_planted_nan_is_found_in_the_log(tmp_path: Path) -> None:
    run = Run.open(tmp_path, ring("gan-mlp", schedule={"steps": 20}, record={"checkpoint_every": 5, "log_every": 1}))
    training = run.training()
    next(report for report in training if report.step == 7)
    next(run.state.generator.parameters()).data.fill_(math.nan)
    with pytest.raises(TrainingError):
        next(training)
    run.close()
    found = only(read(tmp_path / "log.jsonl"))
    assert (found.kind, found.severity) == ("non-finite values", "alarm")
    assert "At step 8" in found.evidence


# ---- a real log with changed measurements --------------------------------------------------------------------------


def test_gradients_that_vanish_or_explode(faces: Training) -> None:
    for name, factor, kind in (
        ("g_gradient_norm", 1e-4, "vanishing gradients"),
        ("g_gradient_norm", 1e3, "exploding gradients"),
        ("d_gradient_norm", 1e3, "exploding gradients"),
    ):
        log = copy.deepcopy(faces.log)
        for line in log[-10:]:
            line[name] *= factor
        assert only(log).kind == kind


def test_a_run_past_its_best_that_became_darker(faces: Training) -> None:
    best = min(line["probe"]["score"] for line in faces.log if "probe" in line)
    log = longer(faces.log, 5)
    found = only(edited(log, 4, score=1.6 * best, brightness_shift=-0.2))
    assert found.kind == "past the best"
    assert "darker" in found.evidence
    assert "near step 5" in found.sentence
    assert findings(edited(log, 4, score=1.1 * best)) == [], "no more than the noise"


def test_partial_collapse_in_its_three_forms(faces: Training) -> None:
    log = longer(faces.log, 4)
    assert findings(log) == [], "a plateau is no fault"
    for change, words in (
        ({"nearest_ratio": 0.05}, "again and again"),
        ({"coverage": 0.2, "precision": 0.9, "variety": 0.9}, "parts of the data are never generated"),
        ({"variety": 0.25}, "lost much of their variety"),
    ):
        found = [f for f in findings(edited(log, 4, **change)) if f.kind == "partial mode collapse"]
        assert len(found) == 1
        assert words in found[0].sentence


def test_training_that_oscillates(faces: Training) -> None:
    log = longer(faces.log, 6)
    swings = edited(log, 10, score=lambda back, old: 300.0 if back % 2 else 500.0)
    assert "rises and falls" in only(swings).sentence
    jumps = edited(log, 4, drift=0.9, variety=0.35, score=400.0)
    assert "move together" in next(f for f in findings(jumps) if f.kind == "oscillation").sentence


def test_an_improving_run_gives_no_finding_whatever_its_numbers(faces: Training) -> None:
    odd = {"variety": 0.01, "critic_accuracy": 1.0, "drift": 3.0}
    better = edited(faces.log, 4, score=lambda back, old: 10.0 * (1 + back), **odd)
    assert findings(better) == []


def test_whether_the_critics_loss_can_be_trusted(faces: Training) -> None:
    def sentence(**values: Any) -> str:
        found = critic_loss_finding(edited(faces.log, 8, **values))
        assert found is not None
        assert found.severity == "note"
        return found.sentence

    score = [line["probe"]["score"] for line in faces.log if "probe" in line][::-1]
    follows = {"critic_loss": lambda back, old: -score[back], "critic_headroom": 0.01, "critic_accuracy": 0.7}
    assert "can be trusted now" in sentence(**follows)
    assert "and the loss has followed the quality" in sentence(**follows)
    assert "cannot be trusted now, because a few more critic steps" in sentence(**{**follows, "critic_headroom": 0.4})
    assert "tells all images apart" in sentence(**{**follows, "critic_accuracy": 1.0})
    assert "has not followed" in sentence(**{**follows, "critic_loss": lambda back, old: score[back]})
    assert critic_loss_finding(faces.log[:15]) is None


def test_probes_in_quick_succession_are_thinned(faces: Training) -> None:
    first = next(Probe.from_json(line["probe"]) for line in faces.log if "probe" in line)
    many = [replace(first, step=step) for step in range(10, 2401, 10)]
    kept = thinned(many)
    assert kept[-1] is many[-1]
    assert [b.step - a.step for a, b in pairwise(kept)] == [100] * 23
    assert [probe.step for probe in thinned(many[:20])] == [50, 100, 150, 200]


def test_every_setting_that_advice_names_exists() -> None:
    text = "".join(path.read_text() for path in (SOURCE / "runs" / "diagnose").glob("*.py"))
    named = set(re.findall(r"--([a-z-]+)\.([a-z0-9-]+)", text))
    assert len(named) > 12
    for section, setting in named:
        kinds = {**SPECS.get(section, {}), "": type(getattr(Config(), section.replace("-", "_")))}.values()
        known = {each.name for kind in kinds for each in fields(kind)} | ({"name"} if section in SPECS else set())
        assert setting.replace("-", "_") in known, f"--{section}.{setting}"


# ---- shown -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A finished run whose learning rates were 0."""
    monkeypatch.setattr(Prober, "due", lambda prober, state: state.step % 3 == 0)
    zero = {"lr": 0.0}
    config = ring("gan-mlp", critic_optimiser=zero, generator_optimiser=zero, schedule={"steps": 6})
    run = Run.open(tmp_path / "stuck", from_dict({"record": {"log_every": 1}}, config))
    list(run.training())
    run.finish()
    return run


def test_findings_are_in_the_log_and_on_the_worst_finding(stuck: Run) -> None:
    lines = [line for line in read(stuck.folder / "log.jsonl") if "findings" in line]
    assert [line["step"] for line in lines] == [3, 6]
    assert [len(line["findings"]) for line in lines] == [0, 1]
    assert worst_finding(stuck).startswith("alarm: No weight of the generator and the critic changes")
    assert len(worst_finding(stuck, 40)) == 40
    again = Run.open(stuck.folder, stuck.config)
    assert again.findings == stuck.findings, "known as soon as the run is reopened"
    again.close()


def test_diagnose_prints_findings_with_evidence_and_advice(stuck: Run, capsys: pytest.CaptureFixture[str]) -> None:
    main(["diagnose", str(stuck.folder)])
    printed = capsys.readouterr().out
    for words in ("alarm: No weight", "Evidence: The root mean square", "steps 3 and 6", "Try: ", "2 probes up to"):
        assert words in printed
    main(["diagnose", str(stuck.folder), "--json"])
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    assert found.keys() == {"kind", "severity", "sentence", "evidence", "advice"}


def test_diagnose_says_when_nothing_is_wrong_and_refuses_other_folders(
    tmp_path: Path, faces: Training, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in faces.log) + '{"step": 5')
    main(["diagnose", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "Nothing wrong was found" in printed
    assert "8 probes" in printed
    (tmp_path / "log.jsonl").write_text("")
    main(["diagnose", str(tmp_path)])
    assert "It is too early to judge" in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        main(["diagnose", str(tmp_path / "nowhere")])
    assert end.value.code == 2
    assert "is not a run" in capsys.readouterr().err


# ---- findings that stand together ----------------------------------------------------------------------------------

LEVELS: dict[str, list[Any]] = {
    "score": [5.0, 70.0, 95.0, 120.0],
    "variety": [0.05, 0.3, 0.9],
    "nearest_ratio": [0.05, 0.8],
    "coverage": [0.1, 0.9],
    "precision": [0.2, 0.9],
    "copies": [0.0, 0.9],
    "drift": [0.1, 0.6, 2.0],
    "critic_accuracy": [None, 0.6, 0.95, 1.0],
    "critic_auc": [0.6, 0.99],
    "critic_headroom": [0.01, 0.8],
    "critic_loss": [-1.0, 1.0],
    "non_finite": [0, 0, 0, 3],
    "data_variety": [0.5, 0.5, 0.5, 0.0],
    "data_size": [50, 5_000],
}
"""Measurements of a probe, and values on all sides of the limits of all rules."""


def made_up(random: Random) -> list[Line]:
    """A log of any kind of run: an early and a late half, each with values of its own."""
    log: list[Line] = []
    count = random.choice([3, 6, 12])
    halves = [{name: random.choice(values) for name, values in LEVELS.items()} for _ in range(2)]
    norms = [random.choice([1.0, 1e-4, 1e4]) for _ in range(4)]
    still, swings = random.random() < 0.1, random.random() < 0.3
    for index in range(4 * count):
        late = index >= 2 * count
        line: Line = {"step": 30 * (index + 1), "seconds": 1.0, "d": {}, "g": {}, "estimates": {}}
        line |= {"g_gradient_norm": norms[late], "d_gradient_norm": norms[2 + late]}
        if index % 4 == 3:
            fixed = {"seconds": 1.0, "data_contrast": 0.3, "blank_score": 100.0, "contrast_ratio": 1.0, "cost": 0.1}
            values = halves[late] | {"score": halves[late]["score"] * (1 + 0.8 * (swings and index % 8 == 3))}
            weights = {"g_weights": 1.0 + index * (not still), "d_weights": 1.0 + index}
            line["probe"] = fixed | values | weights | {"step": line["step"], "critic_loss": -float(index)}
        log.append(line)
    return log


def changes_asked_for(advice: str) -> dict[str, str]:
    """Setting -> "lower" or "raise", as an advice asks for."""
    rates = "--critic-optimiser.lr --generator-optimiser.lr"
    text = re.sub(r"(both |the )?learning rates", rates, advice.lower().replace("slow the critic down", "lower"))
    asked, verb = {}, ""
    for word, setting in re.findall(r"\b(lower|raise|add|use|limit|clip|check|let|try)\b|(--[\w.-]+\w)", text):
        verb = word or verb
        if setting and verb in ("lower", "raise"):
            asked[setting] = verb
    return asked


TOGETHER = {
    frozenset(pair.split(" + "))
    for pair in (
        "mode collapse + critic too strong",  # the critic recognises the one image
        "mode collapse + generator too strong",
        "mode collapse + oscillation",  # the one image changes
        "mode collapse + past the best",
        "mode collapse + memorisation",  # the one image is a copy
        "mode collapse + vanishing gradients",
        "mode collapse + exploding gradients",
        "partial mode collapse + critic too strong",
        "partial mode collapse + generator too strong",
        "partial mode collapse + oscillation",
        "partial mode collapse + past the best",
        "partial mode collapse + memorisation",
        "partial mode collapse + vanishing gradients",
        "partial mode collapse + exploding gradients",
        "critic too strong + oscillation",
        "critic too strong + past the best",
        "critic too strong + memorisation",
        "critic too strong + vanishing gradients",
        "generator too strong + past the best",
        "oscillation + past the best",
        "oscillation + memorisation",
        "oscillation + vanishing gradients",
        "past the best + memorisation",
        "past the best + vanishing gradients",
        "past the best + exploding gradients",
        "memorisation + vanishing gradients",
        "memorisation + exploding gradients",
        "non-finite values + data problem",
        "no change + data problem",
        "no change + mode collapse",
        "no change + partial mode collapse",
        "no change + memorisation",
    )
}
"""Pairs of faults that can be true together, and ask for nothing opposite. A hint, on few images, stands beside all."""


def test_no_two_findings_contradict_each_other() -> None:
    """Any two findings that some log has together are a pair of the table, and the loss agrees with them."""
    seen: set[frozenset[str]] = set()
    random = Random(0)
    for _ in range(2_000):
        log = made_up(random)
        found, loss = findings(log), critic_loss_finding(log)
        faults = [finding for finding in found if finding.severity in ("alarm", "warning")]
        seen |= {frozenset((a.kind, b.kind)) for a, b in combinations(faults, 2)}
        asked: dict[str, set[str]] = {}
        for finding in faults:
            for setting, verb in changes_asked_for(finding.advice).items():
                asked.setdefault(setting, set()).add(verb)
        opposite = [setting for setting, verbs in asked.items() if len(verbs) > 1]
        assert not opposite, (opposite, [finding.kind for finding in faults])
        if loss and faults:
            assert "cannot be trusted" in loss.sentence
            assert "get better" not in loss.advice
        text = " ".join(finding.sentence for finding in found)
        assert not ("plausible" in text and "generator too strong" in [finding.kind for finding in found])
        early = "needed to judge" in describe_probes(log)
        assert early == ("too early" in describe_no_finding(log))
        assert not (early and loss)
    assert seen <= TOGETHER, [sorted(pair) for pair in seen - TOGETHER]
    assert len(seen) > len(TOGETHER) / 2, "the logs are of many kinds"
