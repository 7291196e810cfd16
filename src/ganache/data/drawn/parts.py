"""The parts of a drawn face other than its hair; one function paints one part.

Lengths are in units of half the image size: the chin is near y = 0.70, the eyes are near y = 0.15, and the crown is
near y = -0.93.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ganache.data.drawn.brush import WHITE, Brush, Field, Palette, Traits, ellipse, mix, rgb
from ganache.data.drawn.hair import Fringe


def paint_background(brush: Brush, p: Palette) -> None:
    """Paint a gradient, lighter towards the top, with a light glow behind the head."""
    brush.rgb[:] = mix(p.background, WHITE, np.clip(0.35 - 0.35 * brush.y, 0, 1))
    brush.fill(ellipse(brush.x, brush.y, 0.9, 0.9), WHITE, opacity=0.35, soft=0.6)


def paint_body(brush: Brush, p: Palette) -> None:
    """Paint shoulders, the open neckline, the neck with the chin's shadow, and a white collar."""
    x, y = np.abs(brush.x), brush.y
    shoulders = np.maximum((0.75 + 0.22 * x - y) * 0.97, x - 0.95)
    brush.fill(shoulders, p.clothes)
    brush.stroke(shoulders, p.clothes_dark, 0.04)
    neck = np.maximum(x - 0.16 - 0.3 * np.maximum(0, np.minimum(y, 1.6 - y) - 0.72), 0.4 - y)
    neck = np.maximum(neck, (x + 0.55 * (y - 1.16)) * 0.88)
    brush.fill(neck, p.skin)
    brush.fill(np.maximum(neck, ellipse(x, y - 0.42, 0.5, 0.40)), p.skin_dark)
    brush.stroke(neck, p.skin_line, 0.025, 0.7)
    collar = np.abs(x + 0.55 * (y - 1.20)) * 0.88 - 0.055
    collar = np.maximum(collar, 0.71 + 0.1 * x - y)
    brush.fill(collar, WHITE)
    brush.stroke(collar, p.clothes_dark, 0.02, 0.7)


def paint_face(brush: Brush, f: Traits, p: Palette, fringe: Fringe) -> None:
    """Paint ears, the face, the shadow of the fringe, cheeks and nose."""
    x, y = brush.x, brush.y
    side = np.sqrt(x * x + 0.012)  # |x|, smoothed at 0, which rounds the chin
    half_width = 0.51 + 0.08 * f["face_width"]
    ear = ellipse(side - half_width - 0.02, y - 0.16, 0.09, 0.15)
    brush.fill(ear, p.skin)
    brush.stroke(ear, p.skin_line, 0.03, 0.7)
    face = _face(side, y, half_width)
    brush.fill(face, p.skin)
    brush.fill(np.maximum(face, fringe.shadow), p.skin_dark)
    brush.stroke(face, p.skin_line, 0.03, 0.8)
    cheek = np.maximum(ellipse(side - 0.36, y - 0.37, 0.13, 0.07), face + 0.06)
    brush.fill(cheek, p.skin * rgb(1.0, 0.62, 0.62), 0.75 * f["blush"], soft=0.14)
    brush.fill(ellipse(x - 0.012, y - 0.335, 0.018, 0.028), p.skin_line, 0.6)  # nose


def _face(side: Field, y: Field, half_width: Field) -> Field:
    """Return the distance to the face: one arc per side from the cheek, at x = `half_width`, to the chin."""
    drop = 0.66  # from cheek to chin
    beyond = (drop * drop - half_width * half_width) / (2 * half_width)  # centre of the arc, beyond the nose
    down = y - 0.04
    down = np.maximum(down, 0.55 * down)  # above the cheeks the same arc, stretched
    out = side + beyond
    arc: Field = np.sqrt(out * out + down * down) - half_width - beyond
    arc = np.maximum(arc, -0.5 - y)  # the top of the head is hidden by hair
    return arc


def paint_mouth(brush: Brush, f: Traits, p: Palette) -> None:
    """Paint the mouth: a line that curves with the smile and opens downwards."""
    x, y = brush.x, brush.y - 0.485
    wide = 0.11 + 0.03 * np.abs(f["smile"])
    t = np.clip(x / wide, -1, 1)
    arch = 1 - t * t
    line = (f["smile"] * 0.075) * (arch - 0.5)
    low = line + f["mouth_openness"] * 0.14 * arch
    beside = np.abs(x) - wide
    inside = np.maximum(np.maximum(line - y, y - low) * 0.8, beside)
    brush.fill(inside, rgb(0.55, 0.16, 0.18), np.minimum(1, 6 * f["mouth_openness"]))
    tongue = np.maximum(inside, ellipse(x, y - low, 0.09, 0.055))
    brush.fill(tongue, rgb(0.93, 0.50, 0.50), np.minimum(1, 3 * f["mouth_openness"]))
    drawn = np.maximum(np.abs(y - line) - 0.014, beside)
    brush.fill(drawn, p.skin_line * rgb(0.9, 0.7, 0.75), 0.9)


