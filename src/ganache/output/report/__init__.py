"""Runs -> one page that tells all there is to tell of them, opened from disk, without a network.

    write_report(["runs/one", "runs/two"], "report.html")

`reading` says what lies in a folder, each other file makes a part of the page, and `report.js` draws what moves.
"""

from ganache.output.report.writing import write_report

__all__ = ["write_report"]
