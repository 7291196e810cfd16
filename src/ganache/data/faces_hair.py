"""The hair of a drawn face: locks that fan out from the parting, side locks, the hair behind, buns and a ribbon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganache.data.faces_brush import Brush, Field, Palette, Traits, ellipse, mix, wave


@dataclass(frozen=True)
class Fringe:
    """The hair in front of the face, measured before anything is painted because it also throws a shadow."""

    front: Field  # distance to all hair in front
    shadow: Field  # distance to the shadow that it throws on the face
    cap: Field  # distance to the outline of the hair
    across: Field  # -1 to 1 across each arch of the fringe: the gap is at 0, the tips at -1 and 1
    depth: Field  # from 0 at the crown to 1 at the fringe's tips


def place_fringe(brush: Brush, f: Traits) -> Fringe:
    """Where the hair in front is. Locks fan out from the parting: `fan` is the same all along a lock."""
    x, y = brush.x, brush.y
    style = f["fringe"].astype(np.int64)

    def by_style(*values: float) -> Field:  # in the order of FRINGES
        return np.array(values, np.float32)[style]

    part = f["fringe_side"] * by_style(0.08, 0.25, 0.40, 0.2)
    lean = np.where(f["fringe_side"] < 0, np.float32(1), np.float32(-1))  # swept hair falls to the wider side
    below = np.maximum(y + 1.15, 0.1)
    fan = (x - part) / below + lean * by_style(0.0, 0.0, 0.22, 0.05) * below * below * 0.5
    turns = fan * by_style(5.0, 4.2, 4.2, 4.6) + f["strand_phase"]
    across, lock = wave(turns), np.floor(turns)
    uneven = (lock * 0.618034) - np.floor(lock * 0.618034)
    notch = by_style(0.10, 0.16, 0.22, 0.34) * (0.6 + 0.8 * uneven)
    tips = by_style(-0.08, 0.02, -0.02, 0.02) + 0.20 * (f["fringe_length"] - 0.2)
    gap = np.clip(1 - np.abs(x - part) / 0.40, 0, 1)
    tips = tips - by_style(0.0, 0.42, 0.10, 0.0) * gap + by_style(0.0, 0.0, 0.22, 0.0) * lean * x
    edge = tips - notch * (1 - across * across)
    slope = notch * 4 * np.abs(across) * by_style(5.0, 4.2, 4.2, 4.6) / below
    bangs = (y - edge) / np.sqrt(1 + slope * slope)

    cap = _dome(x, y, f)
    tip = 0.22 + 0.70 * f["side_locks"]
    t = np.clip((y + 0.5) / (tip + 0.5), 0, 1)
    side = np.abs(np.abs(x) - 0.66 + 0.03 * t) - 0.16 * (1 - t * t)
    side = np.maximum(np.maximum(side, -0.5 - y), np.maximum(y - tip, cap))
    front = np.minimum(np.maximum(cap, bangs), side)
    shadow = np.minimum(y - edge - 0.10, side - 0.05)
    return Fringe(front, shadow, cap, across, (y + 0.92) / (tips + 0.92))


def _dome(x: Field, y: Field, f: Traits) -> Field:
    """Distance to the outline of the hair: half an ellipse above, straight down below."""
    volume = f["hair_volume"]
    return ellipse(x, np.minimum(y + 0.08, 0), 0.71 + 0.11 * volume, 0.79 + 0.13 * volume)


def paint_back_hair(brush: Brush, f: Traits, p: Palette) -> None:
    """The hair behind the head, falling to its length in pointed strands."""
    x, y = brush.x, brush.y
    across = wave(x * 3.0 + f["strand_phase"])
    end = 0.44 + 0.95 * f["hair_length"] - 0.14 * (1 - np.abs(across)) * (1 + 0.5 * across) - 0.12 * np.abs(x)
    inwards = np.maximum(0, 0.35 - np.maximum(0, end - y))
    hair = np.maximum(_dome(x, y, f) + inwards * inwards - 0.06 * np.clip(y, 0, 1), (y - end) * 0.5)
    brush.fill(hair, p.hair_dark)
    strand = np.maximum(hair, np.abs(across) * 0.16 - 0.05 * np.clip(y + 0.2, 0, 1))
    brush.fill(strand, p.hair_line, 0.5)
    brush.stroke(hair, p.hair_line, 0.035)


def paint_front_hair(brush: Brush, f: Traits, p: Palette, fringe: Fringe) -> None:
    """Fringe and side locks: base tone, dark wedges that open towards the gaps, a shine band, an outline."""
    front, gap = fringe.front, np.abs(fringe.across)
    brush.fill(front, mix(p.hair, p.hair_light, np.clip(0.35 * brush.y + 0.1, 0, 0.3)))
    wedge = np.maximum(front, (gap - 0.55 * np.clip(fringe.depth - 0.35, -0.6, 1)) * 0.12)
    brush.fill(wedge, p.hair_dark, np.clip(3 * fringe.depth - 0.6, 0, 1))
    rim = np.maximum(front, -fringe.cap - 0.04)
    brush.fill(rim, p.hair_dark, 0.8, soft=0.08)
    band = np.maximum(0.45 - 0.07 * gap - fringe.depth, fringe.depth - 0.47 - 0.20 * gap)
    brush.fill(np.maximum(np.maximum(front, band * 0.5), np.abs(brush.x) - 0.50), p.hair_light, 0.8)
    brush.stroke(front, p.hair_line, 0.035, 0.9)


def paint_buns(brush: Brush, f: Traits, p: Palette) -> None:
    """A bun on each side of the crown, behind the head."""
    bun = ellipse(np.abs(brush.x) - 0.60, brush.y + 0.66, 0.25, 0.25)
    brush.fill(bun, p.hair, f["buns"])
    brush.fill(
        np.maximum(bun, -ellipse(np.abs(brush.x) - 0.57, brush.y + 0.72, 0.25, 0.25)), p.hair_dark, f["buns"]
    )
    brush.stroke(bun, p.hair_line, 0.035, f["buns"])


def paint_ribbon(brush: Brush, f: Traits, p: Palette) -> None:
    """A bow at the side of the head: two loops and a knot."""
    x, y = brush.x - 0.50, brush.y + 0.60
    across, along = 0.85 * x + 0.53 * y, 0.85 * y - 0.53 * x
    loop = np.abs(across)
    bow = np.maximum(np.abs(along) - 0.05 - 0.6 * loop, ellipse(loop - 0.08, along, 0.18, 0.24)) * 0.87
    brush.fill(bow, p.ribbon, f["ribbon"])
    brush.fill(np.maximum(bow, np.maximum(loop - 0.16, np.abs(along) - 0.03)), p.ribbon_dark, f["ribbon"])
    brush.stroke(bow, p.ribbon_dark, 0.035, f["ribbon"])
    brush.fill(ellipse(across, along, 0.06, 0.07), p.ribbon_dark, f["ribbon"])
