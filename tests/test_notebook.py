"""The notebook runs from its first cell to its last, with a smaller run than a reader's."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from PIL import Image

NOTEBOOK = Path(__file__).resolve().parents[1] / "docs" / "lab.ipynb"
SMALLER = {"STEPS": 3, "SIZE": "16", "WIDTH": 4, "COUNT": 240}


def execute(source: str, names: dict[str, Any]) -> Any:
    """Run a cell; what its last expression is, as Jupyter would show it."""
    *body, last = ast.parse(source).body
    if not isinstance(last, ast.Expr):
        body, last = [*body, last], None
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    first, *others = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    execute("".join(first["source"]), names)
    assert SMALLER.keys() <= names.keys()
    names |= SMALLER
    shown = [execute("".join(cell["source"]), names) for cell in others]
    pictures = [each for each in shown if isinstance(each, Image.Image)]
    assert len(pictures) >= 14
    assert {each.suffix for each in names["FOLDER"].glob("*.*")} >= {".webp", ".png", ".jsonl"}
    assert "Images 5 to 12" in capsys.readouterr().out


def test_the_notebook_is_one_and_is_stored_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in notebook.cells)
