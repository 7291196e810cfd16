"""Findings on what a generator omits, repeats or copies."""

from __future__ import annotations

from statistics import median

from ganache.runs.diagnose.finding import Finding, percent
from ganache.runs.diagnose.history import History

COLLAPSED_VARIETY = 0.2
"""Variety below which all images are the same; healthy runs are above 0.25 as soon as shapes have formed."""

LOST_VARIETY = 0.6
"""Variety relative to its maximum below which variety was lost; its fluctuation is about a tenth."""

REPEATING = 0.2
"""Nearest-neighbour ratio of a generator that repeats images; blur alone leaves it above 0.4 once shapes formed."""

SHARP = 0.7
"""Variety below which images are still blurred; blurred images lie among all others, so coverage means nothing."""

LOW_COVERAGE, GOOD_PRECISION = 0.35, 0.6
"""Coverage and precision of a generator that makes good images of a part of the data only. A perfect generator has
0.97 and 0.97 (1 - 2^-5 for five neighbours)."""

ALL_MODES = 0.95
"""Share of known modes from which all count as found: a probe has 256 points, and may miss one mode of 25 by chance."""

COPYING = 0.3
"""Share of copies that proves memorisation; by chance it is below 0.05, as images vary in more than three ways."""


def collapse(h: History) -> Finding | None:
    """Mode collapse, total or partial."""
    variety = h.last("variety")
    if not variety or not h.has_plateaued:
        return None
    current, maximum = median(variety), max_variety(h)
    if max(variety) < COLLAPSED_VARIETY:  # in every probe of the window
        return Finding(
            "mode collapse",
            "alarm",
            "Mode collapse: the generator makes nearly the same image for every latent.",
            f"Its images vary {percent(current)} as much as real ones; the highest value was {percent(maximum)}.",
            "Return to an earlier checkpoint, or start again with another --seed; a gradient penalty (--method.name "
            "wgan-gp, or --penalty.r1 10) or a lower --generator-optimiser.lr helps.",
        )
    modes = h.last("modes_found")  # where they are known, nothing else tells whether some are missing
    missing = missing_known_modes(modes) if modes else repeated_images(h) or missing_modes(h)
    return missing or lost_variety(current, maximum)


def missing_known_modes(modes: list[float]) -> Finding | None:
    """Known modes of the data are never generated."""
    if median(modes) >= ALL_MODES:
        return None
    return partial_collapse(
        "Partial mode collapse: modes of the data are never generated.",
        f"{percent(median(modes))} of the known modes are found.",
    )


def repeated_images(h: History) -> Finding | None:
    """The generator makes a few images again and again."""
    nearest_ratio = h.last("nearest_ratio")
    if not nearest_ratio or median(nearest_ratio) >= REPEATING:
        return None
    return partial_collapse(
        "Partial mode collapse: the generator makes a few images again and again.",
        f"The distance from an image to the nearest other one is {percent(median(nearest_ratio))} of that among real "
        "images.",
    )


def missing_modes(h: History) -> Finding | None:
    """The images are good, but parts of the data are never generated."""
    coverage, precision = h.last("coverage"), h.last("precision")
    blurred = h.probes[-1].contrast_ratio is not None and median(h.last("variety")) < SHARP
    if not coverage or not precision or blurred or h.is_unformed:
        return None
    if median(coverage) > LOW_COVERAGE or median(precision) < GOOD_PRECISION:
        return None
    return partial_collapse(
        "Partial mode collapse: the images are plausible, but whole parts of the data are never generated.",
        f"{percent(median(precision))} of the generated images are close to a real one, but only "
        f"{percent(median(coverage))} of the real images have a generated one close to them.",
    )


def lost_variety(current: float, maximum: float) -> Finding | None:
    """The images vary much less than they did."""
    if current > LOST_VARIETY * maximum:
        return None
    return partial_collapse(
        "Partial mode collapse: the images have lost much of their variety.",
        f"They vary {percent(current)} as much as real ones; the highest value was {percent(maximum)}.",
    )


def partial_collapse(sentence: str, evidence: str) -> Finding:
    return Finding(
        "partial mode collapse",
        "warning",
        sentence,
        evidence,
        "Use an earlier checkpoint; try wgan-gp or r3gan, a gradient penalty (--penalty.r1 10), or a larger batch.",
    )


def max_variety(h: History) -> float:
    """Return the highest running median of variety over three probes."""
    variety = [probe.variety for probe in h.probes if probe.variety is not None]
    return max(median(variety[i : i + 3]) for i in range(max(1, len(variety) - 2)))


def memorisation(h: History) -> Finding | None:
    """The generator copies training images."""
    copies = h.last("copies", 3)
    if not copies or median(copies) < COPYING or h.is_unformed:
        return None
    return Finding(
        "memorisation",
        "warning",
        "The generator copies training images instead of generating new ones.",
        f"{percent(median(copies))} of its images are three times closer to one training image than to any other; "
        f"the training set has {h.probes[-1].data_size:,} images.",
        "Use more images, or --view.augment colour translation cutout; a smaller network (--network.width) or an "
        "earlier checkpoint copies fewer of them.",
    )
