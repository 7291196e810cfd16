"""The network families: one a file, each a frozen dataclass of settings that builds a generator and a critic.

A new family is one file and one line here.
"""

from ganache.networks.blocks import Network
from ganache.networks.chollet import Chollet
from ganache.networks.dcgan import Dcgan
from ganache.networks.infogan import Infogan
from ganache.networks.mlp import Mlp
from ganache.networks.mnist import Mnist
from ganache.networks.r3gan import R3gan
from ganache.networks.residual import Residual

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
