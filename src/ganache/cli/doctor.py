"""`ganache doctor`: inspect every image of a data set before training."""

from __future__ import annotations

from typing import Annotated, Literal

import tyro
from tyro.conf import Positional


def doctor(
    data: Positional[str],
    size: str | None = None,
    fit: Literal["crop", "pad", "stretch"] = "crop",
    value_range: Annotated[tuple[float, float] | None, tyro.conf.arg(name="data.range")] = None,
    background: Annotated[str, tyro.conf.arg(name="data.background", metavar="NAME")] = "white",
    labels: Annotated[Literal["auto", "folders", "none"], tyro.conf.arg(name="data.labels")] = "auto",
    json: bool = False,
) -> None:
    """Inspect every picture before training: which are usable, which are skipped and why, and duplicates.

    Args:
        data: A folder, a zip or tar, a file of images (IDX, .npy, .npz, .csv, Parquet) or a name, as for `train`.
        size: Size of the pictures in pixels: one side (64) or height x width (48x64); by default their own.
        fit: How a picture with another aspect ratio is fitted: crop cuts off its borders, pad adds borders, stretch
            distorts it.
        value_range: The stored values that become black and white, such as 0 4095; by default found from all pictures.
        background: What shows through transparent pictures: white, black, a colour as #rrggbb, checker, or ignore.
        labels: Which folders are classes: auto decides by their names, folders takes the first level with several, none
            ignores all labels.
        json: Print JSON.
    """
    from ganache.config.sections import DataConfig
    from ganache.data import diagnose
    from ganache.data.diagnosis import NoPictureError

    config = DataConfig(source=data, size=size, fit=fit, range=value_range, background=background, labels=labels)
    refused = None
    try:
        diagnosis = diagnose(
            data,
            size=config.height_width(),
            fit=fit,
            value_range=value_range,
            background=background,
            labels=labels,
            progress=not json,
        )
    except NoPictureError as error:
        refused, diagnosis = error, error.diagnosis
    print(diagnosis.to_json() if json else diagnosis.describe())
    if refused:
        raise refused
