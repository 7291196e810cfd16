"""The compiled kernels of this processor (`kernels.cpp`), and what they support."""

from __future__ import annotations

import ctypes
import os
import warnings
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from ganache.fastconv.kernels.version import version
from ganache.fastconv.switch import environment

FOLDER = Path(__file__).parent
VECTOR = 16
"""Channels that are computed at a time, the numbers in a vector of AVX-512."""
REQUIRED = "GANACHE_REQUIRE_KERNELS"
SWITCH = ("GANACHE_KERNELS", ("on", "off", "avx2", "avx512"))
"""The variable that hides kernels ("off"), or computes as an older processor would, and its values."""
environment(*SWITCH)  # a wrong value is refused at once, not in the middle of a run
LEVELS = ("default", "avx2", "avx512")
"""Vector instructions as PyTorch names them, from narrow to wide."""
HIDDEN = {"avx2": ("avx512", "amx"), "avx512": ("avx512_bf16", "avx512_fp16", "amx")}
"""Value of the variable -> beginnings of the names of the features that such a processor lacks."""
REBUILD = "python -m ganache.fastconv.kernels.build"


def supports_channels(channels: int, dtype: torch.dtype) -> bool:
    """Return whether there are kernels for this many channels in this number format."""
    return dtype in (torch.float32, torch.bfloat16) and channels % VECTOR == 0 and library() is not None


def supports(x: Tensor, channels: int, dtype: torch.dtype | None = None) -> bool:
    """Return whether a kernel supports `x` with this output dtype (None: the same as x's)."""
    on_cpu = x.device.type == "cpu" and supports_channels(channels, x.dtype)
    return on_cpu and (dtype in (None, x.dtype) or {dtype, x.dtype} == {torch.float32, torch.bfloat16})


def has_fast_products(dtype: torch.dtype) -> bool:
    """Return whether our matrix product in this number format is faster than PyTorch's on this processor.

    There is none in float32 on Intel's processors, whose MKL is faster, nor in bfloat16 beside AMX.
    """
    half = dtype is torch.bfloat16
    return bool(loaded_library().has_matmul(half)) and not (half and cpu_has("amx_bf16"))


def loaded_library() -> ctypes.CDLL:
    found = library()
    assert found is not None  # callers ask `supports` first
    return found


@cache
def library() -> ctypes.CDLL | None:
    """Return the kernels for this processor, compiled from the source as it is now, or None where there are none.

    Warns once where compiled files of another version of the source lie in the folder, or a file does not load. With
    the environment variable GANACHE_REQUIRE_KERNELS=1, missing kernels raise ImportError. GANACHE_KERNELS=off hides
    them, as if they had never been compiled; the project's check uses it to run the tests without kernels.
    GANACHE_KERNELS=avx2 and avx512 take those of such a processor.
    """
    chosen = environment(*SWITCH)
    if chosen == "off":
        return None
    level = torch.backends.cpu.get_cpu_capability().lower()
    if chosen in LEVELS and level in LEVELS:
        level = min(level, chosen, key=LEVELS.index)
    if level == "avx512" and cpu_has("avx512_bf16"):
        level = "avx512_bf16"
    file = FOLDER / f"{level}-{version(FOLDER)}.so"
    try:
        for openmp in Path(torch.__file__).parent.glob("lib/libgomp*"):
            ctypes.CDLL(str(openmp), mode=ctypes.RTLD_GLOBAL)
        return ctypes.CDLL(str(file))
    except OSError as error:
        if os.environ.get(REQUIRED, "0") not in ("", "0"):
            raise ImportError(
                f"No kernels compiled from the current source load on this {level} processor, and {REQUIRED} is set: "
                f"run `{REBUILD}`."
            ) from error
        if sentence := explanation(file, error):
            warnings.warn(sentence, stacklevel=2)
        return None


def explanation(file: Path, error: OSError) -> str:
    """Return why the kernels in `file` did not load, one sentence; "" where none were compiled for this processor."""
    if file.exists():
        return f"The compiled kernels did not load ({error}), so PyTorch computes without them: run `{REBUILD}`."
    current = file.name.partition("-")[2]
    if any(file.parent.glob("*.so")) and not any(file.parent.glob(f"*-{current}")):
        return (
            f"The compiled kernels in {file.parent} do not belong to the current source, so PyTorch computes without "
            f"them: run `{REBUILD}`."
        )
    return ""


def processor() -> str | None:
    """Return the kind of processor that the loaded kernels are for, such as "avx512"; None without kernels."""
    found = library()
    return None if found is None else Path(found._name).name.partition("-")[0]


def cpu_has(*features: str) -> bool:
    """Return whether PyTorch finds any of these features in the processor, such as "amx_bf16", and none hides it."""
    found = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    hidden = HIDDEN.get(environment(*SWITCH), ())
    return any(found.get(feature) and not feature.startswith(hidden) for feature in features)


def is_bfloat16(x: Tensor) -> bool:
    return x.dtype is torch.bfloat16


def pointer(x: Tensor | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None if x is None else x.data_ptr())
