"""`ganache report`: one page that opens from disk, shows what the run's folder holds, and needs no network."""

from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from conftest import run_command as ganache
from ganache.errors import CheckpointError
from ganache.evaluation.evaluation import Evaluation, Protocol, Score
from ganache.evaluation.features.perceptual import PerceptualFeatures
from ganache.figures.pictures import evenly
from ganache.output import same_data
from ganache.output.compare import Outcome, grouped, rows, table
from ganache.output.report import write_report
from ganache.output.report.curves import CHARTS, MAX_POINTS, charts, curves, plots, thin_keeping_peaks
from ganache.output.report.neighbours import find_neighbours
from ganache.output.report.samples import frames
from ganache.output.report.scores import scores_of
from ganache.output.report.settings import describe
from ganache.output.report.summary import summarize_runs
from ganache.runs.folder import read_evaluations, write_evaluation
from pages import Page

SMALL = ["--size", "16", "--batch", "4", "--network.width", "4", "--data.channels", "1", "--data.count", "300"]
OFTEN = ["--steps", "3", "--record.log-every", "1", "--record.sample-every", "1", "--record.samples", "4"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs of a few steps; the first has been evaluated."""
    folders = [tmp_path_factory.mktemp("reported") / name for name in ("one", "two")]
    for seed, folder in enumerate(folders):
        own = ["--recipe", "dcgan", "--seed", str(seed), "--out", str(folder)]
        assert ganache("train", "faces", *SMALL, *OFTEN, *own) == 0
    assert ganache("evaluate", str(folders[0]), "-n", "100", "--features", "pixels") == 0
    return folders


@pytest.fixture(scope="module")
def page(runs: list[Path]) -> Path:
    """Return the report on both runs."""
    return write_report(runs, runs[0].parent / "both.html")


def data_of(path: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text())
    assert found
    plain: dict[str, Any] = json.loads(found[1])
    for chart in plain["charts"]:
        for series in chart["series"]:
            series |= plain["axes"][series["axis"]]
    return plain


def before_all_settings(text: str) -> str:
    """Return the part of the page before the table of all settings."""
    return re.split(r"All \d+ settings", text)[0]


# ---- contents of the page ------------------------------------------------------------------------------------------


def test_the_page_is_complete_and_loads_nothing_else(page: Path) -> None:
    parsed = Page()
    parsed.feed(page.read_text())
    assert parsed.open == []
    assert parsed.images == 2 + 2 * 2 * 36, "the last samples of each run, and two sheets of neighbours"


def test_the_page_shows_what_the_folder_holds(runs: list[Path], page: Path) -> None:
    text = page.read_text()
    for words in (
        "It is too early to judge the quality",
        "Settings that differ between the runs",
        "two has not been evaluated yet",
        "best",
    ):
        assert words in text
    (evaluation,) = read_evaluations(runs[0])
    assert len(evaluation.scores) == text.count('class="bars"')
    differing = before_all_settings(text[text.index("Settings that differ") :])
    assert re.findall(r"<code>([\w.]+)</code>", differing) == ["seed"]


def test_the_curves_are_the_logs(runs: list[Path], page: Path) -> None:
    lines = [json.loads(line) for line in (runs[1] / "log.jsonl").read_text().splitlines()]
    shown = {chart["title"]: chart["series"] for chart in data_of(page)["charts"]}
    real = next(each for each in shown["Critic loss"] if (each["run"], each["name"]) == (1, "real"))
    assert real["step"] == [1, 2, 3]
    assert real["images"] == [4, 8, 12]
    assert real["y"] == pytest.approx([line["d"]["real"] for line in lines], rel=1e-4)
    total = next(each for each in shown["Critic loss"] if (each["run"], each["name"]) == (1, "sum"))
    assert total["y"] == pytest.approx([sum(line["d"].values()) for line in lines], rel=1e-4)
    norms = {each["name"] for each in shown["Gradient norms"]}
    assert norms == {"critic", "generator"}


def test_the_page_of_one_run_is_in_its_folder_and_shows_what_was_changed(
    runs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ganache("report", str(runs[1]), "--no-neighbours") == 0
    assert "open it in a browser" in capsys.readouterr().out
    text = (runs[1] / "report.html").read_text()
    changed = before_all_settings(text[text.index("Changed from the recipe dcgan") :])
    assert "network.width" in changed
    assert "penalty.r1" not in changed
    assert "--no-neighbours" in text
    assert ganache("report", str(runs[1]), "--no-neighbours") == 0, "a page of ours is written again"


def test_points_and_a_run_that_has_just_begun(tmp_path: Path) -> None:
    small = ["--recipe", "gan-mlp", "--data.count", "300", "--network.hidden", "4", "--steps", "1"]
    assert ganache("train", "ring8", *small, "--out", str(tmp_path / "ring")) == 0
    begun = tmp_path / "begun"
    begun.mkdir()
    shutil.copy(tmp_path / "ring" / "config.json", begun)
    text = write_report([tmp_path / "ring", begun], tmp_path / "page.html").read_text()
    for words in ("This run generates points", "No checkpoint has been saved yet", "No probe was taken so far"):
        assert words in text


def test_names_are_text_and_never_html(runs: list[Path], tmp_path: Path) -> None:
    name = "<script>alert(1)<&'\""
    shutil.copytree(runs[0], tmp_path / name)
    config = json.loads((tmp_path / name / "config.json").read_text())
    config["data"]["source"] = config["recipe"] = "</script><img src=x onerror=alert(1)>"
    (tmp_path / name / "config.json").write_text(json.dumps(config))
    path = write_report([tmp_path / name], tmp_path / "page.html", neighbours=False)
    parsed = Page()
    parsed.feed(path.read_text())
    assert parsed.open == []
    assert "<script>alert" not in path.read_text()
    assert "<img src=x" not in path.read_text()
    assert data_of(path)["runs"] == [name]


def test_missing_training_pictures(runs: list[Path], tmp_path: Path) -> None:
    shutil.copytree(runs[0], tmp_path / "moved")
    for checkpoint in (tmp_path / "moved" / "checkpoints").glob("*"):
        content = checkpoint.read_bytes()
        assert b'\\"source\\": \\"faces\\"' in content
        checkpoint.write_bytes(content.replace(b'\\"source\\": \\"faces\\"', b'\\"source\\": \\"gone/\\"'))
    text = write_report([tmp_path / "moved"], tmp_path / "page.html").read_text()
    assert "The training pictures were not found" in text
    assert "--data DATA" in text
    named = write_report([tmp_path / "moved"], tmp_path / "page.html", data="faces").read_text()
    assert named.count("seed 0, nearest") == 2


# ---- parts of it ---------------------------------------------------------------------------------------------------


def test_losses_of_different_methods_are_in_plots_of_their_own(runs: list[Path]) -> None:
    one, two = summarize_runs(runs)
    other = replace(two, config=two.config | {"method": {"name": "wgan-gp", "weight": 10.0}})
    same = {chart.title: chosen for chart, chosen in plots([one, two])}
    assert set(map(tuple, same.values())) == {(0, 1)}
    apart = {chart.title: chosen for chart, chosen in plots([one, other])}
    assert apart["Critic loss: one"] == [0]
    assert apart["Critic loss: two"] == [1]
    assert apart["Distance to the real pictures"] == [0, 1]


def test_long_curves_are_thinned_and_keep_every_peak() -> None:
    points = [(k, k, float(k), math.sin(k / 50)) for k in range(20_000)]
    points[12_345] = (12_345, 0, 0.0, 77.0)
    points[777] = (777, 0, 0.0, -77.0)
    kept = thin_keeping_peaks(points)
    assert len(kept) <= MAX_POINTS + 2
    assert kept == sorted(kept)
    assert {points[0], points[777], points[12_345], points[-1]} <= set(kept)
    assert thin_keeping_peaks(points[:MAX_POINTS]) == points[:MAX_POINTS]


def test_no_chart_without_numbers_and_no_sum_of_one(runs: list[Path]) -> None:
    (alone,) = summarize_runs([runs[0]])
    titles = {chart["title"] for chart in charts([alone])["charts"]}
    assert "Augmentation" not in titles
    assert {"Critic loss", "Generator loss", "Speed"} <= titles
    generator = next(chart for chart in CHARTS if chart.title == "Generator loss")
    assert list(curves(generator, {"g/fake": [(1, 1, 1.0, 1.0)]})) == ["fake"]


def evaluation_of(n: int = 100, value: float = 1.0) -> Evaluation:
    protocol = Protocol(n, n, "training", 0, "pixels", "abc", 3, "as they are", 0, 3, "faces", "0123456789abcdef")
    return Evaluation((Score("frechet", value, 0.1, "lower", how="it"),), protocol)


def test_an_evaluation_is_kept_and_a_later_one_takes_its_place(tmp_path: Path) -> None:
    first = write_evaluation(tmp_path, evaluation_of())
    assert read_evaluations(tmp_path) == [evaluation_of()]
    assert write_evaluation(tmp_path, evaluation_of(value=2.0)) == first
    assert read_evaluations(tmp_path) == [evaluation_of(value=2.0)]
    first.write_text("{")
    with pytest.raises(CheckpointError, match="cannot be read as an evaluation"):
        read_evaluations(tmp_path)


def test_a_notice_says_that_different_protocols_cannot_be_compared(runs: list[Path], tmp_path: Path) -> None:
    for number, n in enumerate((100, 200)):
        shutil.copytree(runs[1], tmp_path / f"r{number}")
        write_evaluation(tmp_path / f"r{number}", evaluation_of(n, value=math.inf if number else 1.0))
    folders = [tmp_path / "r0", tmp_path / "r1"]
    assert (
        "Not all of these were measured" in write_report(folders, tmp_path / "page.html", neighbours=False).read_text()
    )
    assert len(scores_of(summarize_runs(folders)).tables) == 2, "they are in no common column"
    write_evaluation(folders[1], evaluation_of(100))
    assert "Not all of these" not in write_report(folders, tmp_path / "page.html", neighbours=False).read_text()
    (alike,) = scores_of(summarize_runs(folders)).tables
    assert alike.heading == "pixels features, 100 generated and 100 real pictures of faces"
    assert [column.run.name for column in alike.columns] == ["r0", "r1"]


@pytest.mark.parametrize(
    "change",
    [
        {"features_hash": "other"},
        {"preprocessing": "cut"},
        {"generated": 7},
        {"real": 7},
        {"split": "all"},
        {"held_out": 7},
        {"data_fingerprint": "other"},
    ],
    ids=str,
)
def test_scores_of_another_protocol_are_in_another_table(change: dict[str, Any]) -> None:
    protocol = evaluation_of().protocol
    assert replace(protocol, **change).way != protocol.way
    assert replace(protocol, step=9, seed=9).way == protocol.way, "what is measured, and not how"


def test_compare_shows_perceptual_distances_and_where_they_order_rows_differently(
    runs: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(runs[0], folder)
    ((run,),) = rows([folder])
    assert "perceptual" not in table([[run]])
    found = evaluation_of(value=70.5)
    write_evaluation(folder, replace(found, protocol=replace(found.protocol, features="perceptual", step=run.step)))
    ((run,),) = rows([folder])
    assert "perceptual: distance" in table([[run]])
    assert "70.5" in table([[run]])
    run = replace(run, score=5.0)

    def other(distance: float, way: str = "") -> Outcome:
        return replace(run, score=6.0, perceptual=distance, way=(*run.way, way) if way else run.way)

    noted = "look at the samples"
    assert noted not in table([[run], [other(80.0)]])
    assert noted in table([[run], [other(60.0)]])
    assert noted not in table([[run], [other(60.0, "evaluated in another way")]])
    assert noted not in table([[run], [replace(other(60.0), perceptual=None)]])


def test_a_run_ends_at_its_last_step_whether_that_is_logged_or_not(tmp_path: Path) -> None:
    few = ["--steps", "5", "--record.log-every", "3", "--record.checkpoint-every", "100"]
    assert ganache("train", "faces", *SMALL, "--recipe", "dcgan", *few, "--out", str(tmp_path / "run")) == 0
    (run,) = summarize_runs([tmp_path / "run"])
    assert run.lines[-1]["step"] == 3
    assert describe(run)["trained"].startswith("5 steps of 4 pictures, 20 shown, in ")
    assert describe(replace(run, headers={}))["trained"].startswith("3 steps of 4 pictures, 12 shown")
    assert describe(replace(run, headers={}, log=[]))["trained"].startswith("0 steps")


def test_a_row_of_compare_has_each_seed_once(runs: list[Path]) -> None:
    ((zero, one),) = rows(runs)
    for found in ([zero, one], [zero, replace(zero, step=1), one], [zero, zero, one, replace(one, step=2), one]):
        groups = grouped(found)
        assert all(len({run.seed for run in row}) == len(row) for row in groups)
        assert sorted(map(id, found)) == sorted(id(run) for row in groups for run in row), "no run is lost"
        assert len(groups) == max(sum(run.seed == seed for run in found) for seed in (0, 1))


def test_runs_on_different_data_have_a_warning_at_every_common_column(runs: list[Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(runs[1], other)
    same = write_report(runs, tmp_path / "same.html", neighbours=False).read_text()
    assert same_data.DIFFERENT_DATA not in same
    plain = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(plain | {"data_fingerprint": "of other data"}))
    text = write_report([runs[0], other], tmp_path / "page.html", neighbours=False).read_text()
    assert text.count(same_data.DIFFERENT_DATA) == 3, "above the overview, the curves and the checkpoints"
    printed = table(rows([runs[0], other]))
    assert printed.count("best") == 2, "a table for each data"
    assert same_data.DIFFERENT_DATA in printed
    assert [line.split()[0] for line in printed.splitlines() if line[:5] in ("one  ", "other")] == ["one", "other"]
    assert same_data.DIFFERENT_DATA not in table(rows(runs))


def test_the_page_of_two_long_runs_is_small(runs: list[Path], tmp_path: Path) -> None:
    """Two runs of 64 pictures of 64 x 64 and 1,000 lines of log each: 3 MB."""
    noise = np.random.default_rng(0)
    (run,) = summarize_runs(runs[:1])
    samples = {step: tmp_path / f"{step}.png" for step in range(1, 41)}
    for path in evenly(list(samples.values()), 18):
        coarse = Image.fromarray(noise.integers(0, 256, (66, 66, 3), np.uint8))
        coarse.resize((530, 530), Image.Resampling.BICUBIC).save(path, compress_level=1)
    line = run.lines[-1]
    lines = [line | {"step": k, "images": 4 * k, "seconds": k / 7} for k in range(1, 1_000)]
    long = replace(run, samples=samples, log=lines)
    shown, drawn = frames(long, 2), charts([long])
    assert len(shown["steps"]) == 18
    assert shown["steps"][-1] == 40
    assert len(drawn["axes"]) <= 2, "the times are written once"
    assert len(json.dumps([shown, drawn])) < 1_500_000


def count_pictures(seen: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Append the number of pictures to `seen` whenever perceptual features are computed, of one layer or of all."""
    for name in ("vectors", "layer_vectors"):
        real = getattr(PerceptualFeatures, name)
        monkeypatch.setattr(PerceptualFeatures, name, lambda self, x, real=real: seen.append(len(x)) or real(self, x))


def test_features_of_real_pictures_are_computed_once(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANACHE_CACHE", str(tmp_path / "cache"))
    seen: list[int] = []
    count_pictures(seen, monkeypatch)
    first = find_neighbours(*summarize_runs(runs[:1]), None, False)
    assert sum(seen) >= 300 - 15
    seen.clear()
    second = find_neighbours(*summarize_runs(runs[1:]), None, False)
    assert sum(seen) < 150, "samples, references and their neighbours alone"
    monkeypatch.setattr("ganache.output.report.neighbours.real_features", lambda *_: None)
    assert find_neighbours(*summarize_runs(runs[:1]), None, False).grids == first.grids
    assert second.grids != first.grids


def test_a_chart_is_logarithmic_if_the_untrained_value_is_huge(runs: list[Path], tmp_path: Path) -> None:
    shutil.copytree(runs[0], tmp_path / "huge")
    (run,) = summarize_runs([runs[0]])
    lines = [line | {"g_gradient_norm": 1.0, "probe": {"score": 30.0, "blank_score": 90.0}} for line in run.lines]
    lines[0] = lines[0] | {"probe": {"score": 5_000.0, "blank_score": 90.0}}
    for each, expected in ((lines, True), (lines[1:], False)):
        of_run = {
            chart["title"]: chart["logarithmic"] for chart in charts([replace(run, log=each, headers={})])["charts"]
        }
        assert of_run["Distance to the real pictures"] is expected


def test_refusals(runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.html").write_text("<h1>My own page</h1>")
    one = str(runs[0])
    for arguments, expected in [
        ((), "No run was named"),
        ((str(tmp_path),), "is not a run"),
        ((one, "-o", str(tmp_path / "mine.html")), "was not made by ganache"),
        ((one, "-o", str(tmp_path)), "is a folder"),
        ((*[one] * 9, "-o", str(tmp_path / "new.html")), "9 runs were named"),
        ((one, "--data", "facs", "-o", str(tmp_path / "new.html")), "did you mean 'faces'?"),
    ]:
        capsys.readouterr()
        assert ganache("report", *arguments) == 2
        error = capsys.readouterr().err
        assert expected in error
        assert error.count("\n") == 1
        assert not (tmp_path / "new.html").exists()


# ---- in a browser --------------------------------------------------------------------------------------------------


def test_it_opens_from_disk_and_its_controls_work(page: Path, browser: Any) -> None:
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    messages: list[str] = []
    requests: list[str] = []
    tab.on("console", lambda message: messages.append(message.text))
    tab.on("pageerror", lambda error: messages.append(str(error)))
    tab.on("request", lambda request: requests.append(request.url))
    tab.goto(page.as_uri())
    assert tab.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    assert tab.evaluate("document.images.length") > 2
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than a phone's screen"

    picture = tab.locator("#sample1")
    last = picture.get_attribute("src")
    tab.locator("#slider").fill("0")
    assert picture.get_attribute("src") != last
    assert "step 1" in picture.get_attribute("alt")
    picture.evaluate("(image) => image.decode()")
    tab.locator("#play").click()
    tab.locator("#moment", has_text="3").wait_for()
    assert picture.get_attribute("src") == last

    loss = tab.locator(".chart", has_text="Critic loss")
    curves = loss.locator("svg[role=img] path")
    assert curves.count() == 6, "three of each run"
    tab.locator("#curve-controls input[type=checkbox]").nth(1).uncheck()
    assert curves.count() == 3, "the second run is hidden"
    flat = curves.first.get_attribute("d")
    loss.get_by_role("button", name="logarithmic").click()
    assert curves.first.get_attribute("d") != flat

    value = loss.locator(".legend b").first
    at_the_end = value.text_content()
    loss.locator("svg[role=img]").hover(position={"x": 52, "y": 60})
    assert value.text_content() != at_the_end
    tab.locator("#curve-controls select").select_option("images")
    assert "pictures 12" in loss.locator("h3").text_content()

    assert messages == []
    assert [url for url in requests if not url.startswith(("data:", "blob:"))] == [page.as_uri()]


def test_a_drag_zooms_and_a_double_click_goes_back(page: Path, browser: Any) -> None:
    tab = browser.new_page(viewport={"width": 1200, "height": 900})
    tab.goto(page.as_uri())
    drawing = tab.locator(".chart", has_text="Speed").locator("svg[role=img]")
    drawing.scroll_into_view_if_needed()
    whole = drawing.locator("path").first.get_attribute("d")
    box = drawing.bounding_box()
    tab.mouse.move(box["x"] + 150, box["y"] + 50)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 300, box["y"] + 60)
    tab.mouse.up()
    assert drawing.locator("path").first.get_attribute("d") != whole
    drawing.dblclick()
    assert drawing.locator("path").first.get_attribute("d") == whole
    drawing.press("+")
    assert drawing.locator("path").first.get_attribute("d") != whole
    drawing.press("Escape")
    assert drawing.locator("path").first.get_attribute("d") == whole
