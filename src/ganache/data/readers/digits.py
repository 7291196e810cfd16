"""Read "digits": the handwritten digits that come with scikit-learn."""

from __future__ import annotations

import numpy as np

from ganache.data.pixel_arrays import PixelArray
from ganache.data.readers.reader import Reader, ReadOptions, Source
from ganache.errors import MissingExtra


class DigitsReader(Reader):
    """1,797 grey images of 8x8 pixels with labels. Needs scikit-learn (extra: digits)."""

    help = "'digits', the 8x8 handwritten digits of scikit-learn"
    names = ("digits",)

    def read(self, source: Source, options: ReadOptions) -> PixelArray:
        """Raises MissingExtra without scikit-learn."""
        try:
            from sklearn.datasets import load_digits
        except ImportError as error:
            raise MissingExtra("'digits' comes with scikit-learn and", "digits") from error
        bunch = load_digits()
        images = np.rint(bunch.images * (255.0 / 16.0)).astype(np.uint8)[..., None]  # the values are 0 to 16
        images.flags.writeable = False
        names = tuple(str(name) for name in bunch.target_names)
        return PixelArray(images, bunch.target.astype(np.int64), names, is_text=True)
