"""Three critics at once: the network's own, and two of pretrained features (`networks/projected.py`)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ganache.core.cores import map_on_cores
from ganache.methods.wrapped import Wrapped
from ganache.types import Critic, Generator, PrecomputedGenerator, Terms, without_autocast

TermsOf = Callable[[Generator, Critic, Tensor, Tensor], Terms]
"""`d_terms` or `g_terms` of a method."""
Played = tuple[Terms, list[Tensor | None]]
"""Terms, and the gradients of their sum."""


@dataclass(frozen=True)
class Projected(Wrapped):
    """`method`, played against the critic, and against critics of pretrained features of whole images and of windows.

    Those are `D.projected` and `D.windows`; their terms are called projected_... and windows_... Each of the three
    pulls at the generator's images with a gradient of a fixed length over the batch, 1 and twice `weight`: their losses
    change by orders of magnitude in a training, at different times. The critics' own gradients are those of the terms.

    The critics share no weights, so on a CPU they are computed at the same time, each on cores of its own, and so are
    their gradients, which the terms carry with them. The terms have no second derivative.
    """

    weight: float = 1.0
    """Length of the gradient from each of the critics of pretrained features."""
    share: float = 1.0
    """Share of a batch's images, the first ones, that are seen whole."""
    windows: float = 0.0
    """Share of a batch's images, the last ones, of which windows are seen."""
    window: tuple[float, float] = (0.5, 0.5)
    """Where this batch's window is, from top to bottom and from left to right, both in [0, 1]. All images of a batch,
    real and fake, have the same one, so that the critics compare like with like."""

    def at(self, batch_index: int) -> Projected:
        drawn = random.Random(batch_index)
        return replace(self, method=self.method.at(batch_index), window=(drawn.random(), drawn.random()))

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        weights = [weight for weight in D.parameters() if weight.requires_grad]

        def play(game: Game) -> Played:
            terms = game.terms(self.method.d_terms)
            return terms, gradients(terms, weights)

        return joined(self.play_all(play, self.games(D, G(z), real, z)), weights)

    def iter_d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Iterator[tuple[str, Tensor]]:
        for game in self.games(D, G(z), real, z):
            for name, term in self.method.iter_d_terms(PrecomputedGenerator(game.fake), game.D, game.real, game.z):
                yield game.prefix + name, term

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        x = G(z)
        leaf = x.detach().requires_grad_(x.requires_grad)

        def play(game: Game) -> Played:
            terms = game.terms(self.method.g_terms)
            return terms, [of_length(each, game.pull) for each in gradients(terms, [leaf])]

        return joined(self.play_all(play, self.games(D, leaf, real, z)), [x])

    def games(self, D: Critic, x: Tensor, real: Tensor, z: Tensor) -> list[Game]:
        """Return what each critic is given of generated images x and real ones."""
        found = [Game("", D, x, real, z, 1.0)]
        if D.windows is not None:
            rows = slice(len(x) - max(1, round(self.windows * len(x))), len(x))
            fake, seen = (D.seen(window(images[rows], *self.window)) for images in (x, real))
            found.append(Game("windows_", D.windows, fake, seen, z[rows], self.weight))
        if D.projected is not None:
            rows = slice(0, max(1, round(self.share * len(x))))
            found.append(Game("projected_", D.projected, D.seen(x[rows]), D.seen(real[rows]), z[rows], self.weight))
        return found

    def play_all(self, play: Callable[[Game], Played], games: Sequence[Game]) -> list[Played]:
        """Return [play(game) for game in games], at the same time if the order of their random numbers is known."""
        if not games[0].fake.is_cpu or self.method.draws_random_numbers:
            return [play(game) for game in games]
        return map_on_cores(play, games)


@dataclass(frozen=True)
class Game:
    """What the method is given for one of the critics."""

    prefix: str
    """What the names of its terms begin with."""
    D: Critic
    fake: Tensor
    real: Tensor
    z: Tensor
    pull: float
    """Length of the gradient at the generated images."""

    def terms(self, terms_of: TermsOf) -> Terms:
        found = terms_of(PrecomputedGenerator(self.fake), self.D, self.real, self.z)
        return {self.prefix + name: term for name, term in found.items()}


def window(x: Tensor, down: float, across: float) -> Tensor:
    """Return the window of half of each side, rounded up, at this position; both are in [0, 1]."""
    for axis, position in ((2, down), (3, across)):
        side = x.shape[axis]
        size = (side + 1) // 2
        x = x.narrow(axis, round(position * (side - size)), size)
    return x


# ---- terms and their gradients -----------------------------------------------------------------------------------


def gradients(terms: Terms, inputs: Sequence[Tensor]) -> list[Tensor | None]:
    """Return the gradients of the sum of the terms at each of the inputs: None where it does not depend on one."""
    total = torch.stack(list(terms.values())).sum()
    if not total.requires_grad:
        return [None] * len(inputs)
    with without_autocast(total):  # as in training, whose backward passes are outside of it
        return list(torch.autograd.grad(total, inputs, allow_unused=True))


def of_length(gradient: Tensor | None, length: float) -> Tensor | None:
    """Return the gradient, scaled to this length."""
    if gradient is None:
        return None
    norm: Tensor = torch.linalg.vector_norm(gradient, dtype=torch.promote_types(gradient.dtype, torch.float32))
    return gradient * (length / norm.clamp_min(1e-30)).to(gradient.dtype)


def joined(played: Sequence[Played], inputs: Sequence[Tensor]) -> Terms:
    """Return the terms of all games, whose sum has the sum of their gradients at the inputs."""
    terms = {name: term for found, _ in played for name, term in found.items()}
    sums = []
    for of_games in zip(*(found for _, found in played), strict=True):
        known = [gradient for gradient in of_games if gradient is not None]
        sums.append(sum(known[1:], known[0]) if known else None)
    numbers = torch.stack(list(terms.values())).detach()
    values: Tensor = KnownGradients.apply(sums, numbers, *inputs)  # type: ignore[no-untyped-call]
    return dict(zip(terms, values.unbind(), strict=True))


class KnownGradients(torch.autograd.Function):
    """Numbers [K] that were computed before, with the gradients of their sum at the inputs."""

    @staticmethod
    def forward(ctx: Any, known: list[Tensor | None], values: Tensor, *inputs: Tensor) -> Tensor:
        ctx.known = known
        return values.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        """The K numbers of `gradient` are equal, as a loss is the sum of its terms; and 1, if it is that of a batch."""
        known, factor = ctx.known, gradient[0]
        if gradient.is_cpu and (gradient != factor).any():
            raise RuntimeError("These terms were computed together: step on their sum, or take them from iter_d_terms.")
        if not factor.is_cpu or factor != 1:  # to read it from a GPU, one would have to wait
            known = [None if each is None else each * factor.to(each.dtype) for each in known]
        return None, None, *known
