"""Running claims: time estimate, resuming, refusals, report; and the quick form of every claim."""

from __future__ import annotations

import csv
import json
import math
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from conftest import run_command as ganache
from ganache.claims import CLAIMS, dirac, parallel_lines, report, training
from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Size, Unit
from ganache.claims.job import Job
from ganache.claims.lines import Line
from ganache.claims.running import plan, run
from ganache.claims.timing import estimate
from ganache.claims.verdict import Part
from ganache.core.executors import ProcessPool
from ganache.errors import CheckpointError, ConfigError
from ganache.methods import METHODS, Gan, R3gan, Wgan, WganGp
from pages import Page

# ---- a claim for the tests -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Throws(Size):
    throw_steps: int = 100


RUN: list[str] = []
"""The keys of the units that were measured at full size."""


def throw(unit: Unit, size: Throws) -> Numbers:
    if size.throw_steps == 100:
        RUN.append(unit.key)
        if len(RUN) == 4:
            raise KeyboardInterrupt
    random = np.random.default_rng(unit.seed)
    return {"heads": float(random.random(size.throw_steps).mean()), "curve": [0.0, math.inf], "name": "coin"}


def drawn(measured: Any) -> Any:
    from ganache.claims.drawing import axes, figure

    made = figure("A coin <falls> & lies", 2)
    axes(made, 1, 1)
    return {"coin": made}


COIN = Claim(
    name="coin",
    number=99,
    statement='A coin <is> fair & "round"',
    source="nobody",
    protocol="thrown",
    size=lambda settings: Throws(),
    variants=lambda size: ("penny", "euro"),
    measure=throw,
    judge=lambda measured: (Part("heads", tuple(m.numbers["heads"] for m in measured), 0.3, 0.1),),
    draw=drawn,
)


@pytest.fixture(autouse=True)
def nothing_run() -> None:
    RUN.clear()


def test_a_run_that_was_stopped_goes_on_and_keeps_its_bits(tmp_path: Path) -> None:
    job = Job.create(COIN, Settings(), tmp_path)
    lines: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        run([job], tmp_path, lines.append)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "coin" / "units").iterdir()}
    assert set(kept) == {"penny-seed0.json", "euro-seed0.json", "penny-seed1.json"}, "seed by seed"
    assert not (tmp_path / "report.html").exists()
    RUN.append("so that the fourth does not stop it again")
    run([job], tmp_path, lines.append)
    assert RUN[-3:] == ["euro-seed1", "penny-seed2", "euro-seed2"]
    assert all((tmp_path / "coin" / "units" / name).read_bytes() == content for name, content in kept.items())
    before = len(RUN)
    run([job], tmp_path, lines.append)
    assert len(RUN) == before, "nothing is left to run: it is judged and drawn anew"
    assert any(line.startswith("coin: HOLDS. heads:") for line in lines)
    verdict = json.loads((tmp_path / "coin" / "verdict.json").read_text())
    assert verdict["outcome"] == "holds"
    assert verdict["command"] == f"ganache claims coin --seeds 3 --out {tmp_path}"
    assert verdict["machines"][0].keys() == {"commit", "processor", "threads", "accelerator", "python", "versions"}


def test_a_claim_about_many_seeds_gets_them_unless_fewer_than_decide_are_asked_for(tmp_path: Path) -> None:
    claim = replace(COIN, fewest_seeds=12)
    jobs = [Job.create(claim, settings, tmp_path) for settings in map(Settings, (False, False, True), (3, 1, 3))]
    assert [job.seeds for job in jobs] == [12, 1, 3]
    assert [len(job.units) for job in jobs] == [24, 2, 6]
    assert "--seeds 12 " in jobs[0].command


