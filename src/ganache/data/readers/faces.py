"""Read "faces": anime-style faces, drawn from a seed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ganache.core.images import Pixels
from ganache.data.decoding import DEFAULT_SIZE
from ganache.data.drawn.faces import draw_range
from ganache.data.pixel_arrays import PixelBlocks, convert_block, rows_per_block
from ganache.data.readers.reader import Reader, ReadOptions, Source

DRAWING = "d7d6ea646581642dbb20f96ebf0c7a8d5bd65217770a96893733ad6e87c122ac"
"""Version of the drawing, part of the cache key: change it when faces are drawn with other pixels.

(It is the SHA-256 of the code that first drew these faces, so packs of earlier versions stay valid.)
"""


class FacesReader(Reader):
    """Drawn faces, uint8 [count, H, W, 3 or 1], 64x64 unless another size is requested."""

    help = "'faces', anime-style faces that are drawn from a seed"
    names = ("faces",)

    def read(self, source: Source, options: ReadOptions) -> PixelBlocks:
        options.require_count(source.name)
        count, seed, target = options.count, options.seed, options.target
        size = target.size or DEFAULT_SIZE
        step = rows_per_block(np.empty((1, *size, 3), dtype=np.uint8))

        def blocks() -> Iterator[Pixels]:
            for start in range(0, count, step):
                yield convert_block(draw_range(start, min(start + step, count), seed, size), target)

        return PixelBlocks(("faces", count, seed, size, DRAWING), count, blocks)
