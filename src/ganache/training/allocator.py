"""What the C library does with memory: keep for the next step what one has freed, in pages as large as it gets."""

from __future__ import annotations

import ctypes
import mmap
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
MOST = 2**31 - 1  # that a setting may be
MUCH = 2**30
MADV_HUGEPAGE = 14  # sys/mman.h


def keep_freed_memory() -> bool:
    """Ask glibc not to hand freed memory back to the system, for this process; whether it agreed.

    A step frees what the next one allocates again, and each page handed back in between is filled with zeros anew
    (`bench/NOTES.md` has what that costs). Other C libraries are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    mallopt = getattr(libc, "mallopt", None)
    if mallopt is None or not (mallopt(M_TRIM_THRESHOLD, MOST) and mallopt(M_MMAP_THRESHOLD, MUCH)):
        return False
    ask_for_huge_pages(libc)
    return True


def ask_for_huge_pages(libc: ctypes.CDLL) -> None:
    """For the memory that comes next, none of which is used yet: a kernel walks through many places at once, whose
    small pages are more than a processor keeps addresses of. A system without them, or without so much, says no."""
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
    libc.free.argtypes, libc.madvise.argtypes = (ctypes.c_void_p,), (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    size = MUCH - 2**20  # less than is mapped apart
    if (found := libc.malloc(size)) is not None:
        first = -(-found // mmap.PAGESIZE) * mmap.PAGESIZE
        libc.madvise(first, size - mmap.PAGESIZE, MADV_HUGEPAGE)
        libc.free(found)
