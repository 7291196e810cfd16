"""The training loop: one screen, no disk, no printing.

`train` takes a State apart from which it knows nothing, and yields a Report a generator step. Whoever iterates it
logs, samples, saves and decides when to stop.

A step's randomness is a function of (seed, step) alone, and a batch is a function of its number. So a run that was
stopped and goes on is the same to the bit as one that never stopped, and drawing samples between two steps cannot
disturb the training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from ganache.functional import schedules
from ganache.types import Critic, Generator, Method, Prior, Terms


class BatchSource(Protocol):
    """Endless real batches by number: `batches[i]` is x [B, *image_shape], `batches.labels(i)` its y [B]."""

    def __getitem__(self, index: int, /) -> Tensor: ...

    def labels(self, index: int, /) -> Tensor | None: ...


ADAPT_EVERY = 4
"""Batches between looks at how sure the critic is: NVlabs/stylegan2-ada-pytorch, train.py (ada_interval)."""


@dataclass(frozen=True)
class Plan:
    """What the loop needs to know besides networks, method and data."""

    seed: int
    batch: int
    critic_steps: Callable[[int], int]
    """Generator step -> critic steps before it."""
    precision: Callable[[], AbstractContextManager[object]]
    """The context in which the networks compute (bfloat16 or float32)."""
    d_rate: Callable[[int], float]
    """Generator step -> the critic's learning rate."""
    g_rate: Callable[[int], float]
    view: Callable[[State, Tensor | None], Critic] = lambda state, y: state.critic
    """(state, labels) -> the critic as methods meet it: it may be told labels, or see images augmented or noisy."""
    augment_p_step: float | None = None
    """How far the strength of augmentation moves for a batch of real images; None where it stays."""
    wants_estimates: Callable[[int], bool] = lambda step: False
    """Generator step -> whether the method's estimates are wanted after it; they can cost as much as a step."""
    conditional: bool = False
    """Fakes are made of the classes of the real images beside them, and the view is given these."""
    d_clip_value: float | None = None
    g_clip_value: float | None = None
    ema_half_life: float | None = None
    """In pictures; None keeps no average."""
    ema_rampup: float = 0.05
    separate_critic_terms: bool = False
    fresh_latents: bool = True
    """Whether the generator's step draws its own latents, or takes the critic's last ones with their pictures."""
    step_runner: Callable[..., tuple[StepFunction, ...]] = lambda *steps: steps
    """How turns are taken: as they are written, or recorded once and replayed by a GPU (`graphs.py`)."""


@dataclass
class State:
    """All that a resumed run needs, to the bit. `average` is the averaged generator, or the generator itself."""

    generator: Generator
    critic: Critic
    average: Generator
    g_optimiser: torch.optim.Optimizer
    d_optimiser: torch.optim.Optimizer
    step: int = 0
    """Generator steps done."""
    batch_index: int = 0
    """Real batches taken: the place in the data."""
    seconds: float = 0.0
    """Time spent in training, over all starts of the run."""
    augment_p: float = 0.0
    """Of augmentation that adapts: the share of images that it changes, from 0 to 1."""
    lr_scale: float = 1.0
    """Factor on both learning rates: below 1 where a run went back and goes on more gently."""


@dataclass(frozen=True)
class Report:
    """What one generator step did. The numbers stay tensors until somebody reads them: reading stalls a GPU."""

    step: int
    images: int
    """Real pictures shown to the critic so far."""
    d: Terms
    g: Terms
    d_gradient_norm: Tensor
    g_gradient_norm: Tensor
    estimates: Terms
    """What the method knows of the distance; empty at steps that are not watched."""


