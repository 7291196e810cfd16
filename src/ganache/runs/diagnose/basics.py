"""Findings on the ground of all training: numbers, data, gradients."""

from __future__ import annotations

from statistics import median

from ganache.runs.diagnose.history import History
from ganache.runs.diagnose.words import Finding

PLAIN = 0.01
"""Mean distance a number, or contrast, below which pictures are all of one colour: two levels of 256."""

TINY = 200
"""Fewer pictures than this are learnt by heart; even few-shot methods with augmentation begin at 100."""

GRADIENT_LINES = 40
"""Log lines before gradients are judged: a quarter of them is the measure for the last ten."""

VANISHED, EXPLODED = 0.01, 100.0
"""Gradient norms over those of the run's first quarter: healthy ones stay within a factor of ten."""


def no_numbers(h: History) -> Finding | None:
    failed = h.events[-1] if h.events and h.events[-1]["event"] == "not numbers" else None
    broken = h.looks[-1].non_finite if h.looks else 0
    if failed is None and not broken:
        return None
    return Finding(
        "numbers that are no numbers",
        "alarm",
        "The run's numbers are no numbers any more (NaN or infinite): what was learnt after that is lost.",
        failed["notice"] if failed else f"{broken:,} weights at step {h.looks[-1].step:,}.",
        "Lower both learning rates, or let --policy.retry-nan True go back and halve them; in bfloat16, try "
        "--precision.compute float32.",
    )


def nothing_changes(h: History) -> Finding | None:
    if len(h.taken) < 2:
        return None
    before, now = h.taken[-2:]
    still = [
        name
        for name, old, new in (
            ("generator", before.g_weights, now.g_weights),
            ("critic", before.d_weights, now.d_weights),
        )
        if old is not None and old == new and before.step < now.step
    ]
    if not still:
        return None
    who, theirs = " and ".join(f"the {name}" for name in still), "their" if len(still) > 1 else "its"
    return Finding(
        "nothing changes",
        "alarm",
        f"Nothing changes in {who}: {theirs} weights are the same as before.",
        f"Between steps {before.step:,} and {now.step:,} not a digit of them moved.",
        f"Look at {theirs} learning rate ({', '.join(f'--{name}-optimiser.lr' for name in still)}), which may be 0 or "
        "too small to count.",
    )


def data_problem(h: History) -> Finding | None:
    if not h.looks:
        return None
    seen = h.looks[-1]
    spread, contrast = seen.data_variety, seen.data_contrast
    if spread is not None and spread < PLAIN:
        sentence = "The training pictures are all the same: there is nothing to learn from them."
        evidence = f"A number of one differs from that of another by {spread:.2g} on average, of a range of 2."
    elif contrast is not None and contrast < PLAIN:
        sentence = "Each training picture is of one colour: there is no form to learn in them."
        evidence = f"The brightness within a picture varies by {contrast:.2g}, black to white being 1."
    elif seen.data_size < TINY and seen.data_contrast is not None:
        return Finding(
            "data problem",
            "hint",
            f"The training set is tiny: {seen.data_size} pictures, which a network can learn by heart.",
            f"Below {TINY}.",
            "Add pictures; else --view.augment colour translation cutout and --data.flip True stretch what there is.",
        )
    else:
        return None
    return Finding(
        "data problem", "alarm", sentence, evidence, "Open some files, and ask `ganache doctor` about the data."
    )


def gradients(h: History) -> Finding | None:
    if len(h.lines) < GRADIENT_LINES:
        return None
    found = None
    for who, name in (("generator", "g_gradient_norm"), ("critic", "d_gradient_norm")):
        norms = [line[name] for line in h.lines]
        then, now = median(norms[2 : len(norms) // 4]), median(norms[-10:])
        change = now / then if then else 1.0
        evidence = f"The {who}'s gradient has norm {now:.2g} (median of the last 10 lines); it was {then:.2g}."
        if change > EXPLODED:
            return Finding(
                "exploding gradients",
                "alarm",
                f"The {who}'s gradients explode: they are {change:,.0f} times what they were.",
                evidence,
                f"Lower the learning rates, clip (--{who}-optimiser.clip-value 1), or bound the critic's slope "
                "(--penalty.weight 10, or --method.clip 0.01 for wgan).",
            )
        if change < VANISHED and who == "generator":
            found = Finding(
                "vanishing gradients",
                "alarm",
                "The generator's gradients have vanished: nothing reaches it from the critic any more.",
                evidence,
                "Use the non-saturating loss or a Wasserstein method, weaken the critic (--critic-optimiser.lr), or "
                "let noise make the two overlap (--view.noise 0.2).",
            )
    return found
