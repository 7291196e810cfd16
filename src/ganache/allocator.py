"""What the C library does with memory that a step has freed: keep it for the next step."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
MUCH = 2**30


def keep_freed_memory() -> bool:
    """Ask glibc not to hand freed memory back to the system, for this process; whether it agreed.

    A step frees what the next one allocates again, and each page handed back in between is filled with zeros anew
    (`bench/NOTES.md` has what that costs). Other C libraries are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(name, MUCH) for name in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD))
