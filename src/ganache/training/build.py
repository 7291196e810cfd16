"""Settings turned into objects: the one place where names become networks, optimisers, data and a plan.

resolved = resolve(config)
data = load_dataset(resolved)
state, batches = state(resolved, data.image_shape), stream(resolved, data)
for report in train(state, resolved.method, batches, resolved.prior, plan(resolved)): ...
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict

import torch
from torch import Tensor, nn

from ganache.config.config import Config
from ganache.config.rules import refuse_contradictions, refuse_unequal_shares
from ganache.config.sections import DataConfig, ViewConfig
from ganache.data import Dataset, Stream, load
from ganache.errors import ConfigError
from ganache.functional import schedules
from ganache.methods.penalised import Penalised
from ganache.methods.projected import Projected
from ganache.networks.projected import ProjectedCritic
from ganache.training import cuda_graphs
from ganache.training.critic_view import CriticView, ProjectionCritic
from ganache.training.device import can_record_steps, choose_compute_dtype, choose_device
from ganache.training.optimisers import optimiser
from ganache.training.processes import ALONE, Processes
from ganache.training.resolved import Resolved
from ganache.training.state import Plan, State
from ganache.training.trial import check_plugins, pair
from ganache.training.typical import with_typical
from ganache.types import Critic, Generator, ImageShape, Method, Prior


def resolve(config: Config, processes: Processes = ALONE) -> Resolved:
    """Check the settings together and make every choice that depends on this machine; do it once per run.

    Raises ConfigError if settings contradict each other, the device is not available, or so many processes cannot share
    a batch.
    """
    refuse_contradictions(config)
    refuse_unequal_shares(config.schedule, processes.world)
    device = choose_device(config.device)
    return Resolved(
        config=config,
        device=device,
        compute_dtype=choose_compute_dtype(config.precision, device),
        cuda_graphs=can_record_steps(config, device),
        prior=prior(config),
        method=method(config),
        processes=processes,
    )


def prior(config: Config) -> Prior:
    """Return the distribution of the latents in training."""
    kind, std = config.prior.kind, config.prior.std
    return Prior(config.network.z_dim, kind, 0.0, std, config.categories(), config.continuous())


def method(config: Config) -> Method:
    """Return the method, with what the sections `projected` and `penalty` add to it."""
    chosen, projected, penalty = config.method, config.projected, config.penalty
    if projected.weight:
        chosen = Projected(chosen, **asdict(projected))
    return Penalised(chosen, **asdict(penalty)) if penalty.any() else chosen


# ---- data ----


def dataset(config: Config, *, progress: bool = False) -> Dataset:
    """Return the data of a run. Images are decoded and packed on first use and found in the cache afterwards.

    Raises ConfigError for settings that cannot work, before any image is read, and DataError for unusable data.
    """
    return load_dataset(resolve(config), progress=progress)


def load_dataset(resolved: Resolved, *, progress: bool = False) -> Dataset:
    """Return the data of a run whose settings are resolved; see `dataset`."""
    config = resolved.config
    size = config.data.height_width()
    if size is not None:  # networks refuse impossible sizes; building both takes 0.1 s
        shape = (config.data.channels or 3, *size)
        pair(config, shape)
    loaded = prepared(config.data, progress=progress)
    found = len(loaded.label_names)
    if config.data.classes not in (0, found):
        labels = f"{found} classes ({', '.join(loaded.label_names)})" if found else "no labels"
        remarks = loaded.diagnosis.remarks if loaded.diagnosis else ()
        other = ", or --data.labels folders" if any("--data.labels folders" in remark for remark in remarks) else ""
        raise ConfigError(
            f"data.classes is {config.data.classes}, and {loaded.name} has {labels}: use --data.classes {found}{other}."
        )
    return with_typical(loaded, config.data)


def prepared(data: DataConfig, source: str | None = None, *, progress: bool = False, download: bool = True) -> Dataset:
    """Return the data of a section of the settings, or of another `source` prepared in the same way.

    Neither the device nor the number of classes is checked: the machine and the source may be other ones.
    """
    return load(
        source or data.source,
        size=data.height_width(),
        channels=data.channels,
        fit=data.fit,
        value_range=data.range,
        background=data.background,
        labels=data.labels,
        count=data.count,
        held_out=data.held_out,
        progress=progress,
        download=download,
    )


def stream(resolved: Resolved, data: Dataset) -> Stream:
    """Return endless batches of the training images, on the run's device."""
    config = resolved.config
    processes = resolved.processes
    return Stream(
        data,
        config.schedule.batch // processes.world,
        seed=config.seed,
        order=config.data.order,
        flip=config.data.flip,
        device=str(resolved.device),
        rank=processes.rank,
        world=processes.world,
    )


