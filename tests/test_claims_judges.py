"""Every judge, fed made-up measurements that should hold, fail, be undecided and under-trained, says so."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ganache.claims import CLAIMS
from ganache.claims.anime import MEANS, STDS, VARIANT
from ganache.claims.claim import Measurement, Unit, pseudo_values
from ganache.claims.dirac import ARRIVING, CIRCLING, METHODS
from ganache.claims.four_changes import UNDONE
from ganache.claims.mnist_article import JUDGED
from ganache.claims.optimal_critic import EPOCHS
from ganache.claims.pairs import (
    DCGAN,
    GAN_BARE,
    GAN_DCGAN,
    GAN_PLAIN,
    PLAIN,
    WGAN_BARE,
    WGAN_DCGAN,
    WGAN_PLAIN,
)
from ganache.claims.running import stored_control, stored_part
from ganache.claims.stored import encoded
from ganache.claims.verdict import Control, Part

Made = dict[str, list[dict[str, Any]]]
"""variant -> numbers of each seed."""


def measured(made: Made) -> list[Measurement]:
    return [
        Measurement(Unit(v, seed), {"features": "classifier"} | n, 1.0)
        for v, runs in made.items()
        for seed, n in enumerate(runs)
    ]


def lines(critic_error: float = 0.0, em: float = 0.0, js: float = math.log(2), kl: float = math.inf) -> dict[str, Any]:
    """What the parallel lines should measure, or a flaw in it."""
    ts = [-0.5, 0.0, 0.5]
    off = [1.0, 0.0, 1.0]
    numbers: dict[str, Any] = {"t": ts, "critic": [0.5 + critic_error, 0.0, 0.5], "earth_mover_descent": [0.9, em]}
    heights = {"earth_mover": 0.5, "jensen_shannon": math.log(2), "total_variation": 1.0, "kullback_leibler": math.inf}
    for name, height in heights.items():
        numbers[f"{name}_closed"] = [height if there else 0.0 for there in off]
        numbers[f"{name}_samples"] = list(numbers[f"{name}_closed"])
    numbers["jensen_shannon_samples"] = [js, 0.0, js]
    numbers["kullback_leibler_samples"] = [kl, 0.0, kl]
    return numbers | {"jensen_shannon_descent": [0.9, 0.9]}


def weights(clipped: list[float], penalised: list[float], left: float = 0.1) -> Made:
    """Shares of weights at the ends, by seed; and what is left of the EM distance."""
    learnt = {"earth_mover": left, "untrained": 1.0}
    return {
        "weight clipping": [{"at_clip": share, "at_largest": share} | learnt for share in clipped],
        "gradient penalty": [{"at_clip": 0.001, "at_largest": share} | learnt for share in penalised],
    }


def distances(with_noise: list[float], without: list[float], other: float = 0.1) -> Made:
    """EM distances by seed, 1 before training; `other` is that of WGAN-GP."""
    found = {"with noise": with_noise, "without": without, "WGAN-GP without": [other] * 3}
    return {
        f"{toy}, {name}": [{"earth_mover": 0.05 + distance, "untrained": 1.0, "floor": 0.05} for distance in seeds]
        for toy in ("lines", "ring8", "swissroll")
        for name, seeds in found.items()
    }


def modes(gan: list[int], wgan: list[int], wgan_gp: list[int], last: float = 1.0) -> Made:
    """Modes covered of grid25, by seed, and of ring8 all; EM distances of 1, and of `last` in the last fifth."""
    made: Made = {}
    curve = {"earth_mover_through_training": [1.0] * 13 + [last] * 3}
    for method, found in (("gan", gan), ("wgan", wgan), ("wgan-gp", wgan_gp)):
        made[f"ring8, {method}"] = [{"modes": 8} | curve for _ in found]
        made[f"grid25, {method}"] = [{"modes": modes} | curve for modes in found]
    return made


def curves(lost: list[float], grown: list[float], loss: float = 0.01) -> Made:
    """A minimax gradient that rises to 1 and then loses, a -log D variance of 1 that gains orders of magnitude."""
    return {
        "frozen generator": [
            {f"minimax norm after {n}": [0.01, 1.0, 10**-less] for n in EPOCHS}
            | {f"-log D variance after {n}": [0.001, 1.0, 10**more] for n in EPOCHS}
            | {f"last losses after {n}": [loss] for n in EPOCHS}
            for less, more in zip(lost, grown, strict=True)
        ]
    }


def dirac(circling: float, arriving: float) -> Made:
    left = dict.fromkeys(METHODS, 1.0) | dict.fromkeys(CIRCLING, circling) | dict.fromkeys(ARRIVING, arriving)
    return {name: [{"distance": distance}] for name, distance in left.items()}


def told(wgan: list[list[float]], gan: list[list[float]], untrained: float = 10.0) -> Made:
    """Estimates beside distances that fall to 1; WGAN's and the GAN's, by seed, with either generator."""
    both = {"WGAN": wgan, "GAN": gan}
    return {
        f"{method}, {name}": [curve(untrained, estimate=each) for each in seeds]
        for name in (PLAIN, DCGAN)
        for method, seeds in both.items()
    }


def curve(untrained: float, **series: list[float]) -> dict[str, Any]:
    """Distances that fall from `untrained` to 1 in a training of 4 snapshots, and other series beside them."""
    later = {name: [math.nan, *each] for name, each in series.items()}
    steps = {"steps": [0, 10, 20, 30, 40], "frechet_through_training": [untrained, 4.0, 3.0, 2.0, 1.0]}
    return steps | {"untrained": untrained} | later


DOWN, UP = [4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0]


def pair(first: str, second: str, firsts: list[float], seconds: list[float], **others: list[float]) -> Made:
    """Frechet distances of two methods by seed, 100 before training; other scores of the first and the second."""
    made = {}
    for name, found, place in ((first, firsts, 0), (second, seconds, 1)):
        scores = {score: both[place] for score, both in others.items()} | {"untrained": 100.0}
        made[name] = [{"frechet": each, "frechet_through_training": [each] * 9} | scores for each in found]
    return made


def falling(made: Made) -> Made:
    """The same measurements, whose distances were twice as large until the last third of the steps."""
    curve = {name: [[2 * run["frechet"]] * 6 + [run["frechet"]] * 3 for run in runs] for name, runs in made.items()}
    return {
        name: [run | {"frechet_through_training": each} for run, each in zip(runs, curve[name], strict=True)]
        for name, runs in made.items()
    }


def bare(gan: list[float], wgan: list[float], normal: float = 10.0) -> Made:
    """Without batch norm by seed, and with it."""
    return pair(GAN_BARE, WGAN_BARE, gan, wgan) | good(*([normal] * len(gan) for _ in range(2)))


def good(gan: list[float], wgan: list[float]) -> Made:
    """With DCGAN's networks, by seed."""
    return pair(GAN_DCGAN, WGAN_DCGAN, gan, wgan)


