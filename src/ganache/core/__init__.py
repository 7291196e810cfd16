"""The ground that everything stands on: images as arrays, files that are written whole, strict JSON, latents into images.

Pure building blocks that know no setting, no run and no data set. It imports `types` and `errors` alone; every folder
may import it.
"""
