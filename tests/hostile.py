"""A run folder with every kind of file, hostile values for each field, and the commands that read it.

    for case in cases(run): case.write(copy)        # one field, or one whole file, is replaced

Used by `test_schema.py`: a part of the cases in every test run, all in the slow ones.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from PIL import Image
from safetensors.torch import save_file

from ganache.cli import main
from ganache.core import checkpoint_file
from ganache.core.text import CONTROL
from ganache.errors import GanacheError
from ganache.lab.experiments import Traverse
from ganache.lab.serialisation import to_dict
from ganache.playground.library import Library
from ganache.playground.live import RunMonitor
from ganache.runs.probe import Probe

ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m<script>alert(1)</script><meta http-equiv=refresh content=0>\"'><img src=x>"
MISSING = object()
RAW = {"not UTF-8": b'"\xff\xfe"', "nested": b"[" * 100_000, "many digits": b"1" * 5_000, "not a number": b"NaN"}
"""Values that are written as they are, in place of a marker."""

HOSTILE: dict[str, Any] = {
    "missing": MISSING,
    "null": None,
    "true": True,
    "-1": -1,
    "0": 0,
    "1.5": 1.5,
    "1e308": 1e308,
    "2**70": 2**70,
    "2**40": 2**40,
    "empty": "",
    "x": "x",
    "long": "x" * 10_000,
    "escapes": ESCAPES,
    "surrogate": "\ud800",
    "path": "../../../secret",
    "formula": "$\\frac$ %s {0} {{7*7}}",
    "[]": [],
    "{}": {},
    "[null]": [None],
    "deep": json.loads("[" * 150 + "]" * 150),
    **{name: f"@@{name}@@" for name in RAW},
}

RUN = """
    train faces --recipe gan-mlp --network.hidden 4 --network.z-dim 4 --batch 4 --size 8 --data.count 210 --steps 4
    --record.log-every 1 --record.sample-every 2 --record.samples 4 --record.checkpoint-every 2 --probe.share 0
"""


def dump(plain: Any) -> bytes:
    """Return plain data as JSON, with the raw values in the place of their markers."""
    text = json.dumps(plain).encode()
    for name, raw in RAW.items():
        text = text.replace(json.dumps(f"@@{name}@@").encode(), raw)
    return text


def fields(plain: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every field of plain data, the whole included."""
    yield place
    if isinstance(plain, dict):
        for name, value in plain.items():
            yield from fields(value, (*place, name))
    elif isinstance(plain, list) and plain:
        yield from fields(plain[0], (*place, 0))


