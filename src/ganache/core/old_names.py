"""The names that files of the first version use, and the names of today. No other module knows the old names.

Settings, checkpoint headers, log lines, evaluations and claims pass through here when they are read. Files are not
rewritten. Each function leaves names of today as they are, so it accepts files of both versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SECTIONS = {"watch": "probe"}
"""Sections of the settings."""

SETTINGS: dict[str, dict[str, str]] = {
    "precision": {"graphs": "cuda_graphs", "repeatable": "deterministic"},
    "probe": {"probe_steps": "critic_steps"},
    "record": {"marks": "keep_steps"},
    "schedule": {"new_latents": "fresh_latents", "one_term_at_a_time": "separate_critic_terms"},
    "view": {"strength": "augment_p"},
}
"""Settings, by the section's name of today."""

NETWORKS = {"chollet": "anime-article", "mnist": "wgan-article"}
"""Names of networks."""

HEADER = {"batches": "batch_index", "slowed": "lr_scale", "strength": "augment_p"}
"""Keys of a checkpoint's header."""

LOG_LINE = {"augment_strength": "augment_p", "look": "probe"}
"""Keys of a log line."""

EVENTS = {"not numbers": "non-finite"}
"""Values of the key `event` of a log line."""

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
"""Keys of a probe in a log line."""

CONVERSIONS = {
    "1 bit made 8": "1 bit to 8 bits",
    "16 bits made 8": "16 bits to 8 bits",
    "32-bit or decimal values scaled to 8 bits": "32-bit or float values scaled to 8 bits",
    "CMYK made RGB": "CMYK to RGB",
    "RGB made grey": "RGB to grey",
    "cut to the shape in the middle": "cropped to the aspect ratio",
    "first picture of several taken": "first frame of several",
    "grey made RGB": "grey to RGB",
    "made larger": "upscaled",
    "made smaller": "downscaled",
    "other colour space made RGB": "other colour space to RGB",
    "palette resolved": "palette to RGB",
    "transparency laid on white": "transparency composited on white",
    "turned upright (EXIF)": "rotated upright (EXIF)",
}
"""Conversions of images, in the diagnosis of a pack."""

PROTOCOL = {"sees": "preprocessing"}
"""Keys of the protocol of an evaluation."""

CLAIM_SIZE = {
    "carried": "em_points",
    "drawn": "num_faces",
    "judged": "num_samples",
    "looks": "snapshots",
    "side": "image_size",
    "sides": "positions_per_side",
}
"""Keys of the size of a claim's experiment, in its measurements (`units/*.json`)."""


def renamed(plain: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return `plain` with old keys replaced. A value that is there under the new key already wins.

    Raises ValueError if `plain` is not a mapping: a damaged or foreign file may hold any JSON.
    """
    if not isinstance(plain, Mapping):
        raise ValueError("it is not a JSON object")
    new = {names[key]: value for key, value in plain.items() if key in names}
    return new | {key: value for key, value in plain.items() if key not in names}


def settings(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a run (`config.json`, or `config` in a checkpoint) under the names of today."""
    found = renamed(plain, SECTIONS)
    for section, names in SETTINGS.items():
        if isinstance(found.get(section), Mapping):
            found[section] = renamed(found[section], names)
    network = found.get("network")
    if isinstance(network, Mapping) and isinstance(network.get("name"), str) and network["name"] in NETWORKS:
        found["network"] = {**network, "name": NETWORKS[network["name"]]}
    return found


def header(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the header of a checkpoint, with its settings, under the names of today."""
    found = renamed(plain, HEADER)
    if isinstance(found.get("config"), Mapping):
        found["config"] = settings(found["config"])
    return found


def log_line(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of `log.jsonl`, with its probe, under the names of today."""
    found = renamed(plain, LOG_LINE)
    if isinstance(found.get("event"), str) and found["event"] in EVENTS:
        found["event"] = EVENTS[found["event"]]
    if isinstance(found.get("probe"), Mapping):
        found["probe"] = renamed(found["probe"], PROBE)
    return found


def claim_size(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the size of a claim's experiment under the names of today."""
    return renamed(plain, CLAIM_SIZE)
