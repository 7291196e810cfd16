"""The interfaces that everything else is written against: Generator, Critic, Network, Method, Prior.

Shapes use one alphabet throughout the code:

    B  batch      C  channels      H  height      W  width      N  number of samples      F  features
    z  latents [B, z_dim]                     w  mapped latents [B, w_dim]
    x  images [B, C, H, W] in [-1, 1]         y  labels [B]

A 2-D toy is an "image" of shape (2,), so its x is [B, 2].
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot
from torch.nn.modules.batchnorm import _BatchNorm

ImageShape = tuple[int, ...]
"""The shape of one image: (C, H, W), or (2,) for a 2-D toy."""

Terms = dict[str, Tensor]
"""The terms of a loss by name. Each is a float32 scalar that includes its weight, so the loss is their sum."""


class Generator(nn.Module, ABC):
    """The generator network: z [B, z_dim] -> x [B, *image_shape] in [-1, 1]."""

    z_dim: int
    image_shape: ImageShape

    frozen: Sequence[nn.Parameter] = ()
    """Weights that are not trained, whatever `requires_grad_` says."""
    category: slice = slice(0)
    """Where the latents have the one-hot category of a run with classes or categorical codes; empty without."""
    normalises_latents: bool = False
    """Whether `mapping` divides z by its length, so that its scale changes nothing."""
    style_layers: int = 0
    """Layers that can each take a w of their own, from coarse to fine; 0 if `mapping` is the identity."""

    def mapping(self, z: Tensor) -> Tensor:
        """Map z [B, z_dim] to w [B, w_dim]. The identity, unless a network overrides it."""
        return z

    def style_weights(self) -> list[Tensor]:
        """Return the weight [F, w_dim] that each of the `style_layers` applies to its w."""
        return []

    @abstractmethod
    def synthesis(self, w: Tensor) -> Tensor:
        """Map w [B, w_dim], or [B, style_layers, w_dim] if there are such layers, to images x [B, *image_shape]."""

    def forward(self, z: Tensor) -> Tensor:
        return self.synthesis(self.mapping(z))

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        super().requires_grad_(requires_grad)
        leave_out(self.frozen)
        return self


class PrecomputedGenerator(Generator):
    """A generator that returns images x [B, *image_shape] that were computed before, whatever latents it is given."""

    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.x = x

    def synthesis(self, w: Tensor) -> Tensor:
        return self.x

    def detached(self) -> PrecomputedGenerator:
        """Return the same images without their graph, for the critic's step."""
        return PrecomputedGenerator(self.x.detach())


