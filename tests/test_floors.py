"""The house stands: a file imports only from floors below its own, and the exceptions are few and named."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "ganache"

FLOORS = [
    {"types", "errors", "storage"},
    {
        "losses",
        "penalties",
        "divergences",
        "latents",
        "schedules",
        "images",
        "augment",
        "effects",
        "directions",
        "rendering",
    },
    {"data", "networks", "methods", "metrics", "recipes"},
    {"sections", "config", "rules", "train", "graphs", "optimisers", "build", "algorithms", "allocator"}
    | {"requests", "exhibits", "explore", "article"}
    | {"evaluation", "judging"}
    | {"look", "watch", "diagnose"},
    {"checkpoint", "folder", "log", "figures", "resume", "policy", "run", "compare", "extract", "measure"}
    | {"export", "models", "report"},
    {"progress", "cli", "claims", "playground"},
]
"""As docs/house.md draws them, from the ground up."""

SAME_FLOOR = {
    ("errors", "types"),
    ("storage", "errors"),
    ("rendering", "images"),
    ("directions", "latents"),
    ("config", "sections"),
    ("build", "sections"),
    ("rules", "config"),
    ("rules", "sections"),
    ("graphs", "train"),  # turns, recorded
    ("build", "graphs"),
    ("build", "optimisers"),
    ("optimisers", "sections"),
    ("build", "config"),  # settings -> objects
    ("build", "rules"),
    ("build", "train"),
    ("article", "requests"),
    ("explore", "requests"),  # what is asked for -> what is shown
    ("explore", "exhibits"),
    ("look", "explore"),  # the fixed latents' pictures
    ("look", "train"),  # a step of the critic's, on a copy
    ("watch", "explore"),
    ("watch", "look"),
    ("watch", "sections"),
    ("watch", "train"),
    ("diagnose", "look"),
    ("run", "checkpoint"),  # the run folder's one writer uses the other two
    ("run", "figures"),
    ("run", "folder"),
    ("run", "log"),
    ("run", "policy"),
    ("run", "resume"),
    ("resume", "checkpoint"),
    ("resume", "folder"),
    ("policy", "checkpoint"),
    ("policy", "folder"),
    ("log", "checkpoint"),
    ("folder", "checkpoint"),
    ("judging", "evaluation"),
    ("extract", "checkpoint"),  # features of real pictures are kept as checkpoints are
    ("measure", "extract"),
    ("models", "checkpoint"),
    ("compare", "checkpoint"),
    ("compare", "folder"),
    ("compare", "figures"),
    ("compare", "log"),
    ("report", "checkpoint"),
    ("report", "figures"),
    ("report", "folder"),
    ("report", "log"),
    ("cli", "claims"),
    ("cli", "playground"),
    ("cli", "progress"),
}


def floor_of(room: str) -> int:
    (floor,) = [number for number, rooms in enumerate(FLOORS) if room in rooms]
    return floor


def room_of(file: Path) -> str:
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_rooms(file: Path) -> set[str]:
    """The rooms a file imports from, wherever in the file the import stands."""
    rooms = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are written from the top, as `from ganache.room import name`"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        rooms |= {name.split(".")[1] for name in names if name.startswith("ganache.")}
    return rooms - {"__init__"}


def test_no_step_up() -> None:
    files = [file for file in SOURCE.rglob("*.py") if file.parent != SOURCE or file.name != "__init__.py"]
    assert len(files) > 20
    for file in files:
        room = room_of(file)
        for other in imported_rooms(file) - {room}:
            below = floor_of(other) < floor_of(room)
            assert below or (room, other) in SAME_FLOOR, f"{file.relative_to(SOURCE)} imports {other}"


def test_the_methods_know_no_device_no_file_and_no_optimiser() -> None:
    forbidden = {"backward", "optim", "cuda", "device", "print", "open"}
    for file in (SOURCE / "methods").glob("*.py"):
        names = {n.attr for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Attribute)}
        names |= {n.id for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Name)}
        assert not names & forbidden, file.name
