"""ONNX Runtime Web, which runs a generator in the page: another project's files, as npm has them.

`SOURCE.json` says which version and what their checksums are; `tools/refresh_runtime.py` brings newer ones. They are
MIT-licensed (`LICENSE`); `ThirdPartyNotices.txt.gz` is what that project says of its own parts.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from importlib.resources import files
from typing import Any

GLUE = "ort.wasm.bundle.min.mjs"
WASM = "ort-wasm-simd-threaded.wasm"


def source() -> dict[str, Any]:
    """Package, version, licence, and the SHA-256 of each file."""
    return json.loads(read("SOURCE.json"))  # type: ignore[no-any-return]


def glue() -> bytes:
    """The ES module that loads the WebAssembly."""
    return checked(GLUE, read(GLUE))


def wasm() -> bytes:
    """The WebAssembly, gzipped."""
    packed = read(f"{WASM}.gz")
    checked(WASM, gzip.decompress(packed))
    return packed


def licence() -> str:
    """Under which the files are copied."""
    return read("LICENSE").decode()


def read(name: str) -> bytes:
    """A file beside this one."""
    return files(__name__).joinpath(name).read_bytes()


def checked(name: str, content: bytes) -> bytes:
    """The content, which is what npm has under this name."""
    assert hashlib.sha256(content).hexdigest() == source()["sha256"][name], f"{name} is not the file it was"
    return content
