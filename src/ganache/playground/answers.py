"""One function a kind of message: (message, library) -> what the page is told, and the bytes of pictures.

They are called in threads of their own, one message at a time in each; none touches another page's things. What a
page must not ask for is refused by a GanacheError.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ganache.core.rendering import Model, render
from ganache.data.decoding import decode_picture
from ganache.errors import ConfigError, GanacheError
from ganache.functional import latents
from ganache.lab import explore
from ganache.lab.explore import inverting
from ganache.lab.explore.locating import Place
from ganache.lab.explore.picturing import latents_of
from ganache.lab.requests import (
    Directions,
    Invert,
    Kept,
    Neighbours,
    Picture,
    RealVsFake,
    Request,
    Walk,
    command,
    from_dict,
    refuse_bad_name,
    to_dict,
)
from ganache.playground import painting, wire
from ganache.playground.library import Library
from ganache.playground.limits import MOST_EXAMPLES, refuse_many_parts, refuse_too_much

Answer = tuple[dict[str, Any], list[bytes]]
DIGITS = 5
"""Of a latent's numbers after the point: what they are short of changes no pixel by more than its rounding."""


def show(message: wire.Show, library: Library) -> Answer:
    """The request's pictures: of a slider's request one by each model, of others an exhibit."""
    if message.slot == "picture":
        return pictures(message, library)
    request, models = asked(message.request, message.models, library)
    real = library.real(message.models[0]) if isinstance(request, (Neighbours, RealVsFake)) else None
    return painting.told(explore.show(request, models, real))


def pictures(message: wire.Show, library: Library) -> Answer:
    """The picture of one latent by each model; a model that cannot make it says why in its place."""
    request, models = asked(message.request, message.models, library)
    if not isinstance(request, Picture) or len(request.points) != 1:
        raise ConfigError("The large picture is of one latent: ask for a picture of one point.")
    shown: list[dict[str, Any]] = []
    blobs: list[bytes] = []
    numbers: list[float] = []
    for model in models:
        try:
            z = latents_of(request, model)
            shown.append(painting.with_sheet({"heading": model.name}, render(model.generator, z), blobs))
            numbers = numbers or rounded(z)
        except GanacheError as error:
            shown.append({"heading": model.name, "error": str(error)})
    header: dict[str, Any] = {"shown": shown, "z": numbers}
    if message.base and numbers:
        unchanged = replace(request, dimensions=(), values=(), directions=(), steps=())
        header["base"] = rounded(latents_of(unchanged, models[0]))
    return header, blobs


def tell(message: wire.Tell, library: Library) -> Answer:
    """The request as `ganache render` reads it, and the command that makes its picture."""
    request = from_dict(message.request)
    models = library.models(message.models)
    if not isinstance(request, Invert):
        refuse_too_much(request, models)
    words = command(request, library.on_command_line(message.models))
    words += [] if library.average else ["--no-average"]
    if isinstance(request, (Neighbours, RealVsFake)) and library.data:
        words += ["--data", library.data]
    resolved = library.resolved(request, message.models[0])
    return {"request": to_dict(resolved), "command": shlex.join(words)}, []


def mix(message: wire.Mix, library: Library) -> Answer:
    """Two latents, their sum, difference, product and mixture: their pictures, and their numbers."""
    model = library.loaded(message.model).model
    asked = Picture((message.a, message.b), mean=message.mean, std=message.std, classes=message.classes)
    refuse_too_much(asked, [model])
    both: Any = library.resolved(asked, message.model)
    a, b = latents_of(both, model).split(1)  # type: ignore[no-untyped-call]
    t = min(1.0, max(0.0, message.t)) if message.t == message.t else 0.5
    z = torch.cat(
        [
            a,
            b,
            latents.on_noise(model.prior, latents.add, a, b),
            latents.on_noise(model.prior, latents.abs_difference, a, b),
            latents.on_noise(model.prior, latents.product, a, b),
            latents.blend_latents(model.prior, latents.slerp)(a, b, t),
        ]
    )
    blobs: list[bytes] = []
    header = painting.with_sheet({}, render(model.generator, z), blobs)
    return {**header, "latents": [rounded(row[None]) for row in z]}, blobs


