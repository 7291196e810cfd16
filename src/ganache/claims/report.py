"""One self-contained HTML page of all verdicts in a folder: no network, pictures inside, for phones, dark and light."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

from ganache.figures.page import document, duration, of_file, table

OUTCOMES = {"holds": "holds", "fails": "fails", "not decided": "undecided"}
"""Outcome -> its class in the page's style."""

STYLE = """
.picture { overflow-x: auto; background: #fff; border-radius: .4rem; margin: .6rem 0; }
.picture img { display: block; width: 100%; min-width: 32rem; }
.verdict { font-weight: 700; padding: .15rem .6rem; border-radius: 1rem; color: #fff; white-space: nowrap; }
.holds { background: #00714f; } .fails { background: #a63f00; } .undecided { background: #666; }
tbody th { font-weight: inherit; }
"""

BODY = """<h1>The claims, judged</h1>
<p>What the papers on Wasserstein GANs claim, tried and measured. A claim <b>holds</b> or <b>fails</b> where every seed
says so by a margin set beforehand, and else is <b>not decided</b>. ± is the standard deviation over seeds. In figures
a line is the mean over seeds, and the band around it holds them all.</p>
{notice}
{table}
{sections}
"""

LINK = '<a href="#{name}">{number}. {claim}</a>'
VERDICT = '<span class="verdict {kind}">{outcome}</span>'

SECTION = """<section id="{name}">
<h2>{number}. {claim}</h2>
{first}
<p><span class="verdict {kind}">{outcome}</span> {reason}</p>
{discussion}
{parts}
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

SUMMARY = "<details><summary>Every variant in numbers</summary>\n{table}\n</details>"
DISCUSSION = "discussion.txt"
"""What somebody wrote about a verdict, in the claim's folder: plain text, its paragraphs parted by empty lines."""

PICTURE = '<div class="picture"><img alt="{alt}" src="{address}"></div>'
NOTICE = '<p class="notice">Some of these are the quick form: so small that it only shows that everything runs.</p>'


def write(out: Path) -> Path:
    """`report.html` from every verdict that lies in `out`; returns its path."""
    verdicts = sorted(
        (json.loads(path.read_text(encoding="utf-8")) for path in out.glob("*/verdict.json")),
        key=lambda verdict: verdict["number"],
    )
    texts = [words(each) for each in verdicts]
    body = BODY.format(
        notice=NOTICE if any(each["quick"] for each in verdicts) else "",
        table=table(("claim", "verdict"), [(LINK.format(**each), VERDICT.format(**each)) for each in texts]),
        sections="".join(section(each, out / each["name"]) for each in verdicts),
    )
    path = out / "report.html"
    path.write_text(document("The claims, judged", body, STYLE), encoding="utf-8")
    return path


def section(verdict: dict[str, Any], folder: Path) -> str:
    """A claim's part of the page: the figure first."""
    pictures = [picture(folder / name, f"{name}: {verdict['claim']}") for name in verdict["figures"]]
    return SECTION.format(
        **words(verdict),
        first=pictures[0],
        others="\n".join(pictures[1:]),
        discussion=discussion(folder / DISCUSSION),
        parts=table(("measured", "value", "holds at", "fails at", ""), map(part, verdict["parts"])),
        summary=summary(verdict["summary"]),
        size=", ".join(f"{escape(name)} {escape(listed(value))}" for name, value in verdict["size"].items()),
        took=duration(verdict["seconds"]),
        machines="<br>".join(escape("; ".join(f"{k}: {v}" for k, v in each.items())) for each in verdict["machines"]),
    )


def words(verdict: dict[str, Any]) -> dict[str, Any]:
    """The texts of a verdict, safe for the page."""
    names = ("name", "number", "claim", "outcome", "reason", "protocol", "source", "seeds", "command")
    return {name: escape(str(verdict[name])) for name in names} | {"kind": OUTCOMES[verdict["outcome"]]}


def part(each: dict[str, Any]) -> tuple[str, ...]:
    """What was measured, the value, where it holds and fails, and what follows."""
    at_least, at_most = ("≥", "≤") if each["holds"] > each["fails"] else ("≤", "≥")
    return (
        escape(each["what"]),
        f"<b>{escape(each['number'])}</b>",
        f"{at_least}&nbsp;{each['holds']:g}",
        f"{at_most}&nbsp;{each['fails']:g}",
        escape(each["outcome"]),
    )


def summary(rows: list[dict[str, str]]) -> str:
    """Every variant's numbers as a folded table; nothing where there are none."""
    if not rows:
        return ""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    head = [escape(name.replace("_", " ")) for name in columns]
    return SUMMARY.format(table=table(head, [[escape(row.get(name, "")) for name in columns] for row in rows]))


def discussion(path: Path) -> str:
    """What was written about the verdict; nothing where nobody has."""
    if not path.exists():
        return ""
    paragraphs = path.read_text(encoding="utf-8").strip().split("\n\n")
    return "\n".join(f"<p>{escape(each)}</p>" for each in paragraphs)


def picture(path: Path, alt: str) -> str:
    return PICTURE.format(alt=escape(alt, quote=True), address=of_file(path))


def listed(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
