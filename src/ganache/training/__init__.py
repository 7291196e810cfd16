"""The training loop, and settings turned into the objects that it needs: networks, optimisers, batches, device.

Nothing here writes a file: `runs` records what the loop yields.
"""
