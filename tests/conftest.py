"""What the tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def anime_faces() -> Path:
    """The zip of 7,994 real faces, where the machine has it."""
    return _there(SHARED / "anime-faces-8k.zip")


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """A folder of MNIST's IDX files, where the machine has it."""
    return _there(SHARED / "mnist")


def _there(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine")
    return path


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests leave the user's cache alone, and share one among themselves."""
    monkeypatch.setenv("GANACHE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache of this test's own."""
    return tmp_path / "cache"
