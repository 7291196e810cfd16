"""One step of the critic, or of critic and generator: losses, gradients and optimiser steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from ganache.core.evaluating import evaluating
from ganache.functional import schedules
from ganache.training.parts import each_part
from ganache.training.state import Plan, State, StepResult
from ganache.types import Method, PrecomputedGenerator, Prior, Terms

CRITIC, GENERATOR, ADAPT, TERM = range(4)
"""Purposes of the random numbers of a batch's parts; a critic that takes a step per term counts on from the last."""

ADAPT_EVERY = 4
"""Batches between two updates of adaptive augmentation: NVlabs/stylegan2-ada-pytorch, train.py (ada_interval)."""


def critic_only_step(
    state: State, method: Method, prior: Prior, plan: Plan, real: Tensor, y: Tensor | None
) -> StepResult:
    """Take one critic step on new latents."""
    method = method.at(state.batch_index)
    state.generator.requires_grad_(False)  # its weights need no gradient here, so no graph is kept for it
    z, y = latents(plan, prior, real, y)
    d, norm = critic_step(state, method, real, z, y, plan)
    adapt_augmentation(state, method, real, y, plan)
    state.generator.requires_grad_(True)
    return StepResult(z, d, {"d": norm})


def critic_and_generator_step(
    state: State, method: Method, prior: Prior, plan: Plan, real: Tensor, y: Tensor | None
) -> StepResult:
    """Take one critic step, then one generator step.

    With `plan.fresh_latents` the generator's step draws new latents. Otherwise it reuses the critic's latents and, of a
    batch that is computed whole, the images made from them, which saves one pass through the generator.
    """
    method = method.at(state.batch_index)
    G, D, computed = state.generator.requires_grad_(False), state.critic, None
    z, own = latents(plan, prior, real, y)
    if not plan.fresh_latents and plan.micro_batch is None:
        with plan.precision():
            computed = PrecomputedGenerator(G.requires_grad_(True)(z))
    critic_state = replace(state, generator=computed.detached()) if computed else state
    d, d_norm = critic_step(critic_state, method, real, z, own, plan)
    adapt_augmentation(state, method, real, own, plan)
    G.requires_grad_(True), D.requires_grad_(False)
    if plan.fresh_latents:
        z, own = latents(plan, prior, real, y)

    def g_terms(part: slice) -> Terms:
        return method.g_terms(computed or G, plan.view(state, labels(own, part)), real[part], z[part])

    g, g_norm = descend_in_parts(state, plan, g_terms, len(real), GENERATOR)
    D.requires_grad_(True)
    return StepResult(z, d, {"d": d_norm, "g": g_norm}, g)


