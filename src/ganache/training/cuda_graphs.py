"""Turns that are recorded once and then replayed: on a GPU, as CUDA graphs.

The step of a small network is hundreds of kernels, and the host takes longer to launch one than the GPU to be done with
it. A graph holds all the launches of a turn and is launched as one. What it holds are the same kernels on the same
numbers in the same order, so a replayed turn ends with the same bits as one that is taken as it is written, and a
resumed run, whose first turns are, ends like one that never stopped.

A graph reads and writes the same memory each time: real images and labels are copied into it, what a turn leaves is
copied out of it, learning rates are tensors. Random numbers follow the seed that is set before each replay. Whatever
Python decides in a turn is decided once; `build.recorded` says which settings leave it nothing to decide.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from ganache.errors import ConfigError
from ganache.training.loop import StepFunction, StepResult

Work = Callable[[], None]

AS_WRITTEN = 2
"""Turns of each kind before the recording: they make the optimisers' memory and find the algorithms."""


class Recorder(Protocol):
    """What can record work, and have it done again."""

    def aside(self, work: Work) -> None:
        """Do it now, where it will be recorded."""

    def record(self, work: Work) -> Work:
        """What does it, each time it is called; it has not been done yet."""


def replayed(*turns: StepFunction, recorder: Callable[[], Recorder] | None = None) -> tuple[StepFunction, ...]:
    """The turns, each recorded when it is known; they share memory, so what one leaves is copied before the next."""
    shared = (recorder or CudaGraphs)()
    return tuple(Recorded(turn, shared) for turn in turns)


class Recorded:
    """A turn that is taken as it is written at first, and replayed from then on."""

    def __init__(self, turn: StepFunction, recorder: Recorder) -> None:
        self.turn, self.recorder = turn, recorder
        self.taken = 0
        self.replay: Work | None = None

    def __call__(self, real: Tensor, y: Tensor | None) -> StepResult:
        if self.taken < AS_WRITTEN:
            self.taken += 1
            self.real, self.y = real, y
            self.recorder.aside(self.work)
            return self.left
        if self.replay is None:
            self.real, self.y = real.clone(), y if y is None else y.clone()
            self.replay = self.recorder.record(self.work)
        self.real.copy_(real)
        if self.y is not None and y is not None:
            self.y.copy_(y)
        self.replay()
        return self.left.copied()

    def work(self) -> None:
        self.left: StepResult = self.turn(self.real, self.y)


class CudaGraphs:
    """Records on a stream of its own. All that is taken as written runs there too: what autograd, cuBLAS and cuDNN
    remember of a stream is then there when the recording begins."""

    def __init__(self) -> None:
        self.stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self.pool = torch.cuda.graph_pool_handle()

    def aside(self, work: Work) -> None:
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            work()
        torch.cuda.current_stream().wait_stream(self.stream)

    def record(self, work: Work) -> Work:
        graph = torch.cuda.CUDAGraph()
        try:
            # Other threads may use the GPU meanwhile: a page that shows pictures of a run in training, say.
            with torch.cuda.graph(graph, pool=self.pool, stream=self.stream, capture_error_mode="thread_local"):
                work()
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise ConfigError(
                f"A training step could not be recorded as a CUDA graph ({reason}): add --precision.cuda_graphs False."
            ) from error
        return graph.replay
