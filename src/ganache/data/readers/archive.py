"""What archives have in common: names of entries that mean the same everywhere, and entries that are no pictures."""

from __future__ import annotations

import re

from ganache.data.readers.image_files import is_system_file

UNNAMED = "(without a name)"


def entry_name(stored: str) -> str | None:
    r"""Return the name of an entry, relative and with forward slashes; None for a folder or a file of the system.

    Nothing is ever written under this name, so a name that leads elsewhere only loses the part that does.

    >>> entry_name("set\\cats\\1.png"), entry_name("../C:/1.png"), entry_name("/"), entry_name("a/Thumbs.db")
    ('set/cats/1.png', '1.png', None, None)
    """
    slashed = stored.replace("\\", "/")
    if slashed.endswith("/"):
        return None
    parts = [part for part in slashed.split("/") if part not in ("", ".", "..") and not re.fullmatch("[A-Za-z]:", part)]
    if any(is_system_file(part) for part in parts):
        return None
    return "/".join(parts) or UNNAMED
