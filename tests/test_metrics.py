"""Metrics on features, against closed forms and against naive implementations of their definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from ganache.evaluation.metrics.diversity import classes_reached, ms_ssim_diversity
from ganache.evaluation.metrics.estimates import mean_estimate
from ganache.evaluation.metrics.fidelity import inception_score, kernel_distance
from ganache.evaluation.metrics.frechet import (
    BlockMoments,
    BlockPair,
    Moments,
    frechet_distance,
    frechet_estimates,
    layers_estimate,
    linear_intercept,
)
from ganache.evaluation.metrics.memorisation import memorisation_test
from ganache.evaluation.metrics.precision_recall import knn_radii, nearest_neighbours, precision_recall_density_coverage


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def spread_matrix(n: int, seed: int) -> Tensor:
    root = noise(n, n, seed=seed).double()
    return root @ root.T / n


# ---- Frechet ---------------------------------------------------------------------------------------------------------


def test_frechet_distance_of_gaussians_with_commuting_covariances() -> None:
    """|m|^2 + sum of (s - t)^2 for diagonal covariances s^2 and t^2; invariant under a rotation of both."""
    s, t, m = torch.tensor([1.0, 2.0, 0.5]), torch.tensor([3.0, 2.0, 0.0]), torch.tensor([1.0, -2.0, 0.5])
    turn = torch.linalg.qr(noise(3, 3).double())[0]
    covariances = [turn @ (scale.double() ** 2).diag() @ turn.T for scale in (s, t)]
    a, b = Moments(torch.zeros(3).double(), covariances[0]), Moments(turn @ m.double(), covariances[1])
    assert frechet_distance(a, b) == pytest.approx(float(m.square().sum() + (s - t).square().sum()), abs=1e-6)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_equals_the_one_by_a_matrix_square_root() -> None:
    from scipy.linalg import sqrtm

    a, b = (Moments(noise(6, seed=s).double(), spread_matrix(6, s)) for s in (1, 2))
    root = sqrtm((a.covariance @ b.covariance).numpy())
    expected = float((a.mean - b.mean).square().sum() + (a.covariance + b.covariance).trace()) - 2 * np.trace(root).real
    assert frechet_distance(a, b) == pytest.approx(expected, abs=1e-8)


def test_moments_of_blocks_equal_those_of_their_samples() -> None:
    h = 50 + noise(103, 4)
    sums = BlockMoments.from_features(h)
    of_some = torch.cat([block for i, block in enumerate(h.tensor_split(10)) if i in (1, 4)])
    for moments, samples in ((sums.moments(), h), (sums.moments([1, 4]), of_some)):
        torch.testing.assert_close(moments.mean, samples.double().mean(dim=0))
        torch.testing.assert_close(moments.covariance, samples.double().T.cov())


def test_the_frechet_distance_of_samples_and_its_limit() -> None:
    """Between N(0, 1) and N(1/4, 4) in 30 dimensions it is 30 (1/16 + 1). The estimate from 400 samples is biased
    upwards, the limit is not."""
    exact = 30 * (1 / 16 + 1)
    real, fake = noise(400, 30), 0.25 + 2 * noise(400, 30, seed=1)
    (value, error), limit = frechet_estimates(BlockPair(real, fake))
    assert value == pytest.approx(
        frechet_distance(BlockMoments.from_features(real).moments(), BlockMoments.from_features(fake).moments()),
        rel=1e-9,
    )
    assert value - exact > 2 * error
    assert abs(limit.value - exact) < 2.5 * limit.error
    assert abs(limit.value - exact) < 0.3 * (value - exact)


def test_the_frechet_error_equals_the_spread_over_repetitions() -> None:
    repeated = [
        frechet_estimates(BlockPair(noise(300, 8, seed=2 * seed), 1.5 * noise(300, 8, seed=2 * seed + 1)))
        for seed in range(40)
    ]
    values, errors = np.array([estimate for estimate, _ in repeated]).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.35)
    limits = [limit.value for _, limit in repeated]
    assert np.mean(limits) == pytest.approx(8 * 0.25, abs=3 * np.std(limits) / 40**0.5)
    assert np.mean([limit.error for _, limit in repeated]) == pytest.approx(np.std(limits), rel=0.4)


def test_two_halves_of_one_distribution_have_no_distance_in_the_limit() -> None:
    (value, _), limit = frechet_estimates(BlockPair(noise(2000, 40), noise(2000, 40, seed=1)))
    assert value > 0.3
    assert abs(limit.value) < max(3 * limit.error, 0.1 * value)


def test_fewer_samples_than_features() -> None:
    (value, error), limit = frechet_estimates(BlockPair(noise(50, 80), noise(50, 80, seed=1)))
    assert all(np.isfinite([value, error, *limit]))
    alike = torch.ones(50, 3)
    (value, error), limit = frechet_estimates(BlockPair(alike, alike + 1))
    assert value == pytest.approx(3)
    assert error == pytest.approx(0, abs=1e-9)


def pairs(real: list[torch.Tensor], fake: list[torch.Tensor]) -> list[BlockPair]:
    return [BlockPair(*layer) for layer in zip(real, fake, strict=True)]


def test_the_distance_in_layers_is_a_mean_of_relative_distances() -> None:
    real, fake = [noise(500, 3), 9 * noise(500, 5, seed=1)], [noise(400, 3, seed=2) + 1, 7 * noise(400, 5, seed=3)]
    moments = [[BlockMoments.from_features(layer).moments() for layer in side] for side in (real, fake)]
    expected = [frechet_distance(a, b) / float(a.variance) for a, b in zip(*moments, strict=True)]
    value, error = layers_estimate(pairs(real, fake))
    assert value == pytest.approx(sum(expected) / 2)
    assert 0 < error < 0.2 * value
    rescaled = layers_estimate(pairs([real[0], real[1] / 1000], [fake[0], fake[1] / 1000]))
    assert rescaled.value == pytest.approx(value), "no layer counts more because its numbers are larger"
    assert layers_estimate(pairs(real, real)).value == pytest.approx(0, abs=1e-6)
    repeated = [
        layers_estimate(pairs(real, [layer[row : row + 1].repeat(50, 1) for layer in real])).value for row in range(60)
    ]
    assert sum(repeated) / 60 == pytest.approx(2, abs=0.3), "one real image, again and again"


def test_the_intercept_of_exact_points() -> None:
    assert linear_intercept([1.0, 2.0, 4.0], [5.0, 7.0, 11.0]) == pytest.approx((3, 0), abs=1e-9)


# ---- kernel distance and Inception score -----------------------------------------------------------------------------


def double_loop_kernel(a: Tensor, b: Tensor) -> float:
    """The unbiased estimator, term by term (Gretton et al. 2012, equation 3)."""
    n, features = a.shape

    def k(x: Tensor, y: Tensor) -> float:
        return (float(x @ y) / features + 1) ** 3

    within = sum(k(x[i], x[j]) for x in (a, b) for i, j in itertools.permutations(range(n), 2)) / (n * (n - 1))
    across = sum(k(x, y) for x in a for y in b) / n**2
    return within - 2 * across


def test_the_kernel_distance_equals_a_naive_implementation() -> None:
    a, b = noise(24, 5).double(), 1.3 * noise(30, 5, seed=1).double() + 0.2
    loops = [double_loop_kernel(a[start : start + 8], b[start : start + 8]) for start in (0, 8, 16)]
    value, error = kernel_distance(a, b, subset=8)
    assert value == pytest.approx(np.mean(loops), rel=1e-9)
    assert error == pytest.approx(np.std(loops, ddof=1) / 3**0.5, rel=1e-9)


def test_the_kernel_distance_is_unbiased_and_its_error_is_the_spread() -> None:
    repeated = [kernel_distance(noise(200, 6, seed=2 * s), noise(200, 6, seed=2 * s + 1), subset=20) for s in range(60)]
    values, errors = np.array(repeated).T
    assert abs(values.mean()) < 3 * values.std() / 60**0.5
    assert errors.mean() == pytest.approx(values.std(), rel=0.25)


def test_the_extremes_of_the_inception_score() -> None:
    """It is 7 for certain predictions of 7 equally frequent classes, and 1 if all predictions are the same."""
    sure = 100 * torch.eye(7).repeat(50, 1)
    assert inception_score(sure[torch.randperm(350)]).value == pytest.approx(7, rel=0.15)
    assert inception_score(noise(1, 7).repeat(100, 1)).value == pytest.approx(1, abs=1e-6)
    before = torch.get_rng_state()
    logits = noise(200, 5)
    assert inception_score(logits, seed=3) == inception_score(logits, seed=3)
    assert torch.equal(torch.get_rng_state(), before), "the caller's random state is left alone"


class PassThrough(torch.nn.Module):
    """A network that returns its input: the metrics of torchmetrics take a network."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, h: Tensor) -> Tensor:
        return h


