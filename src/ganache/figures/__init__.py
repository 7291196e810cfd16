"""Arrays and captions -> picture files. Nothing here has seen a network."""

from ganache.figures.exhibit import draw
from ganache.figures.film import save_figure
from ganache.figures.many import save_many
from ganache.figures.pictures import Panel, animation, comparison, picture, points

__all__ = ["Panel", "animation", "comparison", "draw", "picture", "points", "save_figure", "save_many"]
