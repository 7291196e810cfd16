"""Training methods: what critic and generator minimise, one paper per file. METHODS maps names to classes.

A method contains no backward pass, no optimiser and no device. `training` takes the steps.
"""

from __future__ import annotations

from ganache.core.table import Entry, Table
from ganache.methods.dragan import Dragan
from ganache.methods.gan import Gan
from ganache.methods.hinge import Hinge
from ganache.methods.infogan import InfoGan
from ganache.methods.lsgan import Lsgan
from ganache.methods.noisy_gan import NoisyGan
from ganache.methods.r3gan import R3gan
from ganache.methods.wgan import Wgan
from ganache.methods.wgan_gp import WganGp
from ganache.types import Method

METHODS: Table[type[Method]] = Table(
    Entry("METHODS", "method", Method, settings=True),
    {
        "gan": Gan,
        "noisy-gan": NoisyGan,
        "lsgan": Lsgan,
        "hinge": Hinge,
        "dragan": Dragan,
        "infogan": InfoGan,
        "r3gan": R3gan,
        "wgan": Wgan,
        "wgan-gp": WganGp,
    },
)
"""In the order in which the claims compare them. A plugin adds a method by assigning into this table."""

__all__ = ["METHODS", "Dragan", "Gan", "Hinge", "InfoGan", "Lsgan", "NoisyGan", "R3gan", "Wgan", "WganGp"]
