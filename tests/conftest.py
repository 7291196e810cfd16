"""Fixtures and helpers that the tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import chromium

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def run_command(*args: str) -> int:
    """Run the command line in this process, and return its exit code."""
    from ganache.cli import main

    try:
        main(list(args))
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture(scope="session")
def anime_faces() -> Path:
    """The zip of 7,994 real faces; without it the test is skipped."""
    return existing(SHARED / "anime-faces-8k.zip")


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """A folder with the IDX files of MNIST; without it the test is skipped."""
    return existing(SHARED / "mnist")


def existing(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium for the tests of one file."""
    with chromium() as started:
        yield started


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Share one cache among the tests, so that the user's cache stays untouched."""
    monkeypatch.setenv("GANACHE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """An empty cache for one test."""
    return tmp_path / "cache"
