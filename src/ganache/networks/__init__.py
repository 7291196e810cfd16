"""Network families, one per file: each is a frozen dataclass of settings that builds a generator and a critic.

The other files are blocks that families share. It imports `fastconv` and `types`; `config`, `training` and `claims` may
import it.
"""

from ganache.networks.anime_article import Chollet
from ganache.networks.blocks import Network
from ganache.networks.dcgan import Dcgan
from ganache.networks.infogan import Infogan
from ganache.networks.mlp import Mlp
from ganache.networks.r3gan import R3gan
from ganache.networks.residual import Residual
from ganache.networks.wgan_article import Mnist

__all__ = ["NETWORKS", "Chollet", "Dcgan", "Infogan", "Mlp", "Mnist", "Network", "R3gan", "Residual"]

NETWORKS: dict[str, type[Network]] = {
    "chollet": Chollet,
    "dcgan": Dcgan,
    "infogan": Infogan,
    "mlp": Mlp,
    "mnist": Mnist,
    "r3gan": R3gan,
    "residual": Residual,
}
