"""`ganache invert`: the latents that reproduce given images best."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, Literal

from ganache.errors import ConfigError
from ganache.lab.experiment import MAX_IMAGES, Experiment, Inputs, Limits

if TYPE_CHECKING:
    from torch import Tensor

    from ganache.core.images import Pictures
    from ganache.core.rendering import Model
    from ganache.lab.figure import Figure


@dataclass(frozen=True)
class Invert(Experiment):
    """Find the latents whose images are most similar to given pictures, by gradient descent. Save them with --keep
    NAME."""

    needs = "given images"
    takes_long = True
    finds_latents = True
    limits: ClassVar[Limits] = {
        "starts": (1, 256),
        "drawn": (1, MAX_IMAGES),
        "iterations": (1, 100_000),
        "rate": (1e-6, 10),
        "typical": (0, 1e6),
        "perceptual": (0, 1e6),
        "refinements": (0, 100_000),
    }

    images: tuple[str, ...] = ()
    """The pictures, as files; they are resized and converted as the run's data were."""
    starts: int = 4
    """Number of searches per picture, from different latents; the best result is taken."""
    drawn: int = 256
    """Number of random latents to begin with; the searches start from those whose images are nearest to the picture."""
    iterations: int = 300
    """Steps of gradient descent in each search."""
    rate: float = 0.2
    """Adam's initial learning rate; it decays to 0 along a cosine."""
    typical: float = 1.0
    """Strength of the penalty on latents whose norm is not typical; 0 for none."""
    seed: int = 0
    """Seed of the first of the random latents."""
    classes: tuple[int, ...] = ()
    """Classes of the random latents; by default any."""
    perceptual: float = 0.1
    """Weight of the perceptual distance (that of LPIPS, by EfficientNet-Lite0) beside pixels, when the best result is
    refined; 0 for pixels alone."""
    refinements: int = 100
    """Steps of the refinement, which takes longer than the search; 0 for none."""
    space: Literal["z", "w", "w+"] = "z"
    """What is found: latents z; or, of a style-based generator, w, or w+ with another w for each layer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_length("pictures", len(self.images), 64)
        if self.starts > self.drawn:
            raise ConfigError(f"{self.starts} starts cannot be chosen from {self.drawn} drawn latents: draw more.")

    def view(self, model: Model) -> Model:
        return model  # the search begins from latents z in each space

    def latents(self, model: Model, pictures: Pictures, progress: bool = False) -> Tensor:
        """Return the latents of images uint8 [N, H, W, C], or of points [N, 2].

        They are z [N, z_dim], or w [N, style_layers * w_dim].
        """
        from ganache.lab.inversion import Settings, invert

        settings = Settings(**{field.name: getattr(self, field.name) for field in fields(Settings)})
        return invert(model, pictures, settings, progress)

    def made_by(self, model: Model) -> Model:
        """Return the model whose latents `latents` returns: the given one, or its W."""
        from ganache.lab.styles import in_styles

        return model if self.space == "z" else in_styles(model)

    def figure(self, model: Model, inputs: Inputs) -> Figure:
        """Columns: the images, with the error above. Rows: as given, as reproduced."""
        import numpy as np

        from ganache.core.rendering import render
        from ganache.lab.captions import join
        from ganache.lab.figure import Figure, ImageGrid
        from ganache.lab.inversion import psnr

        pictures = inputs.images
        assert pictures is not None
        z = self.latents(model, pictures, inputs.progress)
        reproduced = render(self.made_by(model).generator, z)
        if pictures.ndim == 2:
            distances = np.linalg.norm(pictures - reproduced, axis=1)
            labels = tuple(f"{each:.2g} away" for each in distances)
        else:
            labels = tuple(f"PSNR {each:.1f} dB" for each in psnr(np.asarray(pictures), reproduced))
        both = np.concatenate([np.asarray(pictures), reproduced])
        heading = join(model.name, f"best of {self.starts} descents of {self.iterations} steps")
        row_labels = ("given", "reproduced")
        grid = ImageGrid(both, len(pictures), labels, row_labels, heading, colour_by="columns")
        where = "" if self.space == "z" else f" in {self.space.upper()}"
        title = f"Given pictures, and the nearest ones that the generator can make{where}."
        return Figure(title, ((grid,),), tuple(tuple(row) for row in z.tolist()))
