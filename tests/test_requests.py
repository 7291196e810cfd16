"""Requests: to JSON and back, strictly."""

from __future__ import annotations

import json
import math

import pytest
import tyro
from hypothesis import given, settings
from hypothesis import strategies as st

from ganache.cli.types import REGISTRY
from ganache.errors import ConfigError
from ganache.lab.experiment import Experiment
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
from ganache.lab.points import Kept, Point, parse_point
from ganache.lab.serialisation import command, from_json, resolve_names, to_dict, to_json

SMILING = Kept("smiling", (3, 17, 40), 0.1, 0.5)
OTHERS: list[Experiment] = [
    Sample(9, (0.0, -0.3), (0.4, 1.0), 7, (1, 0)),
    Distribution((0.5,), 0.1, 3, 4, (2,), "latents"),
    Average((0.5,), 0.1, 3, 4, (2,)),
    Arithmetic("a-b+c", (Point((1, 2)), Point((SMILING,)), Point((Kept(vector=(0.1, -2.0)), "x"))), classes=(3,)),
    Dimensions(3, "structure", 1.5, 7, 0.1, 0.4, 5, (1, 2)),
    Directions("examples", 3, (Point((SMILING,)),), (Point((1, 2)),), (Point((7,)),), (0.5, 1.0), 2.0, classes=(1,)),
    Along((Point(("smile",)), Point((SMILING,))), (Point((1,)),), (-1.0,), 0.1, 0.5, (2,)),
    Invert(("a.png", "b.png"), 2, 9, 10, 0.5, 0.0, 3, (1,)),
    Neighbours(3, 4, "pixels", 0.1, 0.2, 5, (0,), "pictures.zip", (Point((3, "smiling")),)),
    Picture((Point((3,)), Point((SMILING,))), (4, "code1"), (0.5, -1.0), (Point(("sefa1",)),), (2.0,), 0.1, 0.5, (2,)),
    Traverse("code2", values=(1.5, -1.0), points=(Point((SMILING, 5)),)),
    Walk((Point((9,)), Point(("smiling",))), "lerp", loop=False, frames=3, fps=5),
    Truncation((0.5,), 2, 3, 0.1, (1,)),
    RealVsFake(3, 0.1, 0.2, 5, (0,), "pictures.zip"),
]


@pytest.mark.parametrize(
    "request_", [*(kind() for kind in EXPERIMENTS.values()), *OTHERS], ids=lambda r: type(r).__name__
)
def test_a_request_comes_back_from_json_as_it_was(request_: Experiment) -> None:
    text = to_json(request_)
    assert from_json(text) == request_
    assert to_json(from_json(text)) == text
    assert json.loads(text)["kind"] in EXPERIMENTS


@pytest.mark.parametrize("request_", OTHERS, ids=lambda r: type(r).__name__)
def test_a_request_comes_back_from_its_command(request_: Experiment) -> None:
    words = command(request_, [])
    assert words[:2] == ["ganache", next(name for name, kind in EXPERIMENTS.items() if type(request_) is kind)]
    assert tyro.cli(type(request_), args=words[2:], registry=REGISTRY) == request_


parts = st.one_of(
    st.integers(0, 2**63 - 1),
    st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True),
    st.builds(lambda numbers: Kept(vector=tuple(numbers)), st.lists(st.floats(-9, 9), min_size=1, max_size=3)),
    st.builds(
        lambda name, seeds, std: Kept(name, tuple(seeds), 0.25, std),
        st.from_regex(r"[a-z]{1,5}", fullmatch=True),
        st.lists(st.integers(0, 99), min_size=1, max_size=3),
        st.floats(0, 2),
    ),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(parts, min_size=1, max_size=3), min_size=2, max_size=2))
def test_every_point_comes_back(points: list[list[int | str | Kept]]) -> None:
    walk = Walk(tuple(Point(tuple(each)) for each in points))
    assert from_json(to_json(walk)) == walk
    for point in to_dict(walk)["points"]:
        assert parse_point(json.dumps(point) if not isinstance(point, str) else point) in walk.points


