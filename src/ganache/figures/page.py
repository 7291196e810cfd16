"""HTML pages that need no network. Every page that ganache writes is rendered from a Jinja template, by this module.

Templates escape everything that is put into them. What must not be escaped, the style and script files of the package,
is passed as `Markup`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from PIL import Image, features

from ganache.core.outputs import PAGE_MARK
from ganache.core.text import printable

MARK = f'{PAGE_MARK}">'
"""The tag that tells a page written by ganache from any other."""

STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
"""The style that all pages share: light and dark, wide and narrow screens."""


def environment(package: str, folder: str = "templates") -> Environment:
    """Return a Jinja environment that finds the templates in a folder of `package`, and those that all pages share."""
    loaders = [PackageLoader(package, folder), PackageLoader("ganache.figures", "templates")]
    jinja = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        finalize=neutralised,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    jinja.filters |= {"thousands": "{:,}".format, "duration": duration, "score": score_words}
    return jinja


def neutralised(value: Any) -> Any:
    """Return what a template shows of a value, without control characters; `Markup` as it is."""
    return value if hasattr(value, "__html__") else printable(str(value))


def render(
    template: Template,
    title: str,
    style: str = "",
    script: str = "",
    data: Mapping[str, Any] | None = None,
    **context: Any,
) -> str:
    """Return a whole page as text.

    Its content security policy allows pictures inside the page and beside it, this style and this script, no more.

    Args:
        template: A template that extends `page.html`.
        title: Plain text.
        style: CSS that follows the style of all pages.
        script: JavaScript, not a module.
        data: JSON-serialisable; the script finds it in the element `data`.
        context: What the template refers to by name.
    """
    style = STYLE + style
    return template.render(
        title=title,
        mark=Markup(MARK),
        policy=content_security_policy(style, script),
        style=Markup(style),
        script=Markup(script),
        data=data,
        **context,
    )


def content_security_policy(style: str, script: str = "", **directives: str) -> str:
    """Return a policy that allows one inline style, one inline script, and pictures inside the page and beside it.

    `directives` replace the defaults or, for `script_src`, are added to the script's hash: `worker_src="blob:"`.
    """
    allowed = {
        "default_src": "'none'",
        "img_src": "data: 'self'",
        "style_src": source_hash(style),
        "base_uri": "'none'",
        "form_action": "'none'",
    }
    scripts = [source_hash(script) if script else "'none'", *filter(None, [directives.pop("script_src", "")])]
    allowed |= {"script_src": " ".join(scripts)} | directives
    return "; ".join(f"{name.replace('_', '-')} {sources}" for name, sources in allowed.items())


def source_hash(text: str) -> str:
    """Return the source expression by which a content security policy allows an inline style or script: its SHA-256."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def image_url(image: Image.Image, quality: int = 85) -> str:
    """Return a picture as a data URL, in WebP of `quality` 0 to 100."""
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=4)
    return data_url(buffer.getvalue(), "webp")


def small_url(image: Image.Image, quality: int) -> str:
    """Return a picture as a data URL in AVIF, two thirds of the bytes of WebP, or in WebP if Pillow lacks AVIF."""
    if not features.check("avif"):
        return image_url(image, quality)
    buffer = BytesIO()
    image.save(buffer, "AVIF", quality=quality, speed=10)
    return data_url(buffer.getvalue(), "avif")


def data_url(content: bytes, kind: str) -> str:
    """Return the bytes of a picture of a kind such as "png" as a data URL."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def score_words(score: float) -> str:
    """Format a distance to the data: those of pictures are large, those of points are small.

    >>> score_words(206.34), score_words(0.05932)
    ('206.3', '0.0593')
    """
    return f"{score:.1f}" if score >= 1 else f"{score:.3g}"


def duration(seconds: float) -> str:
    """
    >>> duration(0.4), duration(90), duration(9000)
    ('1 s', '1 min 30 s', '2 h 30 min')
    """
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


# ---- a page of pictures with captions --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """One picture of the page."""

    heading: str
    file: str
    """The picture file, beside the page."""
    paragraphs: tuple[tuple[str, str], ...]
    """(label, text) per paragraph."""
    command: str
    """The command that makes this picture alone."""


GALLERY_STYLE = """
body { max-width: 76rem; }
nav a { margin-right: .8rem; white-space: nowrap; }
section img { display: block; margin: .8rem 0; }
p { margin: .3rem 0; max-width: 52rem; }
"""


def gallery(title: str, introduction: str, entries: Sequence[Entry]) -> str:
    """Return a page of pictures that lie beside it."""
    template = environment("ganache.figures").get_template("gallery.html")
    return render(template, title, GALLERY_STYLE, introduction=introduction, entries=entries)
