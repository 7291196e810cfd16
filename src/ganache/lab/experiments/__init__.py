"""The experiments, one per file, and the table EXPERIMENTS that lists them by name.

`cli` makes a command of each entry, the playground offers those with a `page`, and requests in JSON name their entry as
"kind". Only light modules are imported here; what an experiment computes with is imported when it is called.
"""

from ganache.core.table import Entry, Table
from ganache.lab.experiment import Experiment
from ganache.lab.experiments.along import Along
from ganache.lab.experiments.arithmetic import Arithmetic
from ganache.lab.experiments.average import Average
from ganache.lab.experiments.dimensions import Dimensions
from ganache.lab.experiments.directions import Directions
from ganache.lab.experiments.distribution import Distribution
from ganache.lab.experiments.invert import Invert
from ganache.lab.experiments.mixing import Mixing
from ganache.lab.experiments.neighbours import Neighbours
from ganache.lab.experiments.picture import Picture
from ganache.lab.experiments.real_vs_fake import RealVsFake
from ganache.lab.experiments.sample import Sample
from ganache.lab.experiments.traverse import Traverse
from ganache.lab.experiments.truncation import Truncation
from ganache.lab.experiments.walk import Walk

EXPERIMENTS: Table[type[Experiment]] = Table(
    Entry("EXPERIMENTS", "experiment", Experiment, settings=True),
    {
        "sample": Sample,
        "picture": Picture,
        "traverse": Traverse,
        "truncation": Truncation,
        "mixing": Mixing,
        "average": Average,
        "walk": Walk,
        "distribution": Distribution,
        "neighbours": Neighbours,
        "real-vs-fake": RealVsFake,
        "arithmetic": Arithmetic,
        "dimensions": Dimensions,
        "directions": Directions,
        "along": Along,
        "invert": Invert,
    },
)
"""Experiments by name, in the order of the command line and the playground. Add one by assignment."""

__all__ = [
    "EXPERIMENTS",
    "Along",
    "Arithmetic",
    "Average",
    "Dimensions",
    "Directions",
    "Distribution",
    "Experiment",
    "Invert",
    "Mixing",
    "Neighbours",
    "Picture",
    "RealVsFake",
    "Sample",
    "Traverse",
    "Truncation",
    "Walk",
]
