"""Settings of the documentation site. `scripts/site` builds it; the pages are the Markdown files of the repository.

The source folder is the repository itself, so that one page, with its links and pictures, serves the site and a code
host. In a page, `<!-- generated: NAME -->` is replaced by what `GENERATED[NAME]` returns.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.addnodes import download_reference
from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from api_page import api  # noqa: E402
from docstrings import as_restructured_text  # noqa: E402
from methods_page import methods  # noqa: E402

import ganache  # noqa: E402

GENERATED = {"api": api, "methods": methods}

project = "ganache"
html_title = f"ganache {ganache.__version__}"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
root_doc = "README"
include_patterns = ["*.md", "docs/**.md", "bench/*.md", "src/ganache/fastconv/README.md"]
exclude_patterns = [".*", "runs", "docs/_build", "docs/sphinx", "docs/claims/discussions.md"]

myst_enable_extensions = ["attrs_block", "dollarmath"]
myst_heading_anchors = 4
highlight_language = "bash"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
maximum_signature_line_length = 88

html_theme = "furo"
html_math_renderer = "mathml"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
templates_path: list[str] = []


def add_generated_text(app: Sphinx, name: str, source: list[str]) -> None:
    """Replace the marks of generated text, and add the navigation to the first page."""
    source[0] = re.sub("<!-- generated: (.*) -->", lambda mark: GENERATED[mark[1]](), source[0])
    if name == root_doc:
        source[0] += (HERE / "navigation.md").read_text(encoding="utf-8")


def open_pages_in_the_browser(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Let links to HTML files, such as the report of the claims, open them; Sphinx would let them be downloaded."""
    for link in list(doctree.findall(download_reference)):
        if link["filename"].endswith(".html"):
            path = posixpath.relpath(f"_downloads/{link['filename']}", posixpath.dirname(name))
            link.replace_self(nodes.reference("", "", *link.children, refuri=path))


def copy_first_page(app: Sphinx, error: Exception | None) -> None:
    """Write README.html as index.html too, which servers show first."""
    if error is None:
        shutil.copyfile(app.outdir / f"{root_doc}.html", app.outdir / "index.html")


def write_mathml(translator: Any, node: nodes.Element) -> None:
    """Write an equation as MathML, which browsers show without a script or a font of ours."""
    mathml = convert(node.astext(), display="block" if isinstance(node, nodes.math_block) else "inline")
    translator.body.append(mathml.replace("<mi>log</mi>", '<mo lspace="0.17em" rspace="0.17em">log</mo>'))
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    app.add_html_math_renderer("mathml", (write_mathml, None), (write_mathml, None))
    app.connect("source-read", add_generated_text)
    app.connect("autodoc-process-docstring", as_restructured_text, priority=100)
    app.connect("doctree-resolved", open_pages_in_the_browser)
    app.connect("build-finished", copy_first_page)
