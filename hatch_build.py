"""Compiles the kernels (`src/ganache/fastconv/kernels`) when ganache is installed, once for each kind of processor.

Where that fails (no compiler, another system) ganache is installed without, and computes the same by PyTorch. Nothing
is linked: OpenMP is the one that PyTorch has loaded, so that its threads are shared.
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
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FLAGS = ["-std=c++17", "-O3", "-fopenmp", "-fPIC", "-fno-exceptions", "-fvisibility=hidden", "-Wno-psabi", "-c"]
PROCESSORS = {  # by the names in `kernels/__init__.py`
    "avx2": ["-march=x86-64-v3"],
    "avx512": ["-march=x86-64-v4"],
    "avx512_bf16": ["-march=x86-64-v4", "-mavx512bf16"],
}


class Kernels(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        try:
            compiled(Path(self.root, "src/ganache/fastconv/kernels"))
        except (OSError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"without kernels of its own, as they did not compile: {error}")
        else:
            build_data.update(pure_python=False, infer_tag=True)


def compiled(folder: Path) -> None:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise OSError("they are for Linux on x86-64")
    compiler = shlex.split(os.environ.get("CXX", "c++"))
    with tempfile.TemporaryDirectory() as made:
        todo = []
        for name, flags in PROCESSORS.items():
            command = [*compiler, *FLAGS, *flags, str(folder / "kernels.cpp"), "-o", f"{made}/{name}.o"]
            todo.append((name, command, subprocess.Popen(command)))
        for name, command, process in todo:
            if process.wait():
                raise subprocess.CalledProcessError(process.returncode, command)
            link = [*compiler, "-shared", "-nostdlib", f"{made}/{name}.o", "-o", f"{made}/{name}.so"]
            subprocess.run(link, check=True)
        version = runpy.run_path(str(folder / "version.py"))["version"](folder)
        for old in folder.glob("*.so"):
            old.unlink()
        for name in PROCESSORS:
            shutil.copy(Path(made, f"{name}.so"), folder / f"{name}-{version}.so")
