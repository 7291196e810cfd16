"""The papers' claims, one per file, each tested by an experiment. CLAIMS maps names to claims.

A claim measures, judges the numbers and draws figures of them.
"""

from __future__ import annotations

from typing import Any

from ganache.claims import (
    anime,
    anime_losses,
    both_good,
    clipping,
    dirac,
    four_changes,
    loss_quality,
    mlp,
    mnist_article,
    modes,
    no_batch_norm,
    noise,
    optimal_critic,
    parallel_lines,
    restart,
)
from ganache.claims.claim import Claim
from ganache.core.table import Entry, Table

CLAIMS: Table[Claim[Any]] = Table(
    Entry("CLAIMS", "claim", Claim, instance=True),
    {
        "parallel-lines": parallel_lines.CLAIM,
        "loss-and-quality": loss_quality.CLAIM,
        "no-batch-norm": no_batch_norm.CLAIM,
        "mlp": mlp.CLAIM,
        "clipping": clipping.CLAIM,
        "noise": noise.CLAIM,
        "modes": modes.CLAIM,
        "optimal-critic": optimal_critic.CLAIM,
        "both-good": both_good.CLAIM,
        "four-changes": four_changes.CLAIM,
        "anime-article": anime.CLAIM,
        "dirac": dirac.CLAIM,
        "mnist-article": mnist_article.CLAIM,
        "anime-losses": anime_losses.CLAIM,
        "restart": restart.CLAIM,
    },
)
"""In the order of the report. A plugin adds a claim by assigning into this table."""
