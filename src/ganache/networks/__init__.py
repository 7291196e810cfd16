"""Network families, one per file: each is a frozen dataclass of settings that builds a generator and a critic.

The other files contain blocks that families share. NETWORKS maps names to families; a plugin adds a family by assigning
into it.
"""

from ganache.core import old_names
from ganache.core.table import Entry, Table
from ganache.core.vector_math import initialise_vector_math
from ganache.networks.anime_article import AnimeArticle
from ganache.networks.dcgan import Dcgan
from ganache.networks.infogan import Infogan
from ganache.networks.mlp import Mlp
from ganache.networks.r3gan import R3gan
from ganache.networks.residual import Residual
from ganache.networks.style import Style
from ganache.networks.wgan_article import WganArticle
from ganache.types import Network

__all__ = [
    "NETWORKS",
    "AnimeArticle",
    "Dcgan",
    "Infogan",
    "Mlp",
    "Network",
    "R3gan",
    "Residual",
    "Style",
    "WganArticle",
]

NETWORKS: Table[type[Network]] = Table(
    Entry("NETWORKS", "network", Network, settings=True, needs=("z_dim",), reserved=old_names.NETWORKS),
    {
        "anime-article": AnimeArticle,
        "dcgan": Dcgan,
        "infogan": Infogan,
        "mlp": Mlp,
        "r3gan": R3gan,
        "residual": Residual,
        "style": Style,
        "wgan-article": WganArticle,
    },
)

initialise_vector_math()
