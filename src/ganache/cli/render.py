"""What the commands of experiments share: runs and a request give a figure, with the request in a file next to it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from ganache.cli.outputs import MAX_REQUEST, check_output, check_request_file, is_same_file
from ganache.cli.text import command
from ganache.errors import ConfigError
from ganache.lab.experiment import BULK, Experiment
from ganache.lab.points import Kept, check_name
from ganache.lab.serialisation import from_json, points_of, resolve_names, to_dict

if TYPE_CHECKING:
    from ganache.config.config import Config
    from ganache.core.images import Pictures
    from ganache.core.rendering import Model
    from ganache.data import Dataset
    from ganache.lab.figure import Figure


def make_figure(
    request: Experiment,
    runs: Sequence[str],
    average: bool,
    out: str,
    plain: bool = False,
    keep: str = "",
    read_from: str = "",
) -> None:
    """Write the figure of a request, and the request as JSON next to it.

    Args:
        request: The experiment; names of latents are those of the first run.
        runs: RUN or RUN@STEP, one model each.
        average: Whether to use the averaged generators.
        out: The file to write.
        plain: Whether to write the images alone, without captions.
        keep: The name under which found latents are kept in the first run; "" to keep none.
        read_from: The file that the request was read from, if any: it stays as it is, and the data that it names are
            not downloaded.

    Raises:
        ConfigError: No run is given, the experiment cannot be written to `out`, or `out` or the request file next to it
            would replace another file.
    """
    if not runs:
        raise ConfigError("No run was named: give the folder that `ganache train` wrote.")
    inputs = (*getattr(request, "images", ()), getattr(request, "data", ""))
    check_output(out, request.suffixes, inputs)
    request_file = Path(out).with_suffix(".json")
    keeps_file = is_same_file(request_file, read_from)
    if not keeps_file:
        check_request_file(request_file, request)
    if keep:
        check_name(keep)
    bulk = Path(out).suffix.lower() in BULK
    if not bulk:
        request.check_picture()
    if (plain or bulk) and len(runs) > 1:
        raise ConfigError(f"{len(runs)} runs are given, and --plain, .npy and .zip hold images of one: give one.")
    from ganache.core.storage import write_json
    from ganache.runs.folder import at_step, read_names

    folder = at_step(runs[0])[0]
    if any(isinstance(part, str) for point in points_of(request) for part in point.parts):
        request = resolve_names(request, read_names(folder))
    models, config = load_models(runs, average)
    if bulk:
        write_bulk(request, models[0], config, Path(out))
    elif plain:
        write_plain(request, models[0], Path(out))
    else:
        images = needed_images(request, runs[0], config, models[0], download=not read_from)
        write_figure(request, models, images, Path(out), keep, folder)
    if not keeps_file:
        write_json(request_file, to_dict(request))
    again = command("render", *runs, request_file, *([] if average else ["--no-average"]))
    print(f"{out}: by {'; '.join(model.name for model in models)}. The same again:\n  {again}")


def write_figure(
    request: Experiment, models: Sequence[Model], images: Pictures | Dataset | None, out: Path, keep: str, folder: Path
) -> None:
    """Write the figure, of the `images` that it needs, with its captions; keep found latents in the run `folder`."""
    from ganache.figures import save_figure
    from ganache.lab.figure import Figure
    from ganache.lab.show import show

    shown = show(request, models, images, progress=True)
    save_figure(shown, out)
    if request.needs == "given images" and isinstance(shown, Figure):
        print_errors(request, shown)
    if isinstance(shown, Figure) and shown.remark:
        print(shown.remark)
    if keep and isinstance(shown, Figure):
        keep_latents(shown, folder, keep)


def write_plain(request: Experiment, model: Model, out: Path) -> None:
    """Write the images alone, in one grid without captions."""
    from ganache.core.rendering import render
    from ganache.figures import picture, save_figure

    model = request.view(model)
    save_figure(picture(render(model.generator, request.bulk_latents(model.prior)), real=model.real), out)


def write_bulk(request: Experiment, model: Model, config: Config, out: Path) -> None:
    """Write the images alone to a .npy or .zip, generated on the best device, in the precision of the training."""
    from dataclasses import replace

    from ganache.core.rendering import render_many
    from ganache.figures import save_many
    from ganache.training import build
    from ganache.training.device import keep_freed_memory

    model = request.view(model)
    z = request.bulk_latents(model.prior)
    keep_freed_memory()
    resolved = build.resolve(replace(config, device="auto"))
    parts = render_many(model.generator.to(resolved.device), z, resolved.precision, progress=True)
    save_many(parts, out, len(z), getattr(request, "seed", 0))


def print_errors(request: Experiment, shown: Figure) -> None:
    """Print, per image file, the errors above its column."""
    files: tuple[str, ...] = getattr(request, "images", ())
    labels = [part.column_labels for group in shown.groups for part in group if hasattr(part, "column_labels")]
    for file, *errors in zip(files, *labels, strict=True):
        print(f"{file}: {'; '.join(errors)}.")


def keep_latents(shown: Figure, folder: Path, name: str) -> None:
    """Keep the latents that a figure found in a run: as NAME, or as NAME1, NAME2, ... if there are several."""
    from ganache.runs.folder import keep_names

    names = [name] if len(shown.latents) == 1 else [f"{name}{k}" for k in range(1, len(shown.latents) + 1)]
    keep_names(folder, *(Kept(each, vector=vector) for each, vector in zip(names, shown.latents, strict=True)))
    print(f"Kept in {folder}: {', '.join(names)}.")


def load_models(runs: Sequence[str], average: bool) -> tuple[list[Model], Config]:
    """Return (the generators of RUN or RUN@STEP, named by folder and step; the settings of the first run)."""
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


def needed_images(
    request: Experiment, run: str, config: Config, model: Model, download: bool = True
) -> Pictures | Dataset | None:
    """Return the images that the request needs: its data or the run's, those of its files, or none.

    `download`: whether the user named the request's data, which may then be downloaded.
    """
    from ganache.runs.folder import at_step, find_checkpoint

    if request.needs == "real images":
        from ganache.runs.models import real_data

        checkpoint = find_checkpoint(*at_step(run))
        return real_data(checkpoint, getattr(request, "data", ""), progress=True, download=download)
    if request.needs == "given images":
        return read_files(getattr(request, "images", ()), config, model, find_checkpoint(*at_step(run)))
    return None


def read_files(files: Sequence[str], config: Config, model: Model, checkpoint: Path) -> Pictures | None:
    """Return the images in files, uint8 [N, H, W, C], converted to the generator's shape as the run's data were."""
    import numpy as np

    from ganache.data.decoding import read_picture
    from ganache.runs.data import ranges_of_data

    shape = model.generator.image_shape
    if len(shape) != 3:
        raise ConfigError(f"{model.name} makes points, and files hold pictures: give a run of pictures.")
    size, data = (shape[1], shape[2]), config.data
    of_set = cache(partial(ranges_of_data, checkpoint))
    read = [read_picture(file, size, shape[0], data.fit, data.range, data.background, of_set) for file in files]
    for file, picture in zip(files, read, strict=True):
        if picture.conversions:
            print(f"{file}: {', '.join(picture.conversions)}, as the run's data were.")
    return np.stack([picture.pixels for picture in read]) if read else None


def read_request(file: str) -> Experiment:
    """Read a request from a file. Raises ConfigError if the file is not a request."""
    from ganache.core.storage import read_text

    try:
        return from_json(read_text(Path(file), MAX_REQUEST, follow=True))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read as a request ({error}): give the .json next to a figure.") from None