# ---- networks ----


def state(resolved: Resolved, image_shape: ImageShape) -> State:
    """Return networks with their initial weights, a function of the seed alone, and new optimisers.

    Raises ConfigError if the networks or the augmentations do not support images of `image_shape`, or if a network or
    method of a plugin returns something else than its interface says.
    """
    config, device = resolved.config, resolved.device
    if config.view.augment and len(image_shape) != 3:
        raise ConfigError("Augmentations change images, and the data are points: leave view.augment empty.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        G, D = networks(config, image_shape)
    if config.precision.channels_last and len(image_shape) == 3:
        G.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        D.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    G.to(device), D.to(device)
    average = G if config.schedule.ema_half_life is None else copy.deepcopy(G).requires_grad_(False).eval()
    g_optimiser = optimiser(config.generator_optimiser, G, device, resolved.cuda_graphs)
    d_optimiser = optimiser(config.critic_optimiser, D, device, resolved.cuda_graphs)
    new = State(G, D, average, g_optimiser, d_optimiser)
    check_plugins(resolved, new, critic_view(config.view))
    return new


def networks(config: Config, image_shape: ImageShape) -> tuple[Generator, Critic]:
    """Return generator and critic for images of `image_shape`, with weights from PyTorch's random state."""
    G, D = pair(config, image_shape)
    add_heads(D, config)
    return with_category(G, config), D


def with_category(G: Generator, config: Config) -> Generator:
    """Return the generator, told where its latents have their category."""
    end = config.network.z_dim - config.continuous()
    G.category = slice(end - config.categories(), end)
    return G


def add_heads(D: Critic, config: Config) -> None:
    """Give the critic the method's head for latent codes, one embedding per class for a conditional run, and critics of
    pretrained features beside it."""
    D.codes = config.method.code_head(D.head.in_features)
    if config.data.classes:
        D.classes = nn.Embedding(config.data.classes, D.head.in_features)
        nn.init.zeros_(D.classes.weight)  # at first the critic treats all classes alike
    if config.projected.weight:
        D.projected = ProjectedCritic(D.image_shape)
        if config.projected.windows:
            D.windows = ProjectedCritic(D.image_shape, D.projected.network)


# ---- the loop ----


def critic_view(view: ViewConfig) -> Callable[[State, Tensor | None], Critic]:
    """Return (state, labels) -> the critic that methods see: conditioned on labels, with transformed inputs."""

    def at_step(state: State, y: Tensor | None) -> Critic:
        critic = state.critic if y is None else ProjectionCritic(state.critic, y)
        if not view.augment and not view.noise:
            return critic
        sigma = schedules.noise_level(state.step, view.noise, view.noise_steps)
        return CriticView(critic, view.augment, sigma, state.augment_p if view.adaptive else view.augment_p)

    return at_step


def plan(resolved: Resolved) -> Plan:
    """Return what the training loop needs besides networks, method and data."""
    config = resolved.config
    schedule, log_every = config.schedule, config.record.log_every
    return Plan(
        seed=config.seed,
        batch=schedule.batch,
        micro_batch=schedule.micro_batch,
        critic_steps=resolved.critic_steps,
        precision=resolved.precision,
        d_lr=resolved.d_lr,
        g_lr=resolved.g_lr,
        view=critic_view(config.view),
        augment_p_step=schedule.batch / config.view.adaptive_images if config.view.adaptive else None,
        wants_estimates=lambda step: step == 1 or step % log_every == 0,
        conditional=config.data.classes > 0,
        d_clip_value=config.critic_optimiser.clip_value,
        g_clip_value=config.generator_optimiser.clip_value,
        ema_half_life=schedule.ema_half_life,
        ema_rampup=schedule.ema_rampup,
        separate_critic_terms=schedule.separate_critic_terms,
        fresh_latents=schedule.fresh_latents,
        processes=resolved.processes,
        step_runner=cuda_graphs.replayed if resolved.cuda_graphs else Plan.step_runner,
    )
