"""Compile the C++ kernels when ganache is installed (`src/ganache/fastconv/kernels/build.py`).

Where that fails (no compiler, one that hangs, another system), ganache is installed without them and computes the same
by PyTorch.
"""

from __future__ import annotations

import runpy
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Kernels(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        folder = Path(self.root, "src/ganache/fastconv/kernels")
        try:
            runpy.run_path(str(folder / "build.py"))["compile_kernels"](folder)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self.app.display_warning(f"The kernels did not compile, so ganache is installed without them: {error}")
        else:
            build_data.update(pure_python=False, infer_tag=True)
