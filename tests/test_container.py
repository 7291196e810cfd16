"""The Dockerfile: its health check against a real page, and what its documentation promises."""

from __future__ import annotations

import fnmatch
import json
import re
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from playground_client import train
from playground_page import server

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
GUIDE = (ROOT / "docs" / "container.md").read_text(encoding="utf-8")


def instructions(name: str) -> list[str]:
    """Return the arguments of every instruction of this name in the Dockerfile."""
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def health(command: str, port: int, folder: Path) -> int:
    """Run the health check as in a container whose first process is `command`; return its exit code."""
    (check,) = re.findall(r"CMD (\[.*\])", *instructions("HEALTHCHECK"))
    shell = json.loads(check)
    (folder / "cmdline").write_text(command.replace(" ", "\0") + "\0")
    assert shell[2].count("/proc/1/cmdline") == shell[2].count(":8000/") == 1
    shell[2] = shell[2].replace("/proc/1/cmdline", str(folder / "cmdline")).replace(":8000/", f":{port}/")
    return subprocess.run(shell, stderr=subprocess.DEVNULL, check=False).returncode


def status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_health_check_follows_the_page(tmp_path: Path) -> None:
    run = train(tmp_path / "run")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    explore = f"/usr/bin/python /usr/local/bin/ganache explore {run} --host 0.0.0.0 --port {port}"
    assert health(explore, port, tmp_path) != 0
    with server("explore", str(run), "--host", "0.0.0.0", "--port", str(port)) as address:
        assert address.startswith(f"http://127.0.0.1:{port}/?token=")
        assert health(explore, port, tmp_path) == 0
        assert status(address) == 200
        assert status(address.partition("?")[0]) == 403, "the token is needed"
    assert health(explore, port, tmp_path) != 0
    assert health("/usr/local/bin/ganache train faces", port, tmp_path) == 0, "serves no page"


def test_the_image_runs_without_root_and_keeps_what_the_guide_says() -> None:
    assert instructions("USER")[-1] == "1000"
    assert json.loads(instructions("VOLUME")[0]) == ["/work/runs", "/cache"]
    assert "ENV GANACHE_CACHE=/cache" in DOCKERFILE
    for volume in ("-v ganache-runs:/work/runs", "-v ganache-cache:/cache"):
        assert GUIDE.count(volume) >= 3
    port = instructions("EXPOSE")[0]
    assert f"-p 127.0.0.1:{port}:{port} " in GUIDE
    assert f"--host 0.0.0.0 --port {port} --no-browser" in GUIDE


def test_no_file_of_the_commit_is_left_out_of_the_build() -> None:
    """Without one, git would call the checkout changed, and the version have a suffix."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no checkout of git")
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    anchored = {pattern for pattern in patterns if not pattern.startswith("**/")}
    anywhere = [pattern.removeprefix("**/") for pattern in patterns if pattern not in anchored]
    for name in listed.stdout.splitlines():
        parts = name.split("/")
        above = ["/".join(parts[: end + 1]) for end in range(len(parts))]
        assert not any(fnmatch.fnmatch(folder, pattern) for folder in above for pattern in anchored)
        assert not any(fnmatch.fnmatch(part, pattern) for part in parts for pattern in anywhere)