def plain(wgan: list[float], coverage: list[float], bits: list[float], classes: float = 10, good: float = 10.0) -> Made:
    """Of a generator of fully connected layers; coverage and bits: the GAN's, WGAN's. `good`: of DCGAN's generator."""
    made = pair(GAN_PLAIN, WGAN_PLAIN, [20.0] * 3, wgan, coverage=coverage, bits=bits, classes=[10.0, classes])
    return made | {GAN_DCGAN: [{"frechet": good, "untrained": 100.0, "bits": 3.0} for _ in range(3)]}


def changes(gan: float, wgan: list[float], taken_back: list[float], diverged: float = 0.0) -> Made:
    """Distances, 100 before training."""
    rest = {"diverged": 0.0, "untrained": 100.0}
    made = {name: [{"frechet": distance} | rest for distance in taken_back] for name in UNDONE}
    made |= {"GAN": [{"frechet": gan} | rest for _ in wgan]}
    return made | {"WGAN": [{"frechet": distance} | rest | {"diverged": diverged} for distance in wgan]}


def article(after: float, precise: float, yellow: list[float], untrained: float = 10.0) -> dict[str, Any]:
    """A seed of the anime article: the distance after step 26,000, 1 before; the precision of N(0, 0.4), that of
    N(0, 1) being 0.5; the hair's yellow at the lowest mean and the highest."""
    return {
        "steps": list(range(0, 31_000, 1000)),
        "frechet_through_training": [untrained] + [1.0] * 26 + [after] * 4,
        "precision": [precise if std == 0.4 else 0.5 for std in STDS],
        "yellow": [yellow[0] - place * (yellow[0] - yellow[1]) / 9 for place in range(len(MEANS))],
        "untrained": untrained,
    }


