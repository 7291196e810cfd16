"""Opening the page in a browser, without its token on a command line.

Every account of a machine can list the arguments of all processes. So the browser is started with a file that only this
account may read, and this file leads to the page.
"""

from __future__ import annotations

import asyncio
import html
import os
import stat
import tempfile
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ganache.core import storage

PATIENCE = 60.0
"""Seconds after which the file is removed, although no page has come."""
PREFIX, NAME = "ganache-page-", "page.html"
"""Names of the folders begin with this; the name of the file."""

PAGE = """<!doctype html>
<meta charset="utf-8"><meta http-equiv="refresh" content="0;url={address}"><title>ganache</title>
<a href="{address}">Open the page</a>
"""


async def open_browser(address: str, came: Callable[[], bool]) -> None:
    """Open a page in a browser, if there is one, and remove the file that leads there when the page `came`."""
    loop = asyncio.get_running_loop()
    with leading_to(address) as file:
        if not await loop.run_in_executor(None, webbrowser.open, file.as_uri()):
            return
        end = loop.time() + PATIENCE
        while not came() and loop.time() < end:
            await asyncio.sleep(0.2)


@contextmanager
def leading_to(address: str) -> Iterator[Path]:
    """Create a page that leads to `address`, in a folder of its own that only this account may enter; remove both.

    The folder is in the home folder and not hidden, because browsers in a sandbox (snap, flatpak) read no others.
    """
    folder = private_folder()
    file = folder / NAME
    try:
        file.touch(mode=0o600, exist_ok=False)
        file.write_text(PAGE.format(address=html.escape(address)), encoding="utf-8")
        yield file
    finally:
        with suppress(OSError):
            file.unlink(missing_ok=True)
            folder.rmdir()


def private_folder() -> Path:
    """Create a new folder that only this account may enter, and remove those that killed processes left."""
    try:
        remove_old_folders(Path.home())
        return storage.create_temporary_folder(Path.home(), PREFIX)
    except (OSError, RuntimeError):  # there is no home folder, or it is read-only
        return Path(tempfile.mkdtemp(prefix=PREFIX))


def remove_old_folders(parent: Path) -> None:
    """Remove the folders of `private_folder` that no process can be using any more; others and links stay."""
    with os.scandir(parent) as entries:
        found = [Path(entry.path) for entry in entries if entry.name.startswith(PREFIX)]
    for folder in found:
        with suppress(OSError):
            status = folder.lstat()
            is_private = stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700
            if is_private and time.time() - status.st_mtime > 2 * PATIENCE and set(os.listdir(folder)) <= {NAME}:
                (folder / NAME).unlink(missing_ok=True)
                folder.rmdir()
