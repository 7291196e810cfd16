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
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FLAGS = ["-std=c++17", "-O3", "-fopenmp", "-fPIC", "-fno-exceptions", "-fvisibility=hidden", "-Wno-psabi", "-c"]
PROCESSORS = {  # the names that `loading.py` looks for
    "avx2": ["-march=x86-64-v3"],
    "avx512": ["-march=x86-64-v4"],
    "avx512_bf16": ["-march=x86-64-v4", "-mavx512bf16"],
}


def compile_kernels(folder: Path) -> list[Path]:
    """Compile `folder`/kernels.cpp and replace the compiled files there; return the new ones.

    The environment variable CXX names the compiler (`c++` by default). Raises OSError on a system that the kernels do
    not support or without a compiler, and CalledProcessError where the compiler fails.
    """
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise OSError("they are for Linux on x86-64")
    compiler = shlex.split(os.environ.get("CXX", "c++"))
    with tempfile.TemporaryDirectory() as scratch:
        running = []
        for name, flags in PROCESSORS.items():
            command = [*compiler, *FLAGS, *flags, str(folder / "kernels.cpp"), "-o", f"{scratch}/{name}.o"]
            running.append((name, command, subprocess.Popen(command)))
        for name, command, process in running:
            if process.wait():
                raise subprocess.CalledProcessError(process.returncode, command)
            link = [*compiler, "-shared", "-nostdlib", f"{scratch}/{name}.o", "-o", f"{scratch}/{name}.so"]
            subprocess.run(link, check=True)
        version = runpy.run_path(str(folder / "version.py"))["version"](folder)
        for old in folder.glob("*.so"):
            old.unlink()
        return [Path(shutil.copy(f"{scratch}/{name}.so", folder / f"{name}-{version}.so")) for name in PROCESSORS]


if __name__ == "__main__":
    for file in compile_kernels(Path(__file__).parent):
        print(file)
