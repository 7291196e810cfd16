"""`ganache report`: one page about one run or several."""

from __future__ import annotations

from typing import Annotated

from tyro.conf import Positional, arg

from ganache.errors import ConfigError


def report(
    runs: Positional[tuple[str, ...]],
    out: Annotated[str, arg(aliases=["-o"])] = "",
    data: str | None = None,
    neighbours: bool = True,
) -> None:
    """Write one page about a run, or about several side by side: findings, pictures, scores, curves, settings.

    The page is a single file that opens from disk in any browser, without a network. The runs may still be training.

    Args:
        runs: The runs' folders, or RUN@STEP. What is no run is passed over, so runs/* can be given.
        out: The file to write; by default report.html in the run's folder or, for several runs, in the current folder.
        data: The training pictures; by default the data of the runs.
        neighbours: Show the training pictures nearest to samples; this is the slowest part of the report.
    """
    if not runs:
        raise ConfigError("No run was named: write  ganache report RUN  or  ganache report RUN RUN ...")
    from pathlib import Path

    from ganache.cli.runs import only_runs
    from ganache.output.report import write_report
    from ganache.runs.folder import at_step

    runs = only_runs(runs)
    path = Path(out or (at_step(runs[0])[0] / "report.html" if len(runs) == 1 else "report.html"))
    write_report(runs, path, data, neighbours=neighbours, progress=True)
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB; open it in a browser.")
