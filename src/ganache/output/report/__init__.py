"""The report on one run or several: one HTML page that opens from disk, without a network.

    write_report(["runs/one", "runs/two"], "report.html")

`summary` reads a run's folder, the other modules compute what the sections show, and `templates/` holds the sections.
"""

from ganache.output.report.page import write_report

__all__ = ["write_report"]
