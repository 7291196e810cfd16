"""The settings that a run recorded, checked, for commands that show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganache.config.config import to_dict
from ganache.errors import CheckpointError, ConfigError
from ganache.runs.folder import read_config
from ganache.runs.resume import DATA_FINGERPRINT, newest_config, settings_of


def recorded_settings(folder: Path) -> dict[str, Any]:
    """Return all settings of a run as plain data, and its `data_fingerprint`, "" if it is not known.

    They come from `config.json` or, if that is missing or damaged, from the newest checkpoint. Raises CheckpointError
    if the folder is not a run.
    """
    problem = CheckpointError(f"{folder} is not a run: give a folder that `ganache train` wrote.")
    for read in (read_config, newest_config):
        try:
            plain = read(folder)
            if plain is not None:
                return checked(plain)
        except CheckpointError as error:
            problem = error
        except ConfigError as error:
            problem = CheckpointError(f"The settings of {folder} cannot be used. {error}")
    raise problem


def checked(plain: dict[str, Any]) -> dict[str, Any]:
    """Return settings with every section and setting of today. Raises ConfigError if one is unknown or impossible."""
    return to_dict(settings_of(plain)) | {DATA_FINGERPRINT: plain.get(DATA_FINGERPRINT, "")}
