"""Install another version of ONNX Runtime Web in the package: python tools/refresh_runtime.py 1.30.0

The files come from npm, and the licence texts from the Python package onnxruntime of the same project. Run the tests of
the exported page afterwards.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import subprocess
import sys
import tarfile
import tempfile
from importlib.resources import files
from pathlib import Path

from ganache.output.export.runtime import GLUE, WASM

RUNTIME = Path(__file__).resolve().parents[1] / "src" / "ganache" / "output" / "export" / "runtime"


def main(version: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        packed = ["npm", "pack", "--silent", f"onnxruntime-web@{version}"]
        name = subprocess.run(packed, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
        with tarfile.open(Path(folder) / name.splitlines()[-1]) as archive:
            content = {file: archive.extractfile(f"package/dist/{file}").read() for file in (GLUE, WASM)}  # type: ignore[union-attr]
    (RUNTIME / GLUE).write_bytes(content[GLUE])
    (RUNTIME / f"{WASM}.xz").write_bytes(lzma.compress(content[WASM], preset=9 | lzma.PRESET_EXTREME))
    package = files("onnxruntime")
    (RUNTIME / "LICENSE").write_bytes(package.joinpath("LICENSE").read_bytes())
    notices = package.joinpath("ThirdPartyNotices.txt").read_bytes()
    (RUNTIME / "ThirdPartyNotices.txt.gz").write_bytes(gzip.compress(notices, 9, mtime=0))
    source = {
        "package": "onnxruntime-web",
        "version": version,
        "licence": "MIT",
        "home": "https://github.com/microsoft/onnxruntime",
        "sha256": {file: hashlib.sha256(whole).hexdigest() for file, whole in content.items()},
    }
    (RUNTIME / "SOURCE.json").write_text(json.dumps(source, indent=2) + "\n")
    print(json.dumps(source, indent=2))


if __name__ == "__main__":
    main(*sys.argv[1:])