@pytest.mark.filterwarnings("ignore:Metric `InceptionScore` will save all extracted features")
def test_torchmetrics_gives_the_same_numbers() -> None:
    from torchmetrics.image import fid, inception, kid

    real, fake = noise(500, 20).double(), 0.25 + 2 * noise(500, 20, seed=1).double()
    frechet = fid.FrechetInceptionDistance(PassThrough(20), normalize=True)
    frechet.update(real, real=True)
    frechet.update(fake, real=False)
    assert frechet_estimates(BlockPair(real, fake))[0].value == pytest.approx(float(frechet.compute()), rel=1e-5)

    halves = [float(kid.poly_mmd(real[part], fake[part])) for part in (slice(250), slice(250, None))]
    assert kernel_distance(real, fake).value == pytest.approx(np.mean(halves), rel=1e-9)

    score = inception.InceptionScore(PassThrough(20), splits=10)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        score.update(fake)
        mean, std = score.compute()
    assert inception_score(fake) == pytest.approx((float(mean), float(std) / 10**0.5))


# ---- precision, recall, density, coverage ----------------------------------------------------------------------------


def double_loop_prdc(real: Tensor, fake: Tensor, k: int) -> dict[str, float]:
    def distance(a: Tensor, b: Tensor) -> float:
        return float((a - b).square().sum().sqrt())

    def radius(h: Tensor, i: int) -> float:
        return sorted(distance(h[i], h[j]) for j in range(len(h)) if j != i)[k - 1]

    r, f = range(len(real)), range(len(fake))
    in_real = [[distance(fake[j], real[i]) <= radius(real, i) for i in r] for j in f]
    in_fake = [[distance(fake[j], real[i]) <= radius(fake, j) for j in f] for i in r]
    return {
        "precision": np.mean([any(row) for row in in_real]),
        "recall": np.mean([any(row) for row in in_fake]),
        "density": sum(map(sum, in_real)) / (k * len(fake)),
        "coverage": np.mean([any(in_real[j][i] for j in f) for i in r]),
    }


