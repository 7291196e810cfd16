"""Which pictures are the same, and which nearly are.

Nearly the same means difference hashes (dHash: is a pixel darker than its right neighbour, on a 9x8 thumbnail) of
64 bits that differ in at most 2. Two such hashes agree in at least one of three bands of 21 or 22 bits, so only
pictures that share a band are compared: sorting, not comparing all with all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganache.core.images import Pixels

NEAR_BITS = 2
"""Hashes that differ in at most so many of 64 bits count as near."""

_BANDS = ((0, 22), (22, 21), (43, 21))
"""First bit and number of bits; one more band than NEAR_BITS, so that one of them is untouched."""

_FEWEST_BITS = 4
"""A hash with fewer bits set, or fewer left unset, is that of a flat or plainly shaded picture: it says nothing."""

_MOST_NEIGHBOURS = 2_000
"""In a band that very many share, each is compared with so many next to it: time stays bounded."""

Groups = tuple[tuple[int, ...], ...]
"""Each the positions of pictures that belong together, ascending; the groups by their first."""


def difference_hash(pixels: Pixels) -> int:
    """uint8 [H, W, C] -> the 64 bits of the picture's dHash."""
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("L")
    small = np.asarray(image.resize((9, 8), Image.Resampling.BOX))
    return int.from_bytes(np.packbits(small[:, :-1] < small[:, 1:]).tobytes(), "big")


def exact_groups(digests: Sequence[Hashable]) -> Groups:
    """Positions of equal digests, for each digest that occurs more than once."""
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for i, digest in enumerate(digests):
        places[digest].append(i)
    return tuple(tuple(group) for group in places.values() if len(group) > 1)


def near_groups(hashes: NDArray[np.uint64]) -> Groups:
    """Positions of pictures whose hashes [N] are near, directly or by a chain."""
    set_bits = _bit_count(hashes)
    telling = np.flatnonzero((set_bits >= _FEWEST_BITS) & (set_bits <= 64 - _FEWEST_BITS))
    unique, group_of = np.unique(hashes[telling], return_inverse=True)
    pairs = np.concatenate([_pairs(unique, first, bits) for first, bits in _BANDS])
    n = len(unique)
    # Imported here: a start that finds its pack needs none of it, and it takes a fifth of a second.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    component = connected_components(links, directed=False)[1] if n else np.empty(0, dtype=np.int32)
    groups = exact_groups(component[group_of].tolist())
    return tuple(tuple(int(telling[i]) for i in group) for group in groups)


def _pairs(unique: NDArray[np.uint64], first: int, bits: int) -> NDArray[np.intp]:
    """Pairs of near hashes [P, 2] among those that share the band of `bits` from bit `first` on."""
    band = (unique >> np.uint64(first)) & np.uint64((1 << bits) - 1)
    order = np.argsort(band, kind="stable")
    band, hashes = band[order], unique[order]
    found = []
    for step in range(1, min(len(unique), _MOST_NEIGHBOURS)):
        same = np.flatnonzero(band[step:] == band[:-step])
        if not len(same):
            # Equal bands lie side by side: if none are equal at this distance, none are at a larger one.
            break
        near = same[_bit_count(hashes[same] ^ hashes[same + step]) <= NEAR_BITS]
        found.append(np.stack([order[near], order[near + step]], axis=1))
    return np.concatenate(found) if found else np.empty((0, 2), dtype=np.intp)


def _bit_count(words: NDArray[np.uint64]) -> NDArray[np.intp]:
    """How many bits are set in each word [N]."""
    octets = np.ascontiguousarray(words).view(np.uint8).reshape(-1, 8)
    count: NDArray[np.intp] = np.unpackbits(octets, axis=1).sum(axis=1, dtype=np.intp)
    return count
