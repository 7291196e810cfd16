"""One command per experiment, generated from EXPERIMENTS: its options are the fields of the experiment.

A command writes a figure and, next to it, the request that makes the same figure again (`ganache render`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields, replace
from inspect import Parameter
from typing import Annotated, Any, get_type_hints

from tyro.conf import Positional, arg

from ganache.cli.render import make_figure, read_request
from ganache.cli.types import field_docs
from ganache.errors import ConfigError
from ganache.lab.experiment import BULK, Experiment
from ganache.lab.experiments import EXPERIMENTS

RUN_HELP = "The run's folder, or: example. RUN@2000, RUN@best and RUN@last choose one of its checkpoints."
Runs = Annotated[
    Positional[tuple[str, ...]],
    arg(help="The runs' folders, or: example. RUN@2000, RUN@best and RUN@last choose one of a run's checkpoints."),
]
RunsAndRequest = Annotated[
    Positional[tuple[str, ...]],
    arg(metavar="RUN [RUN ...] FILE", help="The runs' folders, or RUN@2000, RUN@best, RUN@last; then the .json file."),
]
Averaged = Annotated[bool, arg(help="Use the averaged generator (EMA), if the run has one.")]
Out = Annotated[str, arg(aliases=["-o"], help="The file to write.")]
OutBulk = Annotated[
    str,
    arg(
        aliases=["-o"],
        help="The file to write: a picture; or a .npy or .zip file, which holds any number of images, without"
        " captions.",
    ),
]
Keep = Annotated[
    str,
    arg(
        help="Save the result in the first run under this name, for use in other commands. Several results "
        "become NAME1, NAME2, ..."
    ),
]
Checkpoint = Annotated[
    str,
    arg(
        help="The checkpoint, for all runs: a step, last, or best (the one whose samples were nearest to real"
        " images). RUN@STEP chooses it for one run."
    ),
]
Plain = Annotated[bool, arg(help="Write the images without captions; for one run, one mean and one std only.")]
Files = Annotated[
    Positional[tuple[str, ...]],
    arg(help="The pictures to reproduce, as files; they can be given after --images instead."),
]

ALIASES = {"n": ["-n"]}
"""Short names of fields."""
RESERVED = ("run", "runs", "files", "keep", "checkpoint", "plain", "average", "out")
"""Names of options that fields of an experiment cannot have."""


def experiment_commands(selected: str | None = None) -> dict[str, Callable[..., None]]:
    """Return a command for each entry of EXPERIMENTS.

    Only the `selected` one has its options: reading the documentation of all fields would slow `ganache --help` down.
    """
    return {name: experiment_command(name, kind, name == selected) for name, kind in EXPERIMENTS.items()}


def experiment_command(name: str, kind: type[Experiment], with_options: bool = True) -> Callable[..., None]:
    """Return a function with one parameter per option of the experiment's command.

    Raises ConfigError if a field has a reserved name.
    """
    reserved = [each.name for each in fields(kind) if each.name in RESERVED]  # type: ignore[arg-type]
    if reserved:
        raise ConfigError(f"The experiment '{name}' has a field '{reserved[0]}', an option of all commands: rename it.")

    def run(**given: Any) -> None:
        request = kind(**{each.name: given[each.name] for each in fields(kind)})  # type: ignore[arg-type]
        if given.get("files"):
            request = replace(request, images=(*given["files"], *request.images))  # type: ignore[type-var, attr-defined]
        runs: tuple[str, ...] = given["runs"] if "runs" in given else (given["run"],)
        if given.get("checkpoint", "last") != "last":
            runs = tuple(f"{each}@{given['checkpoint']}" for each in runs)
        plain, keep = given.get("plain", False), given.get("keep", "")
        make_figure(request, runs, given["average"], given["out"], plain, keep)

    signature = inspect.Signature(parameters(name, kind) if with_options else [])
    run.__doc__ = inspect.getdoc(kind)
    run.__name__ = name.replace("-", "_")
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in signature.parameters.values()}
    return run


def parameters(name: str, kind: type[Experiment]) -> list[Parameter]:
    """Return the parameters of an experiment's command: runs, fields, and the options of all commands."""
    found = [parameter("runs", Runs)]
    if kind.needs == "given images":
        found = [parameter("run", Annotated[Positional[str], arg(help=RUN_HELP)]), parameter("files", Files, ())]
    types, docs = get_type_hints(kind), field_docs(kind)  # type: ignore[arg-type]
    for each in fields(kind):  # type: ignore[arg-type]
        options = arg(help=docs.get(each.name), aliases=ALIASES.get(each.name))
        found.append(parameter(each.name, Annotated[types[each.name], options], getattr(kind(), each.name)))
    if kind.finds_latents:
        found.append(parameter("keep", Keep, ""))
    bulk = set(BULK) <= set(kind.suffixes)
    if bulk:
        found += [parameter("checkpoint", Checkpoint, "last"), parameter("plain", Plain, False)]
    out = kind.default_file or f"{name}{kind.suffixes[0]}"
    return [*found, parameter("average", Averaged, True), parameter("out", OutBulk if bulk else Out, out)]


def parameter(name: str, annotation: Any, default: Any = Parameter.empty) -> Parameter:
    """Return a parameter that can be given by name."""
    return Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=annotation)


def render(runs: RunsAndRequest, average: Averaged = True, out: Out = "picture.png") -> None:
    """Make a figure again, from the .json file next to it. Several runs give the same figure of each, side by side."""
    if len(runs) < 2:
        raise ConfigError("A run and a request are needed: write  ganache render RUN request.json")
    make_figure(read_request(runs[-1]), runs[:-1], average, out, read_from=runs[-1])
