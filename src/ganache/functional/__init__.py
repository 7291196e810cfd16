"""Pure functions of tensors: losses, penalties, augmentations, schedules, latent arithmetic, directions, divergences.

A function here reads no file, chooses no device and prints nothing; its docstring gives the paper and the equation.
"""
