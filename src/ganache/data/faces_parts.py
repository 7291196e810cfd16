"""The parts of a drawn face other than its hair, each painted by one function.

Lengths are in half pictures: the chin is near y = 0.70, the eyes near y = 0.15, the crown near y = -0.93.
"""

from __future__ import annotations

import numpy as np

from ganache.data.faces_brush import WHITE, Brush, Colour, Field, Palette, Traits, ellipse, mix, rgb
from ganache.data.faces_hair import Fringe


def paint_background(brush: Brush, p: Palette) -> None:
    """A gradient, lighter towards the top, with a pale glow behind the head."""
    brush.rgb[:] = mix(p.background, WHITE, np.clip(0.35 - 0.35 * brush.y, 0, 1))
    brush.fill(ellipse(brush.x, brush.y, 0.9, 0.9), WHITE, opacity=0.35, soft=0.6)


def paint_body(brush: Brush, p: Palette) -> None:
    """Shoulders, the open neckline, the neck with the chin's shadow, and a white collar."""
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
    """Ears, the face down to the chin, the fringe's shadow on it, cheeks and nose."""
    x, y = brush.x, brush.y
    side = np.sqrt(x * x + 0.012)  # |x|, rounded at 0: it rounds the chin
    half_width = 0.51 + 0.08 * f["face_width"]
    ear = ellipse(side - half_width - 0.02, y - 0.16, 0.09, 0.15)
    brush.fill(ear, p.skin)
    brush.stroke(ear, p.skin_line, 0.03, 0.7)
    drop = 0.66
    bend = (drop * drop - half_width * half_width) / (2 * half_width)
    down = np.maximum(y - 0.04, 0.55 * (y - 0.04))
    face = np.sqrt((side + bend) ** 2 + down * down) - half_width - bend
    face = np.maximum(face, -0.5 - y)  # the top of the head is under the hair
    brush.fill(face, p.skin)
    brush.fill(np.maximum(face, fringe.shadow), p.skin_dark)
    brush.stroke(face, p.skin_line, 0.03, 0.8)
    cheek = np.maximum(ellipse(side - 0.36, y - 0.37, 0.13, 0.07), face + 0.06)
    brush.fill(cheek, p.skin * rgb(1.0, 0.62, 0.62), 0.75 * f["blush"], soft=0.14)
    nose = ellipse(x - 0.012, y - 0.335, 0.018, 0.028)
    brush.fill(nose, p.skin_line, 0.6)


def paint_mouth(brush: Brush, f: Traits, p: Palette) -> None:
    """A line that bends with the smile, and opens downwards."""
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


def paint_eyes(whole: Brush, f: Traits, p: Palette) -> None:
    """Both eyes at once, mirrored in the nose; gaze and highlights are not mirrored."""
    brush = whole.rows(-0.25, 0.45)
    size, x, y = f["eye_size"], brush.x, brush.y - 0.15
    hand = np.where(x < 0, np.float32(-1), np.float32(1))
    out = np.abs(x) - 0.30  # from the eye's middle towards the ear
    half_width = 0.18 * size
    t = np.clip(out / half_width, -1, 1)
    arch = 1 - t * t
    low = (0.145 * size) * arch - 0.02 * t
    high = low - (0.365 * size * f["eye_openness"]) * arch * (1 + 0.35 * t * t)
    beside = np.abs(out) - half_width
    opening = np.maximum(np.maximum(high - y, y - low) * 0.8, beside)
    brush.fill(opening, rgb(0.98, 0.97, 0.98))
    brush.fill(np.maximum(opening, y - high - 0.06), rgb(0.72, 0.70, 0.80))
    _iris(brush, hand * out - 0.035 * f["gaze"], y, opening, f, p)
    lash = mix(p.hair_line, rgb(0.13, 0.08, 0.12), 0.7)
    steep = (0.365 * size * f["eye_openness"] * (1.3 + 1.4 * t * t) - 0.29 * size) * t / half_width
    from_lid = (y - high) / np.sqrt(1 + steep * steep)
    s = np.clip((out - 0.015) / (1.12 * half_width), -1, 1)  # the lash is a little longer than the opening
    thick = (0.028 + 0.014 * s + 0.012 * f["eye_openness"]) * (1 - s * s * s * s)
    upper = np.maximum(np.abs(from_lid + 0.4 * thick) - thick, np.abs(out - 0.015) - 1.12 * half_width)
    brush.fill(upper, lash)
    brush.fill(np.maximum(np.abs(y - low) - 0.012, np.abs(out - 0.05) - 0.08), lash, 0.5)
    crease = np.maximum(np.abs(y - high + 0.075) - 0.012, np.abs(out) - half_width * 0.8)
    brush.fill(crease, p.skin_line, 0.45 * f["eye_openness"])


def _iris(brush: Brush, x: Field, y: Field, opening: Field, f: Traits, p: Palette) -> None:
    """A tall iris, dark above and bright below, with a pupil and two highlights; x, y from the eye's middle."""
    size = f["eye_size"]
    y = y + 0.02 * size
    iris = np.maximum(ellipse(x, y, 0.128 * size, 0.18 * size), opening)
    shade: Colour = mix(p.iris_dark, p.iris, np.clip(0.45 + 4.5 * y, 0, 1))
    brush.fill(iris, p.iris_dark * 0.6)
    brush.fill(iris + 0.022, shade)
    brush.fill(np.maximum(ellipse(x, y + 0.01, 0.05 * size, 0.08 * size), opening), p.iris_dark * 0.45)
    glow = np.maximum(ellipse(x, y - 0.10 * size, 0.07 * size, 0.04 * size), iris + 0.02)
    brush.fill(glow, mix(p.iris, WHITE, 0.5), 0.8, soft=0.04)
    brush.fill(np.maximum(ellipse(x + 0.045, y + 0.07 * size, 0.045 * size, 0.052 * size), opening), WHITE)
    brush.fill(
        np.maximum(ellipse(x - 0.05, y - 0.07 * size, 0.024 * size, 0.026 * size), opening), WHITE, 0.85
    )


def paint_brows(brush: Brush, f: Traits, p: Palette) -> None:
    """Thin arcs, drawn over the fringe as if one saw through it, as animators do."""
    out = np.abs(brush.x) - 0.30
    t = np.clip(out / 0.15, -1, 1)
    curve = -0.20 - 0.03 * (1 - t * t) - 0.06 * (f["brow_angle"] - 0.25) * t
    brow = np.maximum(np.abs(brush.y - curve) - 0.020 + 0.007 * t, np.abs(out) - 0.15)
    brush.fill(brow, p.hair_line, 0.7)
