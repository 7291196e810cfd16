"""A run and its folder: checkpoints, log, resuming, probes during training, and the diagnosis in words.

While a run trains, only `run` writes into its folder. Others read it through
this folder.
"""