def test_a_claim_that_is_judged_again_with_more_seeds_has_wider_intervals(tmp_path: Path) -> None:
    """Also by another command: else repeating it until something is decided would decide by accident."""
    confidences = []
    for seeds in (1, 3, 3, 5):
        claim = replace(COIN, size=lambda settings: Throws(50))
        run([Job.create(claim, Settings(seeds=seeds), tmp_path)], tmp_path, lambda line: None)
        verdict = json.loads((tmp_path / COIN.name / "verdict.json").read_text())
        confidences.append((verdict["judged"], verdict["looks"], verdict["parts"][0]["confidence"]))
    assert confidences == [([], 1, 0.95), ([3], 1, 0.95), ([3], 1, 0.95), ([3, 5], 2, pytest.approx(0.975))]


def test_a_claim_without_variants_and_a_measurement_of_another_seed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="The claim coin has no variants"):
        Job.create(replace(COIN, variants=lambda size: ()), Settings(), tmp_path)
    job = Job.create(COIN, Settings(seeds=1), tmp_path)
    run([job], tmp_path, lambda line: None)
    for unit in job.units:
        path = job.path(unit)
        path.with_name(path.name.replace("seed0", "seed1")).write_bytes(path.read_bytes())
    with pytest.raises(CheckpointError, match="holds the measurement of penny, seed 0"):
        Job.create(COIN, Settings(seeds=2), tmp_path).missing()


def test_more_seeds_go_to_the_decision_that_is_nearest(tmp_path: Path) -> None:
    """Two coins whose mean decides, the second one sooner, and one whose mean lies between the two numbers."""

    def coin(name: str, mean: float) -> Claim[Throws]:
        def throw(unit: Unit, size: Throws) -> Numbers:
            if size.throw_steps == 100:  # not a trial
                RUN.append(f"{name} {unit.seed}")
                time.sleep(0.01)
            return {"heads": mean + (0.02 if unit.seed % 2 else -0.02)}

        return replace(COIN, name=name, measure=throw, variants=lambda size: ("penny",), draw=lambda measured: {})

    jobs = [Job.create(coin(*each), Settings(), tmp_path) for each in (("near", 0.31), ("nearer", 0.32), ("off", 0.2))]
    lines: list[str] = []
    run(jobs, tmp_path, lines.append, hours=1.0)
    seeds = {name: sum(unit.startswith(f"{name} ") for unit in RUN) for name in ("near", "nearer", "off")}
    assert seeds["off"] == 3, "between the two: no number of seeds decides it"
    assert 3 < seeds["nearer"] < seeds["near"]
    order = [unit.split()[0] for unit in RUN[RUN.index("off 2") + 1 :]]
    assert order == sorted(order, key=["nearer", "near"].index), "the nearest first"
    RUN.clear()
    run([jobs[0]], tmp_path, lines.append)
    assert RUN == [], "what was measured is judged as a whole, also by a command that asks for less"
    for name in ("near", "nearer"):
        verdict = json.loads((tmp_path / name / "verdict.json").read_text())
        assert verdict["outcome"] == "holds"
        assert verdict["command"].endswith(f"--seeds {seeds[name]} --out {tmp_path}")
    RUN.clear()
    run(jobs, tmp_path, lines.append, hours=1e-9)
    assert RUN == [], "what was measured is found again"


