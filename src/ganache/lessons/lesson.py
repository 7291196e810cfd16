"""A lesson: a Markdown file whose header, in TOML between two lines of `+++`, says what is shown and can be changed.

The text below the header has three headings: what to try, the answer, and what to take from it. In another language the
file of the same name holds the title, the labels and the text; the rest is that of the English file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal

from markdown_it import MarkdownIt

from ganache.config.config import Config, from_dict, from_recipe
from ganache.core.strict import build
from ganache.errors import ConfigError

LANGUAGES = {"en": "English", "zh": "中文"}
FENCE = "+++"
LONGEST = 64 * 1024
"""Characters of a lesson's file."""
MOST_CHOICES, MOST_KNOBS = 8, 4

CLAIM = re.compile(r'<a href="claim:([a-z-]+)">(.*?)</a>', re.DOTALL)
"""A link to one of ganache's claims, `[words](claim:NAME)`. The page shows the words, and the command that tests it."""

Part = Literal["surface", "arrows", "mesh", "latents", "weights", "slopes"]
"""What can be drawn beside the points: the critic's scores, where the generator's loss pushes each point, a net in the
latent plane and its image, that plane itself with its latents, the critic's weights, and the critic's slopes between
real and generated points."""
Plain = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """One position of a knob: what it changes in the settings."""

    label: str
    recipe: str = ""
    """Replaces the lesson's recipe."""
    settings: Plain = field(default_factory=dict)
    """Sections of a run's settings, as in a recipe."""


@dataclass(frozen=True)
class Knob:
    """Something that the reader may change."""

    label: str
    choices: tuple[Choice, ...]
    start: int = 0
    """The position at first."""
    restarts: bool = False
    """Whether a change restarts the training instead of continuing it."""

    def __post_init__(self) -> None:
        if not 0 <= self.start < len(self.choices) <= MOST_CHOICES:
            raise ValueError(f"a knob has 1 to {MOST_CHOICES} choices, and starts at one of them")


@dataclass(frozen=True)
class Outcome:
    """What a lesson's text says that the reader will see, checked by the tests."""

    choices: tuple[int, ...]
    """A position of each knob."""
    step: int
    number: str
    """The name of a number of the scene, such as "modes"."""
    at_least: float = float("-inf")
    at_most: float = float("inf")
    side: int = 0


@dataclass(frozen=True)
class Lesson:
    """The header of a lesson, and its text as HTML."""

    title: str
    scene: Literal["plane", "lines", "dirac", "pictures", "latents"]
    name: str = ""
    """The name of its file, without number and ending."""
    recipe: str = "gan-mlp"
    settings: Plain = field(default_factory=dict)
    sides: tuple[Choice, ...] = (Choice(""),)
    """Trainings that run side by side, on the same data and the same seed."""
    knobs: tuple[Knob, ...] = ()
    steps: int = 2_000
    """Steps of the recorded training."""
    shows: tuple[Part, ...] = ()
    numbers: tuple[str, ...] = ()
    """Numbers of the scene that are shown, in this order; all of them if none is named."""
    curves: tuple[str, ...] = ()
    """Numbers that are drawn as curves."""
    logarithmic: bool = False
    """Whether the curves have a logarithmic axis."""
    outcomes: tuple[Outcome, ...] = ()
    text: str = ""
    question: str = ""
    answer: str = ""
    take: str = ""

    def __post_init__(self) -> None:
        if len(self.knobs) > MOST_KNOBS or not 1 <= len(self.sides) <= 2 or not 0 < self.steps <= 100_000:
            raise ValueError(f"a lesson has at most {MOST_KNOBS} knobs, 1 or 2 sides, and 1 to 100,000 steps")

    @property
    def start(self) -> tuple[int, ...]:
        """The position of each knob at first."""
        return tuple(knob.start for knob in self.knobs)

    def configs(self, positions: Sequence[int], changes: Mapping[str, Any] | None = None) -> list[Config]:
        """Return the settings of each side.

        `changes`: further settings of the reader. Raises ConfigError for settings or positions that do not exist.
        """
        if len(positions) != len(self.knobs) or not all(
            0 <= place < len(knob.choices) for place, knob in zip(positions, self.knobs, strict=True)
        ):
            raise ConfigError(f"The lesson '{self.name}' has no such positions of its knobs: {list(positions)[:8]}.")
        chosen = [knob.choices[place] for knob, place in zip(self.knobs, positions, strict=True)]
        return [
            self._config([Choice("", self.recipe, self.settings), side, *chosen], changes or {}) for side in self.sides
        ]

    def _config(self, parts: Sequence[Choice], changes: Mapping[str, Any]) -> Config:
        recipe = next(part.recipe for part in reversed(parts) if part.recipe)
        merged: Plain = {"device": "cpu", "precision": {"compute": "float32"}, "data": {"flip": False}}
        for part in (*(part.settings for part in parts), changes):
            merged = merge(merged, part)
        return from_dict(merged, from_recipe(recipe))


def merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> Plain:
    """Return the tables of both; where both have a value, that of the second.

    A section that names another network or method replaces the first one's.

    >>> merge({"method": {"name": "gan"}, "seed": 1}, {"method": {"name": "wgan", "clip": 0.1}})
    {'method': {'name': 'wgan', 'clip': 0.1}, 'seed': 1}
    """
    merged = dict(first)
    for name, value in second.items():
        known = merged.get(name)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        merged[name] = {**known, **value} if both and "name" not in value else value  # type: ignore[dict-item]
    return merged


# ---- files -----------------------------------------------------------------------------------------------------------


def load_lessons(folder: Traversable | None = None, language: str = "en") -> list[Lesson]:
    """Return the lessons in a folder in the order of their files, by default the package's.

    Files of other languages lie in a folder with the language's code. Raises ConfigError, which names the file, if one
    cannot be read.
    """
    folder = folder or files("ganache.lessons") / "texts"
    paths = sorted((path for path in folder.iterdir() if path.name.endswith(".md")), key=lambda path: path.name)
    if not paths:
        raise ConfigError(f"{folder} has no lessons: write them as Markdown files (.md), or leave out --lessons.")
    found = []
    for path in paths:
        lesson = read_lesson(read(path), path.name)
        other = folder / language / path.name
        found.append(translated(lesson, read(other), f"{language}/{path.name}") if other.is_file() else lesson)
    return found


def read(path: Traversable) -> str:
    """Return the text of a file. Raises ConfigError if it is no text or too long."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError(f"The lesson {path.name} cannot be read ({error}).") from None
    if len(text) > LONGEST:
        raise ConfigError(f"The lesson {path.name} has {len(text):,} characters: write at most {LONGEST:,}.")
    return text


def read_lesson(text: str, file: str) -> Lesson:
    """Return the lesson in a file's text. Raises ConfigError if it is none."""
    header, body = split(text, file)
    header |= dict(zip(("text", "question", "answer", "take"), sections(body, file), strict=True))
    header["name"] = file.removesuffix(".md").lstrip("0123456789-")
    lesson = build(Lesson, header, f"lesson {file}")
    lesson.configs(lesson.start)
    return lesson


@dataclass(frozen=True)
class Labels:
    """The header of a lesson in another language."""

    title: str
    knobs: tuple[tuple[str, ...], ...] = ()
    """Of each knob, its label and those of its choices."""
    sides: tuple[str, ...] = ()


def translated(lesson: Lesson, text: str, file: str) -> Lesson:
    """Return a lesson with title, labels and text of another language. Raises ConfigError if they do not fit."""
    header, body = split(text, file)
    labels = build(Labels, header, f"lesson {file}")
    shape = [1 + len(knob.choices) for knob in lesson.knobs]
    if [len(each) for each in labels.knobs] != shape or len(labels.sides) not in (0, len(lesson.sides)):
        raise ConfigError(f"The lesson {file} needs a label for each knob and each of its choices: {shape}.")
    knobs = tuple(
        replace(
            knob, label=each[0], choices=tuple(replace(c, label=w) for c, w in zip(knob.choices, each[1:], strict=True))
        )
        for knob, each in zip(lesson.knobs, labels.knobs, strict=True)
    )
    words = labels.sides or tuple(side.label for side in lesson.sides)
    sides = tuple(replace(side, label=word) for side, word in zip(lesson.sides, words, strict=True))
    text, question, answer, take = sections(body, file)
    return replace(
        lesson, title=labels.title, knobs=knobs, sides=sides, text=text, question=question, answer=answer, take=take
    )


def split(text: str, file: str) -> tuple[Plain, str]:
    """Return header and body of a lesson's file."""
    before, *parts = text.split(f"{FENCE}\n")
    if before.strip() or len(parts) != 2:
        raise ConfigError(f"The lesson {file} does not begin with a header in TOML between two lines of {FENCE}.")
    try:
        return tomllib.loads(parts[0]), parts[1]
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"The header of the lesson {file} is not TOML ({error}).") from None


def sections(body: str, file: str) -> list[str]:
    """Return the text of a lesson and its three sections as HTML."""
    parts = body.split("\n## ")
    if len(parts) != 4:
        raise ConfigError(
            f"The lesson {file} has {len(parts) - 1} headings with ##: write three, question, answer, take."
        )
    # Without HTML of its own: a lesson may come from somebody else.
    markdown = MarkdownIt("commonmark", {"html": False})
    rendered = (markdown.render(part if place == 0 else f"### {part}") for place, part in enumerate(parts))
    return [CLAIM.sub(r"\2: <code>ganache claims \1</code>", html) for html in rendered]
