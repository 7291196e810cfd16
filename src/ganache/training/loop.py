"""The training loop: no files, no printing.

All mutable state is in `State`; `train` updates it in place and yields one `Report` per generator step. The caller
logs, draws samples, saves and decides when to stop.

The random numbers of a step depend on (seed, step) alone, and a batch depends on its index alone. So a run that was
interrupted and resumed ends with the same bits as an uninterrupted one, and drawing samples between two steps does
not affect training.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from ganache.core.evaluating import evaluating
from ganache.training.averaging import update_average
from ganache.training.seeds import set_seed, step_seed
from ganache.training.state import BatchSource, Plan, Report, State
from ganache.training.steps import critic_and_generator_step, critic_only_step, detach_terms, labels
from ganache.types import Method, Prior, Terms


def train(state: State, method: Method, batches: BatchSource, prior: Prior, plan: Plan) -> Iterator[Report]:
    """Yield one `Report` per generator step, without end; break to stop."""
    state.generator.train(), state.critic.train()
    device = next(state.generator.parameters()).device
    # On a GPU the runner may record the two kinds of step as CUDA graphs.
    critic_only, critic_and_generator = plan.step_runner(
        partial(critic_only_step, state, method, prior, plan),
        partial(critic_and_generator_step, state, method, prior, plan),
    )
    while True:
        set_seed(step_seed(plan.seed, state.step), device)
        set_learning_rate(state.d_optimiser, plan.d_lr(state.step) * state.lr_scale)
        set_learning_rate(state.g_optimiser, plan.g_lr(state.step) * state.lr_scale)

        # One or more critic steps; the generator's step follows the last of them.
        for remaining in reversed(range(plan.critic_steps(state.step))):
            real = batches[state.batch_index]
            y = batches.labels(state.batch_index) if plan.conditional else None
            state.batch_index += 1
            result = (critic_only if remaining else critic_and_generator)(real, y)

        update_average(state, plan)
        state.step += 1

        values = estimate(state, method, real, result.z, y, result.d, plan) if plan.wants_estimates(state.step) else {}
        images = state.batch_index * plan.batch
        yield Report(state.step, images, result.d, result.g, result.norms["d"], result.norms["g"], values)


def estimate(state: State, method: Method, real: Tensor, z: Tensor, y: Tensor | None, d: Terms, plan: Plan) -> Terms:
    """Return the method's estimates on the first part of the batch, without changing the run.

    Both networks are in `eval` mode, so running statistics stay as they are. Random numbers may be drawn, because the
    next step sets its own seed.
    """
    part = plan.parts(len(real))[0]
    with evaluating(state.generator, state.critic):
        values = method.estimates(state.generator, plan.view(state, labels(y, part)), real[part], z[part], d)
    return detach_terms(values)


def set_learning_rate(optimiser: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of all parameter groups."""
    for group in optimiser.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr)  # in place: a recorded step reads this memory
        else:
            group["lr"] = lr
