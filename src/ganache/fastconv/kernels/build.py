"""Compile the kernels, once per kind of processor, into this folder.

    python -m ganache.fastconv.kernels.build

`pip install` does the same (`hatch_build.py` runs this file by its path, so it imports nothing of ganache). Nothing is
linked: the kernels use the OpenMP library that PyTorch has loaded, and so share its threads.
"""

from __future__ import annotations

import os
import platform
import runpy
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FLAGS = ["-std=c++17", "-O3", "-fopenmp", "-fPIC", "-fno-exceptions", "-fvisibility=hidden", "-Wno-psabi", "-c"]
PROCESSORS = {  # the names that `loading.py` looks for
    "avx2": ["-march=x86-64-v3"],
    "avx512": ["-march=x86-64-v4"],
    "avx512_bf16": ["-march=x86-64-v4", "-mavx512bf16"],
}


LIMIT = 600.0
"""Seconds that compiling may take; on one slow core it takes 60."""


def compile_kernels(folder: Path, limit: float = LIMIT) -> list[Path]:
    """Compile `folder`/kernels.cpp and replace the compiled files there; return the new ones.

    The environment variable CXX names the compiler (`c++` by default). Raises OSError on a system that the kernels do
    not support or without a compiler, ValueError if CXX is no command, and subprocess.SubprocessError where the
    compiler fails or is not done after `limit` seconds.
    """
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise OSError("they are for Linux on x86-64")
    compiler = shlex.split(os.environ.get("CXX") or "c++")
    end = time.monotonic() + limit
    with tempfile.TemporaryDirectory() as scratch:
        compiling = [
            [*compiler, *FLAGS, *flags, str(folder / "kernels.cpp"), "-o", f"{scratch}/{name}.o"]
            for name, flags in PROCESSORS.items()
        ]
        run_together(compiling, end)
        linking = [
            [*compiler, "-shared", "-nostdlib", f"{scratch}/{name}.o", "-o", f"{scratch}/{name}.so"]
            for name in PROCESSORS
        ]
        run_together(linking, end)
        version = runpy.run_path(str(folder / "version.py"))["version"](folder)
        linked = [Path(scratch, f"{name}.so").read_bytes() for name in PROCESSORS]  # before the old ones are removed
        for old in folder.glob("*.so"):
            old.unlink()
        files = [folder / f"{name}-{version}.so" for name in PROCESSORS]
        for file, content in zip(files, linked, strict=True):
            file.write_bytes(content)
            file.chmod(0o755)
        return files


def run_together(commands: list[list[str]], end: float) -> None:
    """Run commands at the same time until all have succeeded. None is left running, nor what it has started.

    Raises CalledProcessError for the first that fails, and TimeoutExpired at the time `end` of `time.monotonic`.
    """
    running: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True))
        for command, process in zip(commands, running, strict=True):
            if process.wait(max(0.0, end - time.monotonic())):
                raise subprocess.CalledProcessError(process.returncode, command)
    finally:
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


if __name__ == "__main__":
    for file in compile_kernels(Path(__file__).parent):
        print(file)
