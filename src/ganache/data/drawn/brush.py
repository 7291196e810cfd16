"""The rasteriser of drawn faces: pixel coordinates, colours, and shapes that are composited in order.

A shape is a signed distance field [B, H, W], negative inside, in units of half the image size. Its edge is smoothed
over one pixel, which antialiases images of any size without supersampling. Pixels are computed with additions,
products, quotients, square roots, minima and maxima only: IEEE 754 specifies their rounding, so pixels are the same on
every machine. Sines and powers are used only for a few numbers per face, which are then rounded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ganache.data.drawn.factors import Factors

Field = NDArray[np.floating]
"""float32: one number per pixel, [B, H, W], or one number per face, [B, 1, 1]."""

Level = float | Field
"""One number for all faces, one per face, or one per pixel."""

Traits = dict[str, Field]
"""Factor name -> values for B faces, [B, 1, 1]."""

Colour = NDArray[np.floating]
"""float32 red, green, blue in [0, 1]: [3, B, 1, 1], or [3, B, H, W] for a gradient."""


@dataclass(frozen=True)
class Brush:
    """A canvas and the coordinates of its pixels: x to the right, y down, origin at the image centre."""

    rgb: NDArray[np.float32]  # [3, B, H, W], painted in place
    x: Field
    y: Field
    pixel: Field  # width of one pixel

    def fill(self, distance: Field, colour: Colour, opacity: Level = 1.0, soft: float = 0.0) -> None:
        """Composite a shape onto the canvas; its edge is blurred over `soft`, at least over one pixel."""
        cover = distance / np.maximum(self.pixel, np.float32(soft))
        np.subtract(0.5, cover, out=cover)
        np.maximum(cover, 0, out=cover)
        np.minimum(cover, 1, out=cover)
        cover *= opacity
        step = colour - self.rgb
        step *= cover
        self.rgb[:] += step

    def stroke(self, distance: Field, colour: Colour, width: Level, opacity: Level = 1.0) -> None:
        """Draw the contour where the distance is 0; a line thinner than one pixel is drawn fainter instead."""
        drawn = np.maximum(self.pixel, width)
        self.fill(np.abs(distance) - drawn / 2, colour, opacity * np.minimum(1, width / self.pixel))

    def rows(self, top: float, bottom: float) -> Brush:
        """Return a brush for only the rows between two heights, with a margin; it needs less computation."""
        height = self.y.shape[1]
        margin = 2 * self.pixel  # smoothed edges and thin lines extend beyond their shapes
        within = (self.y + margin >= top) & (self.y - margin <= bottom)
        inside = np.flatnonzero(np.any(within, axis=(0, 2)))
        part = slice(inside[0], inside[-1] + 1) if len(inside) else slice(height, height)
        return replace(self, rgb=self.rgb[:, :, part], x=self.x[:, part], y=self.y[:, part])


def ellipse(x: Field, y: Field, radius_x: Level, radius_y: Level) -> Field:
    """Return the approximate distance to an ellipse around the origin: exact for a circle, accurate near the edge."""
    across, along = x / radius_x, y / radius_y
    distance: Field = (np.sqrt(across * across + along * along) - 1) * np.minimum(radius_x, radius_y)
    return distance


def sawtooth(t: Field) -> Field:
    """Return a sawtooth wave of period 1 that rises from -1 to 1."""
    saw: Field = 2 * (t - np.floor(t)) - 1
    return saw


def column(values: NDArray[np.floating]) -> Field:
    """Convert one number per face [B] to float32 [B, 1, 1], rounded so that machines do not differ in the last bit."""
    return np.round(values.astype(np.float64), 5).astype(np.float32)[:, None, None]


def oklch(lightness: Level, chroma: Level, hue: Field) -> Colour:
    """Convert OKLCH to sRGB: lightness 0 to 1, chroma 0 to about 0.3, hue in degrees, each [B, 1, 1] -> [3, B, 1, 1].

    Björn Ottosson, "A perceptual color space for image processing" (2020): colours of equal lightness look equally
    light for every hue, unlike in HSL. Colours outside the sRGB gamut are clipped.
    """
    angle = np.radians(hue.astype(np.float64))
    a, b = chroma * np.cos(angle), chroma * np.sin(angle)
    l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = np.stack(
        [
            4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
            -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
            -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
        ]
    ).clip(0, 1)
    encoded = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(encoded, 5).astype(np.float32)


def rgb(red: float, green: float, blue: float) -> Colour:
    """Return one colour for all faces, [3, 1, 1, 1]."""
    return np.array([red, green, blue], np.float32).reshape(3, 1, 1, 1)


WHITE = rgb(1.0, 1.0, 1.0)


def mix(one: Colour, other: Colour, share: Level) -> Colour:
    """Interpolate linearly: `one` where share is 0, `other` where it is 1."""
    mixed: Colour = one + share * (other - one)
    return mixed


@dataclass(frozen=True)
class Palette:
    """The colours of B faces. Most parts have a base tone and a darker tone, as in cel animation."""

    skin: Colour
    skin_dark: Colour
    skin_line: Colour
    hair: Colour
    hair_dark: Colour
    hair_light: Colour
    hair_line: Colour
    iris: Colour
    iris_dark: Colour
    clothes: Colour
    clothes_dark: Colour
    ribbon: Colour
    ribbon_dark: Colour
    background: Colour


def palette(factors: Factors) -> Palette:
    """Return the colours of B faces with these factors."""
    tone = column(factors.skin_tone)
    skin = oklch(0.955 - 0.26 * tone, 0.028 + 0.045 * tone, 52 + 8 * tone)
    light = 0.30 + 0.58 * column(factors.hair_lightness)
    hair_hue, eye_hue = column(factors.hair_hue), column(factors.eye_hue)
    # Very dark and very light colours cannot be saturated: they would be clipped to a wrong hue.
    chroma = column(factors.hair_chroma) * 0.155 * np.minimum(1, np.minimum(light * 1.8, 2.6 - 2.3 * light))
    hair = oklch(light, chroma, hair_hue)
    clothes = oklch(0.54, 0.12, column(factors.clothes_hue))
    ribbon = oklch(0.66, 0.17, column(factors.clothes_hue))
    behind = column(factors.background_lightness)
    return Palette(
        skin=skin,
        skin_dark=skin * rgb(0.93, 0.80, 0.80),
        skin_line=skin * rgb(0.58, 0.40, 0.40),
        hair=hair,
        hair_dark=hair * rgb(0.70, 0.62, 0.76),
        hair_light=mix(hair, WHITE, 0.55),
        hair_line=hair * rgb(0.40, 0.32, 0.42),
        iris=oklch(0.70, 0.15, eye_hue),
        iris_dark=oklch(0.34, 0.10, eye_hue),
        clothes=clothes,
        clothes_dark=clothes * rgb(0.66, 0.60, 0.74),
        ribbon=ribbon,
        ribbon_dark=ribbon * rgb(0.60, 0.52, 0.66),
        background=oklch(0.72 + 0.25 * behind, 0.085 - 0.07 * behind, column(factors.background_hue)),
    )
