"""Memory that is kept, in large pages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HUGE = Path("/sys/kernel/mm/transparent_hugepage/enabled")

PROGRAM = """
import torch
from ganache.training.allocator import keep_freed_memory

def kilobytes(name):
    lines = open("/proc/self/smaps_rollup")
    return int(next(line for line in lines if line.startswith(name)).split()[1])

assert keep_freed_memory()
before = kilobytes("Rss")
x = torch.ones(2**24)
print(kilobytes("AnonHugePages"), kilobytes("Rss") - before)
del x
print(kilobytes("AnonHugePages"), kilobytes("Rss") - before)
"""


@pytest.mark.skipif(not HUGE.exists() or "[never]" in HUGE.read_text(), reason="this system has no huge pages")
def test_what_is_freed_is_kept_in_huge_pages() -> None:
    """And none is taken that nobody asked for."""
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    for line in told.splitlines():
        huge, all_ = map(int, line.split())
        assert huge >= 2**16 - 2**12  # KiB: what the tensor takes, but for its ends
        assert 2**16 <= all_ + 2**10 <= 2**16 + 2**13
