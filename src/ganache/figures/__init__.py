"""Drawing: figures and arrays turned into PNG files, animations, plots and pages.

It does not know networks: it draws arrays and the figures of `lab.figure`.
"""

from ganache.figures.animation import save_figure
from ganache.figures.bulk import save_many
from ganache.figures.figure import draw
from ganache.figures.pictures import Panel, animation, comparison, picture
from ganache.figures.plane import Plane, draw_plane

__all__ = ["Panel", "Plane", "animation", "comparison", "draw", "draw_plane", "picture", "save_figure", "save_many"]
