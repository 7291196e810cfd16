"""A run and its folder: the checkpoints, the log, resuming, the probes that watch it, and the diagnosis in words.

`run` is the only module that writes into a run while it trains. It imports `training`, `evaluation` and `figures`;
`output`, `claims`, `playground` and `cli` may import it.
"""
