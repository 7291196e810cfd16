"""Features: any image shape, the same on every machine, and scores that get worse as images get worse."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from ganache.core.images import to_float
from ganache.data import Dataset, load
from ganache.errors import ConfigError
from ganache.evaluation.features.base import CHUNK, Features
from ganache.evaluation.features.classifier import ClassifierFeatures, accuracy, train_classifier
from ganache.evaluation.features.extract import join_chunks
from ganache.evaluation.features.pixels import PixelFeatures
from ganache.evaluation.features.random import RandomFeatures, philox_uniform
from ganache.evaluation.metrics.diversity import classes_reached
from ganache.evaluation.metrics.fidelity import kernel_distance
from ganache.evaluation.metrics.frechet import BlockMoments, frechet_distance
from ganache.evaluation.metrics.precision_recall import precision_recall_density_coverage
from ganache.evaluation.metrics.sliced_wasserstein import patch_distance

PINNED = "3769daefb735"


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 64, 64), (4, 17, 9), (1, 28, 28), (3, 30, 200), (2,)])
def test_any_image_becomes_a_vector_chunk_by_chunk(shape: tuple[int, ...]) -> None:
    kinds = [PixelFeatures] if shape == (2,) else [PixelFeatures, RandomFeatures, lambda s: ClassifierFeatures(s, 4)]
    x = noise(CHUNK + 3, *shape).clamp(-1, 1)
    for kind in kinds:
        features: Features = kind(shape)  # type: ignore[operator]
        h = features(x)
        assert h.shape == (CHUNK + 3, features.num_features)
        assert h.dtype == torch.float32
        assert not h.requires_grad
        torch.testing.assert_close(h[CHUNK:], features(x[CHUNK:]), atol=1e-5, rtol=1e-4)
        assert h[0].ne(h[1]).any()


def test_chunks_are_joined_without_being_kept() -> None:
    whole = [torch.randn(7, 3), torch.randn(7, 2)]
    alive: list[weakref.ref[Tensor]] = []

    def chunks() -> Iterator[list[Tensor]]:
        for rows in ((0, 1, 2), (3, 4, 5), (6,)):
            chunk = [layer[list(rows)] for layer in whole]
            assert not any(earlier() is not None for earlier in alive[:-1]), "one chunk at a time is in memory"
            alive.append(weakref.ref(chunk[0]))
            yield chunk
            del chunk

    joined = join_chunks(chunks(), 7)
    assert all(a.equal(b) for a, b in zip(joined, whole, strict=True))


def test_random_features_are_the_same_on_every_machine() -> None:
    assert RandomFeatures((3, 64, 64)).hash == PINNED
    assert RandomFeatures((3, 64, 64), seed=1).hash != PINNED
    draws = philox_uniform((100_000,), seed=3, key=1)
    assert draws.abs().max() < 1
    assert draws.abs().min() > 0
    assert float(draws.mean()) == pytest.approx(0, abs=0.01)
    assert float(draws.std()) == pytest.approx(3**-0.5, rel=0.01)


def test_the_variance_is_the_same_in_every_block() -> None:
    """He initialisation keeps the mean square of the activations, before they are pooled."""
    network = RandomFeatures((3, 32, 32))
    h = noise(8, 3, 32, 32)
    for depth in range(4):
        h = F.relu(F.conv2d(h, network.get_buffer(f"conv{depth}"), padding=1))
        assert 0.4 < float(h.square().mean()) < 1.6


def test_pixel_features_are_the_pixels() -> None:
    x = noise(2, 1, 12, 8)
    assert torch.equal(PixelFeatures((1, 12, 8))(x), x.flatten(1))
    large = torch.full((1, 3, 64, 32), 0.25)
    assert PixelFeatures((3, 64, 32))(large).flatten().tolist() == pytest.approx([0.25] * 3 * 16 * 8)
    assert PixelFeatures((3, 64, 32)).num_features == 3 * 16 * 8
    points = noise(5, 2)
    assert torch.equal(PixelFeatures((2,))(points), points)


@pytest.mark.parametrize("kind", [RandomFeatures, lambda shape: ClassifierFeatures(shape, 2)])
@pytest.mark.parametrize(("shape", "words"), [((2,), "points"), ((3, 7, 64), "64x7")])
def test_points_and_small_images_are_refused(kind: type[Features], shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(ConfigError, match=rf"{words}.* --features pixels"):
        kind(shape)  # type: ignore[call-arg]


# ---- worse is further away -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def faces() -> tuple[Tensor, Tensor]:
    """Two disjoint sets of grey faces, x [300, 1, 32, 32] each."""
    x = to_float(load("faces", count=600, size=(32, 32), channels=1).images)
    return x[:300], x[300:]


def blurred(x: Tensor, strength: int) -> Tensor:
    for _ in range(strength):
        x = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return x


def noisy(x: Tensor, strength: int) -> Tensor:
    return x + 0.1 * strength * noise(*x.shape, seed=9)


@pytest.mark.parametrize("worse", [blurred, noisy])
@pytest.mark.parametrize("name", ["random", "pixels"])
def test_distances_increase_with_blur_and_noise(worse, name: str, faces: tuple[Tensor, Tensor]) -> None:  # type: ignore[no-untyped-def]
    extractor: Features = PixelFeatures((1, 32, 32))
    if name == "random":
        extractor = RandomFeatures((1, 32, 32), num_features=128)
    real = extractor(faces[0])
    of_real = BlockMoments.from_features(real).moments()
    by_moments, by_kernel, by_patches = [], [], []
    for strength in (0, 1, 2, 4, 8):
        x = worse(faces[1], strength)
        fake = extractor(x)
        by_moments.append(frechet_distance(of_real, BlockMoments.from_features(fake).moments()))
        by_kernel.append(kernel_distance(real, fake).value)
        by_patches.append(patch_distance(faces[0], x))
    for found in (by_moments, by_kernel, by_patches):
        assert found == sorted(found)
    assert by_moments[-1] > 2 * by_moments[0]


@pytest.fixture(scope="module")
def digits() -> tuple[Dataset, ClassifierFeatures]:
    """The digits of scikit-learn, and a classifier trained on the first thousand."""
    pytest.importorskip("sklearn")
    data = load("digits")
    x, y = torch.from_numpy(data.images[:1000].copy()), torch.from_numpy(data.labels[:1000].copy())  # type: ignore[index]
    return data, train_classifier(x, y, 10, steps=200)


def test_a_classifier_learns_in_seconds(digits: tuple[Dataset, ClassifierFeatures]) -> None:
    data, classifier = digits
    labels = torch.from_numpy(data.labels)  # type: ignore[arg-type]
    assert accuracy(classifier, to_float(data.images[1000:]), labels[1000:]) > 0.88
    assert not any(weight.requires_grad for weight in classifier.parameters())
    x = torch.from_numpy(data.images[:100].copy())
    again, same, other = (train_classifier(x, labels[:100], 10, seed=seed, steps=3) for seed in (0, 0, 1))
    assert again.hash == same.hash != other.hash


def test_dropping_classes_lowers_coverage_recall_and_entropy(digits: tuple[Dataset, ClassifierFeatures]) -> None:
    data, classifier = digits
    labels = torch.from_numpy(data.labels)  # type: ignore[arg-type]
    h = classifier(to_float(data.images))
    real, fakes, of_fakes = h[:900], h[900:], labels[900:]
    coverage, recall, entropy, reached = [], [], [], []
    for dropped in range(10):
        fake = fakes[of_fakes >= dropped]
        found = precision_recall_density_coverage(real, fake)
        coverage.append(found["coverage"].value)
        recall.append(found["recall"].value)
        (classes, _), (bits, _) = classes_reached(classifier.logits(fake).argmax(dim=1), labels[:900], 10)
        entropy.append(bits)
        reached.append(classes)
    for falling in (coverage, recall, entropy):
        assert falling == sorted(falling, reverse=True)
        assert len(set(falling)) == 10
    assert reached == sorted(reached, reverse=True)
    assert reached[0] == 10
    assert reached[5] in (5, 6)
    assert reached[9] in (1, 2)
    assert coverage[0] > 0.75
    assert coverage[9] < 0.15
