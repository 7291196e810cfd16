"""The data of a run: found again where they are, told from others, and never downloaded because a run names them."""

from __future__ import annotations

import os
import shutil
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import corpus
from conftest import run_command
from ganache import Run, find_checkpoint, recipe
from ganache.core import checkpoint_file
from ganache.core.storage import write_json
from ganache.data import sources
from ganache.data.readers import hub
from ganache.errors import ConfigError, DataError
from ganache.playground import Library
from ganache.playground.wire import Which
from ganache.runs.data import DATA_PATHS, data_paths, run_data
from ganache.runs.folder import read_config


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the pictures `pics`, other ones in `elsewhere/pics`, and the run `runs/r` that saw the former."""
    folder = tmp_path_factory.mktemp("home")
    cache = os.environ.get("GANACHE_CACHE")
    os.environ["GANACHE_CACHE"] = str(folder / "cache")
    for where, light in (("pics", 0), ("elsewhere/pics", 100)):
        corpus.write(folder, {f"{where}/{i}.png": picture(light + i) for i in range(8)})
    before = Path.cwd()
    os.chdir(folder)
    settings = recipe("gan-mlp", data="pics", steps=1, batch=4)
    for _ in (run := Run.open("runs/r", settings)).training():
        pass
    run.finish()
    yield folder
    os.chdir(before)
    os.environ.pop("GANACHE_CACHE")
    if cache:
        os.environ["GANACHE_CACHE"] = cache


def picture(light: int) -> bytes:
    return corpus.encoded(corpus.RGB.point(lambda value: (value + light) % 256), "PNG")


@pytest.fixture
def run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of everything in another place, where its run is returned."""
    monkeypatch.setenv("GANACHE_CACHE", str(home / "cache"))
    shutil.copytree(home, tmp_path / "copy")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "copy" / "runs" / "r"


def with_header(run: Path, **changed: Any) -> Path:
    """Change the header of the run's checkpoint, and return the run."""
    path = find_checkpoint(run)
    tensors, header = checkpoint_file.load(path)
    kept = {name: value for name, value in header.items() if name not in ("format", "sha256")}
    kept["config"]["data"]["source"] = changed.pop("source", kept["config"]["data"]["source"])
    checkpoint_file.save(path, tensors, kept | changed)
    return run


def test_both_paths_are_kept(home: Path) -> None:
    expected = [str(home / "pics"), os.path.join("..", "..", "pics")]
    config = read_config(home / "runs" / "r")
    assert config is not None
    assert (
        config[DATA_PATHS] == checkpoint_file.read_header(find_checkpoint(home / "runs" / "r"))[DATA_PATHS] == expected
    )
    assert data_paths("faces", home) == data_paths("hf:owner/name", home) == []


def test_paths_that_json_cannot_hold_are_left_out(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xfcn"))
    folder.mkdir()
    assert data_paths(str(folder), tmp_path / "run") == []


def test_a_source_that_settings_cannot_keep_is_refused_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"b\xfcld")
    corpus.write(tmp_path / name, {"a.png": picture(0)})
    assert run_command("train", name, "--recipe", "gan-mlp", "--steps", "1", "--out", "run") == 2
    assert "The path of the data is 'b\\udcfcld', which is not UTF-8: rename it" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    (tmp_path / "link").symlink_to(name)
    assert run_command("train", "link", "--recipe", "gan-mlp", "--steps", "1", "--out", "run") == 0
    assert run_data(find_checkpoint(tmp_path / "run")).name.startswith("b")


def test_data_are_found_at_the_absolute_path_then_beside_the_run(run: Path, home: Path, tmp_path: Path) -> None:
    fingerprint = run_data(find_checkpoint(run)).fingerprint  # the absolute path is still there
    (home / "pics").rename(home / "away")
    try:
        assert run_data(find_checkpoint(run)).fingerprint == fingerprint, "beside the copy"
        (tmp_path / "link").symlink_to(run)
        assert run_data(find_checkpoint(tmp_path / "link")).fingerprint == fingerprint, "beside what the link leads to"
        shutil.rmtree(run.parents[1] / "pics")
        with pytest.raises(DataError, match=rf"there is nothing at {home}/pics; name its data with  --data DATA"):
            run_data(find_checkpoint(run))
        assert run_data(find_checkpoint(run), str(home / "away")).fingerprint == fingerprint
    finally:
        (home / "away").rename(home / "pics")


def test_a_resumed_run_knows_where_its_data_went(run: Path, home: Path) -> None:
    with_header(run, data_paths=["/nowhere", "nowhere"])
    config = read_config(run)
    write_json(run / "config.json", {**(config or {}), DATA_PATHS: [str(home / "pics")]})
    assert run_data(find_checkpoint(run)).name == "pics"