def test_claims_of_one_experiment_are_measured_once_and_judged_each(tmp_path: Path) -> None:
    """Also where one of them gets more seeds: the other is judged again with them."""

    def heads(unit: Unit, size: Throws) -> Numbers:
        if size.throw_steps == 100:
            RUN.append(unit.key)
        return {"heads": 0.31 + (0.02 if unit.seed % 2 else -0.02)}

    shared = replace(COIN, name="fair", measure=heads, experiment="coins", variants=lambda size: ("penny",))
    shared = replace(shared, draw=lambda measured: {})
    other = replace(
        shared,
        name="heavy",
        judge=lambda measured: (Part("heads", tuple(m.numbers["heads"] for m in measured), 0.2, 0.1),),
    )
    lines: list[str] = []
    jobs = [Job.create(claim, Settings(), tmp_path) for claim in (shared, other)]
    run(jobs, tmp_path, lines.append)
    assert RUN == ["penny-seed0", "penny-seed1", "penny-seed2"]
    assert "heavy               3 of 3 to run: those of fair" in lines
    run(jobs, tmp_path, lines.append, hours=1.0)
    assert len(RUN) == len(set(RUN)) > 3
    for name, outcome in (("fair", "holds"), ("heavy", "holds")):
        verdict = json.loads((tmp_path / name / "verdict.json").read_text())
        assert (verdict["outcome"], verdict["seeds"]) == (outcome, len(RUN))
    assert [path.parent.name for path in tmp_path.glob("*/units")] == ["trainings-coins"]
    for name in ("fair", "heavy"):
        (tmp_path / name / "verdict.json").unlink()
    different = replace(other, size=lambda settings: Throws(50))
    with pytest.raises(ConfigError, match="fair and heavy name the same experiment, 'coins', and differ in its size"):
        run([jobs[0], Job.create(different, Settings(), tmp_path)], tmp_path, lines.append)


def test_a_claim_that_was_judged_several_times_keeps_its_wider_intervals(tmp_path: Path) -> None:
    job = Job.create(COIN, Settings(), tmp_path)
    RUN.extend("nothing stops it" for _ in range(9))
    for hours, confidence in ((None, 0.95), (1e-9, 0.9875), (None, 0.9875)):
        run([job], tmp_path, lambda line: None, hours=hours)
        (part,) = json.loads((tmp_path / "coin" / "verdict.json").read_text())["parts"]
        assert part["confidence"] == pytest.approx(confidence)


def test_what_there_is_no_time_for_is_left_open(tmp_path: Path) -> None:
    claim = replace(COIN, measure=lambda unit, size: {"heads": 0.31 + 0.02 * (-1) ** unit.seed})
    lines: list[str] = []
    run([Job.create(claim, Settings(), tmp_path)], tmp_path, lines.append, hours=1e-9)
    assert lines[-1].startswith("coin is left open: the seeds that it lacks take about")
    between = replace(COIN, measure=lambda unit, size: {"heads": 0.2})
    run([Job.create(between, Settings(), tmp_path / "between")], tmp_path / "between", lines.append, hours=1.0)
    assert lines[-1].startswith("coin is left open: heads: 0.2")


