"""The sections of the settings: one frozen dataclass per concern; each field has a unit and a one-sentence help."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from ganache.errors import ConfigError

STRICT = {"extra": "forbid", "strict": True}
"""How pydantic reads a section: unknown names are refused, and values are not converted."""


def require(condition: bool, sentence: str) -> None:
    """Raise ConfigError with this sentence unless the condition holds."""
    if not condition:
        raise ConfigError(sentence)


def require_utf8(name: str, what: str) -> None:
    """Raise ConfigError for a path that is not UTF-8, which the settings of a run, in JSON, cannot keep."""
    shown = name.encode(errors="backslashreplace").decode()
    require(shown == name, f"{what} is '{shown}', which is not UTF-8: rename it, or give a link to it.")


@dataclass(frozen=True)
class DataConfig:
    """Which images to train on, and how they are brought to one size."""

    __pydantic_config__ = STRICT
    source: str = field(default="faces", metadata={"option": False})  # the command line has DATA instead
    """A folder, a zip or tar, a file of images (IDX, .npy, .npz, .csv, Parquet), or a built-in name."""
    size: str | None = None
    """Side in pixels (64) or height x width (48x64); None keeps the size that all images share."""
    channels: int | None = None
    """1 for grey, 3 for colour, 4 for colour with transparency; None gives 1 if all images are grey, else 3."""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """How an image with another aspect ratio is fitted: crop cuts off its borders, pad adds borders, stretch distorts
    it."""
    range: tuple[float, float] | None = None
    """The stored values that become black and white, such as 0 4095; None finds one range for all pictures, and
    leaves 8-bit pictures as they are unless all their values are 0 or 1."""
    background: str = "white"
    """What shows through transparent pictures (with 4 channels, the colour of their invisible pixels): white, black, a
    colour as #rrggbb, checker, or ignore to leave out their transparency."""
    labels: Literal["auto", "folders", "none"] = "auto"
    """Which folders are classes: auto decides by their names (train and test are none, nor are chunks such as 00000 and
    01000), folders takes the first level with several, none ignores all labels."""
    count: int = 20_000
    """Number of samples, for data that ganache draws by itself (faces and 2-D points)."""
    held_out: float = 0.05
    """Share of images that training never sees, for `ganache evaluate`; a set of fewer than 200 holds out none."""
    typical: float = 1.0
    """Share of the images that training is shown: the most typical ones, of each class in a class-conditional run, by
    features of a pretrained network (instance selection). Scores compare with all images."""
    classes: int = 0
    """Number of classes for a class-conditional run, in which any class can be sampled; 0 ignores the labels."""
    flip: bool = False
    """Mirror each image horizontally with probability one half."""
    order: Literal["shuffle", "sequential"] = "shuffle"
    """A new random order in each epoch, or always the order of the files (as in the anime article)."""

    def __post_init__(self) -> None:
        require_utf8(self.source, "The path of the data")
        self.height_width()
        if self.range is not None:
            low, high = self.range
            require(
                math.isfinite(low) and math.isfinite(high) and low < high,
                f"data.range is {low} {high}: use two numbers, black and white, of which the first is smaller.",
            )
        if self.background != DataConfig.background:
            from ganache.data import background  # imports Pillow

            is_known = background.is_background(self.background)
            require(is_known, f"data.background is '{self.background[:20]}': use {background.EXPECTED}.")
        require(
            self.channels in (None, 1, 3, 4),
            f"data.channels is {self.channels}: use 1 (grey), 3 (colour) or 4 (colour with transparency).",
        )
        require(self.classes >= 0, f"data.classes is {self.classes}: use 0 or more.")
        require(0 <= self.held_out <= 0.5, f"data.held_out is {self.held_out}: use a share from 0 to 0.5.")
        require(0 < self.typical <= 1, f"data.typical is {self.typical}: use a share above 0 and at most 1.")
        require(self.count >= 1, f"data.count is {self.count}: use 1 or more.")

    def height_width(self) -> tuple[int, int] | None:
        """Return (H, W) in pixels, or None.

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
class StartConfig:
    """The trained model that a run goes on from, on other pictures."""

    __pydantic_config__ = STRICT
    source: str = field(default="", metadata={"option": False})  # the command line has --from instead
    """A run (RUN or RUN@STEP), a checkpoint file, or a model of the hub (hf:owner/name); empty for new weights."""
    freeze: tuple[str, ...] = ()
    """Parts that are not trained: critic:first-3 (its first three layers), generator:mapping, ..."""
    optimisers: Literal["fresh", "kept"] = "fresh"
    """Whether the optimisers begin anew, or with their averages of that run's gradients."""

    def __post_init__(self) -> None:
        require_utf8(self.source, "The path of the model to start from")
        require(
            bool(self.source) or self.optimisers == "fresh",
            "start.optimisers is 'kept', and no model is given to start from: add --from RUN.",
        )
        require(
            bool(self.source) or not self.freeze,
            f"start.freeze is '{' '.join(self.freeze)}', and new networks have nothing to keep: add --from RUN.",
        )