@pytest.mark.parametrize(
    ("limit", "said"), [("MOST_FILES", "more than 3 files"), ("MOST_BYTES", "decoded only if you name")]
)
def test_large_data_that_only_a_run_names_are_not_read(
    limit: str, said: str, run: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, limit, 3)
    with_header(run, data_paths=["", "../../elsewhere/pics"])
    write_json(run / "config.json", {**(read_config(run) or {}), DATA_PATHS: ["../../elsewhere/pics"]})
    packs = set((home / "cache").iterdir())
    with pytest.raises(DataError, match=rf"{said}.*--data"):
        run_data(find_checkpoint(run))
    assert set((home / "cache").iterdir()) == packs
    assert len(run_data(find_checkpoint(run), str(run.parents[1] / "elsewhere" / "pics"))) == 8
    if limit == "MOST_BYTES":
        assert len(run_data(find_checkpoint(home / "runs" / "r"))) == 8, "what was read before is in the cache"


@pytest.mark.parametrize("paths", [7, [7, None], ["\0"], [""], ["x" * 10_000], ["\x1b[31m"], {"a": 1}, ["hf:a/b"]])
def test_hostile_paths_are_passed_over(run: Path, home: Path, paths: Any) -> None:
    config = read_config(run)
    write_json(run / "config.json", {**(config or {}), DATA_PATHS: paths})
    assert run_data(find_checkpoint(run)).name == "pics"


READERS_OF_DATA = {
    "evaluate": ("evaluate", "RUN", "-n", "100"),
    "neighbours": ("neighbours", "RUN", "-o", "n.png"),
    "real-vs-fake": ("real-vs-fake", "RUN", "--n", "2", "-o", "r.png"),
    "article": ("article", "RUN", "-o", "article"),
}


def other_pictures(run: Path) -> None:
    """Make the run's only path one at which there are other pictures."""
    other = [str(run.parents[1] / "elsewhere" / "pics")]
    with_header(run, data_paths=other, source=other[0])
    write_json(run / "config.json", {**(read_config(run) or {}), DATA_PATHS: other})


@pytest.mark.parametrize("words", READERS_OF_DATA.values(), ids=READERS_OF_DATA)
def test_no_command_takes_other_data_for_those_of_the_run(
    run: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    other_pictures(run)
    assert run_command(*(word.replace("RUN", str(run)) for word in words)) == 2
    error = capsys.readouterr().err
    assert "holds other data than those that the run was trained on; name its data with  --data DATA" in error
    assert error.count("ganache: ") == 1
    assert not {"n.png", "r.png", "article"} & set(os.listdir())


def test_the_report_and_the_playground_show_no_other_data(run: Path) -> None:
    from ganache.output.report import write_report

    elsewhere = str(run.parents[1] / "elsewhere" / "pics")
    for data in (None, elsewhere):
        if data is None:
            other_pictures(run)
        text = write_report([run], run / "page.html", data=data).read_text()
        assert "nearest" not in text.partition('id="neighbours"')[2].partition("</section>")[0].replace("Nearest", "")
        assert "--data DATA" in text
    assert "other pictures than those that this run was trained on" in text
    with pytest.raises(ConfigError, match="other data than those"):
        Library([str(run)]).real_data(Which(0))


def test_other_data_can_be_named_and_the_difference_is_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = str(run.parents[1] / "elsewhere" / "pics")
    with pytest.warns(RuntimeWarning, match="pics is not the data that .* was trained on"):
        assert run_command("neighbours", str(run), "--data", elsewhere, "-o", "n.png") == 0


@pytest.mark.parametrize("source", ["mnist", "cifar10", "fashion-mnist", "hf:owner/name"])
def test_what_a_foreign_run_names_is_never_downloaded(
    run: Path, source: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ganache.output.report import write_report

    touched: list[str] = []

    class Recorder(types.ModuleType):
        def __getattr__(self, name: str) -> Any:
            touched.append(name)
            raise AssertionError(name)

    monkeypatch.setitem(sys.modules, "datasets", Recorder("datasets"))
    monkeypatch.setattr(hub, "is_reachable", lambda: touched.append("network"))
    with_header(run, data_paths=[], source=source)
    write_json(run / "config.json", {**(read_config(run) or {}), DATA_PATHS: []})
    capsys.readouterr()
    for words in READERS_OF_DATA.values():
        assert run_command(*(word.replace("RUN", str(run)) for word in words)) == 2
        assert f"only data that you name are downloaded: add  --data {source}" in capsys.readouterr().err
    assert f"--data {source}" in write_report([run], run / "page.html").read_text()
    Path("request.json").write_text(f'{{"kind": "neighbours", "data": "{source}"}}')
    assert run_command("render", str(run), "request.json", "-o", "n.png") == 2
    assert f"--data {source}" in capsys.readouterr().err
    with pytest.raises(ConfigError, match=f"--data {source}"):
        Library([str(run)]).real_data(Which(0))
    assert touched == []