def own(message: wire.Own, library: Library) -> Answer:
    """The names of the directions that a generator has by itself, and what is known of each."""
    _, words = library.own(message.model, message.how)
    return {"how": message.how, "names": [f"{message.how}{k}" for k in range(1, len(words) + 1)], "words": words}, []


def learn(message: wire.Learn, library: Library) -> Answer:
    """The direction from samples without a feature to those with it, kept in the run under a name."""
    for examples in (message.having, message.lacking):
        if not 1 <= len(examples) <= MOST_EXAMPLES:
            raise ConfigError(f"{len(examples)} examples are given on one side: give 1 to {MOST_EXAMPLES} on each.")
    refuse_bad_name(message.name)
    request = Directions("examples", having=message.having, lacking=message.lacking, mean=message.mean, std=message.std)
    refuse_many_parts(request)
    resolved = library.resolved(request, message.model)
    shown = explore.show(resolved, [library.loaded(message.model).model])
    (vector,) = shown.found  # type: ignore[union-attr]
    library.keep(message.model.run, Kept(message.name, vector=vector))
    words = command(request, library.on_command_line([message.model]))
    return {
        "names": library.told_names(message.model.run),
        "kept": message.name,
        "command": shlex.join([*words, "--keep", message.name]),
    }, []


def keep(message: wire.Keep, library: Library) -> Answer:
    """A latent, kept."""
    refuse_bad_name(message.name)
    model = library.loaded(wire.Which(message.run)).model
    Place(model.prior).of_part(message.kept)  # that it is one of this run
    library.keep(message.run, replace(message.kept, name=message.name))
    return {"names": library.told_names(message.run), "kept": message.name}, []


def forget(message: wire.Forget, library: Library) -> Answer:
    """A name, forgotten."""
    library.forget(message.run, message.name)
    return {"names": library.told_names(message.run)}, []


def save(message: wire.Save, library: Library) -> Answer:
    """The file that the request's command would write; plain, the pictures alone."""
    request, models = asked(message.request, message.models, library)
    if message.plain and isinstance(request, Picture):
        made = [render(model.generator, latents_of(request, model)) for model in models]
        sizes = {each.shape for each in made}
        if len(sizes) > 1:
            raise ConfigError("The models' pictures differ in size: save them with captions, or one at a time.")
        return {"type": "png"}, [painting.encoded(np.concatenate([each[0] for each in made], axis=1), "PNG")]
    if message.kind != "png" and not isinstance(request, Walk):
        raise ConfigError(f"Only a walk moves: save this as png, and not as {message.kind}.")
    real = library.real(message.models[0]) if isinstance(request, (Neighbours, RealVsFake)) else None
    return {"type": message.kind}, [painting.as_file(explore.show(request, models, real), message.kind)]


def invert(message: wire.Invert, upload: bytes, library: Library) -> Answer:
    """The latent that makes a picture: its numbers, and both pictures with their distance."""
    loaded = library.loaded(message.model)
    shape = loaded.model.generator.image_shape
    fit = loaded.config.data.fit
    given = decode_picture(upload, (shape[1], shape[2]), shape[0], fit, "The dropped file").pixels[None]
    z = inverting.invert(Invert(), loaded.model, given)
    made = render(loaded.model.generator, z)
    blobs: list[bytes] = []
    header = painting.with_sheet({}, np.concatenate([given, made]), blobs)
    return {**header, "latent": rounded(z), "psnr": round(min(99.0, inverting.psnr(given, made)[0]), 1)}, blobs


def asked(plain: Mapping[str, Any], several: Sequence[wire.Which], library: Library) -> tuple[Request, list[Model]]:
    """The request with its names resolved and the models, or a refusal."""
    request = from_dict(plain)
    models = library.models(several)
    refuse_too_much(request, models)
    return library.resolved(request, several[0]), models


def rounded(z: torch.Tensor) -> list[float]:
    """The numbers of one latent [1, z_dim]."""
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
}