def latents(plan: Plan, prior: Prior, real: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Return new latents and the labels of the images that this process computes; y are those of the whole batch."""
    rows = plan.processes.own(plan.batch)
    return prior.sample(plan.batch, category=y, device=real.device)[rows], labels(y, rows)


def critic_step(
    state: State, method: Method, real: Tensor, z: Tensor, y: Tensor | None, plan: Plan
) -> tuple[Terms, Tensor]:
    """Take one optimiser step of the critic on the sum of its terms, or one step per term in turn.

    `real`, `z` and `y` are of the images that this process computes. Returns the terms without their graphs, and the
    norm of the (last) gradient before clipping.
    """
    G = state.generator
    if plan.separate_critic_terms:
        d, norm = descend_by_term(state, method, real, z, y, plan)
    else:

        def d_terms(part: slice) -> Terms:
            return method.d_terms(G, plan.view(state, labels(y, part)), real[part], z[part])

        d, norm = descend_in_parts(state, plan, d_terms, len(real), CRITIC)
    method.after_d_step(state.critic)
    return detach_terms(d), norm


def descend_by_term(
    state: State, method: Method, real: Tensor, z: Tensor, y: Tensor | None, plan: Plan
) -> tuple[Terms, Tensor]:
    """Take one optimiser step of the critic per term of its loss, in turn; every term sees the same fakes."""
    turns: dict[int, Iterator[tuple[str, Tensor]]] = {}
    d: Terms = {}

    def next_term(part: slice) -> Terms:
        if part.start not in turns:
            fakes = PrecomputedGenerator(state.generator(z[part])).detached()
            D = plan.view(state, labels(y, part))
            turns[part.start] = method.iter_d_terms(fakes, D, real[part], z[part])
        return dict([next(turns[part.start])])

    while True:
        try:
            found, norm = descend_in_parts(state, plan, next_term, len(real), TERM + len(d))
        except StopIteration:
            return d, norm
        d |= found


@torch.no_grad()
def adapt_augmentation(state: State, method: Method, real: Tensor, y: Tensor | None, plan: Plan) -> None:
    """Augment more while the critic is too sure of the real images, and less otherwise; at every fourth batch.

    A critic that is sure of most real images has memorised them (Karras et al. 2020, "Training generative adversarial
    networks with limited data", section 3.2). It is evaluated in `eval` mode, so its state does not change.
    """
    if plan.augment_p_step is None or method.decision_threshold is None or state.batch_index % ADAPT_EVERY:
        return
    mean_sign = torch.zeros((), device=real.device)
    with evaluating(state.critic):
        for part in each_part(state, plan, len(real), ADAPT):
            signs = (plan.view(state, labels(y, part))(real[part]) - method.decision_threshold).sign()
            mean_sign += (part.stop - part.start) / plan.batch * signs.mean()
    plan.processes.add([mean_sign])
    state.augment_p = schedules.adapted_augment_p(state.augment_p, float(mean_sign), ADAPT_EVERY * plan.augment_p_step)


def labels(y: Tensor | None, part: slice) -> Tensor | None:
    """Return the labels of a part of the batch."""
    return None if y is None else y[part]


def descend_in_parts(
    state: State, plan: Plan, terms: Callable[[slice], Terms], images: int, purpose: int
) -> tuple[Terms, Tensor]:
    """Take one optimiser step on the terms of a batch, of which this process computes so many images, in parts.

    `terms` returns means over a part of the batch, so their sum over the parts, each weighted by its share, is the mean
    over the batch. Returns the terms without their graphs, and the norm of the whole gradient before clipping.
    """
    is_critic = purpose != GENERATOR
    optimiser = state.d_optimiser if is_critic else state.g_optimiser
    optimiser.zero_grad(set_to_none=True)
    sums: Terms = {}
    for part in each_part(state, plan, images, purpose):
        with plan.precision():
            found = terms(part)
        share = (part.stop - part.start) / plan.batch
        backward({name: share * term for name, term in found.items()} if share < 1 else found)
        sums = {name: share * term + sums.get(name, 0.0) for name, term in detach_terms(found).items()}
    plan.processes.add([*gradients_of(optimiser), *sums.values()])
    return sums, step(optimiser, plan.d_clip_value if is_critic else plan.g_clip_value)


def descend(terms: Terms, optimiser: torch.optim.Optimizer, clip_value: float | None) -> Tensor:
    """Take one optimiser step on the sum of the terms; return the norm of the whole gradient before clipping."""
    optimiser.zero_grad(set_to_none=True)
    backward(terms)
    return step(optimiser, clip_value)


def backward(terms: Terms) -> None:
    """Add the gradients of the sum of the terms to those that the weights have."""
    torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]


def step(optimiser: torch.optim.Optimizer, clip_value: float | None) -> Tensor:
    """Clip the gradients, and let the optimiser step; return the norm of the whole gradient before clipping."""
    gradients = gradients_of(optimiser)
    norm = get_total_norm(gradients)
    if clip_value is not None:
        torch._foreach_clamp_min_(gradients, -clip_value)
        torch._foreach_clamp_max_(gradients, clip_value)
    optimiser.step()
    return norm


def gradients_of(optimiser: torch.optim.Optimizer) -> list[Tensor]:
    """Return the gradients of all weights that have one."""
    return [p.grad for group in optimiser.param_groups for p in group["params"] if p.grad is not None]


def detach_terms(terms: Terms) -> Terms:
    """Return the same terms without their graphs."""
    return {name: term.detach() for name, term in terms.items()}
