"""Findings on the balance between critic and generator."""

from __future__ import annotations

from statistics import median

from ganache.runs.diagnose.finding import Finding, percent
from ganache.runs.diagnose.history import WINDOW, History

PERFECT_ACCURACY = 0.99
"""Accuracy of a critic that tells all images apart: at most one of 128 is wrong."""

HIGH_ACCURACY, HIGH_AUC, HIGH_HEADROOM = 0.9, 0.98, 0.5
"""If nothing has formed, a critic above one of these is the reason. Healthy critics have a headroom of at most 0.15."""

LOW_ACCURACY = 0.75
"""Accuracy or AUC of a critic that is hardly better than guessing."""


def critic_too_strong(h: History) -> Finding | None:
    """The critic separates real and generated images so well that the generator stops learning."""
    accuracy, headroom, auc = h.last("critic_accuracy"), h.last("critic_headroom"), h.last("critic_auc")
    if not accuracy or not h.has_plateaued or (h.is_unformed and h.is_unstable):
        return None
    if median(accuracy) >= (HIGH_ACCURACY if h.is_unformed else PERFECT_ACCURACY):
        reason = f"it classifies {percent(median(accuracy))} of the images correctly"
    elif h.is_unformed and auc and median(auc) >= HIGH_AUC:
        reason = f"it ranks {percent(median(auc))} of the pairs of a real and a generated image correctly"
    elif h.is_unformed and headroom and median(headroom) >= HIGH_HEADROOM:
        reason = f"a few more critic steps lower its loss by {percent(median(headroom))}"
    else:
        return None
    return Finding(
        "critic too strong",
        "alarm" if h.is_unformed else "warning",
        f"The critic is too strong: {reason}, so the generator cannot learn from it; stop the run.",
        f"Median of the last {WINDOW} probes. The score no longer improves: it was {min(h.scores):.4g} at best, is "
        f"{h.scores[-1]:.4g} now{score_of_blank_images(h)} (lower is better).",
        "Lower --critic-optimiser.lr or --schedule.critic-steps, or add noise to the images "
        "(--view.noise 0.2); with a Wasserstein method (wgan-gp) a strong critic does no harm.",
    )


def score_of_blank_images(h: History) -> str:
    """Return the end of a sentence on scores; empty if the last probe lacks that of blank images."""
    blank = h.probes[-1].blank_score
    return "" if blank is None else f", and is {blank:.4g} for blank images"


def generator_too_strong(h: History) -> Finding | None:
    """The generator changes faster than the critic can follow, or the critic cannot tell bad images from real ones."""
    accuracy = h.last("critic_accuracy") or h.last("critic_auc")
    if not accuracy or not h.has_plateaued or not h.is_unformed or critic_too_strong(h):
        return None
    blank = f"the score ({h.scores[-1]:.4g}) is close to that of blank images ({h.probes[-1].blank_score:.4g})"
    if h.is_unstable:
        reason = "it changes all its images faster than the critic can follow."
        evidence = (
            f"Between two probes, its images changed {median(h.last('drift')):.1f} times as much as two real images "
            f"differ; {blank}."
        )
    elif median(accuracy) <= LOW_ACCURACY:
        reason = "its images are far from the real ones, but the critic cannot tell them apart."
        right = f"The critic classifies {percent(median(accuracy))} of the images correctly (50 % is guessing)"
        evidence = f"{right}, and {blank}."
    else:
        return None
    return Finding(
        "generator too strong",
        "warning",
        f"The generator is too strong: {reason}",
        evidence,
        "Lower --generator-optimiser.lr, or raise --schedule.critic-steps.",
    )
