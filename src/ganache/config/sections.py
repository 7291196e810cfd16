"""The sections of a run's settings: frozen dataclasses, one a concern, each field with its unit and one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ganache.errors import ConfigError

STRICT = {"extra": "forbid", "strict": True}
"""How pydantic reads a section: no unknown names, no quiet conversions."""


def require(condition: bool, sentence: str) -> None:
    """Refuse a setting with one sentence."""
    if not condition:
        raise ConfigError(sentence)


@dataclass(frozen=True)
class DataConfig:
    """Which pictures, and how they are brought to one size."""

    __pydantic_config__ = STRICT
    source: str = "faces"
    """A folder, a zip, an IDX file or a folder of them, a .npy array, or a built-in name."""
    size: str | None = None
    """Side in pixels (64) or height x width (48x64); None keeps the size the pictures share."""
    channels: int | None = None
    """1 for grey, 3 for colour; None takes what the pictures are."""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """How a picture of another shape is made to fit."""
    count: int = 20_000
    """How many faces or 2-D points are made, where the data are made by the program."""
    held_out: float = 0.05
    """The share of pictures that training never sees, for `ganache evaluate`; a set of under 200 keeps none."""
    classes: int = 0
    """Tell generator and critic the labels, of so many classes, so that any class can be asked for; 0 leaves them."""
    flip: bool = False
    """Mirror each picture left to right half of the time."""
    order: Literal["shuffle", "sequential"] = "shuffle"
    """A new random order each epoch, or file order again and again (the anime article's)."""

    def __post_init__(self) -> None:
        self.height_width()
        require(
            self.channels in (None, 1, 3),
            f"data.channels is {self.channels}: use 1 (grey) or 3 (colour).",
        )
        require(self.classes >= 0, f"data.classes is {self.classes}: it must not be negative.")
        require(0 <= self.held_out <= 0.5, f"data.held_out is {self.held_out}: it is a share, from 0 to 0.5.")
        require(self.count >= 1, f"data.count is {self.count}: at least 1 is needed.")

    def height_width(self) -> tuple[int, int] | None:
        """(H, W) in pixels, or None.

        >>> DataConfig(size="48x64").height_width()
        (48, 64)
        """
        if self.size is None:
            return None
        sides = self.size.lower().split("x")
        usable = len(sides) in (1, 2) and all(side.isdigit() and int(side) > 0 for side in sides)
        require(usable, f"data.size is '{self.size}': write one side in pixels (64) or height x width (48x64).")
        return int(sides[0]), int(sides[-1])


@dataclass(frozen=True)
class PriorConfig:
    """The distribution of the latents in training."""

    __pydantic_config__ = STRICT
    kind: Literal["normal", "uniform"] = "normal"
    """Normal, or uniform on [-std, std]."""
    std: float = 1.0
    """Standard deviation, or half the width of the uniform one."""

    def __post_init__(self) -> None:
        require(self.std > 0, f"prior.std is {self.std}: it must be above 0.")


@dataclass(frozen=True)
class ViewConfig:
    """Through what the critic sees every image, real and fake alike."""

    __pydantic_config__ = STRICT
    augment: tuple[Literal["colour", "translation", "cutout"], ...] = ()
    """Differentiable augmentations, for data of a few thousand pictures or less."""
    augment_p: float = 1.0
    """The share of pictures that each augmentation changes."""
    adaptive: bool = False
    """Let the strength begin at 0 and grow while the critic is sure of more than 80 % of the real pictures."""
    adaptive_images: int = 100_000
    """Real pictures shown while the strength goes from 0 to 1 at the most; 500,000 in the paper."""
    noise: float = 0.0
    """Standard deviation of the noise added at the first step (instance noise); pictures lie in [-1, 1]."""
    noise_steps: int = 5_000
    """The noise falls in a straight line to 0 at this step."""

    def __post_init__(self) -> None:
        require(0 <= self.augment_p <= 1, f"view.augment_p is {self.augment_p}: it is a share, from 0 to 1.")
        require(self.adaptive_images >= 1, f"view.adaptive_images is {self.adaptive_images}: it must be at least 1.")
        require(
            bool(self.augment) or not self.adaptive,
            "view.adaptive is on, and there is nothing to adapt: add --view.augment colour translation cutout.",
        )
        require(self.noise >= 0, f"view.noise is {self.noise}: it must not be negative.")
        require(self.noise_steps >= 1, f"view.noise_steps is {self.noise_steps}: it must be at least 1.")


@dataclass(frozen=True)
class PenaltyConfig:
    """Penalties on the critic's gradient, beside those that the method has of its own; 0 leaves one out."""

    __pydantic_config__ = STRICT
    r1: float = 0.0
    """gamma of R1: gamma / 2 of the squared gradient at real pictures (Mescheder et al. 2018)."""
    r2: float = 0.0
    """gamma of R2: the same at fakes."""
    weight: float = 0.0
    """lambda of one more penalty, whose place and form are below."""
    where: Literal["between", "around"] = "between"
    """Between real pictures and fakes (WGAN-GP), or around real ones (DRAGAN)."""
    what: Literal["one", "one-sided", "zero"] = "one"
    """The gradient's norm is drawn to 1, to at most 1, or to 0."""

    def __post_init__(self) -> None:
        for name in ("r1", "r2", "weight"):
            require(getattr(self, name) >= 0, f"penalty.{name} is {getattr(self, name)}: it must not be negative.")

    def any(self) -> bool:
        """Whether there is a penalty at all."""
        return self.r1 > 0 or self.r2 > 0 or self.weight > 0


@dataclass(frozen=True)
class OptimiserConfig:
    """How one network's weights follow their gradients."""

    __pydantic_config__ = STRICT
    name: Literal["adam", "rmsprop", "sgd"] = "adam"
    """The update rule."""
    lr: float = 2e-4
    """Learning rate: the step's size, per optimiser step."""
    beta1: float = 0.5
    """Adam's momentum; with sgd, the momentum."""
    beta2: float = 0.999
    """Adam's memory of squared gradients; with rmsprop, its only memory (rho, alpha)."""
    epsilon: float = 1e-8
    """Added to the root of the squared gradients."""
    decay: float = 0.0
    """The rate becomes lr / (1 + decay x step), Keras' way."""
    clip_value: float | None = None
    """Each gradient value is kept within [-clip_value, clip_value]."""

    def __post_init__(self) -> None:
        require(self.lr >= 0, f"The learning rate is {self.lr}: it must not be negative.")
        for name in ("beta1", "beta2"):
            value = getattr(self, name)
            require(0 <= value < 1, f"An optimiser's {name} is {value}: it must be at least 0 and below 1.")


@dataclass(frozen=True)
class ScheduleConfig:
    """How long, how many at once, and in which turns. One step is one step of the generator."""

    __pydantic_config__ = STRICT
    batch: int = 64
    """Pictures a batch."""
    steps: int | None = None
    """Stop after this many generator steps."""
    minutes: float | None = None
    """Stop after this many minutes of training."""
    images: int | None = None
    """Stop when the critic has been shown this many real pictures, repeats counted."""
    critic_steps: int = 1
    """Critic steps before each generator step."""
    boosted_critic_steps: int = 100
    """Critic steps in their place at the times below."""
    boost_first: int = 0
    """... before each of the first so many generator steps."""
    boost_every: int = 0
    """... and before every so-many-th generator step; 0 for never."""
    separate_critic_terms: bool = False
    """The critic takes one optimiser step for each of its terms, in turn, instead of one for their sum."""
    fresh_latents: bool = True
    """The generator's step draws latents of its own; without, it takes the critic's last ones and the pictures made
    of them, which saves a pass through the generator."""
    ema_half_life: float | None = 5_000.0
    """A weight's share in the averaged generator halves in this many pictures; None keeps no average."""
    ema_rampup: float = 0.05
    """The half-life is at most this share of the pictures seen so far."""

    def __post_init__(self) -> None:
        require(self.batch >= 1, f"schedule.batch is {self.batch}: at least 1 picture is needed.")
        budgets = {name: getattr(self, name) for name in ("steps", "minutes", "images")}
        given = {name: value for name, value in budgets.items() if value is not None}
        require(
            len(given) <= 1,
            f"Both {' and '.join(given)} are set: a run has one of steps, minutes and images.",
        )
        for name, value in given.items():
            require(value > 0, f"schedule.{name} is {value}: it must be above 0.")
        for name in ("critic_steps", "boosted_critic_steps"):
            require(getattr(self, name) >= 1, f"schedule.{name} is {getattr(self, name)}: it must be at least 1.")


@dataclass(frozen=True)
class PrecisionConfig:
    """How numbers are held in the networks' arithmetic. Losses, averages and optimisers stay in float32."""

    __pydantic_config__ = STRICT
    compute: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of convolutions and matrix products; auto is bfloat16 where the processor or GPU is built for it."""
    deterministic: bool = True
    """On a GPU, take only algorithms that give the same bits each time; without it, whichever a trial finds fastest."""
    cuda_graphs: bool = True
    """On a GPU, record a step once as CUDA graphs and replay them, where no other setting changes from step to step."""
    channels_last: bool = True
    """Keep images with their channels innermost, the layout fast convolutions want."""


@dataclass(frozen=True)
class RecordConfig:
    """What a run folder keeps."""

    __pydantic_config__ = STRICT
    log_every: int = 10
    """Steps between lines of log.jsonl."""
    sample_every: int = 200
    """Steps between pictures of the fixed latents."""
    samples: int = 64
    """How many fixed latents."""
    checkpoint_every: int = 250
    """Steps between checkpoints."""
    keep: int = 3
    """The last so many checkpoints stay."""
    keep_steps: tuple[int, ...] = ()
    """Steps whose checkpoints stay for good."""
    average: bool = True
    """Samples come from the averaged generator; False takes the one in training."""

    def __post_init__(self) -> None:
        for name in ("log_every", "sample_every", "checkpoint_every", "keep", "samples"):
            require(getattr(self, name) >= 1, f"record.{name} is {getattr(self, name)}: it must be at least 1.")


@dataclass(frozen=True)
class ProbeConfig:
    """How much a run looks at itself, to say whether it works. Looks change nothing in the training."""

    __pydantic_config__ = STRICT
    share: float = 0.05
    """The share of the time that looks may take; 0 takes none."""
    critic_steps: int = 8
    """Steps that a copy of the critic goes on alone at each look, to see how far it is from its best; 0 for none."""

    def __post_init__(self) -> None:
        require(0 <= self.share <= 1, f"probe.share is {self.share}: it is a share, from 0 to 1.")
        require(self.critic_steps >= 0, f"probe.critic_steps is {self.critic_steps}: it must not be negative.")


@dataclass(frozen=True)
class PolicyConfig:
    """What a run does by itself. Each depends on steps and pictures alone, never on the clock: so a run that was
    stopped in between still ends with the same bits."""

    __pydantic_config__ = STRICT
    keep_best: int = 1
    """So many checkpoints with the best scores stay, beside the last ones; 0 keeps none for its score."""
    stop_past_peak: int | None = None
    """Stop when so many real pictures were shown since the best checkpoint; None goes on."""
    restart_after: int | None = None
    """Begin again with another seed if nothing has formed after so many steps; the anime article advises 200."""
    retry_nan: bool = False
    """When a number stops being one, go back to the last good checkpoint, once, with both learning rates halved."""

    def __post_init__(self) -> None:
        require(self.keep_best >= 0, f"policy.keep_best is {self.keep_best}: it must not be negative.")
        for name in ("stop_past_peak", "restart_after"):
            value = getattr(self, name)
            require(value is None or value >= 1, f"policy.{name} is {value}: it must be at least 1.")
        require(
            self.keep_best > 0 or self.stop_past_peak is None,
            "policy.stop_past_peak compares with the best checkpoint, and policy.keep_best is 0: keep at least 1.",
        )
