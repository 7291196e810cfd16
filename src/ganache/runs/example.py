"""The trained generator that comes with the package, as a run in ganache's cache, where latents can be named."""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

from ganache.core.checkpoint_file import read_header
from ganache.data.pack import cache_folder, pack_folder
from ganache.errors import ConfigError
from ganache.runs.hub import install
from ganache.runs.named import EXAMPLE

MODEL = "model.safetensors"


@cache
def example_run() -> Path:
    """Return the folder of the run with the example. Raises ConfigError if the cache cannot be written."""
    with as_file(files("ganache") / "example") as folder:
        kept = pack_folder(cache_folder(), EXAMPLE, read_header((folder / MODEL).resolve())["sha256"])
        try:
            if not kept.exists():
                install(EXAMPLE, folder, MODEL, kept, EXAMPLE)
        except OSError as error:
            raise ConfigError(
                f"The example cannot be copied into {kept.parent} ({error}): set $GANACHE_CACHE to a folder of yours."
            ) from None
    return kept / EXAMPLE
