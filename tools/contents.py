"""What a wheel or source distribution contains: sizes, and the licence of each part.

    python tools/contents.py dist/*

Every file is ganache's own text, or belongs to a part in PARTS. Another one is a problem: add its part, with the text
of its licence.
"""

from __future__ import annotations

import re
import sys
import tarfile
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MEGABYTE = 1_000_000
LIMIT = 10 * MEGABYTE
"""Bytes that one distribution may have."""


@dataclass(frozen=True)
class Part:
    """Files that are not ganache's own text."""

    name: str
    files: re.Pattern[str]
    licence: str
    """SPDX expression."""
    texts: tuple[str, ...]
    """The files with the licence, which a distribution with this part must contain."""


RUNTIME = "ganache/output/export/runtime"
PARTS = (
    Part(
        "ONNX Runtime Web",
        re.compile(rf"{RUNTIME}/(?!__init__\.py)"),
        "MIT",
        (f"{RUNTIME}/LICENSE", f"{RUNTIME}/ThirdPartyNotices.txt.gz", f"{RUNTIME}/SOURCE.json"),
    ),
    Part("example, trained on faces that ganache draws", re.compile(r"ganache/example/"), "MIT", ("LICENSE",)),
    Part(
        "kernels, compiled from ganache's C++",
        re.compile(r"ganache/fastconv/kernels/avx\w+-[0-9a-f]{12}\.so$"),
        "MIT",
        ("LICENSE", "ganache/fastconv/kernels/kernels.cpp"),
    ),
)
OWN = {".py", ".js", ".json", ".css", ".html", ".svg", ".toml", ".h", ".cpp", ".md"}
"""Suffixes of ganache's own text."""
ADDED = re.compile(r"(ganache-[^/]+\.dist-info/.*|PKG-INFO|LICENSE|\.gitignore|ganache/py\.typed)$")
"""Files that the build adds, and those without a suffix."""
FOREIGN = re.compile(
    rb"copyright\s+(\(c\)|\xc2\xa9|\d{4})|@license|@preserve|SPDX-License|licensed under|;base64,[A-Za-z0-9+/]{500}",
    re.IGNORECASE,
)
"""Signs that a text, or something embedded in it, comes from somebody else."""


def contents(distribution: Path) -> dict[str, bytes]:
    """Return the files of a wheel or source distribution by name: those of the package begin with "ganache/"."""
    if distribution.suffix == ".whl":
        with zipfile.ZipFile(distribution) as wheel:
            return {file.filename: wheel.read(file) for file in wheel.infolist() if not file.is_dir()}
    with tarfile.open(distribution) as archive:
        found = {file.name.partition("/")[2]: archive.extractfile(file) for file in archive if file.isfile()}
        return {name.removeprefix("src/"): stream.read() for name, stream in found.items() if stream is not None}


def part_of(name: str) -> Part | None:
    return next((part for part in PARTS if part.files.match(name)), None)


def problems(files: dict[str, bytes]) -> list[str]:
    """Return what is wrong, one sentence each: files without a licence, and licences without their text."""
    found = []
    for name, content in files.items():
        is_own = PurePosixPath(name).suffix in OWN and not FOREIGN.search(content)
        if part_of(name) is None and not is_own and not ADDED.match(name):
            found.append(f"{name} is not ganache's own text and belongs to no part: add it to PARTS in {__file__}.")
    texts = {re.sub(r"^ganache-[^/]+\.dist-info/licenses/", "", name) for name in files}
    for part in {part_of(name) for name in files} - {None}:
        assert part is not None
        found += [f"{text}, which {part.name} needs, is missing." for text in part.texts if text not in texts]
    return sorted(found)


def table(files: dict[str, bytes]) -> str:
    """Return a table of the parts: number of files, bytes before compression, licence."""
    rows: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    for name, content in files.items():
        part = part_of(name)
        suffix = PurePosixPath(name).suffix
        own = "added by the build" if ADDED.match(name) else f"ganache's own {suffix}"
        key = (part.name, part.licence) if part else (own, "MIT")
        rows[key] += 1
        sizes[key] += len(content)
    return "\n".join(
        f"  {key[0]:38} {rows[key]:4} files {size:9,} bytes  {key[1]}" for key, size in sizes.most_common()
    )


def check(distributions: list[Path]) -> list[str]:
    """Print what would be published, and return the problems."""
    found = []
    for distribution in distributions:
        files, size = contents(distribution), distribution.stat().st_size
        print(f"{distribution.name}: {size / MEGABYTE:.2f} MB, {len(files)} files\n{table(files)}")
        found += [f"{distribution.name}: {problem}" for problem in problems(files)]
        if size > LIMIT:
            found.append(f"{distribution.name} has {size:,} bytes, more than {LIMIT:,}.")
        has_kernels = any(name.endswith(".so") for name in files)
        if has_kernels != ("manylinux" in distribution.name):
            found.append(f"{distribution.name} has {'' if has_kernels else 'no '}compiled kernels.")
    return found


if __name__ == "__main__":
    sys.exit("\n".join(check([Path(name) for name in sys.argv[1:]])) or None)
