"""What surrounds a command, before it loads PyTorch: environment variables, and the working directory."""

from __future__ import annotations

import math
import os
from pathlib import Path

from ganache.cli.launch import launched
from ganache.errors import ConfigError

VALUES = {"GANACHE_FASTCONV": ("fast", "pytorch"), "GANACHE_KERNELS": ("on", "off", "avx2", "avx512")}
"""`ganache.fastconv` reads these variables and raises ValueError for other values, as it imports nothing of ganache."""


OLDER_PROCESSORS = {
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "avx512": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE", "MKL_ENABLE_INSTRUCTIONS": "AVX512"},
}
"""Value of GANACHE_KERNELS -> what tells PyTorch's libraries to use the instructions of such a processor alone."""


def check_environment() -> None:
    """Raise ConfigError if a variable has another value than those in VALUES, or if the working directory is gone.

    PyTorch's libraries would end the process without a word that helps. They are told of the processor that
    GANACHE_KERNELS names, as they read their variables when they are loaded.
    """
    try:
        os.getcwd()
    except OSError as error:
        raise ConfigError(
            f"The working directory cannot be used ({error.strerror}): cd to a folder that exists."
        ) from None
    for variable, values in VALUES.items():
        value = os.environ.get(variable)
        if value and value not in values:
            allowed = " or ".join(values)
            raise ConfigError(f"{variable} is '{value}', which is not a value of it: set it to {allowed}, or unset it.")
    if launched():  # errors are raised, and C++ would print its stack besides
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")
    wait_briefly()
    compute_within_quota()
    for variable, value in OLDER_PROCESSORS.get(os.environ.get("GANACHE_KERNELS", ""), {}).items():
        os.environ.setdefault(variable, value)


SPINS = "1000"
"""Times that a thread of OpenMP looks for work before it sleeps: some microseconds (`bench/NOTES.md`)."""


def wait_briefly() -> None:
    """Let the threads that PyTorch computes with sleep soon when they have nothing to do, unless the user decides.

    GNU's OpenMP lets them look for work 300,000 times, with which two programs that compute on the same cores hold each
    other up: each waits for threads whose cores are kept busy by threads of the other that wait.
    """
    if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = SPINS


def compute_within_quota() -> None:
    """Let PyTorch compute with as many threads as the process has cores' time for, unless the user decides.

    A container has a quota of time and sees all cores of its machine. With a thread for each of them, the quota is used
    up early in each period, and all threads then stand still until the next one.
    """
    quota = cores_of_quota()
    if quota is not None and "OMP_NUM_THREADS" not in os.environ:
        os.environ["OMP_NUM_THREADS"] = str(min(quota, len(os.sched_getaffinity(0))))


def cores_of_quota(groups: Path = Path("/sys/fs/cgroup"), own_groups: Path = Path("/proc/self/cgroup")) -> int | None:
    """Return how many cores' time the control groups of this process allow it, rounded up; None without a limit.

    Groups of version 1 are listed by controller, and lie in a folder for each; the one of version 2 has no controllers
    in its line. A group is also bound by those that contain it. In a container, its own group may be the root.
    """
    try:
        lines = own_groups.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):  # not Linux
        return None
    quotas = [math.inf]
    for _, controllers, own in (line.split(":", 2) for line in lines):
        if not controllers or "cpu" in controllers.split(","):
            root = groups / "cpu" if controllers else groups
            path = root / own.lstrip("/")
            quotas += [quota_of(folder) for folder in (path, *path.parents) if folder.is_relative_to(root)]
    return None if math.isinf(min(quotas)) else max(1, math.ceil(min(quotas)))


def quota_of(group: Path) -> float:
    """Return how many cores' time a control group allows; infinity if it has no limit, or none that can be read.

    Version 2 keeps "quota period" in cpu.max, or "max period"; version 1 keeps both in files of their own, and -1 is no
    limit.
    """
    for names in (["cpu.max"], ["cpu.cfs_quota_us", "cpu.cfs_period_us"]):
        try:
            quota, period = " ".join((group / name).read_text() for name in names).split()
            return math.inf if quota in ("max", "-1") else float(quota) / float(period)
        except (OSError, ValueError):
            continue
    return math.inf


def ignore_matplotlibrc() -> None:
    """Import matplotlib, if it would read its settings in the working directory, from another one.

    A folder may come from somebody else, and such a file can have every text of a figure processed by LaTeX.
    """
    if os.path.lexists("matplotlibrc"):
        here = Path.cwd()
        os.chdir(Path(__file__).parent)
        try:
            import matplotlib  # noqa: F401
        finally:
            os.chdir(here)