def digits(gan: list[float], others: list[float], moving: float = 1.0, untrained: float = 100.0) -> Made:
    """Last distances by seed, of the GAN and of both WGANs, which move from epoch to epoch `moving` times as much."""

    def run(last: float, factor: float) -> dict[str, Any]:
        curve = [untrained, *[last * math.exp(factor * 0.1 * (step % 2)) for step in range(10)][::-1]]
        return {"frechet": last, "untrained": untrained, "frechet_through_training": curve}

    made: Made = {"GAN": [run(last, 1.0) for last in gan]}
    return made | {name: [run(last, moving) for last in others] for name in JUDGED}


def losses(critic: list[float], generator: list[float], untrained: float = 10.0) -> Made:
    """Losses beside distances that fall to 1, the same in each seed."""
    return {VARIANT: [curve(untrained, critic=critic, generator=generator)] * 12}


def seeds(early: list[float], best: list[float], untrained: float = 100.0) -> Made:
    """Distances after 200 steps and the smallest ones, by seed."""
    return {
        VARIANT: [
            {"early": a, "frechet_through_training": [untrained, b], "untrained": untrained}
            for a, b in zip(early, best, strict=True)
        ]
    }


EARLY = [30.0 + place for place in range(24)]
"""Distances after 200 steps of 24 seeds, 100 being the distance before training."""
NO_ORDER = [2.0, 4.0, 1.0, 3.0]
"""Its rank correlation with what falls is 0."""

