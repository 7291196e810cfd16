"""`ganache explore` and `ganache watch`: show runs in a browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from ganache.cli.lab import Averaged, Runs
from ganache.errors import ConfigError

Host = Annotated[
    str,
    arg(
        help="The address to listen on; 127.0.0.1 serves this machine only. The page opens only with the token in "
        "the printed URL."
    ),
]
Port = Annotated[int, arg(help="The port to listen on; 0 chooses a free one.")]
Language = Annotated[Literal["en", "zh"], arg(help="The language of the page: English or Chinese.")]
Browser = Annotated[bool, arg(help="Open the page in a browser, if there is one.")]


def explore(
    runs: Runs,
    data: str = "",
    average: Averaged = True,
    lang: Language = "en",
    host: Host = "127.0.0.1",
    port: Port = 0,
    browser: Browser = True,
) -> None:
    """Explore trained generators in a browser: sliders, samples, directions, mixtures.

    Args:
        data: The real pictures, in which the page searches for those nearest to a sample; by default the data of the
            run.
    """
    if not runs:
        raise ConfigError("No run was named: write  ganache explore RUN")
    from ganache.playground import Library, serve

    library = Library(runs, average, data)
    serve(library, host, port, browser, live=False, say=printer("The playground"), language=lang)


def watch(
    runs: Positional[tuple[str, ...]],
    lang: Language = "en",
    host: Host = "127.0.0.1",
    port: Port = 0,
    browser: Browser = True,
) -> None:
    """Watch runs in a browser while they train: curves, samples, findings, and the playground on the newest checkpoint.

    Everything is read from the runs' folders, at the lowest priority, so that the training is not slowed down.

    Args:
        runs: The runs' folders.
    """
    if not runs:
        raise ConfigError("No run was named: write  ganache watch RUN")
    from ganache.runs.folder import at_step, require_run

    folders = [at_step(run)[0] for run in runs]
    for folder in folders:
        require_run(folder)
    import torch

    from ganache.playground import Library, serve

    if hasattr(os, "nice"):
        os.nice(19)
    torch.set_num_threads(1)
    library = Library([str(folder) for folder in folders], live=True)
    serve(library, host, port, browser, live=True, say=printer(f"The page of {', '.join(runs)}"), language=lang)


def printer(what: str) -> Callable[[str], None]:
    """Return a function that prints the page's address."""
    return lambda address: print(f"{what}: {address}\nCtrl-C ends it.", flush=True)
