"""What a release publishes: its contents and licences, its version, and the workflow that calls the same script."""

from __future__ import annotations

import importlib.util
import io
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tools"))

import contents  # noqa: E402
import release  # noqa: E402

WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"
RUNTIME = "ganache/output/export/runtime"


def wheel(folder: Path, tag: str, files: dict[str, bytes]) -> Path:
    path = folder / f"ganache-1.2.0-py3-none-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("ganache")
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture(scope="module")
def package() -> dict[str, bytes]:
    """The files of this checkout that a source distribution contains."""
    listed = subprocess.run(
        ["git", "ls-files", "src", "LICENSE", "README.md"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("this is no checkout of git")
    return {name.removeprefix("src/"): (ROOT / name).read_bytes() for name in listed.stdout.splitlines()}


def test_every_file_of_the_package_has_a_licence(package: dict[str, bytes]) -> None:
    assert len(package) > 300
    assert contents.problems(package) == []
    table = contents.table(package)
    assert re.search(r"ONNX Runtime Web +5 files .* bytes +MIT", table)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ganache/figures/Some-Font.woff2", b"\0"),
        ("ganache/networks/weights.safetensors", b"\0"),
        ("ganache/fastconv/kernels/libgomp.so.1", b"\x7fELF"),
        ("ganache/output/report/chart.min.mjs", b"x"),
        ("ganache/output/report/other.js", b"/*! Copyright (c) 2020 Somebody */"),
        ("ganache/output/report/other.css", b"src: url(data:font/woff2;base64," + 600 * b"A"),
        ("ganache/methods/other.py", b"# SPDX-License-Identifier: Apache-2.0"),
    ],
)
def test_a_file_without_a_licence_is_a_problem(name: str, content: bytes, package: dict[str, bytes]) -> None:
    (problem,) = contents.problems(package | {name: content})
    assert name in problem
    assert "add it to PARTS" in problem


@pytest.mark.parametrize("text", [f"{RUNTIME}/LICENSE", f"{RUNTIME}/ThirdPartyNotices.txt.gz"])
def test_a_licence_without_its_text_is_a_problem(text: str, package: dict[str, bytes]) -> None:
    (problem,) = contents.problems({name: content for name, content in package.items() if name != text})
    assert problem == f"{text}, which ONNX Runtime Web needs, is missing."


def test_wheels_are_checked_for_kernels_and_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel = {f"ganache/fastconv/kernels/{name}": b"x" for name in ("avx2-dd5237f2f852.so", "kernels.cpp")}
    licence = {"ganache-1.2.0.dist-info/licenses/LICENSE": b"MIT"}
    plain = {"ganache/a.py": b"", **licence}
    linux, pure = wheel(tmp_path, release.PLATFORM, {**kernel, **licence}), wheel(tmp_path, "any", plain)
    assert contents.check([linux, pure]) == []
    assert f"{linux.name}: 0.00 MB, 3 files" in capsys.readouterr().out
    assert "has no compiled kernels" in contents.check([wheel(tmp_path, release.PLATFORM, plain)])[0]
    assert "has compiled kernels" in contents.check([wheel(tmp_path, "any", {**kernel, **licence})])[0]
    monkeypatch.setattr(contents, "LIMIT", 10)
    assert "more than 10" in contents.check([wheel(tmp_path, "any", plain)])[0]


def test_a_source_distribution_has_the_same_names(tmp_path: Path) -> None:
    path = tmp_path / "ganache-1.2.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in ("src/ganache/a.py", "PKG-INFO"):
            file = tarfile.TarInfo(f"ganache-1.2.0/{name}")
            file.size = 1
            archive.addfile(file, io.BytesIO(b"x"))
    assert contents.contents(path) == {"ganache/a.py": b"x", "PKG-INFO": b"x"}


FILES = [Path(f"ganache-1.2.0{end}") for end in (".tar.gz", "-py3-none-any.whl", f"-py3-none-{release.PLATFORM}.whl")]
CHANGELOG = "# Changelog\n\n## Unreleased\n\n## 1.2.0\n\nText.\n"


@pytest.mark.parametrize(
    ("files", "tag", "changelog", "message"),
    [
        (FILES, "v1.3.0", CHANGELOG, "The tag is v1.3.0, and the version 1.2.0"),
        ([*FILES[:2], Path("ganache-1.2.1-py3-none-any.whl")], "v1.2.0", CHANGELOG, "The tag is v1.2.0"),
        (FILES, "v1.2.0", "## Unreleased\n\n## 1.2.0.1\n", r"has no section '## 1\.2\.0'"),
    ],
)
def test_a_version_that_is_not_the_tags_is_refused(files: list[Path], tag: str, changelog: str, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        release.check_version(files, tag, changelog)


def test_the_version_of_the_tag_is_accepted() -> None:
    release.check_version(FILES, "v1.2.0", CHANGELOG)
    release.check_version([Path("ganache-0.0.1.dev3+g12ab.tar.gz")], None, CHANGELOG)


def test_kernels_call_only_functions_of_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = "      U GOMP_parallel\n      U memcpy\n"
    monkeypatch.setattr(release, "run", lambda *_: printed)
    release.check_calls(Path("avx2.so"))
    printed += "      U memcpy@GLIBC_2.14\n      U printf\n"
    with pytest.raises(SystemExit, match=r"calls memcpy@GLIBC_2.14, printf: see"):
        release.check_calls(Path("avx2.so"))


def test_the_tests_that_run_against_a_wheel_exist() -> None:
    for name in release.TESTS:
        assert (ROOT / "tests" / f"test_{name}.py").exists()


def test_the_workflow_calls_the_script_and_publishes_without_a_password() -> None:
    workflow: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert workflow[True]["push"] == {"tags": ["v*"]}, "YAML reads `on` as true"
    assert workflow["permissions"] == {"contents": "read"}
    build, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]
    commands = [step["run"] for step in build["steps"] if "run" in step]
    assert [command for command in commands if command.startswith("python tools/release.py --repository")]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert ".[release]" in commands[0]
    assert "release" in extras
    assert build["steps"][0]["with"]["fetch-depth"] == 0, "without tags there is no version"
    assert (publish["needs"], publish["if"], publish["environment"]) == ("build", "github.ref_type == 'tag'", "pypi")
    assert publish["permissions"]["id-token"] == "write"
    assert "secrets." not in WORKFLOW.read_text(encoding="utf-8")


def test_every_action_is_pinned_to_a_commit() -> None:
    used = re.findall(r"uses: (.+)", WORKFLOW.read_text(encoding="utf-8"))
    assert len(used) == 6
    for action in used:
        assert re.fullmatch(r"[\w/.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_whole_release_without_a_network(tmp_path: Path) -> None:
    missing = [name for name in ("auditwheel", "build", "twine", "hatchling") if not importlib.util.find_spec(name)]
    if missing:
        pytest.skip(f"the extra release is not installed: {', '.join(missing)}")
    command = [sys.executable, str(ROOT / "tools" / "release.py"), "--offline", "--out", str(tmp_path / "dist")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    kinds = {re.sub(r"ganache-[^-]+?(-py3|\.tar)", r"\1", file.name) for file in (tmp_path / "dist").iterdir()}
    assert kinds == {".tar.gz", "-py3-none-any.whl", f"-py3-none-manylinux2014_x86_64.{release.PLATFORM}.whl"}
