"""`ganache compare`: compare trained runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from ganache.errors import ConfigError


def compare(runs: Positional[tuple[str, ...]], out: Annotated[str, arg(aliases=["-o"])] = "compare.png") -> None:
    """Compare several runs: print a table, and write a figure of their pictures and estimates.

    Args:
        runs: The runs' folders. Runs that differ only in their seed share a row.
        out: The picture file to write.
    """
    if not runs:
        raise ConfigError("No run was named: write  ganache compare RUN RUN ...")
    refuse_unless_picture(out)
    from ganache.figures import comparison
    from ganache.output.compare import panels, rows, table

    compared = rows(runs)
    print(table(compared))
    comparison(panels(compared), Path(out))
    print(f"Figure: {out}")


STILL = (".png", ".webp", ".jpg", ".jpeg")


def refuse_unless_picture(out: str, kinds: tuple[str, ...] = STILL) -> None:
    """Raise ConfigError unless the file's name ends in one of `kinds`."""
    if Path(out).suffix.lower() not in kinds:
        endings = f"{', '.join(kinds[:-1])} or {kinds[-1]}"
        raise ConfigError(f"The picture to write is named '{out}': its name must end in {endings}.")