def train(state: State, method: Method, batches: BatchSource, prior: Prior, plan: Plan) -> Iterator[Report]:
    """Train for ever, one Report a generator step; stop by not asking for more."""
    state.generator.train(), state.critic.train()
    critic_only, critic_and_generator = plan.step_runner(
        *(partial(turn, state, method, prior, plan) for turn in (critic_only_step, critic_and_generator_step))
    )
    while True:
        torch.manual_seed(step_seed(plan.seed, state.step))
        set_learning_rate(state.d_optimiser, plan.d_rate(state.step) * state.lr_scale)
        set_learning_rate(state.g_optimiser, plan.g_rate(state.step) * state.lr_scale)
        for left in reversed(range(plan.critic_steps(state.step))):
            real = batches[state.batch_index]
            y = batches.labels(state.batch_index) if plan.conditional else None
            state.batch_index += 1
            done = (critic_only if left else critic_and_generator)(real, y)
        update_average(state, plan)
        state.step += 1
        known = estimates(state, method, real, done.z, y, done.d, plan) if plan.wants_estimates(state.step) else {}
        shown = state.batch_index * plan.batch
        yield Report(state.step, shown, done.d, done.g, done.norms["d"], done.norms["g"], known)


@dataclass(frozen=True)
class StepResult:
    """What a turn leaves: its last latents, the terms of critic and generator, and the norms of their gradients."""

    z: Tensor
    d: Terms
    norms: Terms
    """Under "d", and under "g" where the generator had its turn."""
    g: Terms = field(default_factory=dict)

    def copied(self) -> StepResult:
        """The same in memory of its own."""
        d, norms, g = ({name: each.clone() for name, each in all_.items()} for all_ in (self.d, self.norms, self.g))
        return StepResult(self.z.clone(), d, norms, g)


StepFunction = Callable[[Tensor, Tensor | None], StepResult]
"""(real x [B, *image_shape], their labels) -> what is left of it, with no gradients behind it."""


def critic_only_step(
    state: State, method: Method, prior: Prior, plan: Plan, real: Tensor, y: Tensor | None
) -> StepResult:
    """One step of the critic's."""
    state.generator.requires_grad_(False)  # no gradient of the generator's weights is needed, and so no graph
    z = prior.sample(plan.batch, category=y, device=real.device)
    d, norm = critic_step(state, method, real, z, y, plan)
    adapt_augmentation(state, method, real, y, plan)
    state.generator.requires_grad_(True)
    return StepResult(z, detach_terms(d), {"d": norm})


def critic_and_generator_step(
    state: State, method: Method, prior: Prior, plan: Plan, real: Tensor, y: Tensor | None
) -> StepResult:
    """The critic's last step before the generator's, and the generator's."""
    G, D, made = state.generator.requires_grad_(False), state.critic, None
    z = prior.sample(plan.batch, category=y, device=real.device)
    if not plan.fresh_latents:
        with plan.precision():
            made = PrecomputedGenerator(G.requires_grad_(True)(z))
    seen = replace(state, generator=made.detached()) if made else state
    d, d_norm = critic_step(seen, method, real, z, y, plan)
    adapt_augmentation(state, method, real, y, plan)
    G.requires_grad_(True), D.requires_grad_(False)
    z = z if made else prior.sample(plan.batch, category=y, device=real.device)
    with plan.precision():
        g = method.g_terms(made or G, plan.view(state, y), real, z)
    g_norm = descend(g, state.g_optimiser, plan.g_clip_value)
    D.requires_grad_(True)
    return StepResult(z, detach_terms(d), {"d": d_norm, "g": g_norm}, detach_terms(g))


class PrecomputedGenerator(Generator):
    """A generator that has made its pictures x [B, *image_shape] of z already, and shows them when asked for z."""

    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.x = x

    def synthesis(self, w: Tensor) -> Tensor:
        return self.x

    def detached(self) -> PrecomputedGenerator:
        """The same pictures for the critic's step, which moves no weight of the generator."""
        return PrecomputedGenerator(self.x.detach())


def critic_step(
    state: State, method: Method, real: Tensor, z: Tensor, y: Tensor | None, plan: Plan
) -> tuple[Terms, Tensor]:
    """One descent of the critic on the sum of its terms, or one on each in turn."""
    G, D = state.generator, plan.view(state, y)
    if plan.separate_critic_terms:
        with plan.precision():
            made = PrecomputedGenerator(G(z)).detached()  # the same pictures for every term
        d = {}
        for name, term in under_precision(method.iter_d_terms(made, D, real, z), plan.precision):
            d[name] = term
            norm = descend({name: term}, state.d_optimiser, plan.d_clip_value)
    else:
        with plan.precision():
            d = method.d_terms(G, D, real, z)
        norm = descend(d, state.d_optimiser, plan.d_clip_value)
    method.after_d_step(state.critic)
    return d, norm


