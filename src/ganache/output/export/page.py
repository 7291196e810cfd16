"""One HTML file with a generator inside: markup, style, modules, ONNX Runtime Web and weights, put together.

The modules in `browser/` are plain ES modules. A page opened from disk may not import files, so they are joined into
one, in the order in which they need each other: their imports are left out, and they share one scope.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files

from ganache.core.rendering import Model
from ganache.lab.requests import Kept
from ganache.output.export import runtime
from ganache.output.export.graph import compare, graph
from ganache.output.export.half import halve
from ganache.output.export.knobs import knobs, picture

MARK = '<meta name="generator" content="ganache export">'
"""By this a page of ours is known from somebody else's."""

MODULES = ("random", "latents", "address", "engine", "paint", "knobs", "wall", "saving", "main")
"""In the order in which they need each other."""


def to_html(model: Model, title: str = "", kept: Mapping[str, Kept] | None = None, progress: bool = False) -> str:
    """The page. `kept` are the run's names. Raises ExportError where its pictures would not be PyTorch's."""
    weights = halve(graph(model)).SerializeToString()
    compare(weights, model)
    about, poster = knobs(model, kept, progress), picture(model)
    script, style = joined(MODULES), text("style.css")
    return fill(
        text("page.html"),
        policy=escape(policy(script, style)),
        mark=MARK,
        title=escape(title or model.name),
        poster=poster,
        licence=escape(runtime.licence()),
        version=runtime.source()["version"],
        style=style,
        script=script,
        about=json.dumps(about).replace("<", "\\u003c"),
        worker=text("worker.js"),
        glue=base64.b64encode(runtime.glue()).decode(),
        wasm=base64.b64encode(runtime.wasm()).decode(),
        weights=base64.b64encode(gzip.compress(weights, 6, mtime=0)).decode(),
    )


def text(name: str) -> str:
    """A file of the page's."""
    return files(__package__).joinpath("browser", name).read_text(encoding="utf-8")


def joined(names: tuple[str, ...]) -> str:
    """Modules as one: no imports, no exports."""
    parts = [re.sub(r"^import .*?;\n|^export ", "", text(f"{name}.js"), flags=re.M | re.S) for name in names]
    return "\n".join(f"// ---- {name} ----\n\n{part}" for name, part in zip(names, parts, strict=True))


def policy(script: str, style: str) -> str:
    """The content security policy: this script, this style, the runtime as a blob, and no network at all."""
    scripts = f"script-src {fingerprint(script)} blob: 'wasm-unsafe-eval'"
    images = "img-src data: blob:"
    return f"default-src 'none'; {scripts}; worker-src blob:; style-src {fingerprint(style)}; {images}; base-uri 'none'"


def fingerprint(content: str) -> str:
    """By which the policy knows an inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def fill(template: str, **parts: str) -> str:
    """The template with each {{name}} replaced, once: what is put in is not looked at again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], template)
