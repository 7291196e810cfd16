"""Findings on what a generator leaves out, repeats or copies."""

from __future__ import annotations

from statistics import median

from ganache.runs.diagnose.history import History
from ganache.runs.diagnose.words import Finding, percent

ALIKE = 0.2
"""Variety below which pictures are one picture: early in healthy trainings it is above 0.25 once they have form."""

FALLEN = 0.6
"""Variety that fell to this share of what it was is a loss, not a fluctuation, which is a tenth or so."""

REPEATED = 0.2
"""A median nearest fake five times nearer than among reals: blur alone leaves above 0.4 once there is form."""

SHARP = 0.7
"""Variety below which pictures are still blurred; blurred ones lie among all others, so their coverage says nothing."""

MISSING, GOOD = 0.35, 0.6
"""Coverage and precision of a generator that makes good pictures of a part of the data only. A perfect one has 0.97 and
0.97 (1 - 2^-5 for five neighbours)."""

COPIES = 0.3
"""Share of copies that says memorisation: by chance it is below 0.05, as pictures vary in more than three ways."""


def collapse(h: History) -> Finding | None:
    variety = h.last("variety")
    if not variety or not h.stands:
        return None
    now, most = median(variety), most_various(h)
    if max(variety) < ALIKE:  # at each of the looks: a moment is not a collapse
        return Finding(
            "mode collapse",
            "alarm",
            "Mode collapse: whatever the latent, the generator makes nearly the same picture.",
            f"Its pictures differ {percent(now)} as much as real ones do; the most so far was {percent(most)}.",
            "Go back to a checkpoint from before, or begin again with another --seed; a gradient penalty "
            "(--method.name wgan-gp, or --penalty.r1 10) or a gentler generator (--generator-optimiser.lr) helps.",
        )
    return repeated(h) or missing(h) or fallen(now, most)


def repeated(h: History) -> Finding | None:
    distinct = h.last("nearest_ratio")
    if not distinct or median(distinct) >= REPEATED:
        return None
    return partial(
        "Partial mode collapse: the generator makes a few pictures again and again.",
        f"A picture's next of kin is {percent(median(distinct))} as far from it as among real ones.",
    )


def missing(h: History) -> Finding | None:
    covered, plausible = h.last("coverage"), h.last("precision")
    blurred = h.looks[-1].contrast_ratio is not None and median(h.last("variety")) < SHARP
    if not covered or not plausible or blurred or median(covered) > MISSING or median(plausible) < GOOD:
        return None
    return partial(
        "Partial mode collapse: the pictures are plausible, and whole kinds of the data are missing.",
        f"{percent(median(plausible))} of the fakes lie among the reals, but only {percent(median(covered))} of the "
        "reals have a fake near them.",
    )


def fallen(now: float, most: float) -> Finding | None:
    if now > FALLEN * most:
        return None
    return partial(
        "Partial mode collapse: the pictures have lost much of their variety.",
        f"They differ {percent(now)} as much as real ones do; it was {percent(most)} before.",
    )


def partial(sentence: str, evidence: str) -> Finding:
    return Finding(
        "partial mode collapse",
        "warning",
        sentence,
        evidence,
        "Take an earlier checkpoint; try wgan-gp or r3gan, a gradient penalty (--penalty.r1 10), or a larger batch.",
    )


def most_various(h: History) -> float:
    """The highest variety that a few looks in a row agreed on."""
    variety = [look.variety for look in h.looks if look.variety is not None]
    return max(median(variety[i : i + 3]) for i in range(max(1, len(variety) - 2)))


def memorisation(h: History) -> Finding | None:
    copied = h.last("copies", 3)
    if not copied or median(copied) < COPIES:
        return None
    return Finding(
        "memorisation",
        "warning",
        "The generator copies training pictures instead of making new ones.",
        f"{percent(median(copied))} of its pictures are three times nearer to one training picture than to any other; "
        f"there are {h.looks[-1].data_size:,} training pictures.",
        "More pictures, or --view.augment colour translation cutout; a smaller network (--network.width) or an "
        "earlier checkpoint copies less.",
    )