class Eye(NamedTuple):
    """Geometry of both eyes, which mirror each other: coordinates relative to the eye's centre, and the two lids."""

    out: Field  # x towards the ear
    down: Field
    t: Field  # -1 at the inner corner, 1 at the outer one
    low: Field  # height of the lower lid
    high: Field  # height of the upper lid; equal to `low` for a closed eye
    opening: Field  # distance to the area between the lids
    half_width: Field


def paint_eyes(brush: Brush, f: Traits, p: Palette) -> None:
    """Paint eyeball, shadow of the lid, iris and lashes. Gaze and highlights are not mirrored, all else is."""
    eye = _place_eyes(brush, f)
    brush.fill(eye.opening, rgb(0.98, 0.97, 0.98))
    brush.fill(np.maximum(eye.opening, eye.down - eye.high - 0.06), rgb(0.72, 0.70, 0.80))
    right = np.where(brush.x < 0, -eye.out, eye.out) - 0.035 * f["gaze"]
    _iris(brush, right, eye.down + 0.02 * f["eye_size"], eye.opening, f["eye_size"], p)
    _lashes(brush, eye, f, p)


def _place_eyes(brush: Brush, f: Traits) -> Eye:
    out, down = np.abs(brush.x) - 0.30, brush.y - 0.15
    half_width = 0.18 * f["eye_size"]
    t = np.clip(out / half_width, -1, 1)
    arch = 1 - t * t
    low = (0.145 * f["eye_size"]) * arch - 0.02 * t
    high = low - (0.365 * f["eye_size"] * f["eye_openness"]) * arch * (1 + 0.35 * t * t)
    opening = np.maximum(np.maximum(high - down, down - low) * 0.8, np.abs(out) - half_width)
    return Eye(out, down, t, low, high, opening, half_width)


def _iris(brush: Brush, x: Field, y: Field, opening: Field, size: Field, p: Palette) -> None:
    """Paint a tall iris, dark above and bright below, with a pupil and two highlights; x, y relative to its centre."""

    def spot(x0: float, y0: float, radius_x: float, radius_y: float) -> Field:
        return np.maximum(ellipse(x - x0, y - y0 * size, radius_x * size, radius_y * size), opening)

    iris = spot(0.0, 0.0, 0.128, 0.18)
    brush.fill(iris, p.iris_dark * 0.6)
    brush.fill(iris + 0.022, mix(p.iris_dark, p.iris, np.clip(0.45 + 4.5 * y, 0, 1)))
    brush.fill(spot(0.0, -0.01, 0.05, 0.08), p.iris_dark * 0.45)
    glow = np.maximum(spot(0.0, 0.10, 0.07, 0.04), iris + 0.02)
    brush.fill(glow, mix(p.iris, WHITE, 0.5), 0.8, soft=0.04)
    brush.fill(spot(-0.045, -0.07, 0.045, 0.052), WHITE)
    brush.fill(spot(0.05, 0.07, 0.024, 0.026), WHITE, 0.85)


def _lashes(brush: Brush, eye: Eye, f: Traits, p: Palette) -> None:
    """Paint a thick upper lash line, a thin lower one near the ear, and the crease of the lid."""
    out, down, t = eye.out, eye.down, eye.t
    ink = mix(p.hair_line, rgb(0.13, 0.08, 0.12), 0.7)
    # Heights are divided by the length of the lid's gradient to get distances, so that the line is equally thick
    # everywhere.
    steep = (0.365 * f["eye_openness"] * (1.3 + 1.4 * t * t) - 0.29) * t * f["eye_size"] / eye.half_width
    from_lid = (down - eye.high) / np.sqrt(1 + steep * steep)
    reach = 1.12 * eye.half_width  # the line extends a little beyond the opening
    s = np.clip((out - 0.015) / reach, -1, 1)
    thick = (0.028 + 0.014 * s + 0.012 * f["eye_openness"]) * (1 - s * s * s * s)
    upper = np.maximum(np.abs(from_lid + 0.4 * thick) - thick, np.abs(out - 0.015) - reach)
    brush.fill(upper, ink)
    lower = np.maximum(np.abs(down - eye.low) - 0.012, np.abs(out - 0.05) - 0.08)
    brush.fill(lower, ink, 0.5)
    crease = np.maximum(np.abs(down - eye.high + 0.075) - 0.012, np.abs(out) - eye.half_width * 0.8)
    brush.fill(crease, p.skin_line, 0.45 * f["eye_openness"])


def paint_brows(brush: Brush, f: Traits, p: Palette) -> None:
    """Paint thin arcs over the fringe, as if it were transparent, which is usual in anime."""
    out = np.abs(brush.x) - 0.30
    t = np.clip(out / 0.15, -1, 1)
    curve = -0.20 - 0.03 * (1 - t * t) - 0.06 * (f["brow_angle"] - 0.25) * t
    brow = np.maximum(np.abs(brush.y - curve) - 0.020 + 0.007 * t, np.abs(out) - 0.15)
    brush.fill(brow, p.hair_line, 0.7)
