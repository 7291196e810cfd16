"""Results of runs: comparisons, reports, and exported generators.

Nothing here changes a run. This folder imports `runs`, `lab` and `figures`; `claims`, `playground` and `cli` import it.
"""
