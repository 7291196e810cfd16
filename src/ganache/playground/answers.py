"""The answers to a page's messages: one function per message, (message, library) -> (header, image files).

Each runs in a thread, one message at a time per thread; pages share nothing but the library. A GanacheError is a
refusal: the page shows its sentence.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from ganache.core.rendering import Model, render
from ganache.data import Dataset
from ganache.data.decoding import decode_picture
from ganache.errors import ConfigError, GanacheError
from ganache.functional import latents
from ganache.lab.experiment import Experiment
from ganache.lab.experiments import Directions, Invert, Picture
from ganache.lab.figure import Figure
from ganache.lab.inversion import psnr
from ganache.lab.latent_source import LatentSource
from ganache.lab.points import Kept, check_name
from ganache.lab.serialisation import command, from_dict, to_dict
from ganache.lab.show import show as show_request
from ganache.lab.styles import Space, in_styles, is_style
from ganache.playground import encoding, painting, wire
from ganache.playground.library import Library
from ganache.playground.limits import MAX_EXAMPLES, check_cost, check_parts
from ganache.playground.live import samples_of_step
from ganache.runs.data import ranges_of_data

Answer = tuple[dict[str, Any], list[bytes]]
DIGITS = 5
"""Digits of a latent's numbers after the point: rounding to them changes no pixel by more than its own rounding."""


def show(message: wire.Show, library: Library) -> Answer:
    """Return the figure of a request; for the large picture, one image per model."""
    if message.slot == "picture":
        return large_picture(message, library)
    request, models = resolve(message.request, message.models, library)
    figure = show_request(request, models, real_data(request, message.models, library))
    return encoding.encode_figure(figure, models, thumbnails=message.slot != "view")


def large_picture(message: wire.Show, library: Library) -> Answer:
    """Return the image of one latent by each model; for a model that cannot make it, the reason.

    A model that lacks a dimension, direction or class shows the latent without it, and what it lacks.
    """
    request, models = resolve(message.request, message.models, library)
    if not isinstance(request, Picture) or len(request.points) != 1:
        raise ConfigError("The large picture shows one latent: send a request 'picture' with one point.")
    shown: list[dict[str, Any]] = []
    blobs: list[bytes] = []
    numbers: list[float] = []
    for model in models:
        try:
            fitted, lacks = request.fitting(model) if model is not models[0] else (request, ())
            seen = fitted.view(model)
            z = fitted.latents(seen)
            large = painting.pictures(seen, z, painting.LARGE)
            shown.append(encoding.add_sheet({"heading": model.name, "lacks": list(lacks)}, large, blobs))
            numbers = rounded(z) if model is models[0] else numbers
        except GanacheError as error:
            shown.append({"heading": model.name, "error": str(error)})
    reply: dict[str, Any] = {"shown": shown, "z": numbers}
    if message.base and numbers:
        unchanged = request.unchanged()
        reply["base"] = rounded(unchanged.latents(unchanged.view(models[0])))
    return reply, blobs


def tell(message: wire.Tell, library: Library) -> Answer:
    """Return the request as `ganache render` reads it, and the command that makes its figure."""
    request = from_dict(message.request)
    models = library.models(message.models)
    if request.needs != "given images":
        check_cost(request, models)
    resolved = library.resolved(request, message.models[0])
    words = command(request, library.on_command_line(able(resolved, message.models, models)))
    words += [] if library.average else ["--no-average"]
    if request.needs == "real images" and library.data:
        words += ["--data", library.data]
    return {"request": to_dict(resolved), "command": shlex.join(words)}, []


def able(request: Experiment, selected: Sequence[wire.Which], models: Sequence[Model]) -> list[wire.Which]:
    """Return the first model, and the others that lack nothing of the request: a command refuses the rest."""
    if not isinstance(request, Picture):
        return list(selected)
    lacks = [request.fitting(model)[1] if model is not models[0] else () for model in models]
    return [which for which, missing in zip(selected, lacks, strict=True) if not missing]


def mix(message: wire.Mix, library: Library) -> Answer:
    """Return the images and numbers of two latents and of their sum, difference, product and interpolation."""
    model = library.loaded(message.model).model
    space = space_of(model)
    asked = Picture((message.a, message.b), mean=message.mean, std=message.std, classes=message.classes, space=space)
    check_cost(asked, [model])
    model = asked.view(model)
    both: Any = library.resolved(asked, message.model)
    a, b = both.latents(model).split(1)
    t = min(1.0, max(0.0, message.t)) if message.t == message.t else 0.5
    z = torch.cat(
        [
            a,
            b,
            latents.on_noise(model.prior, latents.add, a, b),
            latents.on_noise(model.prior, latents.abs_difference, a, b),
            latents.on_noise(model.prior, latents.product, a, b),
            latents.blend_latents(model.prior, latents.slerp if space == "z" else latents.lerp)(a, b, t),
        ]
    )
    blobs: list[bytes] = []
    header = encoding.add_sheet({}, painting.pictures(model, z), blobs)
    return {**header, "latents": [rounded(row[None]) for row in z]}, blobs


def own(message: wire.Own, library: Library) -> Answer:
    """Return the names of the directions that SeFa or PCA finds in the generator, and their captions."""
    _, captions = library.generator_directions(message.model, message.how)
    names = [f"{message.how}{k}" for k in range(1, len(captions) + 1)]
    return {"how": message.how, "names": names, "words": captions}, []


