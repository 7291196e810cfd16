"""Read "ring8", "grid25", "swissroll" and "lines": 2-D toy distributions, drawn from a seed."""

from __future__ import annotations

from ganache.data.drawn.toys import TOYS
from ganache.data.pixel_arrays import PixelArray
from ganache.data.readers.reader import Reader, ReadOptions, Source


class ToysReader(Reader):
    """Points float32 [count, 2]; their labels are the modes of the mixture, if it is one."""

    help = "a 2-D toy distribution (" + ", ".join(f"'{name}'" for name in TOYS) + ")"
    names = tuple(TOYS)
    recipe = "points"

    def read(self, source: Source, options: ReadOptions) -> PixelArray:
        options.require_count(source.name)
        toy = TOYS[source.name]
        points, modes = toy.sample(options.count, options.seed)
        points.flags.writeable = False
        label_names = tuple(f"mode {i}" for i in range(len(toy.centres))) if toy.centres is not None else ()
        return PixelArray(points, modes, label_names)
