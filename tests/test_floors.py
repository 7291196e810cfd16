"""The layout in `docs/house.md` holds: a file imports only from its own folder and from those above it there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "ganache"
HOUSE = ROOT / "docs" / "house.md"

FILES = [file for file in SOURCE.rglob("*.py") if file.parent != SOURCE or file.name != "__init__.py"]


def floors() -> list[str]:
    """The floors in their order, the lowest first, as the table of docs/house.md has them."""
    return re.findall(r"^\| `([a-z_]+)(?:\.py|/)` \|", HOUSE.read_text(encoding="utf-8"), re.MULTILINE)


def floor_of(file: Path) -> str:
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(file: Path) -> set[str]:
    """The modules of ganache that a file imports, wherever in the file the import stands."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write imports from the top, as `from ganache.core import images`"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        modules |= {name for name in names if name.startswith("ganache.")}
    return modules


def module_of(name: str, modules: dict[str, Path]) -> str | None:
    """The module that holds a dotted name: itself, or the one that defines it."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name or None


def test_the_page_lists_every_floor() -> None:
    there = {floor_of(file) for file in FILES}
    assert len(floors()) == len(set(floors()))
    assert set(floors()) == there


def test_a_file_imports_only_from_lower_floors() -> None:
    order = {name: number for number, name in enumerate(floors())}
    assert len(FILES) > 20
    upward = [
        f"{file.relative_to(SOURCE)} imports {module}"
        for file in FILES
        for module in imports_of(file)
        if order[module.split(".")[1]] > order[floor_of(file)]
    ]
    assert not upward


def test_no_two_modules_import_each_other() -> None:
    """No circle of imports, inside a folder either."""
    modules = {}
    for file in FILES:
        parts = file.relative_to(SOURCE.parent).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    arrows = {
        name: {found for each in imports_of(file) if (found := module_of(each, modules)) and found != name}
        for name, file in modules.items()
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for other in sorted(arrows[name]):
                visit(other, (*path, name))
            done.add(name)

    for name in modules:
        visit(name, ())


def test_each_folder_says_what_it_holds() -> None:
    """Who imports it is not written down: these tests know."""
    for name in floors():
        init = SOURCE / name / "__init__.py"
        if init.exists():
            text = ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))) or ""
            assert "may import" not in text, f"{name}/__init__.py: the table says so"
            assert len(re.findall(r"[.!](?:\s|$)", text)) >= 2, f"{name}/__init__.py: two or three sentences"


def test_the_methods_know_no_device_no_file_and_no_optimiser() -> None:
    forbidden = {"backward", "optim", "cuda", "device", "print", "open"}
    for file in (SOURCE / "methods").glob("*.py"):
        names = {n.attr for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Attribute)}
        names |= {n.id for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Name)}
        assert not names & forbidden, file.name


def test_fastconv_stands_alone() -> None:
    """The fast convolutions import nothing of ganache besides themselves: they could be a package of their own."""
    outside = {each for file in (SOURCE / "fastconv").rglob("*.py") for each in imports_of(file)}
    assert {each.split(".")[1] for each in outside} == {"fastconv"}