@dataclass(frozen=True)
class PriorConfig:
    """Distribution of the latents in training."""

    __pydantic_config__ = STRICT
    kind: Literal["normal", "uniform"] = "normal"
    """Normal with mean 0, or uniform on [-std, std]."""
    std: float = 1.0
    """Standard deviation of the normal distribution, or half the width of the uniform one."""

    def __post_init__(self) -> None:
        require(self.std > 0, f"prior.std is {self.std}: use a number above 0.")


@dataclass(frozen=True)
class ViewConfig:
    """Transforms applied to every image that the critic sees, real or generated."""

    __pydantic_config__ = STRICT
    augment: tuple[Literal["colour", "translation", "cutout"], ...] = ()
    """Differentiable augmentations, for data sets of a few thousand images or fewer."""
    augment_p: float = 1.0
    """Probability with which each augmentation changes an image."""
    adaptive: bool = False
    """Start with probability 0, and raise it while the critic is sure of more than 80 % of the real images."""
    adaptive_images: int = 100_000
    """The probability needs at least this many real images to rise from 0 to 1; 500,000 in the paper."""
    noise: float = 0.0
    """Standard deviation of the noise added to images at the first step (instance noise); pixels are in [-1, 1]."""
    noise_steps: int = 5_000
    """Generator step at which the noise, which falls linearly, reaches 0."""

    def __post_init__(self) -> None:
        require(0 <= self.augment_p <= 1, f"view.augment_p is {self.augment_p}: use a probability from 0 to 1.")
        require(self.adaptive_images >= 1, f"view.adaptive_images is {self.adaptive_images}: use 1 or more.")
        require(
            bool(self.augment) or not self.adaptive,
            "view.adaptive is True and view.augment is empty: add --view.augment colour translation cutout.",
        )
        require(self.noise >= 0, f"view.noise is {self.noise}: use 0 or more.")
        require(self.noise_steps >= 1, f"view.noise_steps is {self.noise_steps}: use 1 or more.")


@dataclass(frozen=True)
class PenaltyConfig:
    """Gradient penalties in addition to those of the method; 0 disables one."""

    __pydantic_config__ = STRICT
    r1: float = 0.0
    """gamma of R1: gamma / 2 times the squared gradient norm at real images (Mescheder et al. 2018)."""
    r2: float = 0.0
    """gamma of R2: the same at generated images."""
    weight: float = 0.0
    """lambda of a further penalty, which `where` and `what` define."""
    where: Literal["between", "around"] = "between"
    """Where the gradient is taken: between real and generated images (WGAN-GP), or around real ones (DRAGAN)."""
    what: Literal["one", "one-sided", "zero"] = "one"
    """Target of the gradient norm: 1, at most 1, or 0."""
    every: int = 1
    """Compute these penalties at every n-th batch only, n times as strong (Karras et al. 2020, section 3.1)."""
    path_length: float = 0.0
    """Weight of the path length penalty on a generator with a mapping (Karras et al. 2020, section 3.2)."""
    path_length_every: int = 4
    """Compute it at every n-th batch only, n times as strong."""

    def __post_init__(self) -> None:
        for name in ("r1", "r2", "weight", "path_length"):
            require(getattr(self, name) >= 0, f"penalty.{name} is {getattr(self, name)}: use 0 or more.")
        for name in ("every", "path_length_every"):
            require(getattr(self, name) >= 1, f"penalty.{name} is {getattr(self, name)}: use 1 or more.")

    def on_critic(self) -> bool:
        """Whether any penalty on the critic is enabled."""
        return self.r1 > 0 or self.r2 > 0 or self.weight > 0

    def any(self) -> bool:
        """Whether any penalty is enabled."""
        return self.on_critic() or self.path_length > 0

    def is_lazy(self) -> bool:
        """Whether steps differ, because some compute a penalty that others leave out."""
        return (self.every > 1 and self.on_critic()) or (self.path_length_every > 1 and self.path_length > 0)


