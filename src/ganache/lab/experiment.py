"""The interface of an experiment: its fields, what it needs, what it costs, and the figure that it makes.

An experiment is a frozen dataclass in one file. Its fields are the request: the options of its command, the JSON
beside its figure, and the message of the playground. `EXPERIMENTS` maps names to classes; a plugin adds one by

    EXPERIMENTS["mine"] = Mine

Nothing heavy is imported here, so that `ganache --help` can list the experiments before PyTorch is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ganache.core.seeds import MAX_SEED
from ganache.errors import ConfigError
from ganache.lab.points import MAX_VALUE

if TYPE_CHECKING:
    from torch import Tensor

    from ganache.core.images import Pictures
    from ganache.core.rendering import Model
    from ganache.data import Dataset
    from ganache.lab.figure import Animation, Figure
    from ganache.types import Prior

MAX_IMAGES = 10_000
"""Images of one request."""
MAX_BULK = 100_000
"""Images of one .npy or .zip file."""
MAX_COLUMNS = 1_000
"""Images in one row."""
MAX_FRAMES = 2_000
"""Frames of one animation."""

STILL = (".png", ".webp", ".jpg", ".jpeg")
ANIMATED = (".webp", ".gif", ".mp4", ".png")
"""Files for an animation; a .png shows some of its frames side by side."""
BULK = (".npy", ".zip")
"""Files of many images without captions, for other programs."""

Limits = Mapping[str, tuple[float, float]]
"""The least and the greatest number of fields, by the name of the field."""

LIMITS: Limits = {
    "n": (1, MAX_IMAGES),
    "seed": (0, MAX_SEED - MAX_BULK),
    "classes": (0, MAX_IMAGES),
    "std": (0, MAX_VALUE),
    "stds": (0, MAX_VALUE),
    "top": (1, MAX_IMAGES),
    "fps": (1, 60),
}
"""Limits of fields that several experiments share; `Experiment.limits` adds to them."""


@dataclass(frozen=True)
class PageView:
    """How the playground offers an experiment: a button, a sentence, and the request that it sends."""

    name: str
    """The label of the button."""
    hint: str
    """One sentence below the buttons."""
    request: Mapping[str, Any] = field(default_factory=dict)
    """Fields whose value on the page differs from the experiment's default, as JSON data."""
    follows: tuple[str, ...] = ()
    """Fields that follow the page's controls: "seed", "mean", "std", "classes", and "points" (the large picture)."""
    one_model: bool = False
    """Whether only the first selected model is used."""
    styled: bool = False
    """Whether it needs a style-based generator."""


@dataclass(frozen=True)
class Inputs:
    """What an experiment gets besides its fields and a model."""

    images: Pictures | None = None
    """The images that `Experiment.needs` names: uint8 [N, H, W, C], or points float32 [N, 2]."""
    progress: bool = False
    """Whether to show a progress bar on a terminal."""
    features: Tensor | None = None
    """The features [N, F] of these images by `suitable_features`, if they were computed before."""
    data: Dataset | None = None
    """The data set whose images these are, if they are those of one: then features are kept in the cache."""


class Experiment:
    """Base class of experiments. Subclasses are frozen dataclasses; their docstring is the help of their command.

    Numbers in fields must be finite and within the limits of their field; else ConfigError is raised.
    """

    needs: ClassVar[Literal["nothing", "real images", "given images"]] = "nothing"
    """The images in `Inputs`: none, all images of the training data, or the files in the field `images`.

    An experiment that needs real images has a field `data`: their source, or "" for the data of the run.
    """
    suffixes: ClassVar[tuple[str, ...]] = STILL
    """Endings of the files that it can be written to; the first is the default."""
    default_file: ClassVar[str] = ""
    """The file that its command writes by default; "" for the experiment's name with the first suffix."""
    takes_long: ClassVar[bool] = False
    """Whether it can take many seconds; then the playground computes it in a separate thread."""
    finds_latents: ClassVar[bool] = False
    """Whether `Figure.latents` can be kept in a run under a name (`--keep`)."""
    limits: ClassVar[Limits] = {}
    """Limits of its fields, besides LIMITS; a field without limits has -MAX_VALUE and MAX_VALUE."""
    page: ClassVar[PageView | None] = None
    """How the playground lists it; None to leave it out of the list."""

    def __post_init__(self) -> None:
        limits = {**LIMITS, **self.limits}
        for each in fields(self):  # type: ignore[arg-type]
            value = getattr(self, each.name)
            low, high = limits.get(each.name, (-MAX_VALUE, MAX_VALUE))
            for number in value if isinstance(value, tuple) else (value,):
                if isinstance(number, (int, float)) and not low <= number <= high:  # false for NaN
                    most = high if isinstance(high, int) else f"{high:g}"
                    raise ConfigError(f"{each.name} is {str(number)[:30]}: use a number from {low:g} to {most}.")

    def cost(self, prior: Prior) -> int | None:
        """Return how many images one model generates, about; None if the playground must refuse the request."""
        return None

    def view(self, model: Model) -> Model:
        """Return the model as the request sees it: with w as its latents, if the request has the field `space` "w".

        Raises ConfigError if the generator has no w, and for latents z that are scaled if it normalises them.
        """
        space = getattr(self, "space", None)
        if space is None:
            return model
        from ganache.lab.styles import check_scale, in_styles

        if space == "w":
            return in_styles(model)
        std: float | tuple[float, ...] = getattr(self, "std", 1.0)
        check_scale(model, *(std if isinstance(std, tuple) else (std,)))
        return model

    def figure(self, model: Model, inputs: Inputs) -> Figure:
        """Return the figure by one model.

        Raises ConfigError if the model cannot make it: there is no such class or dimension, or a vector has another
        length than the model's latents.
        """
        raise NotImplementedError

    def figure_of_models(self, models: Sequence[Model], inputs: Inputs) -> Figure | Animation:
        """Return the figure by several models; by default the figure of each, side by side, under the first title."""
        from ganache.lab.figure import Figure

        each = [self.figure(model, inputs) for model in models]
        return Figure(
            each[0].title,
            tuple(group for figure in each for group in figure.groups),
            each[0].latents,
            remark=each[0].remark,
        )

    def bulk_latents(self, prior: Prior) -> Tensor:
        """Return the latents z [N, z_dim] of the images, to write them without captions (`--plain`, BULK).

        Only experiments with BULK in `suffixes` have it; their field `seed` numbers the files. Raises ConfigError if
        this request cannot be written so.
        """
        raise NotImplementedError

    def check_picture(self) -> None:
        """Raise ConfigError if no picture holds what is requested, though a file of BULK does; by default nothing."""

    def check_not_empty(self, *names: str) -> None:
        """Raise ConfigError if one of these fields is empty."""
        for name in names:
            if not getattr(self, name):
                raise ConfigError(f"{name} is empty: give at least one.")

    def check_one_class(self, reason: str) -> None:
        """Raise ConfigError if the field `classes` has more than one class."""
        classes: tuple[int, ...] = getattr(self, "classes", ())
        if len(classes) > 1:
            raise ConfigError(f"{len(classes)} classes are given, and {reason}: give one, or none.")

    def check_length(self, what: str, length: int, most: int) -> None:
        """Raise ConfigError if more is requested than a figure can show."""
        if length > most:
            raise ConfigError(f"{length} {what} are too many: ask for {most} at the most.")