MADE: dict[str, dict[str, Made]] = {
    "parallel-lines": {
        "holds": {"lines": [lines(0.05), lines(-0.02), lines()]},
        "fails": {"lines": [lines(js=0.5)] * 3},
        "not decided": {"lines": [lines(0.05), lines(0.2), lines()]},
    },
    "loss-and-quality": {
        "holds": told([DOWN, DOWN, DOWN], [UP, UP, UP]),
        "fails": told([UP, UP, UP], [UP, UP, UP]),
        "not decided": told([DOWN, UP, DOWN], [UP, UP, UP]),
        "under-trained": told([UP, UP, UP], [UP, UP, UP], untrained=2.0),
    },
    "no-batch-norm": {
        "holds": bare([90.0, 80.0, 70.0], [20.0, 10.0, 15.0]),
        "fails": bare([20.0, 10.0, 15.0], [40.0, 20.0, 30.0]),
        "not decided": bare([90.0, 25.0, 70.0], [20.0, 20.0, 15.0]),
        "under-trained": bare([20.0, 10.0, 15.0], [40.0, 20.0, 30.0], normal=50.0),
    },
    "mlp": {
        "holds": plain([10.0, 20.0, 15.0], coverage=[0.3, 0.6], bits=[2.9, 3.3]),
        "fails": plain([10.0, 20.0, 15.0], coverage=[0.6, 0.5], bits=[2.9, 3.3]),
        "not decided": plain([10.0, 20.0, 15.0], coverage=[0.42, 0.5], bits=[2.9, 3.3]),
        "under-trained": plain([10.0, 50.0, 15.0], coverage=[0.3, 0.6], bits=[2.9, 3.3]),
    },
    "clipping": {
        "holds": weights([0.6, 0.5, 0.7], [0.001, 0.002, 0.001]),
        "fails": weights([0.011, 0.012, 0.009], [0.001, 0.002, 0.001]),
        "not decided": weights([0.6, 0.05, 0.7], [0.001, 0.002, 0.001]),
        "under-trained": weights([0.011, 0.012, 0.009], [0.001, 0.002, 0.001], left=0.6),
    },
    "noise": {
        "holds": distances([0.1, 0.2, 0.1], [0.9, 0.8, 0.9]),
        "fails": distances([1.8, 1.7, 1.9], [0.9, 0.8, 0.9]),
        "not decided": distances([0.1, 0.9, 0.7], [0.9, 0.8, 0.9]),
        "under-trained": distances([1.8, 1.7, 1.9], [0.9, 0.8, 0.9], other=0.8),
    },
    "modes": {
        "holds": modes([10, 12, 11], [25, 25, 25], [25, 25, 25]),
        "fails": modes([25, 25, 25], [25, 25, 25], [25, 25, 25]),
        "not decided": modes([10, 25, 20], [25, 25, 25], [25, 25, 25]),
        "under-trained": modes([10, 12, 11], [3, 2, 4], [25, 25, 25], last=0.5),
    },
    "optimal-critic": {
        "holds": curves([3.0, 2.9, 3.1], [1.0, 0.9, 1.1]),
        "fails": curves([0.1, 0.2, 0.1], [1.0, 0.9, 1.1]),
        "not decided": curves([3.0, 1.5, 4.0], [1.0, 0.9, 1.1]),
        "under-trained": curves([0.1, 0.2, 0.1], [1.0, 0.9, 1.1], loss=0.5),
    },
    "both-good": {
        "holds": good([10.0, 8.0, 9.0], [12.0, 9.0, 11.0]),
        "fails": good([4.0, 4.0, 4.0], [19.0, 18.0, 19.0]),
        "not decided": good([10.0, 8.0, 9.0], [12.0, 19.0, 8.0]),
        "under-trained": falling(good([10.0, 8.0, 9.0], [80.0, 64.0, 72.0])),
    },
    "four-changes": {
        "holds": changes(10.0, [7.0, 6.0, 7.0], [20.0, 18.0, 21.0]),
        "fails": changes(10.0, [7.0, 6.0, 7.0], [4.0, 4.0, 4.0]),
        "not decided": changes(10.0, [7.0, 6.0, 7.0], [20.0, 4.0, 15.0]),
        "under-trained": changes(50.0, [50.0, 60.0, 40.0], [20.0, 18.0, 21.0]),
    },
    "anime-article": {
        "holds": {VARIANT: [article(1.3, 0.7, [0.2, 0.1])] * 12},
        "fails": {VARIANT: [article(0.9, 0.7, [0.2, 0.1])] * 12},
        "not decided": {VARIANT: [article(1.3, 0.7, [0.2, 0.1])] * 8 + [article(1.3, 0.7, [0.1, 0.2])] * 4},
        "under-trained": {VARIANT: [article(0.9, 0.7, [0.2, 0.1], untrained=2.0)] * 12},
    },
    "mnist-article": {
        "holds": digits([20.0, 10.0, 15.0, 12.0], [8.0, 8.2, 7.9, 8.1], moving=0.3),
        "fails": digits([8.0, 8.2, 7.9, 8.1], [20.0, 19.0, 18.0, 21.0], moving=3.0),
        "not decided": digits([20.0, 10.0, 15.0, 12.0], [8.0, 18.0, 8.0, 13.0], moving=0.3),
        "under-trained": digits([8.0, 8.2, 7.9, 8.1], [20.0, 19.0, 18.0, 21.0], moving=3.0, untrained=22.0),
    },
    "anime-losses": {
        "holds": losses(NO_ORDER, NO_ORDER),
        "fails": losses(NO_ORDER, [4.0, 3.0, 2.0, 1.0]),
        "not decided": losses(NO_ORDER, [4.0, 2.0, 3.0, 2.5]),
        "under-trained": losses(NO_ORDER, [4.0, 3.0, 2.0, 1.0], untrained=2.0),
    },
    "restart": {
        "holds": seeds(EARLY, [each / 6 for each in EARLY[:12]] + EARLY[12:]),
        "fails": seeds(EARLY, [each / 10 for each in EARLY[::-1]]),
        "not decided": seeds(EARLY, [each / 10 for each in EARLY[:17]] + EARLY[17:]),
        "under-trained": seeds(EARLY, EARLY[::-1]),
    },
    "dirac": {
        "holds": dirac(1.4, 1e-6),
        "fails": dirac(1e-6, 1e-6),
        "not decided": dirac(1.4, 0.05),
    },
}


