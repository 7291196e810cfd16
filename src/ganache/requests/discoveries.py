"""Requests that find something out about a generator, and show what they found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ganache.requests.request import WIDEST, Request


@dataclass(frozen=True)
class Dimensions(Request):
    """The dimensions of the latent, ranked by how much of the picture each moves; and where in it."""

    top: int = 10
    """How many to show, the greatest first."""
    by: Literal["pixels", "structure"] = "pixels"
    """What ranks them: the mean change of a pixel; or 1 - SSIM, which sees shapes more than brightness."""
    reach: float = 2.0
    """Each dimension is changed from so many stds below the mean to so many above; a code, from -1 to 1."""
    n: int = 64
    """Latents in which it is changed; the effects are means over them."""
    mean: float = 0.0
    """Around which those latents are drawn."""
    std: float = 1.0
    """Their spread."""
    seed: int = 0
    """The first seed."""
    classes: tuple[int, ...] = ()
    """Classes, in turn; none lets the seeds choose."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_long("latents", self.n, WIDEST)
