"""The hair of a drawn face: the fringe, which fans out from the parting, the hair behind, buns and a ribbon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ganache.data.drawn.brush import Brush, Field, Palette, Traits, ellipse, mix, sawtooth
from ganache.data.drawn.factors import FRINGES


@dataclass(frozen=True)
class Fringe:
    """Distance fields of the hair in front of the face; computed first, because it also casts a shadow."""

    front: Field  # distance to all hair in front of the face
    shadow: Field  # distance to its shadow on the face
    cap: Field  # distance to the outline of the hair
    across: Field  # -1 to 1 across each arch between two tips: the gap is at 0
    depth: Field  # 0 at the crown, 1 at the tips of the fringe


class Bangs(NamedTuple):
    """Parameters of one style of fringe."""

    parting: float  # how far `fringe_side` moves the origin of the locks
    bend: float  # sideways curvature of the locks
    locks: float  # number of locks per unit of the fan
    notch: float  # depth of the gaps between the tips
    tips: float  # height of the tips at the middle of the face
    gap: float  # how far the tips rise at the parting
    slope: float  # how much lower the tips are on the side that the hair is swept to


BANGS = {
    "straight": Bangs(parting=0.08, bend=0.0, locks=5.0, notch=0.10, tips=-0.12, gap=0.0, slope=0.0),
    "parted": Bangs(parting=0.25, bend=0.0, locks=4.2, notch=0.16, tips=-0.02, gap=0.42, slope=0.0),
    "swept": Bangs(parting=0.40, bend=0.11, locks=4.2, notch=0.22, tips=-0.06, gap=0.10, slope=0.22),
    "spiky": Bangs(parting=0.20, bend=0.025, locks=4.6, notch=0.34, tips=-0.02, gap=0.0, slope=0.0),
}
TABLE = np.array([BANGS[name] for name in FRINGES], np.float32)


def place_fringe(brush: Brush, f: Traits) -> Fringe:
    """Return the hair in front: bangs, clipped by the outline of the hair, and the side locks."""
    x, y = brush.x, brush.y
    style = Bangs(*np.moveaxis(TABLE[f["fringe"].astype(np.int64)], -1, 0))  # each [B, 1, 1]
    side_sign = np.where(f["fringe_side"] < 0, np.float32(1), np.float32(-1))  # the wider side of the parting
    part = f["fringe_side"] * style.parting

    # Locks fan out from a point above the crown. `turns` is constant along a lock; its integer part numbers the locks.
    below = np.maximum(y + 1.15, 0.1)
    fan = (x - part) / below + side_sign * style.bend * below * below
    turns = fan * style.locks + f["strand_phase"]
    across, lock = sawtooth(turns), np.floor(turns)

    # The edge of the bangs: an arch between neighbouring tips, of varying depth. Multiples of 0.618 (the golden ratio)
    # are equidistributed modulo 1.
    uneven = lock * 0.618034 - np.floor(lock * 0.618034)
    notch = style.notch * (0.6 + 0.8 * uneven)
    rise = style.gap * np.clip(1 - np.abs(x - part) / 0.40, 0, 1)
    tips = style.tips + 0.20 * f["fringe_length"] - rise + style.slope * side_sign * x
    edge = tips - notch * (1 - across * across)
    steep = notch * 4 * across * style.locks / below
    bangs = (y - edge) / np.sqrt(1 + steep * steep)

    cap = _dome(x, y, f)
    side = np.maximum(_side_lock(x, y, f), cap)
    front = np.minimum(np.maximum(cap, bangs), side)
    shadow = np.minimum(y - edge - 0.10, side - 0.05)
    return Fringe(front, shadow, cap, across, (y + 0.92) / (tips + 0.92))


def _side_lock(x: Field, y: Field, f: Traits) -> Field:
    """Return the distance to the locks beside the face, which taper to a tip."""
    tip = 0.22 + 0.70 * f["side_locks"]
    t = np.clip((y + 0.5) / (tip + 0.5), 0, 1)  # 0 at the temple, 1 at the tip
    lock: Field = np.abs(np.abs(x) - 0.66 + 0.03 * t) - 0.16 * (1 - t * t)
    lock = np.maximum(lock, np.maximum(-0.5 - y, y - tip))
    return lock


def _dome(x: Field, y: Field, f: Traits) -> Field:
    """Return the distance to the outline of the hair: half an ellipse above, vertical below."""
    volume = f["hair_volume"]
    return ellipse(x, np.minimum(y + 0.08, 0), 0.71 + 0.11 * volume, 0.79 + 0.13 * volume)


def paint_back_hair(brush: Brush, f: Traits, p: Palette) -> None:
    """Paint the hair behind the head, which ends in pointed strands."""
    x, y = brush.x, brush.y
    across = sawtooth(x * 3.0 + f["strand_phase"])
    notch = 0.14 * (1 - np.abs(across)) * (1 + 0.5 * across)
    end = 0.44 + 0.95 * f["hair_length"] - notch - 0.12 * np.abs(x)
    inwards = np.maximum(0, 0.35 - np.maximum(0, end - y))  # the ends curl towards the neck
    hair = _dome(x, y, f) + inwards * inwards - 0.06 * np.clip(y, 0, 1)
    hair = np.maximum(hair, (y - end) * 0.5)
    brush.fill(hair, p.hair_dark)
    strand = np.maximum(hair, np.abs(across) * 0.16 - 0.05 * np.clip(y + 0.2, 0, 1))
    brush.fill(strand, p.hair_line, 0.5)
    brush.stroke(hair, p.hair_line, 0.035)


def paint_front_hair(brush: Brush, f: Traits, p: Palette, fringe: Fringe) -> None:
    """Paint fringe and side locks: base tone, dark wedges that widen towards the gaps, a highlight band, an outline."""
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
    """Paint a bun on each side of the crown, behind the head."""
    x, y = np.abs(brush.x), brush.y
    bun = ellipse(x - 0.60, y + 0.66, 0.25, 0.25)
    lit = ellipse(x - 0.57, y + 0.72, 0.25, 0.25)
    brush.fill(bun, p.hair, f["buns"])
    brush.fill(np.maximum(bun, -lit), p.hair_dark, f["buns"])
    brush.stroke(bun, p.hair_line, 0.035, f["buns"])


def paint_ribbon(brush: Brush, f: Traits, p: Palette) -> None:
    """Paint a ribbon at the side of the head: two loops and a knot."""
    x, y = brush.x - 0.50, brush.y + 0.60
    across, along = 0.85 * x + 0.53 * y, 0.85 * y - 0.53 * x
    loop = np.abs(across)
    bow = np.maximum(np.abs(along) - 0.05 - 0.6 * loop, ellipse(loop - 0.08, along, 0.18, 0.24)) * 0.87
    brush.fill(bow, p.ribbon, f["ribbon"])
    brush.fill(np.maximum(bow, np.maximum(loop - 0.16, np.abs(along) - 0.03)), p.ribbon_dark, f["ribbon"])
    brush.stroke(bow, p.ribbon_dark, 0.035, f["ribbon"])
    brush.fill(ellipse(across, along, 0.06, 0.07), p.ribbon_dark, f["ribbon"])
