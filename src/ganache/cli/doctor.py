"""`ganache doctor`: inspect every image of a data set before training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from tyro.conf import Positional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ganache.config.sections import DataConfig
    from ganache.data import Dataset


def doctor(
    data: Positional[str],
    size: str | None = None,
    channels: Annotated[int | None, tyro.conf.arg(name="data.channels")] = None,
    fit: Literal["crop", "pad", "stretch"] = "crop",
    value_range: Annotated[tuple[float, float] | None, tyro.conf.arg(name="data.range")] = None,
    background: Annotated[str, tyro.conf.arg(name="data.background", metavar="NAME")] = "white",
    labels: Annotated[Literal["auto", "folders", "none"], tyro.conf.arg(name="data.labels")] = "auto",
    recipe: str | None = None,
    quick: bool = False,
    json: bool = False,
) -> None:
    """Inspect every picture before training: which are usable, which are skipped and why, duplicates, and more.

    Args:
        data: A folder, a zip or tar, a file of images (IDX, .npy, .npz, .csv, Parquet) or a name, as for `train`.
        size: Size of the pictures in pixels: one side (64) or height x width (48x64); by default their own.
        channels: 1 for grey, 3 for colour, 4 for colour with transparency; by default 1 if all are grey, else 3.
        fit: How a picture with another aspect ratio is fitted: crop cuts off its borders, pad adds borders, stretch
            distorts it.
        value_range: The stored values that become black and white, such as 0 4095; by default found from all pictures.
        background: What shows through transparent pictures: white, black, a colour as #rrggbb, checker, or ignore.
        labels: Which folders are classes: auto decides by their names, folders takes the first level with several, none
            ignores all labels.
        recipe: The recipe whose duration and memory are estimated; by default the one that `train` takes.
        quick: Leave out what takes longer: whether mirroring suits the pictures, how many are independent, and how long
            training takes.
        json: Print JSON.
    """
    from dataclasses import replace

    from ganache.config.sections import DataConfig
    from ganache.data import load
    from ganache.data.diagnosis import NoPictureError
    from ganache.data.doctor import diagnosis_of

    config = DataConfig(data, size, channels, fit, value_range, background, labels)
    try:
        dataset = load(
            data,
            size=config.height_width(),
            channels=channels,
            fit=fit,
            value_range=value_range,
            background=background,
            labels=labels,
            progress=not json,
        )
    except NoPictureError as error:
        print(error.diagnosis.to_json() if json else error.diagnosis.describe())
        raise
    diagnosis = diagnosis_of(dataset)
    if not json:
        print(diagnosis.describe())
    found = [] if quick else [*looked_at(dataset, progress=not json), *expected(dataset, config, recipe)]
    if json:
        remarks = (*diagnosis.remarks, *(sentence for _, sentence in found))
        print(replace(diagnosis, remarks=remarks).to_json())
    for title, sentence in () if json else found:
        print(f"  {title:<11} {sentence}")


def looked_at(data: Dataset, progress: bool) -> Iterator[tuple[str, str]]:
    """Yield (title, sentence) of what a network sees in the pictures."""
    from ganache.evaluation.independent import count_independent
    from ganache.evaluation.mirror import describe_mirror, mirror_auc

    if mirrored := describe_mirror(mirror_auc(data)):
        yield "mirroring", mirrored
    if independent := count_independent(data, progress=progress):
        yield "independent", independent.describe()


def expected(data: Dataset, asked: DataConfig, recipe: str | None) -> Iterator[tuple[str, str]]:
    """Yield (title, sentence) of how long a run of the recipe takes on this machine, and of its memory."""
    from dataclasses import replace

    from ganache.cli.expected import cost_or_reason, expected_lines
    from ganache.cli.train import default_recipe
    from ganache.config.config import from_recipe
    from ganache.training.build import resolve

    name = recipe or default_recipe([asked.source])
    config = from_recipe(name)
    settings = replace(config.data, source=asked.source, size=asked.size or config.data.size)
    size, channels = settings.height_width(), settings.channels or data.image_shape[0]
    shape = data.image_shape if size is None else (channels, *size)
    resolved = resolve(replace(config, data=settings))
    for title, sentence in expected_lines(resolved, shape, data, cost_or_reason(resolved, shape)):
        yield title, f"with the recipe {name}, {sentence}"
