"""Names in the place of a run's folder: the example in the package, and models of the Hugging Face hub.

Such a model is kept as a run in ganache's cache (`example.py`, `hub.py`), so every command that takes a run takes one.
"""

from __future__ import annotations

import os
from pathlib import Path, PureWindowsPath

EXAMPLE = "example"
"""A trained generator of drawn faces. A folder of this name comes first."""
ON_HUB = "hf:"
"""The beginning of the name of a model of the hub, hf:owner/name[/file][@revision]."""


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