@dataclass(frozen=True)
class ProjectedConfig:
    """Critics of pretrained features beside the critic (Sauer et al. 2021, "Projected GANs converge faster")."""

    __pydantic_config__ = STRICT
    weight: float = 0.0
    """Length of their gradient at the generator's images, beside the critic's own of 1; 0 leaves them out."""
    share: float = 1.0
    """Share of each batch's images that they see whole."""
    windows: float = 0.0
    """Share of each batch's images of which other such critics see a window of half of each side, enlarged."""

    def __post_init__(self) -> None:
        require(self.weight >= 0, f"projected.weight is {self.weight}: use 0 or more.")
        require(0 < self.share <= 1, f"projected.share is {self.share}: use a share above 0 and at most 1.")
        require(0 <= self.windows <= 1, f"projected.windows is {self.windows}: use a share from 0 to 1.")


@dataclass(frozen=True)
class OptimiserConfig:
    """The optimiser of one network."""

    __pydantic_config__ = STRICT
    name: Literal["adam", "rmsprop", "sgd"] = "adam"
    """Update rule."""
    lr: float = 2e-4
    """Learning rate."""
    beta1: float = 0.5
    """Adam's beta1; with sgd, the momentum."""
    beta2: float = 0.999
    """Adam's beta2; with rmsprop, the decay of the mean squared gradient (also called rho or alpha)."""
    epsilon: float = 1e-8
    """Added to the root of the mean squared gradient."""
    decay: float = 0.0
    """Decay of the learning rate as in Keras: lr / (1 + decay x step)."""
    clip_value: float | None = None
    """Clip each gradient value to [-clip_value, clip_value]; None does not clip."""

    def __post_init__(self) -> None:
        require(self.lr >= 0, f"An optimiser's lr is {self.lr}: use 0 or more.")
        for name in ("beta1", "beta2"):
            value = getattr(self, name)
            require(0 <= value < 1, f"An optimiser's {name} is {value}: use a number of at least 0 and below 1.")


@dataclass(frozen=True)
class ScheduleConfig:
    """Budget, batch size, and the order of critic and generator steps. One step is one generator step."""

    __pydantic_config__ = STRICT
    batch: int = 64
    """Images per batch."""
    micro_batch: int | None = None
    """Compute this many images of a batch at a time and add their gradients, which needs less memory and lets several
    processes share a batch. Batch norm and minibatch deviation see these images alone."""
    steps: int | None = None
    """Stop after this many generator steps."""
    minutes: float | None = None
    """Stop after this many minutes of training."""
    images: int | None = None
    """Stop when the critic has seen this many real images, repeats counted."""
    critic_steps: int = 1
    """Critic steps before each generator step."""
    boosted_critic_steps: int = 100
    """Critic steps before the generator steps that boost_first and boost_every select."""
    boost_first: int = 0
    """Use boosted_critic_steps for this many generator steps at the start."""
    boost_every: int = 0
    """Use boosted_critic_steps at every generator step that is a multiple of this; 0 means never."""
    separate_critic_terms: bool = False
    """Take one optimiser step per term of the critic's loss, instead of one for their sum."""
    fresh_latents: bool = True
    """Draw new latents for the generator's step; False reuses the latents and images of the last critic step, which
    saves one pass through the generator."""
    ema_half_life: float | None = 5_000.0
    """Half-life of the averaged generator, in images; None keeps no average."""
    ema_rampup: float = 0.05
    """Upper limit on the half-life, as a share of the images seen so far."""

    def __post_init__(self) -> None:
        require(self.batch >= 1, f"schedule.batch is {self.batch}: use 1 or more.")
        if self.micro_batch is not None:
            require(self.micro_batch >= 1, f"schedule.micro_batch is {self.micro_batch}: use 1 or more.")
        budgets = {name: getattr(self, name) for name in ("steps", "minutes", "images")}
        given = {name: value for name, value in budgets.items() if value is not None}
        require(
            len(given) <= 1,
            f"Both {' and '.join(given)} are set: give one of steps, minutes and images.",
        )
        for name, value in given.items():
            require(value > 0, f"schedule.{name} is {value}: use a number above 0.")
        for name in ("critic_steps", "boosted_critic_steps"):
            require(getattr(self, name) >= 1, f"schedule.{name} is {getattr(self, name)}: use 1 or more.")


