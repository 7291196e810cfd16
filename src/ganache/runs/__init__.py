"""A run and its folder: checkpoints, log, resuming, probes during training, and the diagnosis in words.

While a run trains, only `run` writes into its folder. It imports `training`, `evaluation` and `figures`; `output`,
`claims`, `playground` and `cli` may import it.
"""
