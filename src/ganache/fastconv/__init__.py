"""Convolutions, transposed convolutions and batch norm that are fast on a CPU, with PyTorch's as the fallback.

README.md in this folder explains each form, when it is chosen and how to switch all of them off. It imports nothing of
ganache; only `networks` imports it, and `training` asks it what the processor can do.
"""