@pytest.mark.parametrize("k", [1, 3, 5])
def test_prdc_equals_a_naive_implementation(k: int) -> None:
    real, fake = noise(24, 3), 0.6 * noise(20, 3, seed=1) + 0.4
    found = precision_recall_density_coverage(real, fake, k)
    expected = double_loop_prdc(real, fake, k)
    assert {name: value for name, (value, _) in found.items()} == pytest.approx(expected)
    assert 0 < expected["recall"] < 1
    p = expected["coverage"]
    assert found["coverage"].error == pytest.approx((p * (1 - p) / 23) ** 0.5)


def test_the_extremes_of_prdc() -> None:
    real = noise(1500, 4)
    same = precision_recall_density_coverage(real, noise(1500, 4, seed=1))
    far = precision_recall_density_coverage(real, noise(1500, 4, seed=1) + 100)
    collapsed = precision_recall_density_coverage(real, real[:1].repeat(1500, 1))
    assert same["density"].value == pytest.approx(1, abs=0.1)
    assert same["coverage"].value > 0.95
    assert all(score.value == 0 for score in far.values())
    assert collapsed["precision"].value == 1
    assert collapsed["coverage"].value < 0.02
    assert collapsed["recall"].value < 0.01


def test_the_chunk_size_does_not_change_results(monkeypatch: pytest.MonkeyPatch) -> None:
    from ganache.evaluation.metrics import precision_recall

    a, b = noise(50, 4), noise(40, 4, seed=1)
    whole = knn_radii(a), *nearest_neighbours(a, b), precision_recall_density_coverage(a, b)
    monkeypatch.setattr(precision_recall, "CHUNK", 7)
    parts = knn_radii(a), *nearest_neighbours(a, b), precision_recall_density_coverage(a, b)
    for one, other in zip(whole[:3], parts[:3], strict=True):
        torch.testing.assert_close(one, other)
    assert whole[3] == parts[3]


