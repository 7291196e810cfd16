"""The factors that define a drawn face, sampled from a seed.

The factors are sampled independently, so any two are uncorrelated; all but `fringe`, `buns` and `ribbon` are
continuous. They are the ground truth for experiments in latent space.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganache.errors import ConfigError

Column = NDArray[np.float32]
"""One factor of N faces, float32 [N]."""

FRINGES = ("straight", "parted", "swept", "spiky")
"""Meaning of the values of the factor `fringe`."""


class Factor(NamedTuple):
    """Unit, range and meaning of one factor."""

    unit: str
    low: float
    high: float
    meaning: str


FACTORS: dict[str, Factor] = {
    "hair_hue": Factor("degrees, OKLCH", 0, 360, "29 red, 55 brown, 95 blond, 145 green, 260 blue"),
    "hair_lightness": Factor("share", 0, 1, "0 the darkest hair, 1 the palest"),
    "hair_chroma": Factor("share", 0, 1, "0 black, grey or white, 1 as colourful as hair gets"),
    "hair_length": Factor("share", 0, 1, "0 ends at the cheeks, 1 falls below the picture"),
    "hair_volume": Factor("share", 0, 1, "0 lies close to the head, 1 stands off"),
    "side_locks": Factor("share", 0, 1, "the locks beside the face reach: 0 the eyes, 1 the shoulders"),
    "fringe": Factor("one of FRINGES", 0, 3, "0 straight, 1 parted, 2 swept to one side, 3 spiky"),
    "fringe_length": Factor("share", 0, 1, "0 above the brows, 1 into the eyes"),
    "fringe_side": Factor("face half-widths", -1, 1, "where the hair parts: -1 left, 1 right"),
    "strand_phase": Factor("locks", 0, 1, "moves the locks sideways by this share of a lock"),
    "buns": Factor("yes or no", 0, 1, "1 wears the hair in two buns"),
    "ribbon": Factor("yes or no", 0, 1, "1 wears a ribbon"),
    "skin_tone": Factor("share", 0, 1, "0 fair, 1 deep"),
    "face_width": Factor("share", 0, 1, "0 slender, 1 round"),
    "blush": Factor("share", 0, 1, "0 none, 1 strong"),
    "eye_size": Factor("share of the usual size", 0.8, 1.2, "scales both eyes"),
    "eye_hue": Factor("degrees, OKLCH", 0, 360, "the hue of the irises"),
    "eye_openness": Factor("share", 0, 1, "0 closed, 1 wide open"),
    "gaze": Factor("share of the eye's freedom", -1, 1, "where they look: -1 left in the picture, 1 right"),
    "brow_angle": Factor("share", -1, 1, "-1 worried, 1 stern"),
    "smile": Factor("share", -1, 1, "-1 frown, 1 smile"),
    "mouth_openness": Factor("share", 0, 1, "0 closed, 1 wide open"),
    "tilt": Factor("degrees", -12, 12, "turns the head, clockwise positive"),
    "shift_x": Factor("half pictures", -0.08, 0.08, "moves the figure, right positive"),
    "shift_y": Factor("half pictures", -0.06, 0.06, "moves the figure, down positive"),
    "zoom": Factor("share of the usual size", 0.92, 1.1, "scales the figure"),
    "clothes_hue": Factor("degrees, OKLCH", 0, 360, "the hue of the clothes"),
    "background_hue": Factor("degrees, OKLCH", 0, 360, "the hue behind the head"),
    "background_lightness": Factor("share", 0, 1, "0 dusky, 1 nearly white"),
}
"""Factor name -> unit, range (closed interval) and meaning."""


@dataclass(frozen=True)
class Factors:
    """The factors of N faces: one float32 column [N] per factor, in the units and ranges of FACTORS.

    Raises ConfigError for columns of different lengths and for values out of range. Change single factors with
    `dataclasses.replace`:

    >>> from dataclasses import replace
    >>> faces = replace(usual_factors(3), smile=[-1.0, 0.0, 1.0])
    >>> len(faces), faces.smile
    (3, array([-1.,  0.,  1.], dtype=float32))
    """

    hair_hue: Column
    hair_lightness: Column
    hair_chroma: Column
    hair_length: Column
    hair_volume: Column
    side_locks: Column
    fringe: Column
    fringe_length: Column
    fringe_side: Column
    strand_phase: Column
    buns: Column
    ribbon: Column
    skin_tone: Column
    face_width: Column
    blush: Column
    eye_size: Column
    eye_hue: Column
    eye_openness: Column
    gaze: Column
    brow_angle: Column
    smile: Column
    mouth_openness: Column
    tilt: Column
    shift_x: Column
    shift_y: Column
    zoom: Column
    clothes_hue: Column
    background_hue: Column
    background_lightness: Column

    def __post_init__(self) -> None:
        for name, (unit, low, high, _) in FACTORS.items():
            column = np.asarray(getattr(self, name), dtype=np.float32)
            if column.shape != (len(self),):
                raise ConfigError(
                    f"The factor {name} has the shape {column.shape}: give one number per face, ({len(self)},)."
                )
            if not np.all((column >= np.float32(low)) & (column <= np.float32(high))):
                raise ConfigError(
                    f"The factor {name} has values from {column.min()} to {column.max()}: "
                    f"give {low} to {high} ({unit})."
                )
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        return len(self.hair_hue)

    def __getitem__(self, faces: slice) -> Factors:
        return Factors(**{name: column[faces] for name, column in self.columns()})

    def columns(self) -> Iterator[tuple[str, Column]]:
        """Yield (name, float32 [N]) for each factor, in the order of FACTORS."""
        return ((field.name, getattr(self, field.name)) for field in fields(self))


def usual_factors(count: int) -> Factors:
    """Return `count` copies of one face, with most factors in the middle of their range.

    >>> usual_factors(2).tilt
    array([0., 0.], dtype=float32)
    """
    middle = {name: (factor.low + factor.high) / 2 for name, factor in FACTORS.items()}
    middle |= {
        "fringe": 0.0,
        "ribbon": 0.0,
        "buns": 0.0,
        "eye_openness": 0.9,
        "smile": 0.5,
        "mouth_openness": 0.0,
    }
    middle |= {"hair_hue": 350.0, "hair_chroma": 0.8, "eye_hue": 250.0, "fringe_side": 0.4}
    middle |= {"skin_tone": 0.15, "background_lightness": 0.8}
    return Factors(**{name: np.full(count, value, np.float32) for name, value in middle.items()})


DRAWS_PER_FACE = 64
"""Random numbers reserved per face: a new factor uses a spare one, and the other factors stay the same."""

# Quantiles of the OKLCH hue of hair. Brown, blond, blue, purple and pink are common, green and cyan are rare.
HUE_QUANTILES = (0.0, 0.16, 0.38, 0.48, 0.54, 0.70, 0.86, 1.0)
HUE_DEGREES = (0.0, 40.0, 72.0, 95.0, 220.0, 275.0, 325.0, 360.0)


def sample_factors(start: int, stop: int, seed: int = 0) -> Factors:
    """Return the factors of faces start, ..., stop - 1 of a seed; N = stop - start.

    Face i depends on (seed, i) only, because Philox is counter-based. The factors are independent. Most are uniform
    over their ranges, but hair is rarely green and often saturated, eyes are mostly open, mouths mostly closed and
    smiling, skin tones mostly fair, backgrounds mostly light; a third of the faces has a ribbon, a fifth has buns.

    >>> bool(np.all(sample_factors(3, 5).smile == sample_factors(0, 5).smile[3:]))
    True
    """
    if not 0 <= start <= stop or seed < 0:
        raise ConfigError(f"Got start={start}, stop={stop}, seed={seed}: give 0 <= start <= stop and seed >= 0.")
    bits = np.random.Philox(key=seed)
    bits.advance(start * DRAWS_PER_FACE // 4)  # one step of the counter gives four numbers
    raw = bits.random_raw((stop - start) * DRAWS_PER_FACE)
    shares = (np.asarray(raw) >> np.uint64(11)).astype(np.float64).reshape(-1, DRAWS_PER_FACE) / 2.0**53
    return Factors(**{name: _quantile(name, shares[:, k]) for k, name in enumerate(FACTORS)})


def _quantile(name: str, share: NDArray[np.float64]) -> Column:
    """Map uniform numbers in [0, 1) [N] to the distribution of one factor [N]."""
    _, low, high, _ = FACTORS[name]
    match name:
        case "hair_hue":
            value = np.interp(share, HUE_QUANTILES, HUE_DEGREES)
        case "fringe":
            value = np.floor(share * len(FRINGES))
        case "ribbon":
            value = np.floor(share + 1 / 3)
        case "buns":
            value = np.floor(share + 1 / 5)
        case "smile":
            value = 1 - 2 * share * share
        case "hair_chroma" | "background_lightness":
            value = 1 - share * share
        case "eye_openness":
            value = 1 - share * share * share
        case "mouth_openness" | "skin_tone":
            value = share * share
        case _:
            value = low + (high - low) * share
    return value.astype(np.float32)
