"""The lessons as one HTML file: their trainings are recorded for every combination of the knobs, in small frames."""

from __future__ import annotations

import base64
import gzip
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from markupsafe import Markup

from ganache.core.outputs import PAGE_MARK
from ganache.core.progress import bar
from ganache.figures.page import content_security_policy, environment, source_hash
from ganache.lessons.lesson import Lesson
from ganache.lessons.page import described, page_files
from ganache.lessons.scene import Array, Frame, encode
from ganache.lessons.stage import scene, setups
from ganache.lessons.words import words
from ganache.output.export.page import join_modules
from ganache.playground import wire
from ganache.playground.language import sentences

MARK = f'{PAGE_MARK} lessons">'
"""The tag that tells this page from any other file."""
MOMENTS = 32
"""Frames of one training, more of them at its beginning."""
EVERY = {"surface": (2, 2), "points": (2,), "real": (2,), "arrows": (2,)}
"""Every n-th of an array's numbers that is recorded, by axis."""
MODULES = ("language", "draw", "keys", "words", "wire", "source", "paint", "pointer", "settings", "stage", "learn")
"""The page's modules; each follows those that it imports."""


def to_html(lessons: Sequence[Lesson], language: str = "en", progress: bool = False) -> str:
    """Return the page as text. Recording takes as long as all its trainings: minutes."""
    hello = {"lessons": [described(each) for each in lessons], "language": language, "words": words(language)}
    recordings = bar(total=sum(len(combinations(each)) for each in lessons), desc="recording", shown=progress)
    recorded = {each.name: record(each, recordings.update) for each in lessons}
    recordings.close()
    page = {name: text.decode() for name, text in page_files().items()}
    style = "".join(page[name] for name in ("palette.css", "style.css", "live.css", "learn.css"))
    chart = page["chart.js"]
    script = join_modules(MODULES, page.__getitem__)
    policy = content_security_policy(style, script, script_src=source_hash(chart), img_src="data: blob:")
    body = page["index.html"].partition("<body")[2].partition(">")[2].partition("</body>")[0]
    trusted = {"mark": MARK, "style": style, "chart": chart, "script": script, "body": body}
    return (
        environment("ganache.lessons", "browser")
        .get_template("file.html")
        .render(
            policy=policy,
            language=language,
            sentences=sentences(language),
            data={"hello": hello, "lessons": recorded},
            **{name: Markup(text) for name, text in trusted.items()},
        )
    )


# ---- recording -------------------------------------------------------------------------------------------------------


def record(lesson: Lesson, done: Callable[[], object] = lambda: None) -> dict[str, Any]:
    """Return the recorded steps of a lesson and, by the positions of the knobs, its frames: gzipped, in base64."""
    steps, takes = recorded_steps(lesson), {}
    for positions in combinations(lesson):
        headers, blobs = [], []
        for frames in take(lesson, positions, steps):
            moment = []
            for frame in frames:
                header, own = encode(reduced(frame), coarse=True)
                moment.append(header)
                blobs += own
            headers.append(moment)
        packed = gzip.compress(wire.pack({"moments": headers}, blobs), 9, mtime=0)
        takes[",".join(map(str, positions))] = base64.b64encode(packed).decode()
        done()
    return {"steps": steps, "takes": takes}


def combinations(lesson: Lesson) -> list[tuple[int, ...]]:
    """Return every combination of positions of the knobs."""
    return list(itertools.product(*(range(len(knob.choices)) for knob in lesson.knobs)))


def moments(steps: int) -> list[int]:
    """Return MOMENTS steps from 0 to `steps`, closer together at the beginning; fewer if there are fewer steps.

    >>> moments(4)
    [0, 1, 2, 3, 4]
    """
    shares = np.linspace(0, 1, min(MOMENTS, steps + 1))
    spread: list[int] = np.maximum((steps * shares**1.7).round().astype(int), np.arange(len(shares))).tolist()
    return spread


def recorded_steps(lesson: Lesson) -> list[int]:
    """Return the moments of a lesson, and the steps of which its text says something."""
    named = {outcome.step for outcome in lesson.outcomes if outcome.step <= lesson.steps}
    return sorted(named | set(moments(lesson.steps)))


def take(lesson: Lesson, positions: tuple[int, ...], steps: Sequence[int]) -> Iterator[list[Frame]]:
    """Yield the frames of every side at each of these steps. The knobs are at these positions from the beginning on."""
    scenes = [scene(lesson, setup) for setup in setups(lesson, positions)]
    for step in steps:
        for each in scenes:
            each.go(step)
        yield [each.frame() for each in scenes]


def reduced(frame: Frame) -> Frame:
    """Return a frame with fewer points, arrows, and cells."""

    def part(name: str, array: Array) -> Array:
        slices = tuple(slice(None, None, step) for step in EVERY.get(name, ()))
        return array[slices]

    return replace(frame, arrays={name: part(name, np.asarray(array)) for name, array in frame.arrays.items()})
