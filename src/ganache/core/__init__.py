"""The ground floor: images as arrays, files that are written whole, strict JSON, and latents turned into images.

Pure building blocks that know no setting, no run and no data set. It imports `types` and `errors` alone; every folder
may import it.
"""