# ---- diversity -------------------------------------------------------------------------------------------------------


def test_equal_images_have_no_diversity() -> None:
    one = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert ms_ssim_diversity(one.repeat(9, 1, 1, 1), pairs=30).value == pytest.approx(0, abs=1e-5)
    waves = (127 + 100 * torch.sin(torch.linspace(0, 6, 64)[None] + torch.arange(20.0)[:, None])).to(torch.uint8)
    smooth = waves[:, None, None, :].expand(20, 1, 64, 64)
    nearly = torch.cat([smooth[:1] + i % 3 for i in range(20)])
    found = [ms_ssim_diversity(x, pairs=100) for x in (nearly, smooth)]
    assert found[0].value < 0.02 < found[1].value
    assert found[1].error < 0.2 * found[1].value


@pytest.mark.parametrize("side", [16, 28, 100, 180])
def test_diversity_of_any_image_size(side: int) -> None:
    x = torch.randint(0, 256, (4, 1, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert 0.5 < ms_ssim_diversity(x, pairs=3).value <= 1


def test_classes_and_their_entropy() -> None:
    real = torch.arange(4).repeat(100)
    (reached, _), (bits, error) = classes_reached(torch.arange(4).repeat(250), real, 4)
    assert (reached, bits) == (4, 2)
    assert error < 0.01
    (reached, _), (bits, error) = classes_reached(torch.tensor([0] * 750 + [1] * 250), real, 4)
    p = np.array([0.75, 0.25])
    assert reached == 2
    assert bits == pytest.approx(-(p * np.log2(p)).sum())
    closed_form = ((p * np.log2(p) ** 2).sum() - bits**2) ** 0.5 / 1000**0.5  # the delta method
    assert error == pytest.approx(closed_form, rel=0.15)
    (few, _), _ = classes_reached(torch.tensor([0] * 990 + [1] * 10), real, 4)
    assert few == 1, "a hundredth, where a quarter is due, may be the classifier's errors"


# ---- memorisation ----------------------------------------------------------------------------------------------------


def test_only_a_copying_generator_has_a_small_p_value() -> None:
    data = noise(800, 12)
    training, held_out = data[:760], data[760:]
    which = torch.randint(760, (2000,), generator=torch.Generator().manual_seed(1))
    copies = memorisation_test(training[which] + 0.01 * noise(2000, 12, seed=2), training, held_out)
    assert copies.share.value == pytest.approx(1, abs=0.02)
    assert copies.p_value < 1e-6
    half = torch.cat([training[which[:1000]], noise(1000, 12, seed=3)])
    found = memorisation_test(half, training, held_out)
    assert abs(found.share.value - 0.5) < 3 * found.share.error
    assert found.p_value < 1e-3
    fresh = [noise(2000, 12, seed=3), 0.1 * noise(2000, 12, seed=4), noise(1, 12, seed=5).repeat(2000, 1)]
    for fakes in fresh:  # good ones, blurred ones, a collapse
        assert memorisation_test(fakes, training, held_out).p_value > 0.01


def test_the_p_value_without_memorisation_is_uniform() -> None:
    values = []
    for seed in range(150):
        data = noise(400, 5, seed=seed)
        values.append(memorisation_test(noise(300, 5, seed=1000 + seed), data[:360], data[360:]).p_value)
    shares = [np.mean(np.array(values) < level) for level in (0.05, 0.25, 0.5, 0.75)]
    assert shares == pytest.approx([0.05, 0.25, 0.5, 0.75], abs=0.1)


def test_the_mean_and_its_standard_error() -> None:
    assert mean_estimate(torch.tensor([1.0, 3.0])) == (2, 1)
    assert np.isnan(mean_estimate(torch.tensor([1.0])).error)
