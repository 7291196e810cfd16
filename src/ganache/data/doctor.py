"""diagnose: what is in a source, and what of it cannot be used and why."""

from __future__ import annotations

from typing import Any

from ganache.data.arrays import diagnose_array
from ganache.data.diagnosis import Diagnosis
from ganache.data.sources import load


def diagnose(source: str, **settings: Any) -> Diagnosis:
    """The Diagnosis of a source; the settings are those of `load`, and so are the errors.

    Looking at a file and packing it is one piece of work, so this leaves a pack behind, and `load` with the same
    settings then starts at once; after `load`, this has nothing left to do.
    """
    dataset = load(source, **settings)
    if dataset.diagnosis is not None:
        return dataset.diagnosis
    return diagnose_array(dataset.name, dataset.images, dataset.labels, dataset.label_names)
