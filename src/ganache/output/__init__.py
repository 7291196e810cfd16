"""What leaves a run: a comparison of several, the report as one page, and models exported for other programs.

Nothing here changes a run. It imports `runs`, `lab` and `figures`; `claims`, `playground` and `cli` may import it.
"""
