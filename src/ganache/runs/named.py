"""Models with a name in the place of a run's folder: the example in the package, and those of the Hugging Face hub.

A model is kept as a run in ganache's cache, where latents can be named. So every command that takes a run takes one.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path, PureWindowsPath

from ganache.errors import ConfigError

EXAMPLE = "example"
"""A trained generator of drawn faces. A folder of this name comes first."""
ON_HUB = "hf:"
"""The beginning of the name of a model of the hub, hf:owner/name[/file][@revision]."""
MODEL = "model.safetensors"


def is_named(run: str | Path) -> bool:
    """Return whether RUN is the name of a model.

    >>> is_named("hf:someone/faces@v1"), is_named("runs/faces")
    (True, False)
    """
    return str(run).startswith(ON_HUB) or (str(run) == EXAMPLE and not os.path.lexists(EXAMPLE))


def public_name(source: str) -> str:
    """Return the last part of a path; names, also those of the hub, stay.

    >>> public_name("/home/me/cats.zip"), public_name("C:\\\\me\\\\cats"), public_name("hf:owner/name")
    ('cats.zip', 'cats', 'hf:owner/name')
    """
    return source if is_named(source) else PureWindowsPath(source).name


def named_run(run: str | Path) -> Path:
    """Return the folder of the run with this model. Raises CheckpointError if there is none, and as `hub.local_run`."""
    # These modules import PyTorch.
    from ganache.runs import hub

    return hub.local_run(str(run)) if str(run).startswith(ON_HUB) else example_run()


@cache
def example_run() -> Path:
    """Return the folder of the run with the example. Raises ConfigError if the cache cannot be written."""
    from ganache.core.checkpoint_file import read_header
    from ganache.data.pack import cache_folder, pack_folder
    from ganache.runs.hub import install

    with as_file(files("ganache") / "example") as folder:
        kept = pack_folder(cache_folder(), EXAMPLE, read_header(folder / MODEL)["sha256"])
        try:
            if not kept.exists():
                install(EXAMPLE, folder, MODEL, kept, EXAMPLE)
        except OSError as error:
            raise ConfigError(
                f"The example cannot be copied into {kept.parent} ({error}): set $GANACHE_CACHE to a folder of yours."
            ) from None
    return kept / EXAMPLE