@pytest.mark.parametrize("options", [["--until-decided"], ["--hours", "8"], ["--until-decided", "--hours", "0"]])
def test_a_budget_has_both_its_options(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert ganache("claims", "dirac", *options) == 2
    assert "--hours" in capsys.readouterr().err


def test_the_csv_holds_every_number_and_infinity(tmp_path: Path) -> None:
    job = Job.create(COIN, Settings(seeds=1), tmp_path)
    run([job], tmp_path, lambda line: None)
    rows = list(csv.DictReader((tmp_path / "coin" / "numbers.csv").open()))
    assert len(rows) == 2 * 3
    assert {(row["name"], row["place"], row["value"]) for row in rows} >= {("curve", "0", "0.0"), ("curve", "1", "inf")}
    assert "Infinity" not in (tmp_path / "coin" / "units" / "penny-seed0.json").read_text(), "strict JSON"
    assert job.measured()[0].numbers["curve"] == [0.0, math.inf]


@pytest.mark.slow
def test_units_side_by_side_are_what_they_are_one_by_one(tmp_path: Path) -> None:
    """Units run in other processes, which find a claim by its name."""
    numbers, lines = [], list[str]()
    for workers in (1, 2):
        out = tmp_path / str(workers)
        job = Job.create(CLAIMS["dirac"], Settings(quick=True, seeds=1), out)
        run([job], out, lines.append, ProcessPool(workers) if workers > 1 else None)
        numbers.append([each.numbers for each in job.measured()])
    assert numbers[0] == numbers[1]
    assert not any("about" in line for line in lines), "of the quick form the time is not estimated"


def test_the_claims_with_the_longest_units_begin_where_units_run_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [Job.create(replace(COIN, name=name), Settings(), tmp_path) for name in ("short", "long")]
    seconds = {"short": 5.0, "long": 20.0}
    monkeypatch.setattr("ganache.claims.running.estimate", lambda job, units: [seconds[job.claim.name]] * len(units))
    lines: list[str] = []
    order = {
        workers: [each.job.claim.name for each in plan(jobs, tmp_path, lines.append, workers)] for workers in (2, 1)
    }
    assert list(dict.fromkeys(order[2])) == ["long", "short"]
    assert list(dict.fromkeys(order[1])) == ["short", "long"]
    assert lines[3].startswith("all              about 1 min 15 s on this machine, 2 at a time")


def test_measurements_of_another_protocol_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run([Job.create(COIN, Settings(seeds=1), tmp_path)], tmp_path, lambda line: None)
    other = replace(COIN, size=lambda settings: Throws(50))
    with pytest.raises(CheckpointError, match=r"another size or of other data \(throw_steps\): choose another folder"):
        run([Job.create(other, Settings(seeds=1), tmp_path)], tmp_path, lambda line: None)
    (tmp_path / "coin" / "units" / "penny-seed0.json").write_text("{")
    with pytest.raises(CheckpointError, match="delete it to measure it again"):
        run([Job.create(COIN, Settings(seeds=1), tmp_path)], tmp_path, lambda line: None)


@dataclass(frozen=True)
class Pictured(Throws):
    source: str = "/first/faces.zip"
    fingerprint: str = "one"


def test_pictures_that_have_moved_are_the_same_and_their_path_is_not_kept(tmp_path: Path) -> None:
    def job(size: Pictured) -> Job:
        return Job.create(replace(COIN, size=lambda settings: size), Settings(seeds=1), tmp_path)

    run([job(Pictured())], tmp_path, lambda line: None)
    kept = [path.read_text() for path in (*tmp_path.glob("coin/units/*.json"), tmp_path / "verdicts.csv")]
    assert len(kept) == 3
    assert not any("/first" in text for text in kept)
    assert job(Pictured(source="/second/other.zip")).missing() == []
    with pytest.raises(CheckpointError, match="of other data"):
        job(Pictured(fingerprint="two")).missing()


def test_the_estimate_is_what_a_step_costs_times_the_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock of the test: a unit takes 3 seconds, and half a second per step."""
    now = 0.0

    def slow(unit: Unit, size: Throws) -> Numbers:
        nonlocal now
        now += 3 + size.throw_steps / 2
        return {}

    monkeypatch.setattr("ganache.claims.timing.time.perf_counter", lambda: now)
    job = Job.create(replace(COIN, measure=slow), Settings(seeds=3), tmp_path)
    assert estimate(job, job.missing()) == pytest.approx([3 + 50] * 2 * 3)
    few = replace(COIN, measure=slow, size=lambda settings: Throws(2))
    job = Job.create(few, Settings(seeds=3), tmp_path)
    assert estimate(job, job.missing()) == pytest.approx([3 + 1] * 2 * 3)


def test_the_estimate_is_close_where_loading_takes_long_and_varies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit takes 12 seconds or 13, in turns, and 0.05 per step: a difference of 1 second is no step's."""
    now, turn = 0.0, 0

    def slow(unit: Unit, size: Throws) -> Numbers:
        nonlocal now, turn
        now, turn = now + 12 + turn % 2 + size.throw_steps / 20, turn + 1
        return {}

    monkeypatch.setattr("ganache.claims.timing.time.perf_counter", lambda: now)
    job = Job.create(replace(COIN, measure=slow, size=lambda settings: Throws(5000)), Settings(seeds=1), tmp_path)
    assert estimate(job, job.missing()) == pytest.approx([12.5 + 250] * 2, rel=0.25)


@dataclass(frozen=True)
class Watched(Throws):
    snapshots: int = 40


def test_the_estimate_includes_the_time_of_snapshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def slow(unit: Unit, size: Watched) -> Numbers:
        nonlocal now
        now += 3 + size.throw_steps / 2 + 2 * size.snapshots
        return {}

    monkeypatch.setattr("ganache.claims.timing.time.perf_counter", lambda: now)
    watched = replace(COIN, measure=slow, size=lambda settings: Watched())
    job = Job.create(watched, Settings(seeds=1), tmp_path)
    assert estimate(job, job.missing()) == pytest.approx([3 + 50 + 80] * 2)


def test_the_report_is_one_page_without_network(tmp_path: Path) -> None:
    run([Job.create(COIN, Settings(seeds=1), tmp_path)], tmp_path, lambda line: None)
    text = (tmp_path / "report.html").read_text()
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.images == 1
    assert "A coin &lt;is&gt; fair &amp; &#34;round&#34;" in text
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
    section = text[text.index("<section") :]
    assert section.index("<img") < section.index('class="verdict') < section.index("<details>"), "the figure first"
    assert not re.search(r"\{[a-z_]+\}", text[text.index("</style>") :]), "no field is left open"


def test_discussions_are_shown_and_the_table_has_every_judged_number(tmp_path: Path) -> None:
    run([Job.create(COIN, Settings(seeds=1), tmp_path)], tmp_path, lambda line: None)
    shown = "<p>Heads &lt;often&gt;.</p>\n<details><summary>Discussion</summary>\n<p>Tails &amp; never.</p>\n</details>"
    (tmp_path / COIN.name / "discussion.txt").write_text("Heads <often>.\n\nTails & never.\n", encoding="utf-8")
    assert shown in report.write(tmp_path).read_text()
    (tmp_path / COIN.name / "discussion.txt").write_text("Replaced by the next file.\n", encoding="utf-8")
    sections = "# Discussions\n\n## other\n\nNothing.\n\n## coin\n\nHeads\n<often>.\n\nTails & never.\n"
    (tmp_path / "discussions.md").write_text(sections, encoding="utf-8")
    assert shown in report.write(tmp_path).read_text()
    (row,) = csv.DictReader((tmp_path / "verdicts.csv").open(encoding="utf-8"))
    assert (row["claim"], row["outcome"], row["measured"]) == ("coin", "not decided", "heads")
    assert (row["holds_at"], row["fails_at"], row["result"], row["seeds"]) == ("≥ 0.3", "≤ 0.1", "holds", "1")
    assert row["size"] == "throw_steps=100"


def test_measurements_of_the_first_version_are_found(tmp_path: Path) -> None:
    """Their protocol has the old names of an experiment's size."""
    job = Job.create(replace(COIN, size=lambda settings: Watched(snapshots=7)), Settings(seeds=1), tmp_path)
    for unit in job.units:
        job.write(unit, {"heads": 0.5}, 1.0, {})
        path = job.path(unit)
        path.write_text(path.read_text().replace("snapshots", "looks"))
    assert job.missing() == []


# ---- the experiments -----------------------------------------------------------------------------------------------


FAST = {"parallel-lines", "clipping", "dirac", "optimal-critic", "anime-article"}


@pytest.mark.parametrize(
    "name", [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in CLAIMS]
)
def test_the_quick_form_of_each_claim(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ganache("claims", name, "--quick", "--seeds", "1", "--out", str(tmp_path)) == 0
    printed = capsys.readouterr().out
    assert "to run" in printed
    assert "Report:" in printed
    verdict = json.loads((tmp_path / name / "verdict.json").read_text())
    assert verdict["quick"]
    for file in verdict["figures"]:
        assert (tmp_path / name / file).stat().st_size > 2_000
    text = (tmp_path / "report.html").read_text()
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.images == len(verdict["figures"])
    assert verdict["outcome"] == "not decided", "the quick form decides nothing"


def test_the_parallel_lines_are_measured_exactly() -> None:
    size = parallel_lines.Lines(positions_per_side=2, points=50, critic_steps=1, descent_steps=70)
    numbers = parallel_lines.measure(Unit("lines", 5), size)
    parts = {part.what: part.values for part in parallel_lines.judge([Measurement(Unit("lines", 5), numbers, 1.0)])}
    assert numbers["t"] == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert parts["Largest error of the exact EM distance, compared with |t|"][0] <= 1e-6
    assert parts["Largest error of JS = log 2 and TV = 1, for t other than 0"][0] <= 1e-6
    assert parts["KL is infinite for every t other than 0 (1: yes, 0: no)"] == (1.0,)
    assert parts["|t| after gradient descent on EM from 0.9"][0] < 1e-3
    assert parts["Change of t by gradient descent on JS"] == (0.0,)
    for name in ("total_variation_descent", "kullback_leibler_descent"):
        assert set(numbers[name]) == {0.9}


def test_a_unit_is_a_function_of_its_seed() -> None:
    claim = CLAIMS["clipping"]
    size = claim.size(Settings(quick=True)).trial(6, 2)
    first, again, other = (claim.measure(Unit("weight clipping", seed), size) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_the_fields_of_the_dirac_gan_are_the_methods_own() -> None:
    theta, psi = torch.randn(2, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).unbind()
    s = torch.sigmoid
    sign = psi.sign()
    oracles = {
        Gan(): (psi * s(-psi * theta), -theta * s(psi * theta)),
        Gan("minimax"): (psi * s(psi * theta), -theta * s(psi * theta)),
        Wgan(): (psi, -theta),
        WganGp(2.0): (psi, -theta - 4 * (psi.abs() - 1) * sign),
        R3gan(0.5): (psi * s(-psi * theta), -theta * s(psi * theta) - psi),
    }
    for method, expected in oracles.items():
        for found, known in zip(dirac.directions(method, theta, psi), expected, strict=True):
            torch.testing.assert_close(found, known)


def test_clipping_holds_the_trajectory_and_r1_ends_it() -> None:
    path = np.array(dirac.trajectory(Wgan(1.0), 100))
    assert np.abs(path[1:, 1]).max() <= 1
    assert np.hypot(*path[-1]) > 0.5
    assert np.hypot(*dirac.trajectory(dirac.METHODS["wgan with R1"], 200)[-1]) < 0.01


def test_every_method_that_trains_on_pictures_is_tried_on_the_toys() -> None:
    assert training.method_recipes().keys() == METHODS.keys()


def test_the_line_moves_along_its_one_weight() -> None:
    z = torch.tensor([[-0.5], [0.25]])
    points = Line(0.7)(z)
    torch.testing.assert_close(points, torch.tensor([[0.7, 0.0], [0.7, 0.75]]))


# ---- the command ---------------------------------------------------------------------------------------------------


def test_the_list_names_every_claim(capsys: pytest.CaptureFixture[str]) -> None:
    assert ganache("claims", "--list") == 0
    printed = capsys.readouterr().out
    for claim in CLAIMS.values():
        assert claim.name in printed
        assert claim.statement in printed


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nois"], "There is no claim 'nois': did you mean 'noise'?"),
        (["--seeds", "0"], "--seeds is 0"),
        (["--workers", "0"], "--workers is 0"),
        (["--data", "cats=here"], "write  --data mnist=PATH faces=PATH"),
        (["--data", "mnist"], "write  --data mnist=PATH faces=PATH"),
        (["optimal-critic", "--quick", "--data", "mnist=nowhere"], "'nowhere' is neither a file or folder here"),
    ],
)
def test_what_the_user_can_mend_is_one_sentence(
    args: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ganache("claims", *args, "--out", str(tmp_path / "out")) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_figure_of_plain_matplotlib_becomes_an_image() -> None:
    """A claim from outside may draw with `matplotlib.figure.Figure()`, which has no canvas for pixels."""
    from matplotlib.figure import Figure

    from ganache.claims.drawing import as_image

    assert as_image(Figure(figsize=(1, 2), dpi=50)).size == (50, 100)
