"""HTML pages: everything is escaped, and the content security policy allows only the page's own style and script."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from ganache.core.outputs import refuse_to_replace
from ganache.errors import ConfigError
from ganache.figures.page import Entry, content_security_policy, environment, gallery, render

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&"


def hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_a_gallery_escapes_every_text() -> None:
    page = gallery(HOSTILE, HOSTILE, [Entry(HOSTILE, HOSTILE, ((HOSTILE, HOSTILE),), HOSTILE)])
    assert "<img src=x" not in page
    assert html.unescape(page).count(HOSTILE) == 10, (
        "two titles, introduction, link, heading, two of the paragraph, two of the picture, command"
    )


def test_data_cannot_close_its_script() -> None:
    template = environment("ganache.figures").get_template("page.html")
    page = render(template, "title", script="1;", data={"name": HOSTILE})
    assert page.count("</script>") == 2
    assert "onerror=alert(1)>" not in page


def test_the_policy_has_the_hashes_of_what_the_page_contains() -> None:
    page = gallery("title", "", [])
    (style,) = re.findall(r"<style>(.*?)</style>", page, flags=re.S)
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', page)
    assert f"style-src {hash_of(style)};" in html.unescape(policy)
    assert "script-src 'none'" in html.unescape(policy)


def test_directives_extend_the_script_source_and_replace_the_others() -> None:
    policy = content_security_policy("a{}", "1;", script_src="blob:", img_src="data:")
    assert policy == (
        f"default-src 'none'; img-src data:; style-src {hash_of('a{}')}; base-uri 'none'; form-action 'none'; "
        f"script-src {hash_of('1;')} blob:"
    )


def test_a_template_that_names_something_unknown_fails() -> None:
    with pytest.raises(UndefinedError, match="entries"):
        render(environment("ganache.figures").get_template("gallery.html"), "title", introduction="")


def test_only_pages_of_ours_are_replaced(tmp_path: Path) -> None:
    refuse_to_replace(tmp_path / "new.html")
    (tmp_path / "ours.html").write_text(gallery("title", "", []))
    refuse_to_replace(tmp_path / "ours.html")
    (tmp_path / "theirs.html").write_text("<h1>My page</h1>")
    for path, reason in ((tmp_path / "theirs.html", "was not made by ganache"), (tmp_path, "is a folder")):
        with pytest.raises(ConfigError, match=reason):
            refuse_to_replace(path)
