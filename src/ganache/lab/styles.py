"""The space W of a style-based generator, as a model of its own: the lab's experiments then work in W as in z.

A latent in W is the w of each layer, from coarse to fine, as one row [style_layers * w_dim] (Abdal et al. 2019 call
this space W+). That of a seed has the same w in each layer.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from ganache.core.evaluating import evaluating
from ganache.core.halves import SynthesisHalf
from ganache.core.rendering import Model
from ganache.errors import ConfigError
from ganache.functional import latents
from ganache.lab.points import Kept
from ganache.types import Generator, Prior

Space = Literal["z", "w"]
Noise = Literal["fixed", "random", "none"]

MEASURED = 1000
"""Latents whose w show the mean of w, and how far w varies."""


class SynthesisOfRows(SynthesisHalf):
    """w as one row [B, style_layers * w_dim] -> x."""

    def __init__(self, whole: Generator) -> None:
        super().__init__(whole)
        self.z_dim = self.style_layers * len(mean_w(whole))

    def synthesis(self, w: Tensor) -> Tensor:
        return super().synthesis(w.reshape(len(w), self.style_layers, -1))


@dataclass(frozen=True)
class StylePrior(Prior):
    """The distribution of w that a mapping makes of latents z.

    `std` is psi, how far w is from its mean: mean + psi (w - mean) (Karras et al. 2019, appendix B).
    """

    mapped: Prior = field(default_factory=lambda: Prior(1))
    """The distribution of z."""
    generator: Generator | None = None
    moving: int | None = None
    """The number of layers, from the coarsest on, that psi moves; None for all."""

    @property
    def noise(self) -> int:
        return self.z_dim

    def sample(
        self,
        n: int,
        *,
        category: Tensor | None = None,
        device: torch.device | str = "cpu",
        generator: torch.Generator | None = None,
    ) -> Tensor:
        if self.mean:
            raise ConfigError(f"mean is {self.mean:g}, and W has a mean of its own: leave it out, or use --space z.")
        return self.of_latents(self.mapped.sample(n, category=category, device=device, generator=generator))

    def of_latents(self, z: Tensor) -> Tensor:
        """Return w [N, style_layers * w_dim] of latents z [N, mapped.z_dim], as far from the mean as psi says."""
        assert self.generator is not None
        return truncated(self.generator, styles(self.generator, z), self.std, self.moving).flatten(1)


def in_styles(model: Model, what: str = "W", moving: int | None = None) -> Model:
    """Return the model whose latents are w; raise ConfigError, with the word for what needs W, without a mapping."""
    check_mapping(model, what)
    if isinstance(model.prior, StylePrior):
        return model
    generator = SynthesisOfRows(model.generator)
    prior = StylePrior(
        generator.z_dim, categories=model.prior.categories, mapped=model.prior, generator=model.generator, moving=moving
    )
    return replace(model, generator=generator, prior=prior)


def in_styles_if_any(model: Model) -> Model:
    """Return a style-based generator with w as its latents, and any other model as it is."""
    return in_styles(model) if model.generator.style_layers else model


def check_mapping(model: Model, what: str) -> None:
    """Raise ConfigError, with the word for what needs it, if the generator has no mapping from z to w."""
    if not model.generator.style_layers:
        name = model.name or "This generator"
        raise ConfigError(
            f"{name} has no mapping from z to w, which {what} needs: use a run of a style-based network, such as the "
            "recipe style-small."
        )


def check_scale(model: Model, *stds: float) -> None:
    """Raise ConfigError for latents z that are scaled, if the mapping normalises them."""
    scaled = [std for std in stds if std != 1]
    if scaled and model.generator.normalises_latents:
        raise ConfigError(
            f"std is {scaled[0]:g}, and the mapping of {model.name or 'this generator'} normalises z, so its scale "
            "changes no picture: add --space w, where std is psi, the distance from the mean of w."
        )


@torch.no_grad()
def styles(generator: Generator, z: Tensor) -> Tensor:
    """Map z [N, z_dim] to w [N, style_layers, w_dim], the same for all layers, float32 on the CPU."""
    with evaluating(generator):
        w = generator.mapping(z.to(next(generator.parameters()).device)).float().cpu()
    return w[:, None].expand(-1, generator.style_layers, -1).contiguous()


@lru_cache(maxsize=8)
def measured_w(generator: Generator, prior: Prior) -> Tensor:
    """Return w [MEASURED, w_dim] of the first seeds; it is computed once, as each move of a slider asks for it."""
    return styles(generator, latents.from_seeds(prior, range(MEASURED)))[:, 0]


def mean_w(generator: Generator) -> Tensor:
    """Return the mean of w in training, [w_dim], which the checkpoint keeps."""
    mean: Tensor = generator.mean_w  # type: ignore[assignment]
    return mean.detach().float().cpu()


def truncated(generator: Generator, w: Tensor, psi: float, layers: int | None = None) -> Tensor:
    """Return w [N, style_layers, w_dim] with that of the first `layers` (None: all) moved to mean + psi (w - mean)."""
    mean, moved = mean_w(generator), w.clone()
    moved[:, :layers] = mean + psi * (w[:, :layers] - mean)
    return moved


def layer_range(layers: Sequence[int], count: int, name: str = "layers") -> slice:
    """Return the layers from the first to the last number of `layers`, both included; all `count` if it is empty.

    Raises ConfigError for more than two numbers, and for layers that the generator does not have.
    """
    if not layers:
        return slice(0, count)
    first, last = layers[0], layers[-1]
    if len(layers) > 2 or not 0 <= first <= last < count:
        given = " ".join(map(str, layers))
        raise ConfigError(
            f"{name} is {given}, and this generator has the layers 0 to {count - 1}: give the first and the last one, "
            f"the smaller number first, such as 0 {count // 2 - 1}."
        )
    return slice(first, last + 1)


def with_noise(generator: Generator, mode: Noise) -> Generator:
    """Return the generator with this noise in its layers: itself for "fixed", else a copy, as others may use it."""
    if mode == "fixed":
        return generator
    copied = copy.deepcopy(generator)
    for layer in copied.modules():
        if hasattr(layer, "noise_mode"):
            layer.noise_mode = mode  # type: ignore[assignment]
    return copied


def is_style(kept: Kept, model: Model) -> bool:
    """Return whether a kept latent is one of W, by its length."""
    generator = model.generator
    return bool(generator.style_layers) and len(kept.vector) == generator.style_layers * len(mean_w(generator))
