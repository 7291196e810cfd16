"""Feature extractors: networks that turn images into vectors, one extractor per file, and FEATURES, which names them.

An extractor is a subclass of `base.Features`. It imports `core` and `data`; the metrics see only its vectors. A plugin
adds one with `ganache.FEATURES["mine"] = Mine`; then `ganache evaluate --features mine` uses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganache.evaluation.features.base import Features

__all__ = ["FEATURES", "FeatureTable"]


class FeatureTable(MutableMapping[str, "type[Features]"]):
    """Extractor classes by name.

    The built-in classes are given as "module:class" and imported at their first use, so that the command line can list
    the names without loading PyTorch.
    """

    def __init__(self, built_in: Mapping[str, str]) -> None:
        self._entries: dict[str, type[Features] | str] = dict(built_in)

    def __getitem__(self, name: str) -> type[Features]:
        entry = self._entries[name]
        if isinstance(entry, str):
            module, _, class_name = entry.partition(":")
            loaded: type[Features] = getattr(import_module(f"{__name__}.{module}"), class_name)
            self._entries[name] = loaded
            return loaded
        return entry

    def __setitem__(self, name: str, extractor: type[Features]) -> None:
        self._entries[name] = extractor

    def __delitem__(self, name: str) -> None:
        del self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


FEATURES = FeatureTable(
    {
        "classifier": "classifier:ClassifierFeatures",
        "inception": "inception:InceptionFeatures",
        "pixels": "pixels:PixelFeatures",
        "random": "random:RandomFeatures",
    }
)
