"""Settings -> objects: the one place where names become networks, methods, data and a plan."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from ganache.config.config import Config
from ganache.config.rules import refuse_contradictions
from ganache.config.sections import PrecisionConfig
from ganache.data import Dataset, Stream, load
from ganache.errors import ConfigError
from ganache.fastconv.kernels import cpu_has
from ganache.functional import schedules
from ganache.methods.penalised import Penalised
from ganache.training import cuda_graphs
from ganache.training.critic_view import CriticView, ProjectionCritic
from ganache.training.loop import Plan, State
from ganache.training.optimisers import optimiser
from ganache.types import Critic, ImageShape, Method, Prior


def dataset(config: Config, *, progress: bool = False) -> Dataset:
    """The data of a run, looked at and packed if that has not been done before; `check` comes first."""
    check(config)
    data = config.data
    loaded = load(
        data.source,
        size=data.height_width(),
        channels=data.channels,
        fit=data.fit,
        count=data.count,
        held_out=data.held_out,
        progress=progress,
    )
    there = len(loaded.label_names)
    if data.classes not in (0, there):
        names = f"{there} classes ({', '.join(loaded.label_names)})" if there else "no labels"
        raise ConfigError(f"data.classes is {data.classes}, and {loaded.name} has {names}: use --data.classes {there}.")
    return loaded


def dataset_again(config: Config, source: str | None = None, *, progress: bool = False) -> Dataset:
    """The data of a trained run, or of another `source`, brought to one size as for the run and with the same ones
    held out."""
    # The run may have been told the classes of its own data, and have been trained on a device that is not here.
    named = replace(config.data, source=source or config.data.source, classes=0)
    return dataset(replace(config, data=named, device="auto"), progress=progress)


def check(config: Config) -> None:
    """Refuse, before any picture is looked at, what cannot work: settings that contradict each other, a device that
    is not there, an impossible size."""
    refuse_contradictions(config)
    device(config)
    size = config.data.height_width()
    if size is not None:
        shape = (config.data.channels or 3, *size)
        config.network.generator(shape), config.network.critic(shape)  # a tenth of a second: the refusals are theirs


def stream(config: Config, data: Dataset) -> Stream:
    """Endless batches of the data, on the run's device."""
    return Stream(
        data,
        config.schedule.batch,
        seed=config.seed,
        order=config.data.order,
        flip=config.data.flip,
        device=str(device(config)),
    )


def prior(config: Config) -> Prior:
    """The distribution of the latents."""
    kind, std = config.prior.kind, config.prior.std
    return Prior(config.network.z_dim, kind, 0.0, std, config.categories(), config.continuous())


