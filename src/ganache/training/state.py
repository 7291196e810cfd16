"""The data classes of the training loop: its plan, its mutable state, and what a step reports."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from ganache.training.processes import ALONE, Processes
from ganache.types import Critic, Generator, Terms


class BatchSource(Protocol):
    """Real batches by index, without end: `batches[i]` is x [B, *image_shape], `batches.labels(i)` is y [B] or None.

    Where several processes train together, `batches[i]` has the images that this one computes, and the labels are those
    of the whole batch.
    """

    def __getitem__(self, index: int, /) -> Tensor: ...

    def labels(self, index: int, /) -> Tensor | None: ...


@dataclass(frozen=True)
class Plan:
    """What the training loop needs besides networks, method and data. All of it is fixed for the whole run."""

    seed: int
    batch: int
    """Images per batch."""
    critic_steps: Callable[[int], int]
    """Generator step -> number of critic steps before it."""
    precision: Callable[[], AbstractContextManager[object]]
    """Returns the context in which the networks compute (bfloat16 or float32)."""
    d_lr: Callable[[int], float]
    """Generator step -> learning rate of the critic."""
    g_lr: Callable[[int], float]
    """Generator step -> learning rate of the generator."""
    micro_batch: int | None = None
    """Images that are computed at a time, at most; None computes the whole batch at once."""
    view: Callable[[State, Tensor | None], Critic] = lambda state, y: state.critic
    """(state, labels) -> the critic that methods see; it may be conditioned on labels, or transform its inputs."""
    augment_p_step: float | None = None
    """How far adaptive augmentation moves `State.augment_p` per batch of real images; None keeps it fixed."""
    wants_estimates: Callable[[int], bool] = lambda step: False
    """Generator step -> whether to compute the method's estimates after it; they can cost as much as a step."""
    conditional: bool = False
    """Whether fakes get the classes of the real images in the same batch, and the view gets these labels."""
    d_clip_value: float | None = None
    """Limit on each gradient value of the critic; None means no limit."""
    g_clip_value: float | None = None
    """Limit on each gradient value of the generator; None means no limit."""
    ema_half_life: float | None = None
    """Half-life of the averaged generator, in images; None keeps no average."""
    ema_rampup: float = 0.05
    """Upper limit on the half-life, as a share of the images seen so far."""
    separate_critic_terms: bool = False
    """Whether the critic takes one optimiser step per term of its loss, instead of one for their sum."""
    fresh_latents: bool = True
    """Whether the generator's step draws its own latents, or reuses the last latents and images of the critic's."""
    step_runner: Callable[..., tuple[StepFunction, ...]] = lambda *steps: steps
    """Wraps the step functions: unchanged by default; `cuda_graphs.replayed` records and replays them on a GPU."""

    processes: Processes = ALONE
    """The processes that compute a batch together."""

    def parts(self, images: int) -> list[slice]:
        """Return the parts of this process's images of a batch that are computed one after another."""
        size = self.micro_batch or images
        return [slice(start, min(start + size, images)) for start in range(0, images, size)]


@dataclass
class State:
    """All mutable state of a run: restoring it resumes the run to the bit."""

    generator: Generator
    critic: Critic
    average: Generator
    """The averaged generator, or the generator itself where no average is kept."""
    g_optimiser: torch.optim.Optimizer
    d_optimiser: torch.optim.Optimizer
    step: int = 0
    """Generator steps done."""
    batch_index: int = 0
    """Index of the next real batch."""
    seconds: float = 0.0
    """Training time in seconds, summed over all sessions of the run."""
    augment_p: float = 0.0
    """Share of images changed by adaptive augmentation, from 0 to 1."""
    lr_scale: float = 1.0
    """Factor on both learning rates; below 1 after the run went back to a checkpoint because of NaN or infinity."""


@dataclass(frozen=True)
class Report:
    """The result of one generator step. Values stay tensors until they are read, because reading stalls a GPU."""

    step: int
    """Generator steps done."""
    images: int
    """Real images shown to the critic so far, repeats counted."""
    d: Terms
    """Terms of the critic's loss, at its last step."""
    g: Terms
    """Terms of the generator's loss."""
    d_gradient_norm: Tensor
    """Norm of the critic's whole gradient, before clipping."""
    g_gradient_norm: Tensor
    """Norm of the generator's whole gradient, before clipping."""
    estimates: Terms
    """The method's estimates; empty at steps for which `Plan.wants_estimates` is false."""


@dataclass(frozen=True)
class StepResult:
    """The outputs of one step function, detached."""

    z: Tensor
    """The last latents [B, z_dim]."""
    d: Terms
    """Terms of the critic's loss."""
    norms: Terms
    """Gradient norms before clipping: "d", and "g" if the generator took a step."""
    g: Terms = field(default_factory=dict)
    """Terms of the generator's loss; empty if it took no step."""

    def clone(self) -> StepResult:
        """Return a copy in newly allocated memory."""
        d, norms, g = ({name: t.clone() for name, t in terms.items()} for terms in (self.d, self.norms, self.g))
        return StepResult(self.z.clone(), d, norms, g)


StepFunction = Callable[[Tensor, Tensor | None], StepResult]
"""(real x [B, *image_shape], their labels y [B] or None) -> StepResult."""
