"""Drawing: figures and arrays turned into PNG files, animations, plots and pages.

It does not know networks. It imports `core` and `lab.figure`; `runs`, `output`, `claims`, `playground` and `cli`
may import it.
"""

from ganache.figures.animation import save_figure
from ganache.figures.bulk import save_many
from ganache.figures.figure import draw
from ganache.figures.pictures import Panel, animation, comparison, picture
from ganache.figures.plane import Plane, draw_plane

__all__ = ["Panel", "Plane", "animation", "comparison", "draw", "draw_plane", "picture", "save_figure", "save_many"]
