"""ONNX Runtime Web, which runs a generator inside a page: unchanged files of another project, from npm.

`SOURCE.json` records the version and checksums, and `tools/refresh_runtime.py` installs another version. The licence is
MIT (`LICENSE`); `ThirdPartyNotices.txt.gz` is the project's own list of the software in it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
from importlib.resources import files
from typing import Any

GLUE = "ort.wasm.bundle.min.mjs"
WASM = "ort-wasm-simd-threaded.wasm"


def source() -> dict[str, Any]:
    """Return the package, version, licence, and SHA-256 per file."""
    return json.loads(read("SOURCE.json"))  # type: ignore[no-any-return]


def glue() -> bytes:
    """Return the ES module that loads the WebAssembly."""
    return checked(GLUE, read(GLUE))


def wasm() -> bytes:
    """Return the WebAssembly, gzipped for browsers. The package keeps it as xz, which is a third smaller."""
    return gzip.compress(checked(WASM, lzma.decompress(read(f"{WASM}.xz"))), 9, mtime=0)


def licence() -> str:
    """Return the text of the licence."""
    return read("LICENSE").decode()


def read(name: str) -> bytes:
    """Return a file of this folder."""
    return files(__name__).joinpath(name).read_bytes()


def checked(name: str, content: bytes) -> bytes:
    """Return the content after a check that it is the file that was installed."""
    assert hashlib.sha256(content).hexdigest() == source()["sha256"][name], f"{name} does not match SOURCE.json"
    return content
