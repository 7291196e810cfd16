"""The papers' claims, judged by measurement: one claim a file. A new claim is one file and one line here."""

from __future__ import annotations

from typing import Any

from ganache.claims import clipping, dirac, modes, noise, optimal_critic, parallel_lines
from ganache.claims.claim import Claim

CLAIMS: dict[str, Claim[Any]] = {
    "parallel-lines": parallel_lines.CLAIM,
    "clipping": clipping.CLAIM,
    "noise": noise.CLAIM,
    "modes": modes.CLAIM,
    "optimal-critic": optimal_critic.CLAIM,
    "dirac": dirac.CLAIM,
}
"""In the order of the report."""
