"""The changelog names everything that `core/old_names.py` maps."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganache.core import old_names

CHANGELOG = (Path(__file__).parents[1] / "CHANGELOG.md").read_text(encoding="utf-8")

RENAMED = {
    **old_names.NETWORKS,
    **old_names.HEADER,
    **old_names.LOG_LINE,
    **old_names.EVENTS,
    **old_names.PROBE,
    **old_names.PROTOCOL,
    **old_names.CLAIM_SIZE,
}


@pytest.mark.parametrize(("old", "new"), [*old_names.SECTIONS.items(), *RENAMED.items()])
def test_a_renamed_key_is_in_a_table(old: str, new: str) -> None:
    rows = [line for line in CHANGELOG.splitlines() if line.startswith("|")]
    assert any(f"`{old}`" in row and f"`{new}`" in row for row in rows)


@pytest.mark.parametrize("section", old_names.SETTINGS)
def test_a_renamed_setting_is_in_a_table(section: str) -> None:
    old_section = {new: old for old, new in old_names.SECTIONS.items()}.get(section, section)
    for old, new in old_names.SETTINGS[section].items():
        assert f"| `{old_section}.{old}` | `{section}.{new}` |" in CHANGELOG