@dataclass(frozen=True)
class PrecisionConfig:
    """Number formats and speed of the networks' arithmetic. Losses, averages and optimisers stay in float32."""

    __pydantic_config__ = STRICT
    compute: Literal["auto", "float32", "bfloat16"] = "auto"
    """dtype of convolutions and matrix products; auto takes bfloat16 if the hardware supports it."""
    deterministic: bool = True
    """On a GPU, use only algorithms that give the same bits each time; False uses the fastest ones."""
    cuda_graphs: bool = True
    """On a GPU, record training steps as CUDA graphs and replay them, if the other settings allow it."""
    channels_last: bool = True
    """Store images with the channels innermost, the layout in which convolutions are fastest."""


@dataclass(frozen=True)
class RecordConfig:
    """What the run's folder keeps."""

    __pydantic_config__ = STRICT
    log_every: int = 10
    """Steps between two lines of log.jsonl."""
    sample_every: int = 200
    """Steps between two sets of sample images."""
    samples: int = 64
    """Number of sample images, always of the same latents; of points, at least 1,000."""
    checkpoint_every: int = 250
    """Steps between two checkpoints."""
    keep: int = 3
    """Number of latest checkpoints to keep."""
    keep_steps: tuple[int, ...] = ()
    """Steps whose checkpoints are always kept."""
    average: bool = True
    """Take samples from the averaged generator; False takes them from the generator in training."""
    track: tuple[str, ...] = ()
    """Trackers that record the run besides its folder: mlflow, tensorboard, trackio, wandb."""

    def __post_init__(self) -> None:
        for name in ("log_every", "sample_every", "checkpoint_every", "keep", "samples"):
            require(getattr(self, name) >= 1, f"record.{name} is {getattr(self, name)}: use 1 or more.")


@dataclass(frozen=True)
class ProbeConfig:
    """Probes: measurements during training that tell whether a run works. They do not affect training."""

    __pydantic_config__ = STRICT
    share: float = 0.05
    """Share of the training time that probes may take; 0 disables them."""
    critic_steps: int = 8
    """Steps for which a probe trains a copy of the critic alone, to measure its distance from the optimum."""

    def __post_init__(self) -> None:
        require(0 <= self.share <= 1, f"probe.share is {self.share}: use a share from 0 to 1.")
        require(self.critic_steps >= 0, f"probe.critic_steps is {self.critic_steps}: use 0 or more.")


@dataclass(frozen=True)
class PolicyConfig:
    """Automatic decisions of a run. They depend on steps and images and never on the clock, so an interrupted run still
    ends with the same bits."""

    __pydantic_config__ = STRICT
    score: Literal["perceptual", "patches"] = "perceptual"
    """What the score of a checkpoint compares: features of a network trained on photographs, at all its stages, or
    patches of pixels. Points always have a distance of points."""
    keep_best: int = 1
    """Number of checkpoints with the best scores to keep, in addition to the latest ones."""
    stop_past_peak: int | None = None
    """Stop when the critic has seen this many real images since the best checkpoint; None never stops."""
    restart_after: int | None = None
    """Restart with another seed if no image has formed after this many steps; None never restarts. The anime article
    advises 200."""
    retry_nan: bool = False
    """On NaN or infinity, return to the last good checkpoint with both learning rates halved; at most once."""

    def __post_init__(self) -> None:
        require(self.keep_best >= 0, f"policy.keep_best is {self.keep_best}: use 0 or more.")
        for name in ("stop_past_peak", "restart_after"):
            value = getattr(self, name)
            require(value is None or value >= 1, f"policy.{name} is {value}: use 1 or more.")
        require(
            self.keep_best > 0 or self.stop_past_peak is None,
            "policy.stop_past_peak needs the best checkpoint, but policy.keep_best is 0: set it to 1 or more.",
        )
