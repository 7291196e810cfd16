"""The second half of a style-based generator as a network of its own."""

from __future__ import annotations

from torch import Tensor

from ganache.types import Generator


class SynthesisHalf(Generator):
    """w [B, w_dim], or w [B, style_layers, w_dim] with one per layer, -> x [B, *image_shape]."""

    def __init__(self, whole: Generator) -> None:
        super().__init__()
        self.whole, self.image_shape, self.style_layers = whole, whole.image_shape, whole.style_layers

    def style_weights(self) -> list[Tensor]:
        return self.whole.style_weights()

    def synthesis(self, w: Tensor) -> Tensor:
        return self.whole.synthesis(w)
