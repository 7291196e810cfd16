"""Rules for combinations of settings: contradictions are refused, and choices known to harm training give a warning.

What a rule asks about a method or a network family, that method or family answers (`types.Method`, `types.Network`),
so these rules hold for plugins as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from ganache.config.config import Config, name_of
from ganache.config.sections import ScheduleConfig, require


def refuse_contradictions(config: Config) -> None:
    """Raise ConfigError, with the reason, if settings contradict each other.

    `Config` itself does not check this, so that settings can be changed one after another.
    """
    method = name_of("method", config.method)
    require(
        not config.data.classes or config.method.latent_codes is None,
        f"data.classes is {config.data.classes}, but the method {method} finds classes by itself through its latent "
        "codes: set data.classes to 0, or use another method.",
    )
    refuse_too_many_codes(config)
    refuse_mixed_images(config)
    refuse_path_length(config)
    refuse_projected(config)
    require(
        not config.view.adaptive or config.method.decision_threshold is not None,
        f"view.adaptive needs the share of real images that the critic recognises, but scores of the method {method} "
        "can only be compared with each other: leave view.adaptive off, and set --view.augment-p.",
    )


def refuse_unequal_shares(schedule: ScheduleConfig, processes: int) -> None:
    """Raise ConfigError if the processes that train together cannot each compute as many whole parts of a batch."""
    if processes == 1:
        return
    batch, part = schedule.batch, schedule.micro_batch
    require(
        batch % processes == 0,
        f"schedule.batch is {batch}, which {processes} processes cannot share equally: use a multiple of {processes}.",
    )
    require(
        part is not None and batch % (processes * part) == 0,
        f"Each of {processes} processes computes {batch // processes} images of a batch of {batch} in parts of equal "
        f"size, and schedule.micro_batch is {part}: use --schedule.micro-batch {batch // processes}, or a number that "
        "divides it.",
    )


def refuse_too_many_codes(config: Config) -> None:
    """Raise ConfigError if the codes of a latent leave no dimension for noise."""
    codes = config.categories() + config.continuous()
    require(
        min(config.categories(), config.continuous()) >= 0,
        f"The method {name_of('method', config.method)} has a negative number of codes: use 0 or more.",
    )
    require(
        config.network.z_dim > codes,
        f"network.z_dim is {config.network.z_dim}, and {codes} of its dimensions are codes: it must be larger.",
    )


def refuse_mixed_images(config: Config) -> None:
    """Raise ConfigError if gradients are penalised per image but a score depends on other images of the batch.

    Gulrajani et al. 2017, section 4: for such a critic, the gradient at a single image is not defined.
    """
    if config.method.per_sample_gradients:
        source = f"The method {name_of('method', config.method)}"
    elif config.penalty.on_critic():
        source = "The section penalty"
    else:
        return
    mixing = dict(config.network.critic_mixes_images())
    if config.method.per_sample_gradients and config.projected.weight:
        mixing["critics of pretrained features"] = "--projected.weight 0"
    require(
        not mixing,
        f"{source} penalises the critic's gradient at each image, but with {' and '.join(mixing)} in the critic a "
        f"score depends on the other images of its batch: add {' '.join(mixing.values())}.",
    )


def refuse_path_length(config: Config) -> None:
    """Raise ConfigError if path lengths are penalised where there are none."""
    if not config.penalty.path_length:
        return
    require(
        config.network.has_mapping(),
        f"penalty.path_length is {config.penalty.path_length}, and the generator of the network "
        f"{name_of('network', config.network)} has no mapping from z to w, whose paths it would penalise: leave it at "
        "0, or use --network.name style.",
    )
    require(
        config.schedule.fresh_latents,
        f"penalty.path_length is {config.penalty.path_length}, and schedule.fresh_latents is off, so that the "
        "generator's step reuses images that were made without paths: add --schedule.fresh-latents.",
    )


def refuse_projected(config: Config) -> None:
    """Raise ConfigError if the method reads latent codes off the features of the critic."""
    method = config.method
    require(
        not config.projected.weight or method.latent_codes is None,
        f"projected.weight is {config.projected.weight:g}, and the method {name_of('method', method)} reads codes off "
        "the critic's features, which critics of pretrained features do not share: use --projected.weight 0.",
    )


def warnings(config: Config) -> Iterator[str]:
    """Yield a sentence for each choice that is possible but known to harm training."""
    method, network, optimiser = config.method, config.network, config.critic_optimiser
    if method.clips_weights() and optimiser.name != "rmsprop" and optimiser.beta1 > 0:
        yield (
            f"The critic's weights are clipped and its optimiser has momentum ({optimiser.name}, beta1 "
            f"{optimiser.beta1:g}), which the WGAN paper found unstable (section 4): use rmsprop, as the paper does."
        )
    if method.needs_bounded_slope() and not (config.penalty.on_critic() or network.bounds_critic_slope()):
        yield (
            "Nothing bounds the critic's slope (no clipping, no penalty, no spectral norm), so its loss is no distance "
            "and may grow without limit: use --penalty.weight 10, or --method.clip 0.01 with the method wgan."
        )
    yield from method.warnings()
    yield from network.warnings()
