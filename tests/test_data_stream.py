"""Batch i depends on the data set, the settings and i only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ganache.data import Dataset, Stream, load
from ganache.errors import DataError


def numbered(n: int, height: int = 2, width: int = 3) -> Dataset:
    """Return n images; image i has the value i in its first pixel and a mark at its left edge."""
    images = np.zeros((n, height, width, 3), dtype=np.uint8)
    images[:, 0, 0, 0] = np.arange(n)
    images[:, 1, 0, 1] = 255
    return Dataset("numbered", images, np.arange(n, dtype=np.int64), tuple(map(str, range(n))), "0")


def numbers(batch: torch.Tensor) -> list[int]:
    """Return the indices in `numbered` of the images in a batch, mirrored or not."""
    return [int(v) for v in ((batch[:, 0, 0] + 1) * 127.5).round().amax(dim=1)]


def test_batches_do_not_depend_on_earlier_batches() -> None:
    dataset = numbered(50)
    forward, backward = Stream(dataset, 7, seed=3, flip=True), Stream(dataset, 7, seed=3, flip=True)
    first = [forward[i] for i in range(20)]
    last = [backward[i] for i in reversed(range(20))]
    for a, b in zip(first, reversed(last), strict=True):
        assert torch.equal(a, b)
    assert torch.equal(Stream(dataset, 7, seed=3, flip=True)[13], first[13])


@pytest.mark.parametrize("batch", [1, 7, 50, 64, 175])
def test_every_image_is_shown_once_per_epoch(batch: int) -> None:
    stream = Stream(numbered(50), batch, seed=1)
    shown = [n for i in range(7 * 50 // batch + 1) for n in numbers(stream[i])]
    assert all(len(stream[i]) == batch for i in range(3))
    epochs = [shown[start : start + 50] for start in range(0, 300, 50)]
    assert all(sorted(epoch) == list(range(50)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == len(epochs)


def test_other_seeds_give_other_orders() -> None:
    dataset = numbered(50)
    assert numbers(Stream(dataset, 50, seed=0)[0]) != numbers(Stream(dataset, 50, seed=1)[0])


def test_the_order_is_pinned() -> None:
    """A run that is resumed years later, with another version of NumPy, must continue in the same order."""
    assert numbers(Stream(numbered(10), 10, seed=42)[0]) == [7, 1, 6, 4, 3, 5, 9, 0, 2, 8]


def test_sequential_order_repeats() -> None:
    stream = Stream(numbered(5), 3, order="sequential")
    assert [numbers(stream[i]) for i in range(4)] == [[0, 1, 2], [3, 4, 0], [1, 2, 3], [4, 0, 1]]


def test_labels_match_their_images() -> None:
    stream = Stream(numbered(50), 16, seed=5)
    for i in (0, 3, 4, 11):
        labels = stream.labels(i)
        assert labels is not None
        assert labels.dtype == torch.int64
        assert labels.tolist() == numbers(stream[i])


def test_flip_mirrors_about_half_of_the_images_horizontally() -> None:
    dataset = numbered(200)
    plain, flipped = Stream(dataset, 200, seed=2), Stream(dataset, 200, seed=2, flip=True)
    mirrored = 0
    for i in range(5):
        for a, b in zip(plain[i], flipped[i], strict=True):
            is_mirrored = torch.equal(b, a.flip(-1))
            assert is_mirrored or torch.equal(a, b)
            mirrored += is_mirrored
    assert 430 <= mirrored <= 570
    assert not torch.equal(flipped[0] == plain[0], flipped[5] == plain[5])


def test_pixels_become_minus_one_to_one_in_channels_last() -> None:
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    batch = Stream(Dataset("ramp", images, None, (), "0"), 2)[0]
    assert batch.dtype == torch.float32
    assert batch.shape == (2, 3, 16, 16)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    expected = torch.arange(256, dtype=torch.float64).reshape(16, 16) / 127.5 - 1
    assert (batch[0, 1].double() - expected).abs().max() < 1e-6
    assert (batch.min(), batch.max()) == (-1, 1)


def test_ranks_share_one_order() -> None:
    """Together they see what one process sees, mirrored or not; the labels are those of the whole batch."""
    dataset = replace(numbered(50), labels=np.arange(50) % 3, label_names=("a", "b", "c"))
    one = Stream(dataset, 8, seed=4, flip=True)
    two = [Stream(dataset, 4, seed=4, flip=True, rank=rank, world=2) for rank in range(2)]
    for i in range(10):
        assert torch.equal(torch.cat([stream[i] for stream in two]), one[i])
        for stream in two:
            labels, expected = stream.labels(i), one.labels(i)
            assert labels is not None
            assert expected is not None
            assert torch.equal(labels, expected)


def test_points_are_unchanged() -> None:
    dataset = load("ring8", count=100)
    batch = Stream(dataset, 100, order="sequential")[0]
    assert torch.equal(batch, torch.from_numpy(np.array(dataset.images)))


def test_invalid_settings_are_refused() -> None:
    with pytest.raises(DataError, match="at least 1"):
        Stream(numbered(5), 0)
    with pytest.raises(DataError, match="order"):
        Stream(numbered(5), 2, order="random")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="mirrored"):
        Stream(load("ring8", count=10), 2, flip=True)
    with pytest.raises(DataError, match="empty"):
        Stream(numbered(0), 2)
    with pytest.raises(IndexError):
        Stream(numbered(5), 2)[-1]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gets_the_same_batches() -> None:
    dataset = numbered(50)
    on_gpu = Stream(dataset, 7, flip=True, device="cuda")
    on_cpu = Stream(dataset, 7, flip=True)
    for i in range(10):
        assert on_gpu[i].device.type == "cuda"
        assert torch.allclose(on_gpu[i].cpu(), on_cpu[i], atol=1e-6)
