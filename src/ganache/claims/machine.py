"""A description of the machine on which a measurement was made: processor, versions, and the commit of the code."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

from ganache.core.cores import processor


@cache
def describe_machine() -> dict[str, str]:
    """Return what explains different numbers in a repeated measurement, by name; the same dictionary in one process."""
    return {
        "commit": commit(),
        "processor": processor(),
        "threads": str(torch.get_num_threads()),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "python": platform.python_version(),
        "versions": ", ".join(f"{name} {version(name)}" for name in ("ganache", "torch", "numpy", "scipy")),
    }


def commit() -> str:
    """Return the commit of the checkout that contains this package, with "-dirty" if files of the package have changed.

    Returns "unknown" outside a checkout. Changes to files outside the package do not count: the report that is being
    written is one of them.
    """
    package = Path(__file__).parents[1]

    def git(*words: str) -> str:
        command = ["git", "-C", str(package), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if not git("ls-files", "."):
            return "unknown"
        return git("rev-parse", "--short=12", "HEAD") + "-dirty" * bool(git("status", "--porcelain", "."))
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
