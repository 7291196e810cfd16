"""Whether the images look real, by perceptual features: fidelity, variety, and where they differ most."""

from __future__ import annotations

from statistics import median

from ganache.evaluation.training_score import REGIONS
from ganache.runs.diagnose.finding import Finding, percent
from ganache.runs.diagnose.history import WINDOW, History

FAR = 0.5
"""Coverage in perceptual features below which a generator is far from its data; other real images have 0.97."""

REAL = 0.5
"""Precision from which most images look real one by one; other real images have about 0.8."""

UNEVEN = 1.25
"""Distance in a region, relative to the mean of all, from which the region is named."""


def far_from_real(h: History) -> Finding | None:
    """Quality no longer improves, and perceptual features tell most images from real ones."""
    coverage, precision = h.last("perceptual_coverage"), h.last("perceptual_precision")
    if not coverage or not precision or not h.has_plateaued or h.is_unformed or median(coverage) >= FAR:
        return None
    if median(precision) >= REAL:
        sentence = "Most images look real, but they show a part of the data only."
        advice = "Use an earlier checkpoint or a larger batch, or try r3gan or wgan-gp; more training helps little."
    else:
        sentence = "The images are still easily told from real ones, and quality no longer improves."
        advice = (
            "Try a larger network (--network.width), lower learning rates, more training data, or another method "
            "(r3gan); look at the region that differs most."
        )
    return Finding("far from real", "hint", sentence, describe_realism(h), advice)


def describe_realism(h: History) -> str:
    """Return how real and how various the images are, in one or two sentences; "" if that was not measured."""
    coverage, precision = h.last("perceptual_coverage"), h.last("perceptual_precision")
    if not coverage or not precision:
        return ""
    region = most_different_region(h)
    where = f" They differ most from real ones in one region: {region}." if region else ""
    return (
        f"In features of a network trained on photographs, {percent(median(precision))} of the generated images are "
        f"near a real one, and {percent(median(coverage))} of the real images have a generated one near them (other "
        f"real images: about 80 % and 97 %).{where}"
    )


def most_different_region(h: History) -> str:
    """Return the region of the images that differs most from real ones; "" if none stands out."""
    probes = [probe.regions for probe in h.probes[-WINDOW:] if probe.regions]
    means = {name: median(regions.get(name, 0.0) for regions in probes) for name in REGIONS if probes}
    if not means or max(means.values()) < UNEVEN * sum(means.values()) / len(means):
        return ""
    return max(means, key=lambda name: means[name])
