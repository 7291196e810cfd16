"""`ganache walk`: an animated path through latents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ganache.errors import ConfigError
from ganache.lab.experiment import ANIMATED, MAX_FRAMES, Experiment, Inputs, Limits, PageView
from ganache.lab.points import Point

if TYPE_CHECKING:
    from ganache.core.images import Pictures
    from ganache.core.rendering import Model
    from ganache.lab.figure import Animation
    from ganache.types import Prior


@dataclass(frozen=True)
class Walk(Experiment):
    """Animate a path through latents (.webp, .gif, .mp4), or show frames of it (.png)."""

    suffixes = ANIMATED
    limits: ClassVar[Limits] = {"frames": (1, MAX_FRAMES)}
    page = PageView(
        "Walk",
        "A path through the pinned pictures, or through four samples if fewer than two are pinned.",
        {"frames": 16},
        ("points", "mean", "std", "classes"),
    )

    points: tuple[Point, ...] = (Point((0,)), Point((1,)), Point((2,)), Point((3,)))
    """Latents on the path, in this order: seeds, names, or averages of several (3,17,smiling)."""
    way: Literal["slerp", "lerp"] = "slerp"
    """Interpolation: slerp, along an arc, which keeps the norm of the latents typical; or lerp, along a straight
    line."""
    loop: bool = True
    """Return to the first latent at the end."""
    frames: int = 24
    """Frames from one latent to the next."""
    fps: int = 24
    """Frames per second."""
    mean: float = 0.0
    """Mean of the latents of seeds."""
    std: float = 1.0
    """Scale of the latents of seeds."""
    classes: tuple[int, ...] = ()
    """Classes of the latents, used in turn; the class changes halfway between two latents. By default each keeps its
    own."""
    space: Literal["z", "w"] = "z"
    """The latents: z, or w of a style-based generator, between which walks are straight."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.points) < 2:
            raise ConfigError(f"A walk needs at least 2 points, and {len(self.points)} is given: add --points.")
        self.check_length("frames", len(self.points) * self.frames, MAX_FRAMES)

    def cost(self, prior: Prior) -> int:
        return len(self.points) * self.frames

    def is_arc(self) -> bool:
        """Whether the path is an arc, which keeps norms typical; w has no typical norm."""
        return self.way == "slerp" and self.space == "z"

    def sequence(self, model: Model) -> Pictures:
        """Return one image per frame by one model."""
        import torch

        from ganache.core.rendering import render
        from ganache.functional import latents
        from ganache.lab.latent_source import LatentSource, check_classes

        check_classes(self.classes, model.prior)
        blend = latents.blend_latents(model.prior, latents.slerp if self.is_arc() else latents.lerp)
        waypoints = []
        for index, point in enumerate(self.points):
            category = self.classes[index % len(self.classes)] if self.classes else None
            waypoints.append(LatentSource(model.prior, self.mean, self.std, category).from_point(point))
        return render(model.generator, latents.path(torch.cat(waypoints), self.frames, blend, self.loop))

    def figure_of_models(self, models: Sequence[Model], inputs: Inputs) -> Animation:
        """One sequence of frames per model."""
        from ganache.lab.figure import Animation

        sequences = tuple(self.sequence(model) for model in models)
        names = tuple(map(str, self.points))
        way = "on the sphere (slerp)" if self.is_arc() else "straight (lerp)"
        title = f"A walk {way} through {', '.join(names)}" + (" and back." if self.loop else ".")
        waypoints = (*names, names[0]) if self.loop else names
        return Animation(title, sequences, tuple(model.name for model in models), waypoints, self.frames, self.fps)