def test_points_as_the_command_line_has_them() -> None:
    assert parse_point("17") == Point((17,))
    assert parse_point("3,smiling, 5") == Point((3, "smiling", 5))
    assert parse_point('{"vector": [1, 2.5]}') == Point((Kept(vector=(1.0, 2.5)),))
    assert [str(parse_point(text)) for text in ("17", "smiling", "3,4")] == ["seed 17", "smiling", "mean of 3, 4"]


def test_names_are_replaced_by_what_they_stand_for() -> None:
    walk = Walk((Point(("smiling", 2)), Point((5,))))
    there = resolve_names(walk, {"smiling": SMILING})
    assert there == Walk((Point((SMILING, 2)), Point((5,))))
    assert resolve_names(there, {}) == there, "its meaning does not change when the name does"
    assert resolve_names(Sample(), {}) == Sample()
    with pytest.raises(ConfigError, match="no latent named 'smilng': did you mean 'smiling'"):
        resolve_names(Walk((Point(("smilng",)), Point((5,)))), {"smiling": SMILING})
    with pytest.raises(ConfigError, match="none has been named"):
        resolve_names(walk, {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("[1]", 'object with a "kind"'),
        ("[" * 100_000, "cannot be read"),
        ('{"n": 3}', 'object with a "kind"'),
        ('{"kind": "smaple"}', "did you mean 'sample'"),
        ('{"kind": ["sample"]}', "no request of kind"),
        ('{"kind": "sample", "sed": 3}', "did you mean 'seed'"),
        ('{"kind": "sample", "n": "3"}', "n is '3': use a whole number"),
        ('{"kind": "sample", "n": 3.5}', "n is 3.5"),
        ('{"kind": "sample", "n": true}', "n is True"),
        ('{"kind": "sample", "n": 0}', "n is 0: use a number from 1 to 10000"),
        ('{"kind": "sample", "seed": -1}', "seed is -1"),
        ('{"kind": "sample", "seed": 99999999999999999999}', "seed is 9"),
        ('{"kind": "sample", "mean": NaN}', "mean is nan: use a number"),
        ('{"kind": "sample", "std": -1}', "std is -1.0: use a number from 0"),
        ('{"kind": "sample", "std": []}', "std is empty"),
        ('{"kind": "sample", "mean": 1e999}', "mean is inf"),
        ('{"kind": "traverse", "values": [0, NaN]}', "values is nan: use a number"),
        ('{"kind": "traverse", "means": []}', "means is empty"),
        ('{"kind": "sample", "std": 1e300}', "use a number from 0 to 1e+06"),
        ('{"kind": "sample", "n": 1' + "0" * 400 + "}", "n is 1"),
        ('{"kind": "truncation", "n": 1001}', "1001 columns are too many"),
        ('{"kind": "walk", "points": [1]}', "at least 2 points"),
        ('{"kind": "walk", "points": [1, 0.5]}', "0.5 is no seed"),
        ('{"kind": "walk", "points": [1, -5]}', "-5 is no seed"),
        ('{"kind": "walk", "points": [1, []]}', "is empty"),
        ('{"kind": "walk", "points": [1, "no name"]}', "neither a seed nor a name"),
        ('{"kind": "walk", "points": [1, {"vector": [NaN]}]}', "has the number nan: use numbers from"),
        ('{"kind": "walk", "points": [1, {"vector": ["a"]}]}', "vector.0 is 'a'"),
        ('{"kind": "walk", "points": [1, {"vectro": [1]}]}', "did you mean 'vector'"),
        ('{"kind": "walk", "points": [1, {"name": "x"}]}', "one of the two"),
        ('{"kind": "walk", "way": "sideways"}', "way is 'sideways'"),
        ('{"kind": "walk", "frames": 1000}', "4000 frames are too many: ask for 2000"),
        ('{"kind": "arithmetic", "operation": "a-b+c"}', "a-b+c needs 3 latents, and 2 are given"),
        ('{"kind": "arithmetic", "classes": [1, 2]}', "2 classes are given, and arithmetic uses one"),
        ('{"kind": "distribution", "means": [0], "n": 2}', "at least 3 pictures"),
    ],
)
def test_what_is_no_request_is_refused_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        from_json(text)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 300


def test_requests_made_in_python_are_checked_too() -> None:
    for wrong in (lambda: Sample(mean=math.nan), lambda: Truncation(stds=()), lambda: Walk((Point((1,)),))):
        with pytest.raises(ConfigError):
            wrong()
