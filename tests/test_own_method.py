"""A method from outside the package is trained, recorded, sampled and compared like a built-in one."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from ganache.cli import main
from ganache.methods import METHODS

FILE = '''
"""Squared hinge, as a reader of a paper would write it."""

from dataclasses import dataclass

from ganache.functional.losses import wasserstein_real
from ganache.types import Method


@dataclass(frozen=True)
class SquaredHinge(Method):
    margin: float = 1.0
    """Distance of the targets from 0."""

    def d_terms(self, G, D, real, z):
        return {
            "real": (self.margin - D(real)).relu().square().mean(),
            "fake": (self.margin + D(G(z))).relu().square().mean(),
        }

    def g_terms(self, G, D, real, z):
        return {"fake": wasserstein_real(D(G(z)))}
'''


def test_a_method_added_by_one_file_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "squared_hinge.py"
    path.write_text(FILE)
    spec = importlib.util.spec_from_file_location("squared_hinge", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "squared_hinge", module)
    spec.loader.exec_module(module)

    monkeypatch.setitem(METHODS, "squared-hinge", module.SquaredHinge)  # the line that a plugin ends with

    run = str(tmp_path / "run")
    command = ["train", "ring8", "--recipe", "gan-mlp", "--method.name", "squared-hinge", "--method.margin", "2"]
    main([*command, "--steps", "6", "--record.log-every", "2", "--penalty.r1", "1", "--out", run])
    line = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])
    assert line["step"] == 6
    assert line["d"].keys() == {"real", "fake", "added_r1"}
    assert json.loads((tmp_path / "run" / "config.json").read_text())["method"] == {
        "name": "squared-hinge",
        "margin": 2.0,
    }
    main(["sample", run, "-n", "4", "-o", str(tmp_path / "points.png")])
    main(["compare", run, "-o", str(tmp_path / "compare.png")])

    monkeypatch.delitem(METHODS, "squared-hinge")
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main(["sample", run])
    assert end.value.code == 2, "a run without its method's file is refused with a reason"
    assert "There is no method 'squared-hinge'" in capsys.readouterr().err
