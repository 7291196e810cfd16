"""`ganache explore` and `ganache watch`: runs in a browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from ganache.cli.lab import Averaged, Runs
from ganache.errors import ConfigError

Host = Annotated[str, arg(help="Where to listen; another than this machine's own asks for the address's token.")]
Port = Annotated[int, arg(help="Where to listen; 0 for a free one.")]
Browser = Annotated[bool, arg(help="Open the page in a browser, where there is one.")]


def explore(
    runs: Runs,
    data: str = "",
    average: Averaged = True,
    host: Host = "127.0.0.1",
    port: Port = 0,
    browser: Browser = True,
) -> None:
    """Play with trained generators in a browser: sliders, samples, directions, mixtures.

    Args:
        data: Where the real pictures are, to find those nearest to a sample; by default where the run found them.
    """
    if not runs:
        raise ConfigError("No run was named: write  ganache explore RUN")
    from ganache.playground import Library, serve

    library = Library(runs, average, data)
    serve(library, host, port, browser, live=False, say=told("The playground"))


def watch(run: Positional[str], host: Host = "127.0.0.1", port: Port = 0, browser: Browser = True) -> None:
    """Look at a run while it trains, in a browser: curves, samples, findings, and the playground on what it can by now.

    Everything is read from the run's folder, at the lowest priority, so that the training loses nothing.

    Args:
        run: The run's folder.
    """
    from ganache.runs.folder import require_config

    require_config(Path(run))
    import torch

    from ganache.playground import Library, serve

    if hasattr(os, "nice"):
        os.nice(19)
    torch.set_num_threads(1)
    serve(Library([run], live=True), host, port, browser, live=True, say=told(f"What {run} does"))


def told(what: str) -> Callable[[str], None]:
    """A function that tells the address."""
    return lambda address: print(f"{what}: {address}\nCtrl-C ends it.", flush=True)
