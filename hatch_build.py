"""What hatchling calls to build ganache: the kernels of a wheel, and the links of the README on the package index.

The kernels (`src/ganache/fastconv/kernels/build.py`) are compiled when a wheel is built or ganache is installed. Where
that fails (no compiler, one that hangs, another system), the wheel contains none, and PyTorch computes the same.
GANACHE_REQUIRE_KERNELS=1 makes it an error, and with GANACHE_KERNELS=off nothing is compiled: so are the two wheels of
a release built (`tools/release.py`).
"""

from __future__ import annotations

import os
import re
import runpy
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

KERNELS = "src/ganache/fastconv/kernels"
TAG = "py3-none-linux_x86_64"
"""Called by ctypes and linked to nothing, kernels serve every Python. The package index refuses this tag: a release
gets one that auditwheel has checked."""
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)")
"""A Markdown link or picture with a relative address."""


class Kernels(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if os.environ.get("GANACHE_KERNELS") == "off":
            return
        folder = Path(self.root, KERNELS)
        try:
            runpy.run_path(str(folder / "build.py"))["compile_kernels"](folder)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            if os.environ.get("GANACHE_REQUIRE_KERNELS", "0") not in ("", "0"):
                raise
            self.app.display_warning(f"The kernels did not compile, so ganache is installed without them: {error}")
        else:
            build_data.update(pure_python=False, tag=TAG, artifacts=[f"{KERNELS}/*.so"])


class Page(MetadataHookInterface):
    """The project's page on the package index, where relative links of the README lead nowhere.

    GANACHE_REPOSITORY names the address that they are relative to.
    """

    def update(self, metadata: dict[str, Any]) -> None:
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        address = os.environ.get("GANACHE_REPOSITORY", "").rstrip("/")
        metadata["urls"] = {}
        if address:
            metadata["urls"] = {"Repository": address, "Changelog": f"{address}/blob/HEAD/CHANGELOG.md"}
            text = LINK.sub(lambda link: absolute(link, address), text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def absolute(link: re.Match[str], address: str) -> str:
    """Return the beginning of a link with the address of the repository; pictures are named as files, not pages."""
    return f"{link[1]}[{link[2]}]({address}/{'raw' if link[1] else 'blob'}/HEAD/"
