"""Data that are drawn from a seed: anime-like faces, and points in the plane."""
