"""The page of the public names: every name in `ganache.__all__`, with its docstring."""

from __future__ import annotations

from importlib import import_module

from sphinx.pycode import ModuleAnalyzer

import ganache

SECTIONS = {
    "Runs": ("runs.run", "runs.folder", "runs.checkpoint", "runs.data", "runs.diagnose"),
    "Settings": ("config.config",),
    "Training": ("training.state", "training.build"),
    "Data": ("data",),
    "Images of a generator": ("core.rendering", "figures"),
    "Experiments in latent space": ("lab.experiments", "lab.show", "lab.serialisation", "lab.points", "lab.figure"),
    "Evaluation": ("evaluation.measure", "evaluation.evaluation"),
    "Export and reports": ("output.export", "output.report"),
    "Interfaces for networks, methods and experiments": ("types", "lab.experiment"),
    "Tables and plugins": (
        *("methods", "networks", "config.recipes", "data.readers", "evaluation.features", "lab.experiments", "claims"),
        "core.plugins",
    ),
    "Errors": ("errors",),
}
"""Headings, and the modules whose names stand below each. Names in capitals are tables, and stand in their section."""


def api() -> str:
    """Return the page as MyST Markdown. Raises ValueError if a public name has no place."""
    parts, left = [], set(ganache.__all__)
    for title, modules in SECTIONS.items():
        parts.append(f"## {title}\n")
        for module in modules:
            for name in ganache._HOMES[module]:
                if name.isupper() == (title == "Tables and plugins" and module != "core.plugins"):
                    parts.append(entry(module, name))
                    left.discard(name)
    if left:
        raise ValueError(f"Public names without a place in docs/sphinx/api_page.py: {sorted(left)}")
    return "\n".join(parts)


def entry(module: str, name: str) -> str:
    """Return what the page says about one name."""
    thing = getattr(ganache, name)
    if name.isupper():
        return f"`ganache.{name}`: {table_text(module, name)}\n"
    if not isinstance(thing, type):
        directive = f".. autofunction:: ganache.{name}"
    elif issubclass(thing, Exception):
        directive = f".. autoexception:: ganache.{name}"
    else:
        directive = f".. autoclass:: ganache.{name}\n   :members:"
    return f"```{{eval-rst}}\n{directive}\n```\n"


def table_text(module: str, name: str) -> str:
    """Return the names in a table, and what its module says below it."""
    docs = ModuleAnalyzer.for_module(import_module(f"ganache.{module}").__name__).find_attr_docs()
    text = " ".join(docs.get(("", name), []))
    keys = ", ".join(f"`{key}`" for key in getattr(ganache, name))
    return f"{text} Holds {keys}.".strip()
