"""The card of a shared model: Markdown with the hub's metadata, written from what the run has recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ganache.core.rendering import Model
from ganache.core.text import file_size, in_one_line
from ganache.data.readers.hub import PREFIX, REPOSITORIES
from ganache.evaluation.evaluation import Evaluation
from ganache.figures.page import duration
from ganache.output.report.findings import collect_findings
from ganache.output.report.scores import find_score, scores_of
from ganache.output.report.settings import compare_settings
from ganache.output.report.summary import RunSummary
from ganache.runs.diagnose.finding import percent
from ganache.runs.folder import read_config
from ganache.runs.named import public_name

ELSEWHERE = ("data.source", "start.source", "schedule.steps", "schedule.minutes", "schedule.images")
"""Settings that the card has elsewhere; the first two hold paths."""
SPECIAL = re.compile(r"([\\`*_\[\]<>#|~$&])")
"""Characters that mean something in Markdown or HTML, inside a line."""
FILES = {
    "model.safetensors": "the weights, with all settings in the header",
    "model.onnx": "the generator for any program that runs ONNX: `z` to `x` in [-1, 1]",
    "samples.png": "the picture above",
    "names.json": "directions and latents that have a name",
}


@dataclass(frozen=True)
class Shared:
    """What is shared of a run: one checkpoint of it, under a name and a licence."""

    run: RunSummary
    header: Mapping[str, Any]
    """The header of the checkpoint."""
    model: Model
    repository: str
    """owner/name."""
    licence: str
    about: str = ""
    """What the user says about the pictures."""
    space: str = ""
    """owner/name of the Space with the page, if there is one."""
    critic: bool = True
    """Whether the file has what training needs."""

    @property
    def name(self) -> str:
        """The name of the repository without its owner."""
        return self.repository.partition("/")[2]

    @property
    def size(self) -> str:
        """Width x height in pixels; empty for points."""
        return "x".join(map(str, self.header["image_shape"][:0:-1]))

    @property
    def made(self) -> str:
        """What the generator makes."""
        return "pictures" if self.size else "points"


def markdown(text: Any) -> Any:
    r"""Return a text in one line in which no character means anything to Markdown; `Markup` as it is.

    >>> markdown("a|b\n<i>"), str(markdown(Markup("**a**")))
    ('a\\|b\\\\n\\<i\\>', '**a**')
    """
    return text if hasattr(text, "__html__") else SPECIAL.sub(r"\\\1", in_one_line(str(text)))


def code(text: str) -> Markup:
    """Return a name as code of Markdown, also inside a table."""
    return Markup("`{}`".format(in_one_line(text).replace("`", "'").replace("|", "/")))


def yaml(value: Any) -> Markup:
    """Return text, numbers and lists of them as JSON, which is YAML too."""
    return Markup(json.dumps(value, ensure_ascii=False))


def environment() -> Environment:
    """Return a Jinja environment for Markdown: what is put into a template means nothing to Markdown or HTML."""
    jinja = Environment(
        loader=PackageLoader("ganache.output.hub"),
        finalize=markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    jinja.filters |= {"code": code, "yaml": yaml, "thousands": "{:,}".format, "plain": Markup}
    return jinja


def card(shared: Shared, files: Mapping[str, int]) -> str:
    """Return the card of a model. `files`: the names of the files beside it, and their sizes in bytes."""
    run = shared.run
    (diagnosed,) = collect_findings([run])
    template = environment().get_template("card.md")
    return template.render(
        shared=shared,
        metadata=metadata(shared),
        weights=sum(weight.numel() for weight in shared.model.generator.parameters()),
        facts=facts(shared),
        changed=[(name, values[0]) for name, values in compare_settings([run]).chosen if name not in ELSEWHERE],
        tables=scores_of([run]).tables,
        in_words=in_words,
        diagnosed=diagnosed,
        files=[(name, FILES[name], file_size(size)) for name, size in files.items()],
    )


def space_card(shared: Shared) -> str:
    """Return the README of a Space, whose metadata are its settings."""
    return environment().get_template("space.md").render(shared=shared)


def metadata(shared: Shared) -> dict[str, Any]:
    """Return the metadata by which the hub finds and shows a model."""
    config = shared.run.config
    source, start = config["data"]["source"], config["start"]["source"]
    data = REPOSITORIES.get(source, source.removeprefix(PREFIX) if source.startswith(PREFIX) else "")
    found = {
        "license": shared.licence,
        "library_name": "ganache",
        "tags": list(dict.fromkeys(["ganache", "gan", config["network"]["name"], config["method"]["name"]])),
        "pipeline_tag": "unconditional-image-generation" if shared.size else "",
        "datasets": [data] if data else [],
        "base_model": start.removeprefix(PREFIX).partition("@")[0] if start.startswith(PREFIX) else "",
    }
    return {name: value for name, value in found.items() if value}


def in_words(evaluation: Evaluation) -> str:
    """Return what precision and recall mean, in a sentence; the names of the features if these were left out."""
    judge = f"{evaluation.protocol.features} features"
    precision, recall = (find_score(evaluation, name) for name in ("precision", "recall"))
    if precision is None or recall is None:
        return f"Scores by {judge}:"
    return (
        f"To {judge}, {percent(precision.value)} of what it makes looks real, and {percent(recall.value)} of what is "
        "real looks like something that it makes."
    )


def facts(shared: Shared) -> list[tuple[str, Any]]:
    """Return what a reader wants to know of a training, as (name, value); what the run has not recorded is left out."""
    run, header, config = shared.run, shared.header, shared.run.config
    probes = [line["probe"] for line in run.lines if "probe" in line]
    count = f", {probes[-1]['data_size']:,} {shared.made}" if probes else ""
    batch, start = config["schedule"]["batch"], config["start"]["source"]
    known = read_config(run.folder) or {}
    return [
        ("data", Markup("{}{}").format(code(public_name(config["data"]["source"])), count)),
        *([("classes", config["data"]["classes"])] if config["data"]["classes"] else []),
        *([("recipe", code(public_name(config["recipe"])))] if config["recipe"] else []),
        ("networks and loss", Markup("{}, {}").format(code(config["network"]["name"]), code(config["method"]["name"]))),
        *([("started from", code(public_name(start)))] if start else []),
        ("steps", f"{header['step']:,} of {batch} {shared.made}: {header['batch_index'] * batch:,} shown"),
        ("time", duration(header["seconds"])),
        *([("machine", known["machine"])] if known.get("machine") else []),
    ]