def learn(message: wire.Learn, library: Library) -> Answer:
    """Find the direction from examples without a feature to examples with it, and keep it in the run."""
    for examples in (message.having, message.lacking):
        if not 1 <= len(examples) <= MAX_EXAMPLES:
            raise ConfigError(f"{len(examples)} examples are given on one side: give 1 to {MAX_EXAMPLES} on each.")
    check_name(message.name)
    request = Directions(
        "examples",
        having=message.having,
        lacking=message.lacking,
        mean=message.mean,
        std=message.std,
        space=space_of(library.loaded(message.model).model),
    )
    check_parts(request)
    resolved = library.resolved(request, message.model)
    shown = show_request(resolved, [library.loaded(message.model).model])
    assert isinstance(shown, Figure)
    (vector,) = shown.latents
    library.keep(message.model.run, Kept(message.name, vector=vector))
    words = command(request, library.on_command_line([message.model]))
    return {
        "names": library.kept_names(message.model.run),
        "kept": message.name,
        "check": shown.remark,
        "command": shlex.join([*words, "--keep", message.name]),
    }, []


def keep(message: wire.Keep, library: Library) -> Answer:
    """Keep a latent in the run under a name."""
    check_name(message.name)
    model = library.loaded(wire.Which(message.run)).model
    own = in_styles(model) if is_style(message.kept, model) else model
    LatentSource(own.prior).from_part(message.kept)  # raises if it belongs to another run
    library.keep(message.run, replace(message.kept, name=message.name))
    return {"names": library.kept_names(message.run), "kept": message.name}, []


def forget(message: wire.Forget, library: Library) -> Answer:
    """Remove a name from the run."""
    library.forget(message.run, message.name)
    return {"names": library.kept_names(message.run)}, []


def save(message: wire.Save, library: Library) -> Answer:
    """Return the file that the request's command would write; with `plain`, the images without captions."""
    request, models = resolve(message.request, message.models, library)
    if message.plain and isinstance(request, Picture):
        fitted = [request.fitting(model)[0] for model in models]
        seen = [each.view(model) for each, model in zip(fitted, models, strict=True)]
        latent = [each.latents(model) for each, model in zip(fitted, seen, strict=True)]
        generated = [painting.pictures(model, z, painting.LARGE) for model, z in zip(seen, latent, strict=True)]
        if len({each.shape for each in generated}) > 1:
            raise ConfigError("The models' pictures differ in size: save them with captions, or one at a time.")
        return {"type": "png"}, [encoding.encode(np.concatenate([each[0] for each in generated], axis=1), "PNG")]
    if f".{message.kind}" not in request.suffixes:
        known = ", ".join(suffix.removeprefix(".") for suffix in request.suffixes)
        raise ConfigError(f"This experiment cannot be saved as {message.kind}: save it as one of {known}.")
    shown = show_request(request, models, real_data(request, message.models, library))
    return {"type": message.kind}, [encoding.encode_file(shown, message.kind)]


def invert(message: wire.Invert, upload: bytes, library: Library) -> Answer:
    """Return the latent that reproduces an uploaded picture best: its numbers, both images, and their PSNR in dB."""
    loaded = library.loaded(message.model)
    shape = loaded.model.generator.image_shape
    if len(shape) != 3:
        raise ConfigError("This run makes points in the plane, and no picture is one of them: drop nothing here.")
    data = loaded.config.data
    given = decode_picture(
        upload,
        (shape[1], shape[2]),
        shape[0],
        data.fit,
        "The dropped file",
        data.range,
        data.background,
        partial(ranges_of_data, library.path(message.model)),
    ).pixels[None]
    search = Invert(space="w+" if loaded.model.generator.style_layers else "z")
    z = search.latents(loaded.model, given)
    reproduced = render(search.made_by(loaded.model).generator, z)
    blobs: list[bytes] = []
    header = encoding.add_sheet({}, np.concatenate([given, reproduced]), blobs)
    return {**header, "latent": rounded(z), "psnr": round(min(99.0, psnr(given, reproduced)[0]), 1)}, blobs


def space_of(model: Model) -> Space:
    """Return the space that the page works in: W for a style-based generator."""
    return "w" if model.generator.style_layers else "z"


def sampled(message: wire.Sampled, library: Library) -> Answer:
    """Return the samples that a run wrote at a step."""
    return {"step": message.step}, [samples_of_step(library.folder(message.run), message.step)]


def resolve(
    plain: Mapping[str, Any], selected: Sequence[wire.Which], library: Library
) -> tuple[Experiment, list[Model]]:
    """Return the request with its names resolved, and the models. Raises ConfigError if the request costs too much."""
    request = from_dict(plain)
    models = library.models(selected)
    check_cost(request, models)
    return library.resolved(request, selected[0]), models


def real_data(request: Experiment, selected: Sequence[wire.Which], library: Library) -> Dataset | None:
    """Return the first model's data, if the request needs them."""
    return library.real_data(selected[0]) if request.needs == "real images" else None


def rounded(z: torch.Tensor) -> list[float]:
    """Return the numbers of one latent [1, z_dim]."""
    return [round(number, DIGITS) for number in z[0].tolist()]


ANSWERS: dict[type[wire.Message], Callable[[Any, Library], Answer]] = {
    wire.Show: show,
    wire.Tell: tell,
    wire.Mix: mix,
    wire.Own: own,
    wire.Learn: learn,
    wire.Keep: keep,
    wire.Forget: forget,
    wire.Save: save,
    wire.Sampled: sampled,
}
