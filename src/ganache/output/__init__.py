"""Results of runs: comparisons, reports, and exported generators.

Nothing here changes a run. Everything here reads the run folder, and writes where the user says.
"""
