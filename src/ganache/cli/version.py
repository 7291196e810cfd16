"""`ganache --version`: the versions that a report of a problem needs."""

from __future__ import annotations

import platform
from importlib.metadata import version

from ganache.cli.environment import check_environment


def print_version() -> None:
    """Print the versions of ganache, Python and PyTorch, and which compiled kernels this processor uses."""
    print(f"ganache {version('ganache')}", flush=True)  # PyTorch takes a second
    check_environment()
    import torch

    from ganache.fastconv.kernels import processor

    print(f"Python {platform.python_version()}, PyTorch {torch.__version__}, {platform.system()} {platform.machine()}")
    print(f"kernels: {processor() or 'none, PyTorch computes the convolutions'}")
