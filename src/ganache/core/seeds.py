"""The range of every seed: of a run, a latent, drawn data, an evaluation."""

from __future__ import annotations

from ganache.errors import ConfigError

MAX_SEED = 2**63 - 1
"""Larger seeds are not told apart by every generator of random numbers."""


def require_seed(seed: object, following: int = 0) -> None:
    """Raise ConfigError unless `seed` is a whole number from 0 to MAX_SEED, and the seeds `following` it are too."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED - following:
        most = "2^63 - 1" if not following else f"2^63 - {following + 1:,}"
        raise ConfigError(f"{str(seed)[:30]} is no seed: use a whole number from 0 to {most}.")
