"""Findings on the training data."""

from __future__ import annotations

from ganache.runs.diagnose.finding import Finding
from ganache.runs.diagnose.history import History

UNIFORM = 0.01
"""Variety between images, or contrast within an image, below which all have the same colour: two levels of 256."""

FEW_IMAGES = 200
"""Networks memorise sets smaller than this; even few-shot methods with augmentation start at 100 images."""


def data_problem(h: History) -> Finding | None:
    """The training images are all the same, have one colour each, or are very few."""
    if not h.probes:
        return None
    probe = h.probes[-1]
    variety, contrast = probe.data_variety, probe.data_contrast
    if variety is not None and variety < UNIFORM:
        sentence = "All training images are the same, so there is nothing to learn from them."
        evidence = (
            f"Two images differ by {variety:.2g} per pixel value on average, on a scale from -1 (black) to 1 (white)."
        )
    elif contrast is not None and contrast < UNIFORM:
        sentence = "Each training image has a single colour, so there are no shapes to learn."
        evidence = f"The brightness within an image varies by {contrast:.2g}, on a scale from 0 (black) to 1 (white)."
    elif probe.data_size < FEW_IMAGES and contrast is not None:
        return Finding(
            "data problem",
            "hint",
            f"The training set is very small: the networks can memorise its {probe.data_size} images.",
            f"Sets of fewer than {FEW_IMAGES} images are usually memorised.",
            "Add images, or augment them: --view.augment colour translation cutout, and --data.flip True.",
        )
    else:
        return None
    return Finding(
        "data problem", "alarm", sentence, evidence, "Open some of the files, and check the data with `ganache doctor`."
    )
