"""Which algorithms a GPU may take: those that give the same bits each time, or the fastest."""

from __future__ import annotations

import os
import warnings

import torch
from torch.utils import deterministic


def choose_algorithms(on: torch.device, repeatable: bool) -> None:
    """For this process: on a GPU some sums are taken in whatever order comes first, unless that is forbidden.

    Then a resumed run ends with the same bits. Without it cuDNN tries several algorithms for each shape that it meets
    and keeps the fastest, which may be another one the next time. A CPU needs neither and is left as it is.
    """
    if on.type != "cuda":
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by cuBLAS when it is first used
    torch.use_deterministic_algorithms(repeatable, warn_only=True)
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # it finds bugs, and takes time
    torch.backends.cudnn.benchmark = not repeatable
    # Max pooling is warned of because windows may overlap; ours do not, so each sum has one number.
    warnings.filterwarnings("ignore", "max_pool2d_with_indices_backward_cuda does not have a deterministic")
