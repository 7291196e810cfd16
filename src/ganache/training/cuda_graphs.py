"""Step functions that are recorded once and then replayed: CUDA graphs.

A step of a small network consists of hundreds of kernels, and the host takes longer to launch one than the GPU to run
it. A CUDA graph holds all launches of a step and is launched as one. The graph runs the same kernels on the same
numbers in the same order, so a replayed step gives the same bits as an ordinary one. A resumed run, whose first steps
are ordinary ones, therefore ends like an uninterrupted run.

A graph reads and writes the same memory each time: real images and labels are copied into it, results are copied out
of it, and learning rates are tensors. Random numbers follow the seed that is set before each replay. Decisions that
Python takes during a step are frozen by the recording; `device.can_record_steps` lists the settings that forbid it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from ganache.errors import ConfigError
from ganache.training.state import StepFunction, StepResult

Work = Callable[[], None]

WARM_UP_STEPS = 2
"""Ordinary steps of each kind before the recording: they allocate the optimisers' state and select algorithms."""


class Recorder(Protocol):
    """Records work for replay."""

    def run(self, work: Work) -> None:
        """Do the work now, on the stream where it will be recorded."""

    def record(self, work: Work) -> Work:
        """Return a function that replays the recorded work; recording does not execute it."""


def replayed(*steps: StepFunction, recorder: Callable[[], Recorder] | None = None) -> tuple[StepFunction, ...]:
    """Return step functions that are recorded after a few calls and replayed from then on.

    All of them share one memory pool, so each result is copied before the next replay.
    """
    shared = (recorder or CudaGraphs)()
    return tuple(RecordedStep(step, shared) for step in steps)


class RecordedStep:
    """A step function that runs normally for the first `WARM_UP_STEPS` calls and is replayed from then on."""

    def __init__(self, step: StepFunction, recorder: Recorder) -> None:
        self.step, self.recorder = step, recorder
        self.calls = 0
        self.replay: Work | None = None

    def __call__(self, real: Tensor, y: Tensor | None) -> StepResult:
        if self.calls < WARM_UP_STEPS:
            self.calls += 1
            self.real, self.y = real, y
            self.recorder.run(self.work)
            return self.result
        if self.replay is None:
            self.real, self.y = real.clone(), y if y is None else y.clone()
            self.replay = self.recorder.record(self.work)
        self.real.copy_(real)
        if self.y is not None and y is not None:
            self.y.copy_(y)
        self.replay()
        return self.result.clone()

    def work(self) -> None:
        self.result: StepResult = self.step(self.real, self.y)


class CudaGraphs:
    """Records CUDA graphs on a side stream.

    Ordinary steps run on the same stream, so that the per-stream state of autograd, cuBLAS and cuDNN exists when the
    recording begins.
    """

    def __init__(self) -> None:
        self.stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self.pool = torch.cuda.graph_pool_handle()

    def run(self, work: Work) -> None:
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            work()
        torch.cuda.current_stream().wait_stream(self.stream)

    def record(self, work: Work) -> Work:
        graph = torch.cuda.CUDAGraph()
        try:
            # Other threads may use the GPU during the recording, for example the page that shows a run in training.
            with torch.cuda.graph(graph, pool=self.pool, stream=self.stream, capture_error_mode="thread_local"):
                work()
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise ConfigError(
                f"A training step could not be recorded as a CUDA graph ({reason}): add --precision.cuda-graphs False."
            ) from error
        return graph.replay
