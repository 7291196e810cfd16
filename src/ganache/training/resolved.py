"""The settings of a run, resolved once: checked, with every choice that depends on this machine made."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch

from ganache.config.config import Config, name_of
from ganache.functional import schedules
from ganache.training.processes import ALONE, Processes
from ganache.types import Method, Prior


@dataclass(frozen=True)
class Resolved:
    """What a run will do on this machine. Build it once per run with `build.resolve` and pass it on.

    Everything that training needs is a function of this object and of the data.
    """

    config: Config
    device: torch.device
    compute_dtype: torch.dtype
    """dtype of convolutions and matrix products; weights, losses and optimisers stay in float32."""
    cuda_graphs: bool
    """Whether training steps are recorded as CUDA graphs and replayed."""
    prior: Prior
    """Distribution of the latents in training."""
    method: Method
    """The method, with what the sections `projected` and `penalty` add to it."""
    processes: Processes = ALONE
    """The processes that train together."""

    def with_seed(self, seed: int) -> Resolved:
        """Return the same settings with another seed, on which nothing else here depends."""
        return replace(self, config=replace(self.config, seed=seed))

    def alone(self) -> Resolved:
        """Return the same settings for what one of several processes computes without the others, who do not wait."""
        return replace(self, processes=ALONE)

    def precision(self) -> AbstractContextManager[object]:
        """Return a context manager in which the networks compute in `compute_dtype`."""
        if self.compute_dtype is torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.compute_dtype)

    def critic_steps(self, step: int) -> int:
        """Return the number of critic steps before generator step `step`, counted from 0."""
        schedule = self.config.schedule
        return schedules.critic_steps(
            step,
            usual=schedule.critic_steps,
            boosted=schedule.boosted_critic_steps,
            first=schedule.boost_first,
            every=schedule.boost_every,
        )

    def d_lr(self, step: int) -> float:
        """Return the critic's learning rate at generator step `step`."""
        optimiser = self.config.critic_optimiser
        return optimiser.lr * schedules.inverse_time(step, optimiser.decay)

    def g_lr(self, step: int) -> float:
        """Return the generator's learning rate at generator step `step`."""
        optimiser = self.config.generator_optimiser
        return optimiser.lr * schedules.inverse_time(step, optimiser.decay)

    def describe(self) -> str:
        """Return network, method, batch size, device and dtype in a few words."""
        names = " + ".join(name_of(section, getattr(self.config, section)) for section in ("network", "method"))
        dtype = str(self.compute_dtype).removeprefix("torch.")
        graphs = ", as CUDA graphs" if self.cuda_graphs else ""
        return f"{names}, batch {self.config.schedule.batch}, on {self.device} in {dtype}{graphs}"
