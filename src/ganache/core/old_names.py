"""Names that files of the first version use, mapped to today's: the one place that knows them.

Settings, checkpoint headers and log lines pass through here when they are read, so nothing else has to know that a
name has changed. Files are not rewritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SECTIONS = {"watch": "probe"}

SETTINGS: dict[str, dict[str, str]] = {
    "precision": {"graphs": "cuda_graphs", "repeatable": "deterministic"},
    "probe": {"probe_steps": "critic_steps"},
    "record": {"marks": "keep_steps"},
    "schedule": {"new_latents": "fresh_latents", "one_term_at_a_time": "separate_critic_terms"},
    "view": {"strength": "augment_p"},
}
"""By section, under its name of today."""

NETWORKS = {"chollet": "anime-article", "mnist": "wgan-article"}

HEADER = {"batches": "batch_index", "slowed": "lr_scale", "strength": "augment_p"}

LOG_LINE = {"augment_strength": "augment_p", "look": "probe"}

PROBE = {
    "blank": "blank_score",
    "brighter": "brightness_shift",
    "colour": "colour_ratio",
    "contrast": "contrast_ratio",
    "copied": "copies",
    "covered": "coverage",
    "distinct": "nearest_ratio",
    "gain": "critic_headroom",
    "not_numbers": "non_finite",
    "plausible": "precision",
    "right": "critic_accuracy",
    "told_apart": "critic_auc",
}

PROTOCOL = {"sees": "preprocessing"}
"""Of evaluations."""

CLAIM_SIZE = {
    "carried": "em_points",
    "drawn": "num_faces",
    "judged": "num_samples",
    "looks": "snapshots",
    "side": "image_size",
    "sides": "positions_per_side",
}
"""The size of a claim's experiment, in its measurements (`units/*.json`)."""


def renamed(plain: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """`plain` with old names replaced; a value that stands under the new name already is kept."""
    new = {names.get(name, name): value for name, value in plain.items() if name in names}
    return new | {name: value for name, value in plain.items() if name not in names}


def settings(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run (`config.json`, or a checkpoint's `config`) under the names of today."""
    found = renamed(plain, SECTIONS)
    for section, names in SETTINGS.items():
        if isinstance(found.get(section), Mapping):
            found[section] = renamed(found[section], names)
    network = found.get("network")
    if isinstance(network, Mapping) and network.get("name") in NETWORKS:
        found["network"] = {**network, "name": NETWORKS[network["name"]]}
    return found


def header(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The header of a checkpoint under the names of today, its settings too."""
    found = renamed(plain, HEADER)
    if isinstance(found.get("config"), Mapping):
        found["config"] = settings(found["config"])
    return found


def log_line(plain: Mapping[str, Any]) -> dict[str, Any]:
    """A line of `log.jsonl` under the names of today."""
    found = renamed(plain, LOG_LINE)
    if isinstance(found.get("probe"), Mapping):
        found["probe"] = renamed(found["probe"], PROBE)
    return found


def claim_size(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The size of a claim's experiment under the names of today."""
    return renamed(plain, CLAIM_SIZE)
