"""Which settings go together: what the mathematics forbids is refused, what is known to hurt is warned of."""

from __future__ import annotations

from collections.abc import Iterator

from ganache.config.config import Config, name_of
from ganache.config.sections import require
from ganache.methods import Dragan, Gan, InfoGan, R3gan, Wgan, WganGp
from ganache.networks import Network

PER_SAMPLE = (Dragan, R3gan, WganGp)
"""Methods with a penalty that is defined sample by sample (Gulrajani et al. 2017, section 4)."""


def refuse_contradictions(config: Config) -> None:
    """Raise ConfigError, with the reason, for settings that the mathematics forbids together.

    Apart from `Config` itself, so that settings can be changed one after another.
    """
    coded = config.categories() + config.continuous()
    require(
        not (config.data.classes and isinstance(config.method, InfoGan)),
        "InfoGAN finds classes by itself: leave data.classes at 0, or use another method.",
    )
    require(
        config.network.z_dim > coded,
        f"network.z_dim is {config.network.z_dim}, and {coded} of them are codes: it must be larger.",
    )
    punishing = f"The method {name_of('method', config.method)}" if isinstance(config.method, PER_SAMPLE) else ""
    punishing = punishing or ("The section penalty" if config.penalty.any() else "")
    mixing = {}
    if getattr(config.network, "critic_norm", "") == "batch":
        mixing["batch norm"] = "--network.critic-norm layer"
    if getattr(config.network, "critic_overview", None):
        mixing["an overview"] = "--network.critic-overview None"
    require(
        not (punishing and mixing),
        f"{punishing} punishes the gradient at each sample, and with {' and '.join(mixing)} in the critic a sample's "
        f"score depends on the others, so there is no such gradient: add {' '.join(mixing.values())}.",
    )
    require(
        not (config.view.adaptive and config.method.decision_threshold is None),
        f"view.adaptive asks which real pictures the critic takes for real, and the scores of the method "
        f"{name_of('method', config.method)} mean something only against each other: leave it off, and set "
        "--view.augment_p.",
    )


def warnings(config: Config) -> Iterator[str]:
    """A sentence for each choice that is possible, and known to hurt."""
    method, network, critic = config.method, config.network, config.critic_optimiser
    if isinstance(method, Wgan) and method.clip is not None and critic.name != "rmsprop" and critic.beta1 > 0:
        yield (
            f"The critic's weights are clipped and its optimiser has momentum ({critic.name}, beta1 {critic.beta1:g}), "
            "which the WGAN paper found unstable (section 4): rmsprop is its choice."
        )
    if isinstance(method, Wgan) and method.clip is None and not (config.penalty.any() or spectral(network)):
        yield (
            "Nothing bounds the critic's slope (no clip, no penalty, no spectral norm), so its loss is no distance "
            "and may grow without end: --method.clip 0.01, or --penalty.weight 10."
        )
    if isinstance(method, Gan) and method.generator == "minimax":
        yield (
            "The minimax generator's gradient dies when the critic wins (Goodfellow et al. 2014, section 3): "
            "--method.generator non-saturating is the remedy."
        )
    norm = getattr(network, "critic_norm", "none")
    if spectral(network) and norm != "none":
        yield (
            f"The critic has spectral norm and {norm} norm, and the second undoes the scale that the first sets: "
            "--network.critic-norm none."
        )


def spectral(network: Network) -> bool:
    """Whether the network's critic is spectrally normalised."""
    return bool(getattr(network, "critic_spectral", False))
