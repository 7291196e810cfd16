"""What methods that add to another one have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn

from ganache.types import Critic, Generator, Method, Terms


@dataclass(frozen=True)
class Wrapped(Method):
    """A method that asks `method` for all that it does not change itself: its terms are for the subclass."""

    method: Method

    @property
    def decision_threshold(self) -> float | None:
        return self.method.decision_threshold

    @property
    def latent_codes(self) -> tuple[int, int] | None:
        return self.method.latent_codes

    def estimates(self, G: Generator, D: Critic, real: Tensor, z: Tensor, d: Terms) -> Terms:
        return self.method.estimates(G, D, real, z, d)

    def code_head(self, features: int) -> nn.Module | None:
        return self.method.code_head(features)

    def after_d_step(self, D: Critic) -> None:
        self.method.after_d_step(D)

    def clips_weights(self) -> bool:
        return self.method.clips_weights()

    def warnings(self) -> Iterator[str]:
        return self.method.warnings()
