"""Find exact duplicates and near duplicates among images.

Near duplicates have difference hashes (dHash: is a pixel darker than its right neighbour, on a 9x8 thumbnail) of 64
bits that differ in at most 2 bits. Two such hashes agree in at least one of three bands of 21 or 22 bits, so only
images with a common band are compared: this takes a sort instead of all pairs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NEAR_BITS = 2
"""Largest Hamming distance between the hashes of near duplicates."""

_BANDS = ((0, 22), (22, 21), (43, 21))
"""(first bit, number of bits). One band more than NEAR_BITS, so that at least one band is equal."""

_MIN_BITS = 4
"""A hash with fewer ones or fewer zeros belongs to a flat or evenly shaded image, and is not informative."""

_MAX_NEIGHBOURS = 2_000
"""Among images with a common band, each is compared with at most this many, to bound the time."""

Groups = tuple[tuple[int, ...], ...]
"""Groups of indices, ascending; the groups are sorted by their first index."""


def difference_hash(image: Image.Image) -> int:
    """Return the 64-bit dHash of an image of mode L or RGB."""
    grey = image if image.mode == "L" else image.convert("L")
    small = np.frombuffer(grey.resize((9, 8), Image.Resampling.BOX).tobytes(), np.uint8).reshape(8, 9)
    return int.from_bytes(np.packbits(small[:, :-1] < small[:, 1:]).tobytes(), "big")


def exact_groups(digests: Sequence[Hashable]) -> Groups:
    """Return the indices of equal digests, for each digest that occurs more than once."""
    positions: defaultdict[Hashable, list[int]] = defaultdict(list)
    for i, digest in enumerate(digests):
        positions[digest].append(i)
    return tuple(tuple(group) for group in positions.values() if len(group) > 1)


def near_groups(hashes: NDArray[np.uint64]) -> Groups:
    """Return groups of indices whose hashes [N] are near, directly or through other near hashes."""
    set_bits = _bit_count(hashes)
    informative = np.flatnonzero((set_bits >= _MIN_BITS) & (set_bits <= 64 - _MIN_BITS))
    unique, group_of = np.unique(hashes[informative], return_inverse=True)
    pairs = np.concatenate([_pairs(unique, first, bits) for first, bits in _BANDS])
    n = len(unique)
    # Imported here because it takes 0.2 s, and a start that finds its pack does not need it.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    component = connected_components(links, directed=False)[1] if n else np.empty(0, dtype=np.int32)
    groups = exact_groups(component[group_of].tolist())
    return tuple(tuple(int(informative[i]) for i in group) for group in groups)


def _pairs(unique: NDArray[np.uint64], first: int, bits: int) -> NDArray[np.intp]:
    """Return pairs [P, 2] of near hashes with equal bits in the band of `bits` bits from bit `first` on."""
    band = (unique >> np.uint64(first)) & np.uint64((1 << bits) - 1)
    order = np.argsort(band, kind="stable")
    band, hashes = band[order], unique[order]
    found = []
    for step in range(1, min(len(unique), _MAX_NEIGHBOURS)):
        same = np.flatnonzero(band[step:] == band[:-step])
        if not len(same):
            # Equal bands are adjacent after sorting: if none are equal at this distance, none are at a larger one.
            break
        near = same[_bit_count(hashes[same] ^ hashes[same + step]) <= NEAR_BITS]
        found.append(np.stack([order[near], order[near + step]], axis=1))
    return np.concatenate(found) if found else np.empty((0, 2), dtype=np.intp)


def _bit_count(words: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Return the number of ones in each word [N]."""
    octets = np.ascontiguousarray(words).view(np.uint8).reshape(-1, 8)
    count: NDArray[np.intp] = np.unpackbits(octets, axis=1).sum(axis=1, dtype=np.intp)
    return count
