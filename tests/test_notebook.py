"""The notebooks run from their first cell to their last, with smaller runs than a reader's."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from PIL import Image

import ganache

DOCS = Path(__file__).resolve().parents[1] / "docs"
LAB, OWN = DOCS / "lab.ipynb", DOCS / "train-your-own.ipynb"
SMALLER = {"STEPS": 3, "SIZE": "16", "WIDTH": 4, "COUNT": 240}
SHORTER = {"PICTURES": "mine", "MINUTES": 0.01, "SIZE": "16"}


def code_cells(notebook: Path) -> list[str]:
    """Return the code cells, without the one that installs ganache."""
    cells = [cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    sources = ["".join(cell["source"]) for cell in cells]
    return [source for source in sources if not source.startswith("%pip")]


def execute(source: str, names: dict[str, Any]) -> Any:
    """Run a cell; what its last expression is, as Jupyter would show it."""
    *body, last = ast.parse(source).body
    if not isinstance(last, ast.Expr):
        body, last = [*body, last], None
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None


def run(notebook: Path, smaller: dict[str, Any]) -> tuple[dict[str, Any], list[Image.Image]]:
    """Run a notebook with some of the names of its first cell changed; return all names, and the pictures it shows."""
    names: dict[str, Any] = {}
    first, *others = code_cells(notebook)
    execute(first, names)
    assert smaller.keys() <= names.keys()
    names |= smaller
    shown = [execute(cell, names) for cell in others]
    return names, [each for each in shown if isinstance(each, Image.Image)]


@pytest.mark.slow
def test_the_lab_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    names, pictures = run(LAB, SMALLER)
    assert len(pictures) >= 14
    assert {each.suffix for each in names["FOLDER"].glob("*.*")} >= {".webp", ".png", ".jsonl"}
    assert "Images 5 to 12" in capsys.readouterr().out


def test_training_on_a_folder_of_pictures_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    for index, image in enumerate(ganache.load("faces", size=(16, 16), count=60).images):
        Image.fromarray(image).save(f"mine/{index}.png")
    _, pictures = run(OWN, SHORTER)
    assert len(pictures) >= 6
    assert Path("runs/mine/walk.webp").exists()
    assert "60 pictures can be used" in capsys.readouterr().out


def test_the_notebook_for_colab_installs_first_and_its_badge_opens_it() -> None:
    cells = json.loads(OWN.read_text(encoding="utf-8"))["cells"]
    first = next("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert first == "%pip install -q ganache"
    assert f"https://colab.research.google.com/github/OWNER/ganache/blob/main/docs/{OWN.name})" in "".join(
        cells[0]["source"]
    )


@pytest.mark.parametrize("notebook", [LAB, OWN], ids=lambda path: path.stem)
def test_a_notebook_is_one_and_is_stored_without_outputs(notebook: Path) -> None:
    read = nbformat.read(notebook, as_version=4)
    nbformat.validate(read)
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in read.cells)
