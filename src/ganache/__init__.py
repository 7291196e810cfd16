"""ganache: train GANs on the machine you have, see whether it works, explore what the network learned.

    import ganache

    config = ganache.recipe("faces-quick", data="faces", steps=1000)
    run = ganache.Run.open("runs/mine", config)
    for report in run.training():
        print(report.step, report.d, report.g)
    run.finish()

    generator, config, header = ganache.load_generator(ganache.find_checkpoint("runs/mine", "last"))
    prior = ganache.prior(config)
    images = ganache.render(generator, ganache.Sample(n=16, std=0.7).latents(prior))

    model = ganache.Model(generator, prior, "mine")
    figure = ganache.show(ganache.Traverse(dimension=28), [model])
    ganache.draw(figure).save("traverse.png")

The names in `__all__` are public; everything else may move.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganache.claims import CLAIMS
    from ganache.config.config import Config, recipe
    from ganache.config.recipes import RECIPES
    from ganache.core.plugins import load_plugins
    from ganache.core.rendering import Model, render
    from ganache.data import Dataset, Stream, load
    from ganache.data.readers import READERS
    from ganache.errors import (
        CheckpointError,
        ConfigError,
        DataError,
        ExportError,
        GanacheError,
        MissingExtra,
        TrainingError,
    )
    from ganache.evaluation.evaluation import Evaluation, Score
    from ganache.evaluation.features import FEATURES
    from ganache.evaluation.measure import evaluate
    from ganache.figures import draw, picture, save_figure
    from ganache.lab.experiment import Experiment, Inputs, PageView
    from ganache.lab.experiments import (
        EXPERIMENTS,
        Along,
        Arithmetic,
        Average,
        Dimensions,
        Directions,
        Distribution,
        Invert,
        Neighbours,
        Picture,
        RealVsFake,
        Sample,
        Traverse,
        Truncation,
        Walk,
    )
    from ganache.lab.figure import Animation, Figure, ImageGrid, ScatterPlot
    from ganache.lab.points import Kept, Point
    from ganache.lab.serialisation import from_json, resolve_names, to_json
    from ganache.lab.show import show
    from ganache.methods import METHODS
    from ganache.networks import NETWORKS
    from ganache.output.export import to_html, to_onnx
    from ganache.output.report import write_report
    from ganache.runs.checkpoint import load_generator
    from ganache.runs.data import run_data
    from ganache.runs.diagnose import Finding, findings
    from ganache.runs.folder import find_checkpoint, read_names
    from ganache.runs.run import Run
    from ganache.training.build import dataset, prior
    from ganache.training.state import Plan, Report, State
    from ganache.types import Critic, Generator, Method, Network, Prior

_HOMES = {
    "claims": ("CLAIMS",),
    "config.config": (
        "Config",
        "recipe",
    ),
    "config.recipes": ("RECIPES",),
    "core.plugins": ("load_plugins",),
    "core.rendering": (
        "Model",
        "render",
    ),
    "data": (
        "Dataset",
        "Stream",
        "load",
    ),
    "data.readers": ("READERS",),
    "errors": (
        "CheckpointError",
        "ConfigError",
        "DataError",
        "ExportError",
        "GanacheError",
        "MissingExtra",
        "TrainingError",
    ),
    "evaluation.features": ("FEATURES",),
    "evaluation.measure": ("evaluate",),
    "evaluation.evaluation": (
        "Evaluation",
        "Score",
    ),
    "figures": (
        "draw",
        "picture",
        "save_figure",
    ),
    "lab.experiment": (
        "Experiment",
        "Inputs",
        "PageView",
    ),
    "lab.experiments": (
        "EXPERIMENTS",
        "Along",
        "Arithmetic",
        "Average",
        "Dimensions",
        "Directions",
        "Distribution",
        "Invert",
        "Neighbours",
        "Picture",
        "RealVsFake",
        "Sample",
        "Traverse",
        "Truncation",
        "Walk",
    ),
    "lab.figure": (
        "Animation",
        "Figure",
        "ImageGrid",
        "ScatterPlot",
    ),
    "lab.points": (
        "Kept",
        "Point",
    ),
    "lab.serialisation": (
        "from_json",
        "resolve_names",
        "to_json",
    ),
    "lab.show": ("show",),
    "methods": ("METHODS",),
    "networks": ("NETWORKS",),
    "output.export": (
        "to_html",
        "to_onnx",
    ),
    "output.report": ("write_report",),
    "runs.checkpoint": ("load_generator",),
    "runs.data": ("run_data",),
    "runs.diagnose": (
        "Finding",
        "findings",
    ),
    "runs.folder": (
        "find_checkpoint",
        "read_names",
    ),
    "runs.run": ("Run",),
    "training.build": (
        "dataset",
        "prior",
    ),
    "training.state": (
        "Plan",
        "Report",
        "State",
    ),
    "types": (
        "Critic",
        "Generator",
        "Method",
        "Network",
        "Prior",
    ),
}

__all__ = [
    "CLAIMS",
    "EXPERIMENTS",
    "FEATURES",
    "METHODS",
    "NETWORKS",
    "READERS",
    "RECIPES",
    "Along",
    "Animation",
    "Arithmetic",
    "Average",
    "CheckpointError",
    "Config",
    "ConfigError",
    "Critic",
    "DataError",
    "Dataset",
    "Dimensions",
    "Directions",
    "Distribution",
    "Evaluation",
    "Experiment",
    "ExportError",
    "Figure",
    "Finding",
    "GanacheError",
    "Generator",
    "ImageGrid",
    "Inputs",
    "Invert",
    "Kept",
    "Method",
    "MissingExtra",
    "Model",
    "Neighbours",
    "Network",
    "PageView",
    "Picture",
    "Plan",
    "Point",
    "Prior",
    "RealVsFake",
    "Report",
    "Run",
    "Sample",
    "ScatterPlot",
    "Score",
    "State",
    "Stream",
    "TrainingError",
    "Traverse",
    "Truncation",
    "Walk",
    "dataset",
    "draw",
    "evaluate",
    "find_checkpoint",
    "findings",
    "from_json",
    "load",
    "load_generator",
    "load_plugins",
    "picture",
    "prior",
    "read_names",
    "recipe",
    "render",
    "resolve_names",
    "run_data",
    "save_figure",
    "show",
    "to_html",
    "to_json",
    "to_onnx",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import ganache` does not load PyTorch.

    The first name also loads the plugins. The exceptions do not, so that code can catch what a broken plugin raises.
    """
    if name == "__version__":  # that of the git tag when the package was built or installed
        return import_module("importlib.metadata").version("ganache")
    for home, names in _HOMES.items():
        if name in names:
            if home not in ("errors", "core.plugins"):
                import_module("ganache.core.plugins").load_plugins()
            return getattr(import_module(f"ganache.{home}"), name)
    raise AttributeError(f"module 'ganache' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
