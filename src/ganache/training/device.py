"""The device of a run, the number format it computes in, and process-wide settings of PyTorch and the C library."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
import warnings

import torch
from torch.utils import deterministic

from ganache.config.config import Config
from ganache.config.sections import PrecisionConfig
from ganache.core.cores import processor
from ganache.errors import ConfigError
from ganache.fastconv.kernels import cpu_has


def choose_device(name: str) -> torch.device:
    """Return the device `name` ("cpu", "cuda" or "mps"); "auto" prefers CUDA, then MPS, then the CPU.

    Raises ConfigError if PyTorch cannot use that device on this machine.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, usable in available.items() if usable))
    if not available[name]:
        usable_names = " or ".join(kind for kind, usable in available.items() if usable)
        raise ConfigError(f"device is '{name}', which PyTorch does not find on this machine: use {usable_names}.")
    return torch.device(name)


def machine(device: torch.device) -> str:
    """Return the name of the GPU, or that of the processor and the number of cores that the program may use."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor()


# ---- number formats ---------------------------------------------------------------------------------------------


def choose_compute_dtype(precision: PrecisionConfig, device: torch.device) -> torch.dtype:
    """Return the dtype of convolutions and matrix products; "auto" is bfloat16 where the hardware supports it."""
    if precision.compute == "auto":
        return torch.bfloat16 if has_bfloat16(device) else torch.float32
    return torch.bfloat16 if precision.compute == "bfloat16" else torch.float32


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies matrices in bfloat16 in hardware; elsewhere bfloat16 is emulated and slow."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    return device.type == "cpu" and cpu_has("amx_bf16", "avx512_bf16")


def can_record_steps(config: Config, device: torch.device) -> bool:
    """Whether training steps can be recorded as CUDA graphs: on a GPU, if only learning rates change between steps.

    Fading noise and adaptive augmentation are Python numbers that a recording would freeze, and so are the learning
    rate of PyTorch's SGD and the seeds of a batch's parts. A recorded step computes all its terms or none. Critics of
    pretrained features have not been tried in a recording.
    """
    changes = config.view.adaptive or config.view.noise > 0 or config.penalty.is_lazy() or config.projected.weight > 0
    changes |= config.schedule.micro_batch is not None
    optimisers = (config.critic_optimiser.name, config.generator_optimiser.name)
    return config.precision.cuda_graphs and device.type == "cuda" and not changes and "sgd" not in optimisers


# ---- settings of the whole process ------------------------------------------------------------------------------


def set_determinism(device: torch.device, deterministic_algorithms: bool) -> None:
    """Choose between reproducible and fastest GPU algorithms, for this process. A CPU needs no setting.

    Some GPU kernels add in an order that varies between calls. With `deterministic_algorithms` these are avoided, so
    a resumed run ends with the same bits as an uninterrupted one. Without it, cuDNN times several algorithms for each
    new shape and keeps the fastest, which may differ from one process to the next.
    """
    if device.type != "cuda":
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it on first use
    torch.use_deterministic_algorithms(deterministic_algorithms, warn_only=True)
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a debugging aid that costs time
    torch.backends.cudnn.benchmark = not deterministic_algorithms
    # PyTorch warns about max pooling because windows may overlap. Ours do not, so each gradient is one number.
    warnings.filterwarnings("ignore", "max_pool2d_with_indices_backward_cuda does not have a deterministic")


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
MADV_HUGEPAGE = 14  # sys/mman.h
LARGEST_TRIM_THRESHOLD = 2**31 - 1
"""Bytes of free heap that glibc keeps: the largest value that mallopt accepts."""
LARGEST_HEAP_BLOCK = 2**30
"""Bytes up to which an allocation comes from the heap instead of a mapping of its own."""


def keep_freed_memory(largest: int = LARGEST_HEAP_BLOCK) -> bool:
    """Ask glibc to keep freed memory for the next step instead of returning it to the system, for this process.

    Blocks above `largest` bytes are still returned, and what exceeds four times as much at the end of the heap: of
    sizes that do not come again, kept ones would pile up.

    Each training step frees what the next one allocates again, and the kernel fills every returned page with zeros
    before it hands it out anew (measured in `bench/NOTES.md`). Returns whether glibc accepted; other C libraries are
    left unchanged.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    mallopt = getattr(libc, "mallopt", None)
    if mallopt is None or not (
        mallopt(M_TRIM_THRESHOLD, min(4 * largest, LARGEST_TRIM_THRESHOLD)) and mallopt(M_MMAP_THRESHOLD, largest)
    ):
        return False
    if largest == LARGEST_HEAP_BLOCK:
        request_huge_pages(libc)
    return True


def request_huge_pages(libc: ctypes.CDLL) -> None:
    """Request huge pages for the heap that grows next, to cut TLB misses.

    Allocates one large block, advises the kernel and frees the block again, so no memory is used. Systems without
    huge pages, or without that much address space, ignore the request.
    """
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
    libc.free.argtypes, libc.madvise.argtypes = (ctypes.c_void_p,), (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    size = LARGEST_HEAP_BLOCK - 2**20  # small enough to come from the heap
    if (address := libc.malloc(size)) is not None:
        first_page = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
        libc.madvise(first_page, size - mmap.PAGESIZE, MADV_HUGEPAGE)
        libc.free(address)