def test_every_claim_has_made_up_measurements() -> None:
    assert MADE.keys() == CLAIMS.keys()
    for name, claim in CLAIMS.items():
        assert claim.name == name
    assert [claim.number for claim in CLAIMS.values()] == sorted(claim.number for claim in CLAIMS.values())


@pytest.mark.parametrize("outcome", ["holds", "fails", "not decided"])
@pytest.mark.parametrize("name", MADE)
def test_a_judge_says_what_it_is_given(name: str, outcome: str) -> None:
    verdict = CLAIMS[name].verdict(measured(MADE[name][outcome]))
    assert verdict.outcome == outcome
    deciding = next(part for part in verdict.parts if part.outcome() == outcome)
    assert verdict.reason == deciding.sentence()
    assert deciding.number() in verdict.reason


UNDER_TRAINED = [name for name, made in MADE.items() if "under-trained" in made]


def test_every_claim_about_a_trained_network_has_controls() -> None:
    assert set(MADE) - set(UNDER_TRAINED) == {"parallel-lines", "dirac"}, "their trainings are part of the judgement"


@pytest.mark.parametrize("name", UNDER_TRAINED)
def test_a_claim_whose_trainings_did_not_go_far_enough_is_not_judged(name: str) -> None:
    claim, found = CLAIMS[name], measured(MADE[name]["under-trained"])
    verdict = claim.verdict(found)
    assert verdict.outcome == "under-trained"
    missed = next(control for control in verdict.controls if not control.passed())
    assert verdict.reason == missed.sentence()
    assert missed.number() in verdict.reason
    assert missed.reason.endswith(".")
    assert 0 <= missed.progress() < 1
    without = replace(claim, controls=lambda measured: ())
    assert without.verdict(found).outcome in ("holds", "fails"), "without the control it would be judged"
    for outcome in ("holds", "fails", "not decided"):
        assert all(control.passed() for control in claim.controls(measured(MADE[name][outcome])))


@pytest.mark.parametrize("name", [name for name, claim in CLAIMS.items() if claim.seeded])
def test_fewer_seeds_than_a_claim_needs_decide_nothing(name: str) -> None:
    fewest = CLAIMS[name].fewest_seeds
    too_few = {variant: runs[: fewest - 1] for variant, runs in MADE[name]["holds"].items()}
    verdict = CLAIMS[name].verdict(measured(too_few))
    assert verdict.outcome == "not decided"
    assert verdict.reason == f"Number of seeds: {fewest - 1}; fewer than {fewest} decide nothing."


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("parallel-lines", {"lines": [lines(kl=7.0)] * 3}),
        ("parallel-lines", {"lines": [lines(em=0.9)] * 3}),
        ("clipping", weights([0.6, 0.5, 0.7], [0.5, 0.4, 0.6])),
        ("modes", modes([10, 22, 20], [3, 2, 4], [25, 25, 25])),
        ("modes", modes([10, 22, 20], [25, 25, 25], [3, 2, 4])),
        ("optimal-critic", curves([3.0, 2.5, 4.0], [-0.5, -0.6, -0.4])),
        ("dirac", dirac(1.4, 0.5)),
        ("loss-and-quality", told([DOWN, DOWN, DOWN], [DOWN, DOWN, DOWN])),
        ("no-batch-norm", bare([300.0] * 3, [80.0] * 3)),
        ("mlp", plain([10.0] * 3, coverage=[0.3, 0.6], bits=[3.3, 3.3])),
        ("both-good", good([2.0] * 3, [9.0] * 3)),
        ("four-changes", changes(10.0, [95.0] * 3, [99.0] * 3)),
        ("four-changes", changes(10.0, [20.0] * 3, [40.0] * 3)),
        ("anime-article", {VARIANT: [article(1.3, 0.4, [0.2, 0.1])] * 12}),
        ("anime-article", {VARIANT: [article(1.3, 0.7, [0.1, 0.2])] * 12}),
        ("restart", seeds(EARLY, [each / 10 for each in EARLY])),
        ("restart", seeds(EARLY, [5.0, *EARLY[:0:-1]])),
    ],
)
def test_one_part_that_fails_is_enough(name: str, made: Made) -> None:
    assert CLAIMS[name].verdict(measured(made)).outcome == "fails"


