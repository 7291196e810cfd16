"""Plugins: files and packages outside ganache that add a method, a network family, a recipe, a claim, and so on.

A plugin is a Python file that assigns into the tables of the package, for example

    from ganache import METHODS, Method

    class Mine(Method): ...

    METHODS["mine"] = Mine

or a recipe, NAME.toml. Plugins come from two places, both chosen by the user: installed packages with an entry point in
the group `ganache.plugins`, and the files and folders in the environment variable GANACHE_PLUGINS. The command line and
its worker processes load them at the start, Python code when it first uses a public name of `ganache`.

A plugin is never loaded because a data set, recipe, run or checkpoint names it: files from others cannot run code.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from importlib.metadata import entry_points
from pathlib import Path

from ganache.errors import ConfigError

GROUP = "ganache.plugins"
"""The group of entry points in installed packages; each entry point names a module."""

VARIABLE = "GANACHE_PLUGINS"
"""The environment variable with files (.py, .toml) and folders of them, separated as in PATH."""

SUFFIXES = (".py", ".toml")

MODULE = "ganache_plugin_"
"""The beginning of the name of a module that a plugin file becomes."""

_loaded = False


def load_plugins() -> None:
    """Import every plugin, once per process.

    Raises ConfigError, with the reason, if a plugin cannot be imported or GANACHE_PLUGINS names a missing path.
    """
    global _loaded
    if _loaded:  # also while the plugins themselves are importing ganache
        return
    _loaded = True
    try:
        for entry in entry_points(group=GROUP):
            try:
                entry.load()
            except (Exception, SystemExit) as error:
                raise ConfigError(
                    f"The plugin '{entry.name}' ({entry.value}) cannot be loaded ({one_line(error)}): "
                    "update or uninstall its package."
                ) from error
        for path in plugin_files(".py"):
            import_file(path)
    except BaseException:
        _loaded = False
        raise


def plugin_files(suffix: str) -> list[Path]:
    """Return the files with this suffix (".py" or ".toml") in GANACHE_PLUGINS, in order; folders give their files.

    Raises ConfigError if a path does not exist, or if two different files have the same name.
    """
    found: dict[str, Path] = {}
    for word in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        path = Path(word).expanduser()
        if not path.exists():
            raise ConfigError(f"{VARIABLE} names {path}, which does not exist: correct the path, or unset {VARIABLE}.")
        if not path.is_dir() and path.suffix not in SUFFIXES:
            raise ConfigError(f"{VARIABLE} names {path}: a plugin is a file .py or .toml, or a folder of them.")
        for file in sorted(path.glob(f"*{suffix}")) if path.is_dir() else [path] if path.suffix == suffix else []:
            if not file.is_file():
                raise ConfigError(
                    f"{VARIABLE} names {file}, which is no ordinary file: correct the path, or remove it."
                )
            first = found.setdefault(file.stem, file)
            if not first.samefile(file):
                raise ConfigError(f"{VARIABLE} names two plugins called {file.name}, {first} and {file}: rename one.")
    return list(found.values())


def import_file(path: Path) -> None:
    """Import a plugin file as the module `ganache_plugin_STEM`; raise ConfigError if that fails."""
    name = MODULE + path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look up a class's module there
    try:
        spec.loader.exec_module(module)
    except ConfigError as error:
        del sys.modules[name]
        raise ConfigError(f"The plugin {path} cannot be loaded. {error}") from error
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ConfigError(
            f"The plugin {path} cannot be loaded ({one_line(error)}): correct it, or remove it from {VARIABLE}."
        ) from error


def plugin_of(error: BaseException) -> str | None:
    """Return the plugin file whose code an error passed through, or None."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__", "").startswith(MODULE):
            return frame.f_code.co_filename
    return None


def one_line(error: BaseException) -> str:
    """Return an error's type and message without line breaks."""
    return " ".join(f"{type(error).__name__}: {error}".split())
