"""Damage that does no harm is skipped and told; RUN@STEP and checkpoints work wherever a run does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import hostile
from conftest import run_command
from ganache.claims import report
from ganache.claims.stored import read_unit, read_verdicts
from ganache.errors import CheckpointError
from ganache.figures import animation
from ganache.runs import log
from ganache.runs.folder import at_step, find_checkpoint
from ganache.runs.run import Run

TRAIN = [*hostile.RUN.split(), "--out"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANACHE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        return hostile.prepare(tmp_path_factory.mktemp("damaged"))


@pytest.fixture
def run(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a run, in the working directory."""
    shutil.copytree(trained, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return Path("run")


# ---- the log --------------------------------------------------------------------------------------------------------


def test_damaged_lines_are_counted_told_once_and_kept(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run / "log.jsonl"
    whole = path.read_bytes()
    damage = b'null\n\xff\xfe\n{"step": 1}\n' + b"[" * 10_000 + b'\n\n{"probe": 3, "step": 4}\n'
    path.write_bytes(damage + whole + b'{"step": 5, "d')
    notice, *lines = log.read(path)
    assert "5 of 9 lines cannot be read and are skipped" in notice["notice"]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    for words in (["diagnose", "run"], ["compare", "run", "-o", "c.png"], [*TRAIN, "run"]):
        assert run_command(*words) == 0
        printed = capsys.readouterr()
        assert (printed.out + printed.err).count("5 of 9 lines") == 1
    assert path.read_bytes() == damage.replace(b"\n\n", b"\n") + whole, "only the incomplete line is gone"


def test_unknown_keys_of_a_later_version_are_left_out_and_stay_in_the_file(run: Path) -> None:
    path = run / "log.jsonl"
    text = path.read_text().replace('"step": 2,', '"step": 2, "later": {"x": 1e999},')
    path.write_text(text)
    assert len(log.read(path)) == 4
    assert all("later" not in line for line in log.read(path))
    assert run_command(*TRAIN, "run") == 0
    assert path.read_text() == text


# ---- samples --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("samples", [["1", "9"], ["16", "4", "100"]])
@pytest.mark.slow
def test_another_number_of_samples_on_resume_ends_with_an_animation(run: Path, samples: list[str]) -> None:
    for number, count in enumerate(samples):
        words = [*TRAIN, "run", "--record.samples", count, "--record.sample-every", "1"]
        words[words.index("--steps") + 1] = str(6 + number)
        assert run_command(*words) == 0
    sizes = [Image.open(path).size for path in (run / "samples").iterdir()]
    with Image.open(run / "training.webp") as moving:
        assert moving.size == max(sizes) > min(sizes)
        assert moving.n_frames > 3, "frames of different sizes, of which WebP joins equal ones"


def test_frames_of_other_sizes_are_centred_and_damaged_ones_left_out(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    Image.new("RGB", (10, 30), "black").save(paths[0])
    Image.new("L", (40, 20), "black").save(paths[1])
    paths[2].write_bytes(b"")
    paths[3].mkdir()
    animation(paths, tmp_path / "all.webp")
    with Image.open(tmp_path / "all.webp") as moving:
        assert (moving.size, moving.n_frames) == ((40, 30), 2)
        first = moving.convert("L")
        assert first.getpixel((20, 15)) < 20
        assert first.getpixel((1, 15)) > 235
    animation(paths[2:], tmp_path / "none.webp")
    assert not (tmp_path / "none.webp").exists()


def test_a_report_leaves_damaged_pictures_and_evaluations_out(run: Path) -> None:
    (run / "samples" / "000000002.png").write_bytes(b"no picture")
    (evaluation,) = (run / "evaluations").iterdir()
    evaluation.write_text("{")
    (run / "evaluations" / "0-mine.json").write_text("not ganache's")
    assert run_command("report", "run", "--no-neighbours") == 0
    page = (run / "report.html").read_text()
    assert "cannot be read as an evaluation" in page
    assert "0-mine" not in page
    assert '"steps":[1,4]' in page


def test_settings_come_from_the_checkpoint_if_their_file_is_damaged(run: Path) -> None:
    (run / "config.json").write_text("{")
    for words in (["report", "run", "--no-neighbours"], ["compare", "run", "-o", "c.png"], ["diagnose", "run"]):
        assert run_command(*words) == 0
    assert "gan-mlp" in (run / "report.html").read_text()
    assert run_command(*TRAIN, "run") == 2, "a resume asks to repair or remove it"
    (run / "config.json").unlink()
    assert run_command(*TRAIN, "run") == 0


# ---- what is a run --------------------------------------------------------------------------------------------------


def test_words_for_a_checkpoint(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for named in ("run@2", "run@000000002", "run/checkpoints/000000002.safetensors"):
        assert find_checkpoint(*at_step(named)) == run / "checkpoints" / "000000002.safetensors"
    monkeypatch.chdir(run / "checkpoints")
    assert find_checkpoint(*at_step("000000002.safetensors")).samefile("000000002.safetensors")


@pytest.mark.parametrize("named", ["run@2", "run/checkpoints/000000002.safetensors"])
@pytest.mark.slow
def test_a_step_and_a_checkpoint_are_accepted_wherever_a_run_is(named: str, run: Path) -> None:
    for words in (
        ["sample", named, "-n", "4", "-o", "s.png"],
        ["report", named, "--no-neighbours", "-o", "r.html"],
        ["compare", named, "run", "-o", "c.png"],
        ["diagnose", named],
        ["evaluate", named, "-n", "100", "--features", "pixels"],
        ["export", named, "--html", "e.html"],
        ["name", named, "b", "--seeds", "3"],
    ):
        assert run_command(*words) == 0, words
    assert "ganache sample run@2" in Path("r.html").read_text()
    assert sorted(int(path.name[:9]) for path in (run / "evaluations").iterdir()) == [2, 4]
    assert json.loads((run / "names.json").read_text())["b"]


@pytest.mark.slow
def test_a_copy_of_a_checkpoint_makes_pictures_and_is_no_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(run / "checkpoints" / "000000002.safetensors", "good.safetensors")
    shutil.copy("good.safetensors", run / "checkpoints" / "2-good.safetensors")
    for copied in ("good.safetensors", "run/checkpoints/2-good.safetensors"):
        assert run_command("sample", copied, "-n", "4", "-o", "s.png") == 0
        assert run_command("export", copied, "--html", "e.html") == 0
        capsys.readouterr()
        for command in ("report", "compare", "diagnose", "evaluate", "explore", "watch", "name"):
            assert run_command(command, copied) == 2
            assert "needs a run's folder" in capsys.readouterr().err, command


def test_a_file_in_the_place_of_the_run_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("photo.png").write_bytes(b"x")
    assert run_command("train", "faces", "--steps", "1", "--out", "photo.png") == 2
    assert "photo.png is a file, and a run is a folder" in capsys.readouterr().err
    assert Path("photo.png").read_bytes() == b"x"


@pytest.mark.parametrize("which", ["7", "\u00b2", "-1", "", "9" * 5_000, "1e3", "last ", "2.0"])
def test_a_step_that_is_none_is_refused(which: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["sample"], ["report", "--no-neighbours"], ["compare", "-o", "c.png"], ["evaluate"], ["name"]):
        assert run_command(*words, f"run@{which}") == 2
        assert "has no checkpoint" in capsys.readouterr().err


def test_what_is_no_run_is_passed_over(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("compare.png").write_bytes(b"x")
    Path("notes").mkdir()
    Path("young").mkdir()
    shutil.copy(run / "config.json", "young")
    names = ["compare.png", "notes", "run", "young"]
    assert run_command("compare", *names, "-o", "c.png") == 0
    assert "compare.png, notes, young: passed over" in capsys.readouterr().err
    assert run_command("report", *names, "--no-neighbours", "-o", "r.html") == 0
    assert "compare.png, notes: passed over" in capsys.readouterr().err
    assert run_command("report", "run", "typing-error") == 2
    assert run_command("report", "notes", "compare.png") == 2


# ---- claims ---------------------------------------------------------------------------------------------------------

VERDICT = {
    "name": "coin",
    "number": 1,
    "claim": "A coin is fair.",
    "outcome": "holds",
    "reason": "It is.",
    "summary": [{"variant": "one", "heads": "0.5"}],
    "parts": [
        {"what": "heads", "values": [0.5, "inf"], "holds": 0.4, "fails": "-inf", "outcome": "holds", "number": "1"}
        | {"confidence": 0.95, "interval": [0.4, "nan"], "detects": 0.1, "seeds_needed": 4}
    ],
    "controls": [
        {"what": "throws", "values": [0.5], "bound": 0.4, "reason": "Enough.", "at_least": True, "whose": "in all"}
        | {"passed": True, "progress": 1.0, "number": "1"}
    ],
    "source": "a paper",
    "protocol": "throw it",
    "quick": False,
    "seeds": 3,
    "seeds_needed": 4,
    "size": {"steps": 3, "sides": [1, 2]},
    "seconds": 1.5,
    "estimated": 2.0,
    "command": "ganache claims coin",
    "machines": [{"python": "3"}],
    "figures": ["one.webp"],
}
UNIT = {
    "variant": "one",
    "seed": 0,
    "seconds": 1.0,
    "estimated": 2.0,
    "machine": {"python": "3"},
    "protocol": {},
    "numbers": {"heads": 0.5},
}


def test_hostile_verdicts_are_left_out_of_the_report_or_escaped(tmp_path: Path) -> None:
    folder = tmp_path / "coin"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "link.webp").symlink_to(tmp_path / "secret")
    (folder / "one.webp").write_bytes(b"PNG")
    figures = [
        [name]
        for name in ("../secret", "../../secret", "/etc/passwd", "link.webp", "one.svg", "one.webp\0", "a/b.webp")
    ]
    cases = list(hostile.json_cases("verdict.json", VERDICT, hostile.write_json))[::5]
    plain = [VERDICT | {"figures": names} for names in figures]
    for number, write in enumerate([*(case.write for case in cases), *plain]):
        if isinstance(write, dict):
            hostile.write_json(folder / "verdict.json", write)
        else:
            write(folder)
        if number % 5 == 0 or isinstance(write, dict):
            page = report.write(tmp_path).read_text()
            for live in ("<script>alert", "<meta http-equiv=refresh", "<img src=x>", "\x1b", "c2VjcmV0"):
                assert live not in page
        found, problems = read_verdicts(tmp_path)
        assert len(found) + len(problems) == 1
    hostile.write_json(folder / "verdict.json", VERDICT)
    assert "data:image/webp;base64,UE5H" in report.write(tmp_path).read_text()


def test_a_hostile_measurement_is_one_sentence(tmp_path: Path) -> None:
    for case in hostile.json_cases("unit.json", UNIT, hostile.write_json):
        case.write(tmp_path)
        try:
            read_unit(tmp_path / "unit.json")
        except CheckpointError:
            pass
        except Exception as error:
            pytest.fail(f"{case}: {error!r}")


def test_a_run_that_is_moved_while_it_trains_says_so_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = Run.record

    def moved(run: Run, report: Any) -> None:
        if report.step == 3:
            (tmp_path / "run").rename(tmp_path / "elsewhere")
        record(run, report)

    words = ["train", "ring8", "--recipe", "gan-mlp", "--network.hidden", "8", "--batch", "8", "--steps", "5"]
    words += ["--record.log-every", "1", "--record.checkpoint-every", "2"]
    with monkeypatch.context() as patch:
        patch.setattr(Run, "record", moved)
        assert run_command(*words, "--out", str(tmp_path / "run")) == 2
    said = capsys.readouterr().err
    assert "moved, renamed or removed" in said
    assert "free some space" not in said
    assert run_command(*words, "--out", str(tmp_path / "elsewhere")) == 0
    assert "resumes at step 2" in capsys.readouterr().out
