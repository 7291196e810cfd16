"""Claim 14: in the anime article's GAN, neither loss shows how good the samples are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganache.claims import anime, pictures
from ganache.claims.anime import LOSSES, VARIANT
from ganache.claims.claim import Claim, Measurement, after_warm_up, best_shares, rank_correlation
from ganache.claims.loss_quality import scaled
from ganache.claims.verdict import Control, Part, spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# ---- the judgement -------------------------------------------------------------------------------------------------


def correlations(measured: Sequence[Measurement], name: str) -> tuple[float, ...]:
    """Return the rank correlation of a network's loss and the distance of the samples, by seed."""
    curves = [after_warm_up(run.numbers, name, "frechet_through_training") for run in measured]
    return tuple(rank_correlation(losses, distances) for _, losses, distances in curves)


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    words = "Rank correlation, without its sign, of the {}'s loss and the distance of the samples"
    found = {name: tuple(map(abs, correlations(measured, name))) for name in LOSSES}
    return tuple(Part(words.format(name), found[name], holds=0.3, fails=0.7) for name in LOSSES)


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    reason = "Of a generator whose samples never improve, no loss can follow the improvement."
    return (Control(anime.LEARNT, best_shares(measured, VARIANT), pictures.bounds(measured).good, reason),)


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, band, figure, label

    fig = figure("Do the losses of the anime article's GAN follow the distance of its samples?", 3.4)
    for ax, name in zip(axes(fig, 1, 2, sharey=True)[0], LOSSES, strict=True):
        curves = [after_warm_up(run.numbers, name, "frechet_through_training") for run in measured]
        steps = curves[0][0]
        band(ax, steps, [scaled(distances) for *_, distances in curves], COLOURS[7], "distance to real pictures")
        band(ax, steps, [scaled(losses) for _, losses, _ in curves], COLOURS[name == "generator"], f"{name}'s loss")
        found = spread(correlations(measured, name))
        label(ax, "generator steps", "scaled to 0 ... 1", f"{name}: correlation {found}", legend=True)
    return {"losses": fig}


CLAIM = Claim(
    name="anime-losses",
    number=14,
    statement="The losses of the original GAN do not tell the progress of a training: neither the critic's nor the "
    "generator's.",
    source="Generate anime-style faces with DCGAN and explore its latent feature representation (2019); Arjovsky, "
    "Chintala & Bottou 2017, Wasserstein GAN, section 4.2",
    protocol="The trainings are those of the claim anime-article. At 28 points of 30,000 steps, without the first "
    "tenth, the mean losses of the last 20 steps are compared with the distance of 500 samples. Before the claim is "
    "judged, the smallest distance must be called good. Spearman's rank correlation, whatever its sign, must then be "
    "at most 0.3 for both losses; from 0.7 on for one of them the claim fails. " + pictures.RULER,
    experiment=anime.CLAIM.experiment,
    size=anime.choose_size,
    variants=anime.CLAIM.variants,
    measure=anime.measure,
    judge=judge,
    controls=controls,
    draw=draw,
)
