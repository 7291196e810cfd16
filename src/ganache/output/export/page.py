"""One HTML file with a generator inside: markup, style, scripts, ONNX Runtime Web and weights.

The files in `browser/` are ES modules. Browsers do not let a page that is opened from disk import files, so the modules
are joined into one script, in the order of their dependencies: `import` and `export` are removed, and all share one
scope.
"""

from __future__ import annotations

import base64
import copy
import gzip
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from ganache.core.outputs import PAGE_MARK
from ganache.core.rendering import Model
from ganache.errors import ExportError
from ganache.figures.page import content_security_policy, environment
from ganache.lab.points import Kept
from ganache.output.export import runtime
from ganache.output.export.controls import controls, poster
from ganache.output.export.graph import compare, compare_styles, graph, style_graphs
from ganache.output.export.half import HUGE, halve

MARK = f'{PAGE_MARK} export">'
"""The tag that tells an exported page from any other file."""

MODULES = (
    "random",
    "latents",
    "layers",
    "address",
    "engine",
    "paint",
    "controls",
    "slider",
    "more",
    "wall",
    "saving",
    "styles",
    "main",
)
"""Each module follows those that it imports."""


def to_html(model: Model, title: str = "", kept: Mapping[str, Kept] | None = None, progress: bool = False) -> str:
    """Return the page as text.

    Args:
        model: The generator, its prior and its name.
        title: The heading; the model's name by default.
        kept: Named latents and directions of the run, which the page offers too.
        progress: Whether to show a progress bar.

    Raises:
        ExportError: The exported graph's pictures differ from PyTorch's.
    """
    weights = small_graphs(model)
    script, style = join_modules(MODULES), read_text("style.css")
    about = json.dumps(controls(model, kept, progress)).replace("<", "\\u003c")
    policy = content_security_policy(
        style, script, script_src="blob: 'wasm-unsafe-eval'", worker_src="blob:", img_src="data: blob:"
    )
    trusted = {
        "mark": MARK,
        "style": style,
        "script": script,
        "about": about,
        "worker": read_text("worker.js"),
        "glue": encoded(runtime.glue()),
        "wasm": encoded(runtime.wasm()),
        "weights": encoded(gzip.compress(weights[-1], 6, mtime=0)),
        "mapping": encoded(gzip.compress(weights[0], 6, mtime=0)) if len(weights) > 1 else "",
    }
    return (
        environment("ganache.output.export", "browser")
        .get_template("page.html")
        .render(
            policy=policy,
            title=title or model.name,
            poster=poster(model),
            licence=runtime.licence(),
            version=runtime.source()["version"],
            **{name: Markup(text) for name, text in trusted.items()},
        )
    )


def small_graphs(model: Model) -> list[bytes]:
    """Return the generator as an ONNX file with its weights in few bits: a style-based one as mapping and synthesis.

    Weights have 8 or 16 bits as long as the pictures are PyTorch's, and 32 bits otherwise. Raises ExportError if the
    pictures differ even then.
    """
    graphs = style_graphs(model) if model.generator.style_layers else (graph(model),)
    for huge in (HUGE, sys.maxsize):
        with suppress(ExportError):
            return compared(model, graphs, partial(halve, huge=huge))
    return compared(model, graphs, lambda proto: proto)


def compared(model: Model, graphs: tuple[Any, ...], shorten: Callable[[Any], Any]) -> list[bytes]:
    """Return the graphs as files, the last one with weights shortened by this function.

    Raises ExportError if the pictures differ. The mapping keeps its 32 bits: it is small, and all layers read what it
    rounds.
    """
    *mapping, last = graphs
    shortened = shorten(copy.deepcopy(last))
    contents: list[bytes] = [each.SerializeToString() for each in (*mapping, shortened)]
    if mapping:
        compare_styles(contents[0], contents[1], model)
    else:
        compare(contents[0], model)
    return contents


def read_text(name: str) -> str:
    """Return one of the page's own files."""
    return files(__package__).joinpath("browser", name).read_text(encoding="utf-8")


def join_modules(names: Sequence[str], read: Callable[[str], str] = read_text) -> str:
    """Return the modules, in the order of their dependencies, as one script without imports and exports.

    `read` returns the text of a file by its name.
    """
    parts = [re.sub(r"^import .*?;\n|^export ", "", read(f"{name}.js"), flags=re.M | re.S) for name in names]
    return "\n".join(f"// ---- {name} ----\n\n{part}" for name, part in zip(names, parts, strict=True))


def encoded(content: bytes) -> str:
    """Return bytes in base64."""
    return base64.b64encode(content).decode()