def device(config: Config) -> torch.device:
    """The device named, or the best there is."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if config.device == "auto":
        return torch.device(next(name for name, available in there.items() if available))
    if not there[config.device]:
        usable = " or ".join(name for name, available in there.items() if available)
        raise ConfigError(f"device is '{config.device}', which PyTorch does not find on this machine: use {usable}.")
    return torch.device(config.device)


def compute_dtype(precision: PrecisionConfig, on: torch.device) -> torch.dtype:
    """bfloat16 where asked for, or where the hardware multiplies in it; elsewhere it would only be emulated."""
    if precision.compute == "auto":
        return torch.bfloat16 if has_bfloat16(on) else torch.float32
    return torch.bfloat16 if precision.compute == "bfloat16" else torch.float32


def has_bfloat16(on: torch.device) -> bool:
    """Whether the device has matrix units for bfloat16."""
    if on.type == "cuda":
        return torch.cuda.get_device_capability(on)[0] >= 8
    return on.type == "cpu" and cpu_has("amx_bf16", "avx512_bf16")


def precision(config: Config) -> Callable[[], AbstractContextManager[object]]:
    """The context in which the networks compute."""
    on = device(config)
    dtype = compute_dtype(config.precision, on)
    if dtype is torch.float32:
        return nullcontext
    return partial(torch.autocast, on.type, dtype)


def uses_cuda_graphs(config: Config) -> bool:
    """Whether steps are recorded and replayed: on a GPU, where no setting changes from step to step but the rates.

    Noise that fades and augmentation that adapts are numbers of Python's, and PyTorch's SGD reads its rate there.
    """
    changes = config.view.adaptive or config.view.noise > 0
    rules = (config.critic_optimiser.name, config.generator_optimiser.name)
    return config.precision.cuda_graphs and device(config).type == "cuda" and not changes and "sgd" not in rules


def state(config: Config, shape: ImageShape) -> State:
    """Networks with their first weights, which are a function of the seed alone, and fresh optimisers."""
    refuse_contradictions(config)
    on = device(config)
    if config.view.augment and len(shape) != 3:
        raise ConfigError("Augmentations change pictures, and the data are points: leave view.augment empty.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        G, D = config.network.generator(shape), config.network.critic(shape)
        add_heads(D, config)
    if config.precision.channels_last and len(shape) == 3:
        G.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        D.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    G.to(on), D.to(on)
    average = G if config.schedule.ema_half_life is None else copy.deepcopy(G).requires_grad_(False).eval()
    g_optimiser = optimiser(config.generator_optimiser, G, on, uses_cuda_graphs(config))
    d_optimiser = optimiser(config.critic_optimiser, D, on, uses_cuda_graphs(config))
    return State(G, D, average, g_optimiser, d_optimiser)


def add_heads(D: Critic, config: Config) -> None:
    """What the method reads off the critic's features, and the directions of the classes it is told."""
    D.codes = config.method.codes(D.head.in_features)
    if config.data.classes:
        D.classes = nn.Embedding(config.data.classes, D.head.in_features)
        nn.init.zeros_(D.classes.weight)  # at first all classes are alike to the critic


def method(config: Config) -> Method:
    """The method, with the penalties that the settings add to it."""
    added = config.penalty
    if not added.any():
        return config.method
    return Penalised(config.method, added.r1, added.r2, added.weight, added.where, added.what)


def view(config: Config) -> Callable[[State, Tensor | None], Critic]:
    """How methods meet the critic at a step: told the labels, where there are any, and shown what `view` says."""
    seen = config.view

    def met(state: State, y: Tensor | None) -> Critic:
        told = state.critic if y is None else ProjectionCritic(state.critic, y)
        if not seen.augment and not seen.noise:
            return told
        sigma = schedules.noise_level(state.step, seen.noise, seen.noise_steps)
        return CriticView(told, seen.augment, sigma, state.augment_p if seen.adaptive else seen.augment_p)

    return met


def plan(config: Config) -> Plan:
    """What the training loop needs to know."""
    schedule, critic, generator = config.schedule, config.critic_optimiser, config.generator_optimiser
    return Plan(
        seed=config.seed,
        batch=schedule.batch,
        critic_steps=partial(
            schedules.critic_steps,
            usual=schedule.critic_steps,
            boosted=schedule.boosted_critic_steps,
            first=schedule.boost_first,
            every=schedule.boost_every,
        ),
        precision=precision(config),
        d_rate=lambda step: critic.lr * schedules.inverse_time(step, critic.decay),
        g_rate=lambda step: generator.lr * schedules.inverse_time(step, generator.decay),
        view=view(config),
        augment_p_step=schedule.batch / config.view.adaptive_images if config.view.adaptive else None,
        wants_estimates=lambda step: step == 1 or step % config.record.log_every == 0,
        conditional=config.data.classes > 0,
        d_clip_value=critic.clip_value,
        g_clip_value=generator.clip_value,
        ema_half_life=schedule.ema_half_life,
        ema_rampup=schedule.ema_rampup,
        separate_critic_terms=schedule.separate_critic_terms,
        fresh_latents=schedule.fresh_latents,
        step_runner=cuda_graphs.replayed if uses_cuda_graphs(config) else Plan.step_runner,
    )
