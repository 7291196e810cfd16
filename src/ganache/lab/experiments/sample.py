"""`ganache sample`: images of latents drawn from the prior."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING, ClassVar, Literal

from ganache.errors import ConfigError
from ganache.lab.experiment import BULK, MAX_BULK, MAX_IMAGES, STILL, Experiment, Inputs, Limits

if TYPE_CHECKING:
    from torch import Tensor

    from ganache.core.rendering import Model
    from ganache.lab.figure import Figure
    from ganache.types import Prior


@dataclass(frozen=True)
class Sample(Experiment):
    """Generate images of random latents, one per seed. A .npy or .zip file holds many images without captions."""

    suffixes = STILL + BULK
    default_file = "samples.png"
    limits: ClassVar[Limits] = {"n": (1, MAX_BULK)}

    n: int = 64
    """Number of images."""
    mean: float | tuple[float, ...] = 0.0
    """Mean of the latents; several give one grid each, with the same seeds."""
    std: float | tuple[float, ...] = 1.0
    """Scale of the latents: below 1 for typical images, above 1 for unusual ones; several give one grid each."""
    seed: int = 0
    """Seed of the first image; the next image has the next seed."""
    classes: tuple[int, ...] = ()
    """Classes (or values of InfoGAN's category), used in turn; by default the seeds choose."""
    space: Literal["z", "w"] = "z"
    """The latents: z, or w of a style-based generator, where std is psi, how far they are from the mean."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if () in (self.mean, self.std):
            raise ConfigError("mean or std is empty: give at least one of each.")

    def settings(self) -> list[tuple[float, float]]:
        """Return every pair (mean, std)."""
        means, stds = (each if isinstance(each, tuple) else (each,) for each in (self.mean, self.std))
        return [(mean, std) for std in stds for mean in means]

    def check_picture(self) -> None:
        if self.n > MAX_IMAGES:
            raise ConfigError(
                f"n is {self.n}, and a picture holds {MAX_IMAGES} samples at most: use -o samples.npy or samples.zip."
            )

    def cost(self, prior: Prior) -> int:
        return self.n * len(self.settings())

    def latents(self, prior: Prior) -> Tensor:
        """Return z [n, z_dim], or [n K, z_dim] for K pairs (mean, std). Raises ConfigError for an unknown class."""
        import torch

        from ganache.lab.latent_source import sample_latents

        return torch.cat(
            [sample_latents(prior, self.n, mean, std, self.seed, self.classes) for mean, std in self.settings()]
        )

    def bulk_latents(self, prior: Prior) -> Tensor:
        several = len(self.settings())
        if several > 1:
            raise ConfigError(
                f"{several} pairs of mean and std are given, and --plain, .npy and .zip hold images of one: "
                "give one of each."
            )
        return self.latents(prior)

    def figure(self, model: Model, inputs: Inputs) -> Figure:
        """A grid per mean and std. Raises ConfigError for more images than a picture holds."""
        from ganache.core.rendering import render
        from ganache.lab.captions import join
        from ganache.lab.figure import Figure, ImageGrid

        self.check_picture()
        n, classes = self.n, self.classes
        pictures = render(model.generator, self.latents(model.prior))
        columns = min(n, len(classes) if 1 < len(classes) <= 16 else ceil(sqrt(n)))
        column_labels: tuple[str, ...] = ()
        row_labels: tuple[str, ...] = ()
        title = f"{n} samples" + (" of each mean and std." if len(self.settings()) > 1 else ".")
        if pictures.ndim > 2:
            class_labels = tuple(f"class {each}" for each in classes) if columns == len(classes) else ()
            column_labels = class_labels or tuple(f"+{column}" for column in range(columns))
            row_labels = tuple(f"seed {seed}" for seed in range(self.seed, self.seed + n, columns))
            title += (
                " The label of a row is its first seed."
                if class_labels
                else " The seed of a picture is the label of its row plus that of its column."
            )
        grids = []
        for index, (mean, std) in enumerate(self.settings()):
            heading = join(model.name, f"mean {mean:g}, std {std:g}")
            grids.append(ImageGrid(pictures[index * n :][:n], columns, column_labels, row_labels, heading))
        return Figure(title, (tuple(grids),))
