"""The environment variables with a fixed set of values, checked before a command loads PyTorch."""

from __future__ import annotations

import os

from ganache.errors import ConfigError

VALUES = {"GANACHE_FASTCONV": ("fast", "pytorch"), "GANACHE_KERNELS": ("on", "off")}
"""`ganache.fastconv` reads these variables and raises ValueError for other values, as it imports nothing of ganache."""


def check_environment() -> None:
    """Raise ConfigError if a variable has another value than those in VALUES."""
    for variable, values in VALUES.items():
        value = os.environ.get(variable)
        if value and value not in values:
            allowed = " or ".join(values)
            raise ConfigError(f"{variable} is '{value}', which is not a value of it: set it to {allowed}, or unset it.")