@pytest.mark.parametrize(
    "made",
    [
        plain([80.0] * 3, coverage=[0.3, 0.6], bits=[2.9, 3.3]),
        plain([10.0] * 3, coverage=[0.3, 0.6], bits=[2.9, 3.3], classes=6),
        plain([10.0] * 3, coverage=[0.3, 0.6], bits=[2.9, 3.3], good=30.0),
    ],
)
def test_one_control_that_is_missed_is_enough(made: Made) -> None:
    assert CLAIMS["mlp"].verdict(measured(made)).outcome == "under-trained"


def test_noise_that_leaves_the_numbers_is_no_gain() -> None:
    """A training whose points are no numbers has an infinite distance."""
    assert CLAIMS["noise"].verdict(measured(distances([math.inf] * 3, [0.9] * 3))).outcome == "fails"


def test_a_loss_that_stands_still_tells_nothing_and_decides_nothing() -> None:
    assert CLAIMS["loss-and-quality"].verdict(measured(told([[1.0] * 4] * 3, [UP] * 3))).outcome == "not decided"


def test_without_labels_variety_is_judged_by_coverage_alone() -> None:
    made = pair(GAN_PLAIN, WGAN_PLAIN, [20.0] * 3, [10.0] * 3, coverage=[0.3, 0.6])
    verdict = CLAIMS["mlp"].verdict(measured(made | {GAN_DCGAN: made[WGAN_PLAIN]}))
    assert verdict.outcome == "holds"
    assert len(verdict.parts) == 1


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_part_is_decided_only_where_the_whole_interval_is_on_one_side(sign: float) -> None:
    def part(*values: float) -> Part:
        return Part("it", tuple(sign * value for value in values), holds=sign * 3.0, fails=sign * 1.0)

    assert part(3.0, 3.0, 3.0).outcome() == "holds"
    assert part(1.0, 1.0, 1.0).outcome() == "fails"
    assert part(4.0, 4.1, 4.2).outcome() == "holds"
    assert part(0.1, 0.2, 0.3).outcome() == "fails"
    for values in ((3.0, 1.0), (2.0, 2.0), (3.0, 4.0, 5.0), (math.nan,), (math.inf, 3.0, 3.0), ()):
        assert part(*values).outcome() == "not decided", values


def test_pseudo_values_have_the_statistic_as_their_mean_and_its_error_as_theirs() -> None:
    random = np.random.default_rng(0)
    pairs = random.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=(200, 30))
    every = [pseudo_values(lambda chosen: float(np.corrcoef(np.array(chosen).T)[0, 1]), list(each)) for each in pairs]
    means = [float(np.mean(each)) for each in every]
    errors = [float(np.std(each, ddof=1)) / 30**0.5 for each in every]
    assert np.mean(means) == pytest.approx(0.6, abs=0.02)
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.15)


def test_the_number_of_seeds_that_decide_is_that_at_which_they_do() -> None:
    part = Part("it", (3.5, 4.0, 6.0), holds=3.0, fails=1.0)
    assert part.outcome() == "not decided"
    needed = part.seeds_needed()
    assert needed is not None
    assert f"about {needed} seeds would decide" in part.sentence()
    random = np.random.default_rng(0).standard_normal(needed)

    def of(count: int) -> Part:
        """Return a part with the same mean and spread, of as many seeds."""
        values = random[:count] - random[:count].mean()
        scaled = np.mean(part.values) + values * np.std(part.values, ddof=1) / values.std(ddof=1)
        return Part("it", tuple(scaled.tolist()), 3.0, 1.0)

    assert of(needed).outcome() == "holds"
    assert of(needed - 1).outcome() == "not decided"
    assert Part("it", (1.9, 2.0, 2.1), 3.0, 1.0).seeds_needed() is None, "between the two"
    assert "is between the two" in Part("it", (1.9, 2.0, 2.1), 3.0, 1.0).sentence()
    assert "more than 1,000 seeds" in Part("it", (0.9, 1.1, 0.999), 1.0, 1.0).sentence()
    stricter = replace(part, confidence=0.99).seeds_needed()
    assert stricter is not None
    assert stricter > needed


