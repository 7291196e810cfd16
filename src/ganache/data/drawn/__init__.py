"""Data sets that are drawn from a seed: anime-style faces, and 2-D toy distributions."""
