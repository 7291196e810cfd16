"""What the lab's commands share: runs and a request -> a picture, and the request beside it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganache.cli.compare import STILL, refuse_unless_picture
from ganache.errors import ConfigError
from ganache.lab.requests import (
    Invert,
    Kept,
    Neighbours,
    RealVsFake,
    Request,
    Sample,
    Walk,
    from_json,
    refuse_bad_name,
    resolve_names,
    to_dict,
)

if TYPE_CHECKING:
    from ganache.config.config import Config
    from ganache.core.rendering import Model
    from ganache.lab.figure import Figure

MOVING = (".webp", ".gif", ".mp4", ".png")
MANY = (".npy", ".zip")
"""Files that hold pictures by the thousand, for other programs."""


def make(request: Request, runs: Sequence[str], average: bool, out: str, plain: bool = False, keep: str = "") -> None:
    """Make the picture of a request, and write the request beside it.

    `plain` leaves a sample's captions out; what is found is kept in the first run under `keep`.
    """
    if not runs:
        raise ConfigError("No run was named: give the folder that `ganache train` wrote.")
    kinds = {Walk: MOVING, Sample: STILL + MANY}
    refuse_unless_picture(out, kinds.get(type(request), STILL))
    beside = Path(out).with_suffix(".json")
    refuse_unless_request(beside)
    if keep:
        refuse_bad_name(keep)
    from ganache.core.rendering import render
    from ganache.core.storage import write_json
    from ganache.figures import picture, save_figure
    from ganache.lab.explore import show
    from ganache.lab.figure import Figure
    from ganache.runs.folder import at_step, read_names

    request = resolve_names(request, read_names(at_step(runs[0])[0]))
    models, config = load_models(runs, average)
    if isinstance(request, Sample) and is_many(out):
        make_many(request, models[0], config, Path(out))
    elif plain and isinstance(request, Sample):
        save_figure(picture(render(models[0].generator, request.latents(models[0].prior))), Path(out))
    else:
        real = real_pictures(request, config, models[0]) if isinstance(request, (RealVsFake, Neighbours)) else None
        if isinstance(request, Invert):
            real = given_pictures(request, config, models[0])
        shown = show(request, models, real, progress=True)
        save_figure(shown, Path(out))
        if isinstance(request, Invert) and isinstance(shown, Figure):
            tell_errors(request, shown)
        if keep and isinstance(shown, Figure):
            keep_found(shown, at_step(runs[0])[0], keep)
    write_json(beside, to_dict(request))
    again = shlex.join(["ganache", "render", *runs, str(beside), *([] if average else ["--no-average"])])
    print(f"{out}: by {'; '.join(model.name for model in models)}. The same again: {again}")


def is_many(out: str) -> bool:
    return Path(out).suffix.lower() in MANY


def make_many(request: Sample, model: Model, config: Config, out: Path) -> None:
    """Write the pictures themselves, made on the best device there is, in the arithmetic of the run's training."""
    from dataclasses import replace

    from ganache.core.rendering import render_many
    from ganache.figures import save_many
    from ganache.training import build
    from ganache.training.device import keep_freed_memory

    keep_freed_memory()
    resolved = build.resolve(replace(config, device="auto"))
    generator = model.generator.to(resolved.device)
    parts = render_many(generator, request.latents(model.prior), resolved.precision, progress=True)
    save_many(parts, out, request.n, request.seed)


def tell_errors(request: Invert, shown: Figure) -> None:
    """How near each picture was come to: what stands above it."""
    for file, *errors in zip(request.images, *(group[0].over for group in shown.groups), strict=True):  # type: ignore[union-attr]
        print(f"{file}: {'; '.join(errors)}.")


def keep_found(shown: Figure, folder: Path, name: str) -> None:
    """Name what was found, in the run's folder."""
    from ganache.runs.folder import read_names, write_names

    names = [name] if len(shown.found) == 1 else [f"{name}{k}" for k in range(1, len(shown.found) + 1)]
    kept = {each: Kept(each, vector=vector) for each, vector in zip(names, shown.found, strict=True)}
    write_names(folder, {**read_names(folder), **kept})
    print(f"Kept in {folder}: {', '.join(names)}.")


def load_models(runs: Sequence[str], average: bool) -> tuple[list[Model], Config]:
    """The generators of RUN or RUN@STEP, named by folder and step; and the first one's settings."""
    from ganache.runs.folder import at_step, find_checkpoint
    from ganache.runs.models import load_model

    folders = {Path(at_step(run)[0]).resolve() for run in runs}
    same_name = len({folder.name for folder in folders}) < len(folders)
    models, configs = [], []
    for run in runs:
        folder, which = at_step(run)
        name = str(folder) if same_name else folder.resolve().name
        model, config = load_model(find_checkpoint(folder, which), name, average)
        models.append(model)
        configs.append(config)
    return models, configs[0]


def real_pictures(request: RealVsFake | Neighbours, config: Config, model: Model) -> Any:
    """All pictures of the data that the request names, or of those a run was trained on."""
    from ganache.runs import models

    return models.real_pictures(config, model, request.data, progress=True)


def given_pictures(request: Invert, config: Config, model: Model) -> Any:
    """The pictures to make again, uint8 [N, H, W, C], brought to the generator's shape as the run's data were."""
    import numpy as np

    from ganache.data.decoding import read_picture

    shape = model.generator.image_shape
    if len(shape) != 3:
        raise ConfigError(f"{model.name} makes points, and files hold pictures: give a run of pictures.")
    read = [read_picture(file, (shape[1], shape[2]), shape[0], config.data.fit) for file in request.images]
    for file, picture in zip(request.images, read, strict=True):
        if picture.conversions:
            print(f"{file}: {', '.join(picture.conversions)}, as the run's data were.")
    return np.stack([picture.pixels for picture in read]) if read else None


def read_request(file: str) -> Request:
    """The request in a file. Raises ConfigError where there is none."""
    try:
        return from_json(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read as a request ({error}): give the .json beside a picture.") from None


def refuse_unless_request(file: Path) -> None:
    """Raise ConfigError where a request would be written over something else."""
    if not file.exists():
        return
    try:
        read_request(str(file))
    except ConfigError:
        raise ConfigError(
            f"{file} is there and is no request, and would be overwritten: name another picture."
        ) from None
