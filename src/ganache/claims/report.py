"""One self-contained HTML page of all verdicts in a folder: no network, pictures inside, for phones, dark and light."""

from __future__ import annotations

import base64
import json
from html import escape
from pathlib import Path
from typing import Any

OUTCOMES = {"holds": "holds", "fails": "fails", "not decided": "undecided"}
"""Outcome -> its class in the page's style."""

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The claims, judged</title>
<style>
:root {{ color-scheme: light dark; --ink: #1b1b1b; --paper: #fbfaf8; --soft: #666; --line: #ddd; --card: #fff; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e8e6e3; --paper: #16181a; --soft: #a5a29d; --line: #3a3d40; --card: #1f2225; }}
}}
body {{ margin: 0 auto; max-width: 46rem; padding: 1rem; font: 1rem/1.55 system-ui, sans-serif;
  color: var(--ink); background: var(--paper); }}
h1 {{ font-size: 1.6rem; }}
h2 {{ font-size: 1.15rem; line-height: 1.4; margin: 0 0 .8rem; }}
section {{ background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem;
  margin: 1.5rem 0; }}
.picture {{ overflow-x: auto; background: #fff; border-radius: .4rem; margin: .6rem 0; }}
.picture img {{ display: block; width: 100%; min-width: 32rem; }}
.verdict {{ font-weight: 700; padding: .15rem .6rem; border-radius: 1rem; color: #fff; white-space: nowrap; }}
.holds {{ background: #00714f; }} .fails {{ background: #a63f00; }} .undecided {{ background: #666; }}
.soft, summary {{ color: var(--soft); font-size: .9rem; }}
.notice {{ border-left: .3rem solid #a63f00; padding-left: .8rem; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem; }}
td, th {{ text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }}
code {{ overflow-wrap: anywhere; }}
a {{ color: inherit; }}
</style>
<h1>The claims, judged</h1>
<p>What the papers on Wasserstein GANs claim, tried and measured. A claim <b>holds</b> or <b>fails</b> where every seed
says so by a margin set beforehand, and else is <b>not decided</b>. ± is the standard deviation over seeds. In figures
a line is the mean over seeds, and the band around it holds them all.</p>
{notice}
<div class="wide"><table><tr><th>claim</th><th>verdict</th></tr>
{rows}
</table></div>
{sections}
</html>
"""

ROW = '<tr><td><a href="#{name}">{number}. {claim}</a></td><td><span class="verdict {kind}">{outcome}</span></td></tr>'

SECTION = """<section id="{name}">
<h2>{number}. {claim}</h2>
{first}
<p><span class="verdict {kind}">{outcome}</span> {reason}</p>
<div class="wide"><table><tr><th>measured</th><th>value</th><th>holds at</th><th>fails at</th><th></th></tr>
{parts}
</table></div>
{others}
{summary}
<details><summary>How it was tried</summary>
<p>{protocol}</p>
<p class="soft">Claimed in: {source}.</p>
<p class="soft">Seeds: {seeds}. Size: {size}.</p>
</details>
<p class="soft">Took {took}. <code>{command}</code></p>
<p class="soft">{machines}</p>
</section>
"""

PART = "<tr><td>{what}</td><td><b>{number}</b></td><td>{holds}</td><td>{fails}</td><td>{outcome}</td></tr>"
SUMMARY = """<details><summary>Every variant in numbers</summary>
<div class="wide"><table><tr>{head}</tr>
{body}
</table></div>
</details>"""
PICTURE = '<div class="picture"><img alt="{alt}" src="data:image/{kind};base64,{content}"></div>'
NOTICE = '<p class="notice">Some of these are the quick form: so small that it only shows that everything runs.</p>'


def write(out: Path) -> Path:
    """`report.html` from every verdict that lies in `out`; returns its path."""
    verdicts = sorted(
        (json.loads(path.read_text(encoding="utf-8")) for path in out.glob("*/verdict.json")),
        key=lambda verdict: verdict["number"],
    )
    page = PAGE.format(
        notice=NOTICE if any(each["quick"] for each in verdicts) else "",
        rows="\n".join(ROW.format(**words(each)) for each in verdicts),
        sections="".join(section(each, out / each["name"]) for each in verdicts),
    )
    path = out / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def section(verdict: dict[str, Any], folder: Path) -> str:
    """A claim's part of the page: the figure first."""
    pictures = [picture(folder / name, f"{name}: {verdict['claim']}") for name in verdict["figures"]]
    return SECTION.format(
        **words(verdict),
        first=pictures[0],
        others="\n".join(pictures[1:]),
        parts="\n".join(part(each) for each in verdict["parts"]),
        summary=summary(verdict["summary"]),
        size=", ".join(f"{escape(name)} {escape(listed(value))}" for name, value in verdict["size"].items()),
        took=duration(verdict["seconds"]),
        machines="<br>".join(escape("; ".join(f"{k}: {v}" for k, v in each.items())) for each in verdict["machines"]),
    )


def words(verdict: dict[str, Any]) -> dict[str, Any]:
    """The texts of a verdict, safe for the page."""
    names = ("name", "number", "claim", "outcome", "reason", "protocol", "source", "seeds", "command")
    return {name: escape(str(verdict[name])) for name in names} | {"kind": OUTCOMES[verdict["outcome"]]}


def part(each: dict[str, Any]) -> str:
    more = each["holds"] > each["fails"]
    return PART.format(
        what=escape(each["what"]),
        number=escape(each["number"]),
        holds=f"{'≥' if more else '≤'}&nbsp;{each['holds']:g}",
        fails=f"{'≤' if more else '≥'}&nbsp;{each['fails']:g}",
        outcome=escape(each["outcome"]),
    )


def summary(rows: list[dict[str, str]]) -> str:
    """Every variant's numbers as a folded table; nothing where there are none."""
    if not rows:
        return ""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in columns)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(row.get(name, ''))}</td>" for name in columns) + "</tr>" for row in rows
    )
    return SUMMARY.format(head=head, body=body)


def picture(path: Path, alt: str) -> str:
    content = base64.b64encode(path.read_bytes()).decode()
    return PICTURE.format(alt=escape(alt, quote=True), kind=path.suffix[1:], content=content)


def listed(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


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
