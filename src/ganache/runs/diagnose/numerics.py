"""Findings on the basis of any training: finite values, weights that change, gradients of a sensible size."""

from __future__ import annotations

from statistics import median

from ganache.runs.diagnose.finding import Finding
from ganache.runs.diagnose.history import History

MIN_GRADIENT_LINES = 40
"""Log lines before gradients are judged: the first quarter of them is compared with the last ten."""

VANISHED, EXPLODED = 0.01, 100.0
"""Gradient norm relative to the first quarter of the run; healthy runs stay within a factor of ten."""


def non_finite_values(h: History) -> Finding | None:
    """The run has produced NaN or infinity."""
    event = h.events[-1] if h.events and h.events[-1]["event"] == "non-finite" else None
    weights = h.probes[-1].non_finite if h.probes else 0
    if event is None and not weights:
        return None
    return Finding(
        "non-finite values",
        "alarm",
        "The run has produced NaN or infinity: everything after the last good checkpoint is lost.",
        event["notice"] if event else f"{weights:,} weights are NaN or infinite at step {h.probes[-1].step:,}.",
        "Lower both learning rates, or let --policy.retry-nan True go back to a checkpoint and halve them; if the run "
        "computes in bfloat16, try --precision.compute float32.",
    )


def no_change(h: History) -> Finding | None:
    """The weights of a network are exactly the same in two probes."""
    if len(h.all_probes) < 2:
        return None
    old, new = h.all_probes[-2:]
    pairs = {"generator": (old.g_weights, new.g_weights), "critic": (old.d_weights, new.d_weights)}
    still = [name for name, (a, b) in pairs.items() if a is not None and a == b and old.step < new.step]
    if not still:
        return None
    names, their = " and ".join(f"the {name}" for name in still), "their" if len(still) > 1 else "its"
    return Finding(
        "no change",
        "alarm",
        f"No weight of {names} changes during training.",
        f"The root mean square of {their} weights is exactly the same at steps {old.step:,} and {new.step:,}.",
        f"Check {their} learning rate ({', '.join(f'--{name}-optimiser.lr' for name in still)}): it may be 0, or too "
        "small to change a float32 number.",
    )


def gradients(h: History) -> Finding | None:
    """Gradients explode, or those of the generator vanish."""
    if len(h.lines) < MIN_GRADIENT_LINES:
        return None
    found = None
    for network, key in (("generator", "g_gradient_norm"), ("critic", "d_gradient_norm")):
        norms = [line[key] for line in h.lines]
        early, late = median(norms[2 : len(norms) // 4]), median(norms[-10:])
        change = late / early if early else 1.0
        evidence = (
            f"The median norm of the {network}'s gradient is {late:.2g} in the last 10 log lines; it was {early:.2g} "
            "in the first quarter of the run."
        )
        if change > EXPLODED:
            return Finding(
                "exploding gradients",
                "alarm",
                f"The {network}'s gradients explode: they are {change:,.0f} times as large as early in the run.",
                evidence,
                f"Lower the learning rates, clip gradients (--{network}-optimiser.clip-value 1), or limit the critic's "
                "slope (--penalty.weight 10, or --method.clip 0.01 for wgan).",
            )
        if change < VANISHED and network == "generator":
            found = Finding(
                "vanishing gradients",
                "alarm",
                "The generator's gradients have vanished: it learns almost nothing from the critic.",
                evidence,
                "Use the non-saturating loss or a Wasserstein method, slow the critic down (--critic-optimiser.lr), or "
                "add noise so that real and generated images overlap (--view.noise 0.2).",
            )
    return found
