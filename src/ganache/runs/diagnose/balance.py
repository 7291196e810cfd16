"""Findings on who is winning, and on training that goes in circles or downhill."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median

from ganache.runs.diagnose.history import FORMED, IMPROVES, WINDOW, History
from ganache.runs.diagnose.words import Finding, percent

SURE = 0.99
"""Share that the critic gets right when it tells all apart: at most one of 128 wrong."""

LEADS, BOUNDS = 0.9, 0.5
"""The share that it gets right, or that its loss falls by in a few steps on a held generator, where nothing has
formed: there such a critic is the reason. Healthy critics gain 0.15 at the most."""

IN_ORDER = 0.98
"""The share of pairs, a real and a generated picture, that such a critic puts in order, wherever its zero lies."""

UNSURE = 0.75
"""Share that the critic gets right, or pairs it puts in order, when it hardly does better than a coin."""

HOPS = 2.0
"""Fixed latents' pictures that move twice as far between looks as they lie apart move all together."""

SWINGS = 0.3
"""Median change of the score from look to look, as a share of it, of a run that goes back and forth: that of healthy
ones is 0.05 on pictures and up to 0.2 on 2-D toys."""

WORSE = 1.3
"""Score over its best, of a run past its peak: above what healthy trainings of 2-D toys go up and down by."""

DARKER = 0.03
"""Change of brightness, from black to white being 1, that is worth a word."""


def critic_too_strong(h: History) -> Finding | None:
    right, gain, order = h.last("critic_accuracy"), h.last("critic_headroom"), h.last("critic_auc")
    if not right or not h.stands or (h.formless and h.thrown):
        return None
    sure, gained = median(right), median(gain) if gain else 0.0
    if sure >= (LEADS if h.formless else SURE):
        how = f"it tells {percent(sure)} of the pictures apart"
    elif h.formless and order and median(order) >= IN_ORDER:
        how = f"it puts {percent(median(order))} of the pairs of a real and a generated picture in order"
    elif h.formless and gained >= BOUNDS:
        how = f"a few of its steps lower its loss by {percent(gained)}"
    else:
        return None
    return Finding(
        "critic too strong",
        "alarm" if h.formless else "warning",
        f"The critic is too strong: {how}, and the generator learns nothing from it; better stop.",
        f"Median of the last {WINDOW} looks; the score no longer improves (best {min(h.scores):.4g}, now "
        f"{h.scores[-1]:.4g}, a blank picture's {h.looks[-1].blank_score:.4g}).",
        "Lower --critic-optimiser.lr or --schedule.critic-steps, raise --generator-optimiser.lr, or blur the line "
        "with --view.noise 0.2; a Wasserstein method (wgan-gp) still learns from a critic that is right.",
    )


def generator_too_strong(h: History) -> Finding | None:
    right = h.last("critic_accuracy") or h.last("critic_auc")
    if not right or not h.stands or not h.formless or critic_too_strong(h):
        return None
    blank = f"the score ({h.scores[-1]:.4g}) is near a blank picture's ({h.looks[-1].blank_score:.4g})"
    if h.thrown:
        how = "it changes all its pictures faster than the critic can follow."
        evidence = (
            f"Between looks they moved {median(h.last('drift')):.1f} times as far as real ones lie apart; {blank}."
        )
    elif median(right) <= UNSURE:
        how = "its pictures are far from the real ones, and the critic cannot tell."
        evidence = f"The critic is right of {percent(median(right))} (a coin: 50 %), while {blank}."
    else:
        return None
    return Finding(
        "generator too strong",
        "warning",
        f"The generator is too strong: {how}",
        evidence,
        "Lower --generator-optimiser.lr, raise --critic-optimiser.lr, or take more --schedule.critic-steps.",
    )


def oscillation(h: History) -> Finding | None:
    if not h.stands:
        return None
    drift, variety = h.last("drift"), h.last("variety")
    together = median(d / max(v, 1e-6) for d, v in zip(drift, variety, strict=True)) if drift and variety else 0.0
    scores = h.scores[-2 * WINDOW :]
    steps = [new - old for old, new in pairwise(scores)]
    turns = sum(a * b < 0 for a, b in pairwise(steps))
    swing = median(abs(step) for step in steps) / max(median(scores), 1e-12)
    if together > HOPS and median(drift) > SWINGS:
        sentence = "The training goes in circles: all pictures move together from one place to another."
        evidence = f"Between looks they moved {together:.1f} times as far as they lie apart."
    elif len(scores) == 2 * WINDOW and swing > SWINGS and turns >= len(steps) / 2:
        sentence = "The training goes in circles: its quality rises and falls again and again."
        evidence = f"From look to look the score changes by {percent(swing)}, {turns} times back on the way it came."
    else:
        return None
    return Finding(
        "oscillation",
        "warning",
        sentence,
        evidence,
        "Lower both learning rates, hold the critic's slope (--penalty.r1 10), and take samples from the averaged "
        "generator (--record.average True).",
    )


def past_its_peak(h: History) -> Finding | None:
    looks = [look for look in h.looks if look.score is not None]
    if len(h.scores) < 2 * WINDOW or not h.stands:
        return None
    smooth = [median(h.scores[i - 1 : i + 2]) for i in range(1, len(h.scores) - 1)]
    best = min(range(len(smooth)), key=smooth.__getitem__) + 1
    now = h.scores[-WINDOW:]
    formed = smooth[best - 1] < FORMED * (looks[best].blank_score or math.inf)
    if not formed or best >= len(h.scores) - WINDOW or median(now) < WORSE * smooth[best - 1]:
        return None
    if min(now) < (1 + IMPROVES) * smooth[best - 1]:
        return None  # it comes back to where it was best
    tones = [looks[best].brightness_shift, looks[-1].brightness_shift]
    change = tones[1] - tones[0] if tones[0] is not None and tones[1] is not None else 0.0
    tone = f" They became {'darker' if change < 0 else 'brighter'} by {percent(abs(change))}."
    return Finding(
        "past its peak",
        "warning",
        f"Quality has passed its peak: the pictures were best near step {looks[best].step:,}, and have got worse.",
        f"Score {smooth[best - 1]:.4g} then, {median(now):.4g} now; lower is better."
        + (tone if abs(change) > DARKER else ""),
        "Stop and use the best checkpoint (--checkpoint best); --policy.stop-past-peak N stops by itself, and lower "
        "learning rates put the peak off.",
    )
