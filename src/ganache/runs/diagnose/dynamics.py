"""Findings on training that oscillates or gets worse."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median

from ganache.runs.diagnose.finding import Finding, percent
from ganache.runs.diagnose.history import IMPROVEMENT, UNFORMED, WINDOW, History

COMMON_MOTION = 2.0
"""Drift relative to variety from which all images move together: twice as far as they are apart."""

SWING = 0.3
"""Median relative change of the score between probes in an oscillating run; healthy runs have 0.05 on images and up to
0.2 on 2-D toys. Also the least drift that counts as motion."""

WORSE = 1.3
"""Score relative to the best one from which a run is past its best: above the fluctuation of healthy 2-D toys."""

NOTABLE_BRIGHTNESS = 0.03
"""Change of brightness worth mentioning, where black is 0 and white is 1."""


def oscillation(h: History) -> Finding | None:
    """All images move back and forth together, or the score does."""
    if not h.has_plateaued:
        return None
    drift, variety = h.last("drift"), h.last("variety")
    motion = median(d / max(v, 1e-6) for d, v in zip(drift, variety, strict=True)) if drift and variety else 0.0
    scores = h.scores[-2 * WINDOW :]
    changes = [new - old for old, new in pairwise(scores)]
    reversals = sum(a * b < 0 for a, b in pairwise(changes))
    swing = median(abs(change) for change in changes) / max(median(scores), 1e-12)
    if motion > COMMON_MOTION and median(drift) > SWING:
        sentence = "The training oscillates: all images move together from one kind of image to another."
        evidence = f"Between two probes, the images changed {motion:.1f} times as much as two of them differ."
    elif len(scores) == 2 * WINDOW and swing > SWING and reversals >= len(changes) / 2:
        sentence = "The training oscillates: its quality rises and falls again and again."
        evidence = (
            f"The score changes by {percent(swing)} between two probes, and changed its direction {reversals} times."
        )
    else:
        return None
    return Finding(
        "oscillation",
        "warning",
        sentence,
        evidence,
        "Lower both learning rates, limit the critic's slope (--penalty.r1 10), and take samples from the averaged "
        "generator (--record.average True).",
    )


def past_best(h: History) -> Finding | None:
    """The images were better at an earlier step, and have become clearly worse."""
    probes = [probe for probe in h.probes if probe.score is not None]
    if len(h.scores) < 2 * WINDOW or not h.has_plateaued:
        return None
    smooth = [median(h.scores[i - 1 : i + 2]) for i in range(1, len(h.scores) - 1)]
    best = min(range(len(smooth)), key=smooth.__getitem__) + 1
    recent, best_score = h.scores[-WINDOW:], smooth[best - 1]
    had_formed = best_score < UNFORMED * (probes[best].blank_score or math.inf)
    if not had_formed or best >= len(h.scores) - WINDOW or median(recent) < WORSE * best_score:
        return None
    if min(recent) < (1 + IMPROVEMENT) * best_score:
        return None  # it returns to its best
    return Finding(
        "past the best",
        "warning",
        f"Quality is past its best: the images were best near step {probes[best].step:,} and have become worse since.",
        f"The score was {best_score:.4g} then and is {median(recent):.4g} now (lower is better)."
        + brightness_change(probes[best].brightness_shift, probes[-1].brightness_shift),
        "Stop the run and use its best checkpoint (--checkpoint best). --policy.stop-past-peak N stops a run "
        "automatically, and lower learning rates delay the decline.",
    )


def brightness_change(old: float | None, new: float | None) -> str:
    """Return a sentence on how the images' brightness changed; empty if it hardly did."""
    change = new - old if old is not None and new is not None else 0.0
    if abs(change) <= NOTABLE_BRIGHTNESS:
        return ""
    return f" The images became {'darker' if change < 0 else 'brighter'} by {percent(abs(change))}."