class Critic(nn.Module, ABC):
    """The discriminator: x [B, *image_shape] -> scores [B] before any sigmoid, higher for images that look more real.

    `head` is the last linear layer, [B, F] -> [B, 1]. It computes in float32 (float64 in a float64 network) even where
    the body computes in bfloat16, because three digits are too few for differences between scores.
    """

    image_shape: ImageShape
    joins_batches: bool = False
    """Whether `both` may score real and fake images in one forward pass. A network opts in by setting this to True if
    each score depends on its own image alone, or if every layer that computes statistics over the batch has an
    attribute `batch_groups`, the number of equal batches that its input consists of, and treats them separately."""
    head: nn.Linear
    frozen: Sequence[nn.Parameter] = ()
    """Weights that are not trained, whatever `requires_grad_` says."""
    codes: nn.Module | None
    """InfoGAN's recognition head Q, if the method needs one: features [B, F] -> predicted codes [B, any]."""
    classes: nn.Module | None
    """The class embedding of a conditional critic: labels [B] -> directions in feature space [B, F]."""
    projected: Critic | None
    """Critics of pretrained features beside this one, which `methods/projected.py` plays against. They are given what
    `seen` returns."""
    windows: Critic | None
    """The same for windows of the images."""

    def __init__(self) -> None:
        super().__init__()
        self.codes = None
        self.classes = None
        self.projected = None
        self.windows = None

    @abstractmethod
    def features(self, x: Tensor) -> Tensor:
        """Return the last hidden layer [B, F] for x [B, *image_shape]."""

    def seen(self, x: Tensor) -> Tensor:
        """Return images x [B, C, H, W] as the critic sees them: augmented or noisy, if a training wants that."""
        return x

    def score(self, h: Tensor) -> Tensor:
        """Return the scores [B] for features h [B, F]."""
        with without_autocast(h):
            scores: Tensor = self.head(at_least_float32(h))
        return scores.flatten()

    def read_codes(self, h: Tensor) -> Tensor:
        """Return Q's prediction [B, any] for features h [B, F]."""
        assert self.codes is not None
        with without_autocast(h):
            predicted: Tensor = self.codes(at_least_float32(h))
        return predicted

    def forward(self, x: Tensor) -> Tensor:
        return self.score(self.features(x))

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        super().requires_grad_(requires_grad)
        leave_out(self.frozen)
        return self

    def both(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores of a real and of a fake batch, [B] and [B'].

        One forward pass serves both batches if the result is the same: the network opted in (`joins_batches`), the
        batches have the same size, and no batch norm would mix them. Otherwise each batch has a pass of its own.
        """
        modules = list(self.modules())
        grouped: list[Any] = [module for module in modules if hasattr(module, "batch_groups")]
        mixes = any(isinstance(module, _BatchNorm) and module not in grouped for module in modules)
        if not self.joins_batches or len(real) != len(fake) or mixes:
            return self(real), self(fake)
        try:
            for module in grouped:
                module.batch_groups = 2
            real_scores, fake_scores = self(torch.cat([real, fake])).chunk(2)
        finally:
            for module in grouped:
                module.batch_groups = 1
        return real_scores, fake_scores


def leave_out(frozen: Sequence[nn.Parameter]) -> None:
    """Exclude weights from training."""
    for weight in frozen:
        weight.requires_grad_(False)


def at_least_float32(h: Tensor) -> Tensor:
    """Return h in float32, or in float64 if it is float64 already."""
    return h if h.dtype is torch.float64 else h.float()


def without_autocast(x: Tensor) -> AbstractContextManager[object]:
    """Return a context in which operations on the device of x are not computed in bfloat16."""
    # The meta device, on which only shapes are computed, has no autocast.
    return nullcontext() if x.device.type == "meta" else torch.autocast(x.device.type, enabled=False)


def autocast_dtype(x: Tensor) -> torch.dtype:
    """Return the type in which autocast computes convolutions of x on its device; that of x without autocast."""
    device = x.device.type
    return torch.get_autocast_dtype(device) if device != "meta" and torch.is_autocast_enabled(device) else x.dtype


class Network(ABC):
    """A network family: a frozen dataclass of settings that builds a generator and a critic for one image shape.

    A subclass has a field `z_dim`. Register it under a name in `ganache.NETWORKS`. The methods with a default body
    answer what the rules for settings (`config/rules.py`) ask about a family.
    """

    if TYPE_CHECKING:  # a dataclass field in most families; declared read-only, as the dataclasses are frozen

        @property
        def z_dim(self) -> int:
            """Dimensions of a latent."""

    @abstractmethod
    def generator(self, shape: ImageShape) -> Generator:
        """Return a newly initialised generator of images [B, *shape]; raise ConfigError if the shape is impossible."""

    @abstractmethod
    def critic(self, shape: ImageShape) -> Critic:
        """Return a newly initialised critic of images [B, *shape]; raise ConfigError if the shape is impossible."""

    def critic_mixes_images(self) -> Mapping[str, str]:
        """Return the parts of the critic that make a score depend on the other images of its batch.

        The keys name the parts, the values are the options that turn them off, such as
        {"batch norm": "--network.critic-norm layer"}. Gradient penalties per sample are refused for such a critic. A
        family whose critic has batch norm, or any other statistic over the batch, must override this.
        """
        return {}

    def has_mapping(self) -> bool:
        """Return whether the generator maps latents z to w, as style-based generators do."""
        return False

    def bounds_critic_slope(self) -> bool:
        """Return whether the architecture bounds the critic's Lipschitz constant, as spectral normalisation does."""
        return False

    def warnings(self) -> Iterator[str]:
        """Yield a sentence for each combination of the family's settings that is known to harm training."""
        return iter(())


class Method(ABC):
    """What critic and generator minimise: a frozen dataclass of a paper's constants, with the paper's defaults.

    A method contains no backward pass, optimiser, device or logging; the training loop has those. Register it under a
    name in `ganache.METHODS`. The attributes and the methods with a default body answer what the rules for settings
    (`config/rules.py`), the latent prior and the claims ask about a method.
    """

    per_sample_gradients: bool = False
    """Whether a term penalises the critic's gradient at single images, so that each score must depend on its own image
    alone (Gulrajani et al. 2017, section 4: no batch norm in the critic)."""
    draws_random_numbers: bool = True
    """Whether the terms may draw random numbers. Terms that do not are computed for several critics at the same time,
    in no particular order (`methods/projected.py`). A subclass that draws some sets this to True again."""
    recipe: str | None = None
    """The recipe whose constants, optimisers and critic schedule the claims use to compare this method with others;
    None leaves it out of the comparisons."""

    def at(self, batch_index: int) -> Method:
        """Return the method at this batch of real images: itself, unless some terms are computed at a few batches."""
        return self

    @abstractmethod
    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        """Return the terms that the critic minimises, given real [B, *image_shape] and z [B, z_dim]."""

    def iter_d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield the same terms by name, each computed with the critic's weights at the time it is requested.

        Training with `schedule.separate_critic_terms` steps the critic between two terms. Override this if the terms
        share no forward pass and can be computed one at a time.
        """
        terms = self.d_terms(G, D, real, z)
        for index, name in enumerate(terms):
            yield name, self.d_terms(G, D, real, z)[name] if index else terms[name]

    @abstractmethod
    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        """Return the terms that the generator minimises. Only methods that compare pairs use `real`."""

    def estimates(self, G: Generator, D: Critic, real: Tensor, z: Tensor, d: Terms) -> Terms:
        """Return scalars for the log, such as an estimate of the divergence between real and generated images.

        `d` holds the terms of the critic's last step. Empty unless a method overrides it.
        """
        return {}

    @property
    def decision_threshold(self) -> float | None:
        """The score at which the critic finds an image as likely real as fake; None if only differences matter."""
        return 0.0

    @property
    def latent_codes(self) -> tuple[int, int] | None:
        """(values of the categorical code, number of continuous codes) that end each latent; None without codes."""
        return None

    def code_head(self, features: int) -> nn.Module | None:
        """Return a new head that predicts codes from the critic's features, [B, features] -> [B, any], or None."""
        return None

    def after_d_step(self, D: Critic) -> None:  # noqa: B027  (a hook: most methods do nothing here)
        """Change the critic's weights after its optimiser has stepped, for example clip them."""

    def clips_weights(self) -> bool:
        """Return whether `after_d_step` clips the critic's weights."""
        return False

    def needs_bounded_slope(self) -> bool:
        """Return whether the critic's loss has no lower bound unless something else bounds the critic's slope."""
        return False

    def warnings(self) -> Iterator[str]:
        """Yield a sentence for each choice of the method's settings that is known to harm training."""
        return iter(())


@dataclass(frozen=True)
class Prior:
    """The distribution of latents z [N, z_dim]: noise, followed by a one-hot category and continuous codes, if any.

    Each dimension of the noise is N(mean, std^2), or uniform on [mean - std, mean + std]. The category is one of
    `categories` values (a class of the data, or InfoGAN's categorical code); the continuous codes are uniform on
    [-1, 1].
    """

    z_dim: int
    kind: Literal["normal", "uniform"] = "normal"
    mean: float = 0.0
    std: float = 1.0
    categories: int = 0
    continuous: int = 0

    @property
    def noise(self) -> int:
        """The number of noise dimensions."""
        return self.z_dim - self.categories - self.continuous

    def sample(
        self,
        n: int,
        *,
        category: Tensor | None = None,
        device: torch.device | str = "cpu",
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw n latents [n, z_dim] from `generator`, or from the device's default random state if it is None.

        `category` [n] sets the categories; they are drawn at random if it is None.
        """
        draw = torch.rand if self.kind == "uniform" else torch.randn
        unit = draw((n, self.noise), device=device, generator=generator)
        if self.kind == "uniform":
            unit = unit * 2 - 1
        parts = [self.mean + self.std * unit]
        if self.categories:
            if category is None:
                category = torch.randint(self.categories, (n,), device=device, generator=generator)
            parts.append(one_hot(category.to(device), self.categories).to(unit.dtype))
        if self.continuous:
            parts.append(torch.rand((n, self.continuous), device=device, generator=generator) * 2 - 1)
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
