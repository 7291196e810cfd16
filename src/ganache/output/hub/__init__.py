"""Sharing a trained model on the Hugging Face hub.

    write_model(run, folder, ...)    the files of a model's repository: weights, card, samples, ONNX
    write_space(run, folder, ...)    the files of a static Space: the page with the generator inside
    upload(folder, repository, ...)  a folder becomes a commit (extra: hub)

`runs.hub` downloads what this folder uploads.
"""

from ganache.output.hub.bundle import write_model, write_space
from ganache.output.hub.upload import log_in, upload

__all__ = ["log_in", "upload", "write_model", "write_space"]
