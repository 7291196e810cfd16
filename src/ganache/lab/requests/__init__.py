"""Experiments in latent space as plain data: a picture's whole address, for command line, web page and notebook.

    text = to_json(Traverse(dimension=28))      {"kind": "traverse", "dimension": 28, ...}
    from_json(text)                             Traverse(dimension=28)

A request and a generator fix the pictures: a latent of seed s is always the prior's sample of that seed, moved to
`mean` and scaled by `std`. `explore.show` makes what a request asks for. No heavy library is loaded here, so that
the command line can list what there is before PyTorch has loaded.
"""

from ganache.core.strict import build
from ganache.lab.requests.analysis import Along, Dimensions, Directions, Invert, Neighbours, Picture
from ganache.lab.requests.command import command
from ganache.lab.requests.plain import KINDS, from_dict, from_json, resolve_names, to_dict, to_json
from ganache.lab.requests.points import Kept, Point, parse, plain_kept, refuse_bad_name, refuse_unknown
from ganache.lab.requests.request import Request, refuse_classes
from ganache.lab.requests.sampling import (
    Arithmetic,
    Average,
    Distribution,
    RealVsFake,
    Sample,
    Traverse,
    Truncation,
    Walk,
)

__all__ = [
    "KINDS",
    "Along",
    "Arithmetic",
    "Average",
    "Dimensions",
    "Directions",
    "Distribution",
    "Invert",
    "Kept",
    "Neighbours",
    "Picture",
    "Point",
    "RealVsFake",
    "Request",
    "Sample",
    "Traverse",
    "Truncation",
    "Walk",
    "build",
    "command",
    "from_dict",
    "from_json",
    "parse",
    "plain_kept",
    "refuse_bad_name",
    "refuse_classes",
    "refuse_unknown",
    "resolve_names",
    "to_dict",
    "to_json",
]