def replaced(plain: Any, place: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of plain data with another value in one place."""
    if not place:
        return {} if value is MISSING else value
    copied = dict(plain) if isinstance(plain, dict) else list(plain)
    first, *rest = place
    if not rest and value is MISSING:
        del copied[first]
    else:
        copied[first] = replaced(plain[first], tuple(rest), value)
    return copied


@dataclass(frozen=True)
class Case:
    """One hostile value in one place of one file."""

    file: str
    place: tuple[Any, ...]
    value: str
    write: Callable[[Path], None]
    """Write the file into a copy of the run."""

    def __str__(self) -> str:
        return f"{self.file} {'.'.join(map(str, self.place))} = {self.value}"


def json_cases(file: str, plain: Any, write: Callable[[Path, Any], None]) -> Iterator[Case]:
    """Yield a case per field and value of plain data; `write(path, changed data)` writes the file."""
    for place in fields(plain):
        for name, value in HOSTILE.items():
            changed = partial(replaced, plain, place, value)
            yield Case(file, place, name, lambda folder, changed=changed: write(folder / file, changed()))  # type: ignore[misc]


def write_json(path: Path, plain: Any) -> None:
    path.write_bytes(dump(plain))


def write_line(path: Path, plain: Any) -> None:
    """Replace the second line of a log."""
    first, _, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([first, dump(plain).replace(b"\n", b"") + b"\n", *rest]))


def write_header(path: Path, plain: Any) -> None:
    """Replace the header of a checkpoint; its checksum is right."""
    tensors, _ = checkpoint_file.load(path.with_name("000000002.safetensors"))
    text = dump(plain)
    save_file(tensors, path, metadata={"ganache": text.decode(errors="replace")})
    if b"\xff" in text:  # the library writes only UTF-8
        path.write_bytes(path.read_bytes().replace("\ufffd".encode(), b"\xff\xfe\xfa"))


@cache
def plain_files(run: Path) -> dict[str, tuple[Any, Callable[[Path, Any], None]]]:
    """Return, by file of the run, its content as plain data, and how a changed one is written."""
    header = checkpoint_file.read_header(run / LAST)
    (evaluation,) = (run / "evaluations").iterdir()
    config = json.loads((run / "config.json").read_text())
    line = json.loads((run / "log.jsonl").read_text().splitlines()[1])
    return {
        "config.json": (config, write_json),
        "log.jsonl": (line | {"probe": PROBE.to_json(), "findings": ["one"], "augment_p": 0.5}, write_line),
        "names.json": (json.loads((run / "names.json").read_text()), write_json),
        f"evaluations/{evaluation.name}": (json.loads(evaluation.read_text()), write_json),
        LAST: (header, write_header),
        "request.json": (to_dict(Traverse(dimension=1)), write_json),
    }


LAST = "checkpoints/000000004.safetensors"
PROBE = Probe(
    2, 0.5, 0, 0.1, 0.1, 200, 0.2, 0.3, 0.01, 1.0, 0.9, 0.5, 0.5, 0.5, 0.5, 0.1, 0.9, 0.9, 0.0, 0.3, 0.7, 0.8, 0.6, 0.1
)
NOTICE = {"step": 2, "event": "stop", "notice": "The run stops."}


def cases(run: Path) -> Iterator[Case]:
    """Yield every case."""
    for file, (plain, write) in plain_files(run).items():
        yield from json_cases(file, plain, write)
    yield from json_cases("log.jsonl", NOTICE, write_line)
    for file in (
        "samples/000000002.png",
        "samples/000000004.png",
        "samples.png",
        "log.jsonl",
        "config.json",
        "names.json",
        LAST,
    ):
        for name, content in CONTENTS.items():
            yield Case(file, (), name, lambda folder, file=file, content=content: content(folder / file))  # type: ignore[misc]
    for folder in ("samples", "checkpoints", "evaluations"):
        yield Case(folder, (), "removed", lambda run, folder=folder: shutil.rmtree(run / folder))  # type: ignore[misc]
        yield Case(folder, (), "with foreign things", lambda run, folder=folder: add_foreign_things(run / folder))  # type: ignore[misc]


def picture(size: tuple[int, int], kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, kind)
    return file.getvalue()


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CONTENTS: dict[str, Callable[[Path], Any]] = {
    "empty": lambda path: path.write_bytes(b""),
    "zeros": lambda path: path.write_bytes(bytes(3000)),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "another size": lambda path: path.write_bytes(picture((300, 20))),
    "another format": lambda path: path.write_bytes(picture((16, 16), "GIF")),
    "a folder": replace_by_folder,
    "removed": Path.unlink,
    "a link": lambda path: (path.unlink(), path.symlink_to("/etc/passwd")),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}


def add_foreign_things(folder: Path) -> None:
    """Add what notebooks, people and file managers leave in a folder."""
    (folder / ".ipynb_checkpoints").mkdir()
    for name in (
        "9copy.png",
        "000000002 (1).png",
        "000000004-good.safetensors",
        "0-mine.json",
        "note.txt",
        ".DS_Store",
    ):
        (folder / name).write_bytes(b"x")


# ---- commands that read a run ----------------------------------------------------------------------------------------


def commands(run: Path, out: Path, file: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield (name, call) of everything that reads this file of a run; pages are written to `out`."""
    lines = {
        "train": [*RUN.split(), "--out", run],
        "dry run": [*RUN.split(), "--dry-run", "--out", run],
        "sample": ["sample", run, "-n", 4, "-o", out / "s.png"],
        "report": ["report", run, "-o", out / "r.html"],
        "diagnose": ["diagnose", run],
        "diagnose json": ["diagnose", run, "--json"],
        "compare": ["compare", run, "-o", out / "c.png"],
        "evaluate": ["evaluate", run, "-n", 100, "--features", "pixels"],
        "export": ["export", run, "--html", out / "e.html"],
        "names": ["name", run],
        "name": ["name", run, "b", "--seeds", 5],
        "picture": ["picture", run, "--points", "a", "-o", out / "p.png"],
        "render": ["render", run, run / "request.json", "-o", out / "q.png"],
    }
    for name, words in lines.items():
        if name in READERS.get(file.partition("/")[0], tuple(lines)):
            yield name, partial(main, list(map(str, words)))
    if file != "request.json":
        yield "explore", lambda: Library([str(run)]).hello()
        yield "watch", lambda: RunMonitor(run).news()


READERS = {
    "config.json": ("train", "dry run", "report", "diagnose", "compare", "evaluate"),
    "log.jsonl": ("train", "report", "diagnose", "diagnose json", "compare"),
    "names.json": ("names", "name", "picture", "export", "sample"),
    "evaluations": ("report", "evaluate", "compare"),
    "request.json": ("render",),
    "samples": ("train", "report"),
    "samples.png": ("train", "report"),
}
"""Which commands read a file; those that are not named here read all of them."""


def problem(call: Callable[[], Any], out: Path) -> str | None:
    """Return what is wrong with the outcome of a command: None if it works, or refuses in a sentence."""
    printed, errors, code = io.StringIO(), io.StringIO(), 0
    try:
        with redirect_stdout(printed), redirect_stderr(errors):
            call()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except GanacheError as error:  # from the library
        code = 2 if str(error) else 1
    except Exception:
        return traceback.format_exc(limit=-4)
    text = printed.getvalue() + errors.getvalue()
    if code not in (0, 2) or (code == 2 and call_is_command(call) and not errors.getvalue().startswith("ganache: ")):
        return f"exit code {code}: {text}"
    if CONTROL.search(text) or "Traceback" in text or max(map(len, errors.getvalue().splitlines()), default=0) > 2_500:
        return f"printed: {text!r:.3000}"
    for page in out.glob("*.html"):
        content = page.read_text(encoding="utf-8")
        page.unlink()
        for live in ("<script>alert", "<meta http-equiv=refresh", "<img src=x>", "\x1b"):
            if live in content:
                return f"{page.name} holds {live}"
    return None


def call_is_command(call: Callable[[], Any]) -> bool:
    return getattr(call, "func", None) is main


def prepare(folder: Path) -> Path:
    """Train the run whose files are replaced, evaluate it, and keep a name in it."""
    run = folder / "run"
    main([*RUN.split(), "--out", str(run)])
    main(["name", str(run), "a", "--seeds", "3,4"])
    main(["name", str(run), "v", "--vector", str(vector_file(folder))])
    main(["evaluate", str(run), "-n", "100", "--features", "pixels"])
    return run


def vector_file(folder: Path) -> Path:
    file = folder / "vector.json"
    file.write_text("[0.5, 0.5, 0.5, 0.5]")
    return file


def outcome(run: Path, case: Case, work: Path) -> Iterator[str]:
    """Yield what is wrong when each command reads a copy of the run with this case."""
    (work / "out").mkdir(parents=True, exist_ok=True)
    fresh = True
    for name, call in commands(work / "run", work / "out", case.file):
        if fresh:
            shutil.rmtree(work / "run", ignore_errors=True)
            shutil.copytree(run, work / "run")
            case.write(work / "run")
        fresh = name in WRITERS
        found = problem(call, work / "out")
        if found:
            yield f"{case}; {name}: {found}"


WRITERS = ("train", "evaluate", "name")
"""Commands that may change the run."""
