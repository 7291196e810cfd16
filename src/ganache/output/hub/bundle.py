"""The folders that become repositories of the hub: a model with its card, and a static Space with its page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ganache.core import storage
from ganache.core.checkpoint_file import read_header
from ganache.core.rendering import render
from ganache.figures import picture
from ganache.functional import latents
from ganache.output.export import to_html, to_onnx
from ganache.output.hub.card import FILES, Shared, card, space_card
from ganache.output.hub.model_file import write_shared
from ganache.output.report.summary import summarize_runs
from ganache.runs.file_names import MAX_JSON, NAMES
from ganache.runs.folder import at_step, find_checkpoint, read_names, require_run
from ganache.runs.models import load_model

SAMPLES, SAMPLE_POINTS = 64, 1_000


def write_model(
    run: str, folder: Path, repository: str, licence: str, *, about: str = "", space: str = "", critic: bool = True
) -> Shared:
    """Write the files of a model's repository, and return what the card was written from.

    Pictures, ONNX file and card are those of the weights in the file that is shared. Args as in `Shared`; `run` is RUN
    or RUN@STEP. Raises CheckpointError if it has no checkpoint, ExportError if ONNX would make other pictures, and
    MissingExtra without the extra `export`.
    """
    source, which = at_step(run)
    checkpoint = find_checkpoint(source, which)
    require_run(source)
    file = folder / "model.safetensors"
    write_shared(checkpoint, file, critic)
    header = read_header(file)
    model, _ = load_model(file, repository.partition("/")[2])
    (summary,) = summarize_runs([checkpoint])
    step = header["step"]
    summary = replace(
        summary,
        log=[line for line in summary.log if line["step"] <= step],
        evaluations=[each for each in summary.evaluations if each.protocol.step == step],
    )
    shared = Shared(summary, header, model, repository, licence, about, space, critic)
    samples = latents.samples(model.prior, SAMPLES if shared.size else SAMPLE_POINTS)
    storage.write_image(picture(render(model.generator, samples), real=model.real), folder / "samples.png")
    if shared.size:
        storage.write_bytes(folder / "model.onnx", to_onnx(model))
    if read_names(source):
        storage.write_bytes(folder / NAMES, storage.read_bytes(source / NAMES, MAX_JSON))
    sizes = {name: (folder / name).stat().st_size for name in FILES if (folder / name).exists()}
    storage.write_text(folder / "README.md", card(shared, sizes))
    return shared


def write_space(shared: Shared, folder: Path, progress: bool = False) -> None:
    """Write the files of a static Space: the page with the generator inside, and the settings of the Space.

    Raises ConfigError for a generator of points, which the page does not show.
    """
    names = read_names(shared.run.folder)
    page = to_html(shared.model, shared.name, names, progress)
    storage.write_bytes(folder / "index.html", page.encode())
    storage.write_text(folder / "README.md", space_card(shared))