def test_more_looks_need_wider_intervals() -> None:
    made = measured(told([[1.0, 4.0, 2.0, 3.0], DOWN, DOWN, DOWN], [UP] * 4))
    once, often = (CLAIMS["loss-and-quality"].verdict(made, looks=looks) for looks in (1, 4))
    for a, b in zip(once.parts, often.parts, strict=True):
        assert b.confidence == pytest.approx(0.9875)
        assert b.interval()[0] <= a.interval()[0] <= a.interval()[1] <= b.interval()[1]


def test_a_seed_that_diverged_is_judged() -> None:
    made = digits([20.0, 10.0, 15.0, 12.0], [8.0, math.inf, 7.9, 8.1])
    assert CLAIMS["mnist-article"].verdict(measured(made)).outcome == "not decided"
    failing = digits([20.0, 90.0, 95.0, 12.0], [8.0, 8.2, 7.9, 8.1], moving=0.3)
    assert CLAIMS["mnist-article"].verdict(measured(failing)).outcome == "not decided", "in two of four seeds"
    endless = changes(10.0, [math.inf] * 3, [99.0] * 3)
    assert CLAIMS["four-changes"].verdict(measured(endless)).outcome == "fails"
    assert CLAIMS["both-good"].verdict(measured(good([10.0] * 3, [math.inf] * 3))).outcome == "fails"


@pytest.mark.parametrize("name", MADE)
def test_every_verdict_can_be_stored_also_of_one_seed_and_of_a_training_that_diverged(name: str) -> None:
    for made in MADE[name].values():
        one = {variant: runs[:1] for variant, runs in made.items()}
        two = {variant: runs[:2] for variant, runs in made.items()}
        endless = {
            variant: [{key: math.inf if key == "frechet" else value for key, value in runs[0].items()}, *runs[1:]]
            for variant, runs in made.items()
        }
        for form in (made, one, two, endless):
            verdict = CLAIMS[name].verdict(measured(form))
            for part in verdict.parts:
                encoded(stored_part(part))
            for control in verdict.controls:
                assert 0 <= stored_control(control)["progress"] <= 1


def test_samples_as_near_as_real_pictures_decide_no_ratio_by_noise() -> None:
    """The distance above that of real pictures may be 0 or less."""
    made = good([-0.2, 0.1, 0.0], [0.3, -0.1, 0.2])
    assert CLAIMS["both-good"].verdict(measured(made)).outcome == "holds"
    near = distances([-0.001, 0.002, 0.0], [-0.002, 0.001, 0.0])
    assert CLAIMS["noise"].verdict(measured(near)).outcome == "fails", "no gain where there is nothing to gain"


def test_the_share_of_yeses_has_its_exact_interval() -> None:
    def part(*values: float, **more: Any) -> Part:
        return Part("it", values, holds=0.3, fails=0.5, yes_no=True, **more)

    assert part(1.0).outcome() == part(0.0).outcome() == part().outcome() == "not decided"
    assert part(*[0.0] * 11).outcome() == "holds"
    assert part(*[1.0] * 8).outcome() == "fails"
    assert "there is no such seed" in part().sentence()
    few = part(*[0.0] * 4, seeds=12)
    assert few.seeds_needed() == 3 * 11, "a third of the seeds have a value; 11 zeros would decide"


def test_what_differences_the_seeds_detect() -> None:
    """Of two groups of trainings this far apart, four of five repetitions have an interval without 0."""
    random = np.random.default_rng(0)
    values = random.standard_normal((4000, 6))
    detects = [Part("it", tuple(each), 1.0, 0.0).detects() for each in values[:200]]
    shifted = values + float(np.mean(detects))
    found = [Part("it", tuple(each), 0.0, -9.0).outcome() == "holds" for each in shifted]
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)
    assert math.isnan(Part("it", (1.0,), 1.0, 0.0).detects())


def test_a_control_has_come_as_far_as_its_farthest_seed() -> None:
    assert Control("distance", (-0.05, 0.25, 0.0), 0.2, "").progress() == 0.8
    assert Control("classes", (9, 4), 8, "", at_least=True).progress() == 0.5