def under_precision(
    turns: Iterator[tuple[str, Tensor]], precision: Callable[[], AbstractContextManager[object]]
) -> Iterator[tuple[str, Tensor]]:
    """The turns, each computed under the precision; whoever takes one works without it."""
    while True:
        with precision():
            turn = next(turns, None)
        if turn is None:
            return
        yield turn


@torch.no_grad()
def adapt_augmentation(state: State, method: Method, real: Tensor, y: Tensor | None, plan: Plan) -> None:
    """Augment more while the critic is too sure of the real images, less while it is not: every fourth batch.

    Karras et al. 2020, "Training GANs with limited data", section 3.2: a critic that is sure of most real images has
    learnt them by heart. It is asked in `eval` mode, which leaves no trace.
    """
    if plan.augment_p_step is None or method.decision_threshold is None or state.batch_index % ADAPT_EVERY:
        return
    state.critic.eval()
    sure = (plan.view(state, y)(real) - method.decision_threshold).sign().mean()
    state.critic.train()
    state.augment_p = schedules.adapted(state.augment_p, float(sure), ADAPT_EVERY * plan.augment_p_step)


def estimates(state: State, method: Method, real: Tensor, z: Tensor, y: Tensor | None, d: Terms, plan: Plan) -> Terms:
    """The method's estimates, changing nothing: no running statistics (hence `eval`), and no random numbers that
    are used again (hence at the end of a step: the next one has a seed of its own)."""
    networks = (state.generator, state.critic)
    for network in networks:
        network.eval()
    seen = method.estimates(state.generator, plan.view(state, y), real, z, d)
    for network in networks:
        network.train()
    return detach_terms(seen)


def descend(terms: Terms, optimiser: torch.optim.Optimizer, clip_value: float | None) -> Tensor:
    """One optimiser step on the sum of the terms; returns the norm of the whole gradient, before any clipping."""
    optimiser.zero_grad(set_to_none=True)
    total = torch.stack(list(terms.values())).sum()
    total.backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
    norm = get_total_norm(gradients)
    if clip_value is not None:
        torch._foreach_clamp_min_(gradients, -clip_value)
        torch._foreach_clamp_max_(gradients, clip_value)
    optimiser.step()
    return norm


@torch.no_grad()
def update_average(state: State, plan: Plan) -> None:
    """Move the averaged generator towards the one in training, its running statistics too."""
    if state.average is state.generator or plan.ema_half_life is None:
        return
    decay = schedules.ema_decay(state.batch_index * plan.batch, plan.batch, plan.ema_half_life, plan.ema_rampup)
    both = zip(parameters_and_buffers(state.average), parameters_and_buffers(state.generator), strict=True)
    of_average, of_generator = zip(*((a, b) for a, b in both if a.is_floating_point()), strict=True)
    torch._foreach_lerp_(of_average, of_generator, 1 - decay)  # together: on a GPU each call costs as much as its sums
    for counter, its in zip(state.average.buffers(), state.generator.buffers(), strict=True):
        if not counter.is_floating_point():
            counter.copy_(its)


def parameters_and_buffers(network: nn.Module) -> Iterator[Tensor]:
    """Weights, and what the network remembers besides."""
    yield from network.parameters()
    yield from network.buffers()


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)  # a recorded step reads it where it lies
        else:
            group["lr"] = rate


def step_seed(seed: int, step: int) -> int:
    """A 64-bit seed for one step, by two rounds of splitmix64's mixing (Steele, Lea & Flood 2014)."""
    mask = (1 << 64) - 1
    mixed = (seed * 0x9E3779B97F4A7C15 + step + 1) & mask
    for _ in range(2):
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
        mixed ^= mixed >> 31
    return mixed


def detach_terms(terms: Terms) -> Terms:
    return {name: term.detach() for name, term in terms.items()}
