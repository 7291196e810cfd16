"""The ground floor: images as arrays, files that are written whole, strict JSON, and latents turned into images.

Building blocks on which all folders stand. They know no run and no data set.
"""
