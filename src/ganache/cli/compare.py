"""`ganache compare`: compare trained runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from ganache.cli.outputs import check_output
from ganache.errors import ConfigError


def compare(runs: Positional[tuple[str, ...]], out: Annotated[str, arg(aliases=["-o"])] = "compare.png") -> None:
    """Compare several runs: print a table, and write a figure of their pictures and estimates.

    Args:
        runs: The runs' folders, or RUN@STEP. Runs that differ only in their seed share a row. What is no run is passed
            over, so runs/* can be given.
        out: The picture file to write.
    """
    if not runs:
        raise ConfigError("No run was named: write  ganache compare RUN RUN ...")
    check_output(out)
    from ganache.cli.runs import only_runs
    from ganache.figures import comparison
    from ganache.output.compare import panels, rows, table

    compared = rows(only_runs(runs, with_checkpoint=True))
    print(table(compared))
    for run in (run for row in compared for run in row):
        if run.notice:
            print(f"ganache: {run.notice}", file=sys.stderr)
    comparison(panels(compared), Path(out))
    print(f"Figure: {out}")
