"""Captions of figures."""

from __future__ import annotations


def join(*parts: str) -> str:
    """Join the parts of a caption that are not empty by commas."""
    return ", ".join(part for part in parts if part)
