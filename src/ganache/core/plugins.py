"""Plugins: files and packages outside ganache that add a method, a network, an experiment, ... to its tables.

A plugin is Python that registers itself, for example `ganache.METHODS["mine"] = Mine`. Plugins are loaded from two
places, both chosen by the user: installed packages with an entry point in the group `ganache.plugins`, and the files
and folders that the environment variable GANACHE_PLUGINS names. Nothing is ever loaded because a data set, a recipe,
a run or a checkpoint names it: files from others never run code.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from ganache.errors import ConfigError

GROUP = "ganache.plugins"
"""Entry points of installed packages; each names a module."""

VARIABLE = "GANACHE_PLUGINS"
"""Files (.py, .toml) and folders of them, separated as in PATH."""


def plugin_files(suffix: str) -> list[Path]:
    """The files with this suffix (".py" or ".toml") that GANACHE_PLUGINS names, in order; of a folder those inside it.

    Raises ConfigError for a path that does not exist.
    """
    found: list[Path] = []
    for word in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        path = Path(word).expanduser()
        if not path.exists():
            raise ConfigError(f"{VARIABLE} names {path}, which does not exist: correct the path, or unset {VARIABLE}.")
        found += sorted(path.glob(f"*{suffix}")) if path.is_dir() else [path] if path.suffix == suffix else []
    return found


@cache
def load_plugins() -> None:
    """Import every plugin, once per process. Raises ConfigError, with the reason, where one cannot be imported."""
    for entry in entry_points(group=GROUP):
        try:
            entry.load()
        except Exception as error:
            raise ConfigError(
                f"The plugin '{entry.name}' ({entry.value}) cannot be loaded ({type(error).__name__}: {error}): update "
                "or uninstall its package."
            ) from error
    for path in plugin_files(".py"):
        name = f"ganache_plugin_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look their module up
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise ConfigError(
                f"The plugin {path} cannot be loaded ({type(error).__name__}: {error}): correct it, or take it out of "
                f"{VARIABLE}."
            ) from error
