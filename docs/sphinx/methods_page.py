"""The page of the methods: what each minimises, with its equations beside its code, from the docstrings of both."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from ganache.cli.types import field_docs
from ganache.functional import losses, penalties
from ganache.methods import METHODS

MODULES = (losses, penalties)


def methods() -> str:
    """Return the page as MyST Markdown."""
    return "\n".join([*(section(name, kind) for name, kind in METHODS.items()), *map(functions, MODULES)])


def section(name: str, kind: Any) -> str:
    """Return the section of one method: its paper, its terms, its constants and its code."""
    module = inspect.getmodule(kind)
    assert module is not None
    tables = [table("The critic", kind, "d_terms"), table("The generator", kind, "g_terms")]
    code = "\n".join(inspect.getsource(getattr(kind, each)) for each in ("d_terms", "g_terms"))
    recipe = f"Recipe: `ganache train DATA --recipe {kind.recipe}`.\n"
    parts = [f"## `{name}`", inspect.getdoc(module), inspect.getdoc(kind), *tables, constants(kind), recipe]
    parts.append(f"```python\n{textwrap.dedent(code).rstrip()}\n```\n")
    return "\n\n".join(part for part in parts if part)


def table(who: str, kind: Any, function: str) -> str:
    """Return a table of the terms that one network minimises, with code and equation of each."""
    rows = ["{.terms}", f"| {who}'s term | code | equation |", "|---|---|---|"]
    for name, value, local in terms(getattr(kind, function)):
        shown = dict.fromkeys(equations(value, local, kind))
        rows.append(f"| **{name}** | `{ast.unparse(value)}` | {' <br> '.join(shown)} |")
    return "\n".join(rows)


def terms(function: Any) -> Iterator[tuple[str, ast.expr, dict[str, ast.expr]]]:
    """Yield each term that a function returns: its name, its expression, and the local names before it."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(body, ast.FunctionDef)
    local: dict[str, ast.expr] = {}
    for statement in body.body:
        if isinstance(statement, ast.Assign):
            for name in ast.walk(statement.targets[0]):
                if isinstance(name, ast.Name):
                    local[name.id] = statement.value
        if isinstance(statement, ast.Return):
            assert isinstance(statement.value, ast.Dict)
            for key, value in zip(statement.value.keys, statement.value.values, strict=True):
                assert isinstance(key, ast.Constant)
                yield key.value, value, local


def equations(value: ast.expr, local: dict[str, ast.expr], kind: Any) -> Iterator[str]:
    """Yield the equation of every function that an expression calls, and of those in its local names."""
    for node in ast.walk(value):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            called = next((getattr(each, name) for each in (*MODULES, kind) if hasattr(each, name)), None)
            if called is not None and (equation := re.search(r"\$[^$]+\$", inspect.getdoc(called) or "")):
                fake = called.__module__ == losses.__name__ and about_fakes(node, local)
                yield f"`{name}`: {equation[0].replace('D(x)', 'D(G(z))') if fake else equation[0]}"
        if isinstance(node, ast.Name) and node.id in local:
            yield from equations(local[node.id], {k: v for k, v in local.items() if k != node.id}, kind)


def about_fakes(call: ast.Call, local: dict[str, ast.expr]) -> bool:
    """Return whether the scores that a loss is given are those of generated images."""
    scores = ast.unparse(call.args[0])
    for name, value in local.items():
        if "both" not in ast.unparse(value):
            scores = re.sub(rf"\b{name}\b", ast.unparse(value), scores)
    return "fake" in scores or "G(z)" in scores


def constants(kind: Any) -> str:
    """Return a table of the constants of a method: option, default and meaning."""
    docs = field_docs(kind)
    if not docs:
        return ""
    rows = ["{.constants}", "| constant | default | meaning |", "|---|---|---|"]
    for name, text in docs.items():
        if name in kind.__dataclass_fields__:
            option, default = f"--method.{name.replace('_', '-')}", kind.__dataclass_fields__[name].default
            rows.append(f"| `{option}` | `{default}` | {text} |")
    return "\n".join(rows) if len(rows) > 3 else ""


def functions(module: ModuleType) -> str:
    """Return the section of a module of equations, with every function of it."""
    title = module.__name__.rpartition(".")[2].capitalize()
    return f"## {title}\n\n```{{eval-rst}}\n.. automodule:: {module.__name__}\n   :members:\n```\n"
