"""Feature extractors: networks that turn images into vectors, one extractor per file, and FEATURES, which names them.

An extractor is a subclass of `base.Features`. It imports `core` and `data`; the metrics see only its vectors. A plugin
adds one with `ganache.FEATURES["mine"] = Mine`; then `ganache evaluate --features mine` uses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganache.core.table import Entry, Lazy, Table

if TYPE_CHECKING:
    from ganache.evaluation.features.base import Features

__all__ = ["FEATURES"]

FEATURES: Table[type[Features]] = Table(
    Entry("FEATURES", "feature extractor", Lazy(f"{__name__}.base:Features")),
    {
        "classifier": Lazy(f"{__name__}.classifier:ClassifierFeatures"),
        "inception": Lazy(f"{__name__}.inception:InceptionFeatures"),
        "perceptual": Lazy(f"{__name__}.perceptual:PerceptualFeatures"),
        "perceptual-2": Lazy(f"{__name__}.perceptual:SecondPerceptualFeatures"),
        "pixels": Lazy(f"{__name__}.pixels:PixelFeatures"),
        "random": Lazy(f"{__name__}.random:RandomFeatures"),
    },
)
"""Extractor classes by name, imported at their first use: the command line lists the names without PyTorch."""
