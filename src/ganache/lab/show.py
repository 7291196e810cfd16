"""`show`: a request and models give a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ganache.core.images import Pictures
from ganache.core.rendering import Model
from ganache.core.wording import of_points
from ganache.data import Dataset
from ganache.errors import ConfigError
from ganache.lab.experiment import Experiment, Inputs
from ganache.lab.figure import Animation, Figure

MISSING = {
    "real images": "Real pictures are needed, and no data are given: name some with --data.",
    "given images": "No picture to reproduce is given: name one file or several.",
}
"""Errors, by `Experiment.needs`."""


def show(
    request: Experiment, models: Sequence[Model], images: Pictures | Dataset | None = None, progress: bool = False
) -> Figure | Animation:
    """Return the figure of a request by each of the models, before it is drawn. It depends on the arguments alone.

    Args:
        request: The experiment; the names of latents must be resolved (`resolve_names`).
        models: One model or several.
        images: The images that `request.needs`: all images of the training data, or the images to reproduce; uint8
            [N, H, W, C], or points float32 [N, 2]. Features of the images of a Dataset are kept in the cache.
        progress: Whether experiments that take long show a progress bar on a terminal.

    Raises:
        ConfigError: The images are missing, or a model cannot make the figure: it has no such class or dimension, or a
            vector has another length than its latents.
    """
    if request.needs != "nothing" and (images is None or not len(images)):
        raise ConfigError(MISSING[request.needs])
    models = [request.view(model) for model in models]
    inputs = Inputs(images.images, progress, data=images) if isinstance(images, Dataset) else Inputs(images, progress)
    shown = request.figure_of_models(models, inputs)
    real = next((model.real for model in models if model.real is not None), None)
    if all(len(model.generator.image_shape) == 1 for model in models):
        shown = replace(shown, title=of_points(shown.title))
    return shown if real is None else replace(shown, real=real)
