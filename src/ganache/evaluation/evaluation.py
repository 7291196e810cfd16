"""The result of an evaluation: scores with standard errors, and the protocol that makes them comparable."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable
from dataclasses import asdict, dataclass
from textwrap import fill
from typing import Literal

from ganache.core import old_names
from ganache.core.strict import numbers_of, parse_json, read_record, require_bounded

DESCRIPTIONS = {
    "layers": "Frechet distance in all layers, from texture to shape, each relative to the spread of real pictures",
    "frechet": "distance between mean and covariance of features",
    "frechet_infinity": "the same, extrapolated to infinitely many pictures",
    "kernel": "distance between features by a polynomial kernel, unbiased",
    "precision": "share of generated pictures that look real",
    "recall": "share of real pictures that look like generated ones",
    "density": "how densely real pictures surround generated ones; 1 as for real ones",
    "coverage": "share of real pictures with a generated one near them",
    "inception_score": "high if each picture has a clear class, and all classes are equally frequent",
    "patches": "sliced Wasserstein distance of patches, from texture to shape",
    "variety": "1 - MS-SSIM of pairs of pictures; a value far below that of real ones means mode collapse",
    "classes": "number of classes that are generated",
    "class_entropy": "entropy of the classes, in bits",
    "code_accuracy": "share of real pictures whose class follows from the code that the critic predicts",
    "memorised": "pictures nearer to a training than to a held-out one, beyond chance; 0: no copying, 1: all copied",
    "ppl_w": "perceptual path length in w: the same between the styles of a style-based generator",
    "ppl": "perceptual path length: how much pictures change on the way between latents; low if evenly",
}
"""Name of a score -> one line that explains it."""


@dataclass(frozen=True)
class Score:
    """One score of the generated images."""

    name: str
    value: float
    error: float
    """Standard error."""
    better: Literal["lower", "higher"]
    real: float | None = None
    """The same score with real images in place of the generated ones, where that is informative."""
    how: str = ""
    """How the standard error was computed, with the sizes of subsets or a p-value."""


@dataclass(frozen=True)
class Protocol:
    """How the scores were computed: scores with equal protocols are comparable."""

    generated: int
    """Number of generated images."""
    real: int
    """Number of real images."""
    split: Literal["training", "all"]
    """What the real images are a random sample of: the training split, or all images of another data set."""
    held_out: int
    """Number of images that training did not see, for the score `memorised`."""
    features: str
    """Name of the features in FEATURES."""
    features_hash: str
    num_features: int
    preprocessing: str
    """How images are brought to the size that the extractor looks at."""
    seed: int
    """Seed of the first latent and of every random choice."""
    step: int | None
    """Generator step of the checkpoint; None for a generator without one."""
    data: str
    data_fingerprint: str

    @property
    def way(self) -> tuple[Hashable, ...]:
        """How the scores were computed: those of equal ways can be compared."""
        return (
            self.features_hash,
            self.preprocessing,
            self.generated,
            self.real,
            self.split,
            self.held_out,
            self.data_fingerprint,
        )


@dataclass(frozen=True)
class Evaluation:
    """Scores, their protocol, and notes on both."""

    scores: tuple[Score, ...]
    protocol: Protocol
    notes: tuple[str, ...] = ()
    """Sentences on scores that were left out, and on the limits of the others."""

    def __getitem__(self, name: str) -> Score:
        """Return the score with this name. Raises KeyError if it was left out."""
        for score in self.scores:
            if score.name == name:
                return score
        raise KeyError(name)

    def to_json(self) -> str:
        """Return the evaluation as JSON; `from_json` reads it."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> Evaluation:
        """Read what `to_json` of this or an earlier version wrote. Raises ConfigError or ValueError."""
        plain = old_names.renamed(parse_json(text, "An evaluation"), {})
        if isinstance(plain.get("protocol"), dict):
            plain["protocol"] = old_names.renamed(plain["protocol"], old_names.PROTOCOL)
        found = read_record(cls, plain, "evaluation")
        finite = [(score.name, number) for score in found.scores for number in (score.value, score.error, score.real)]
        require_bounded((name, number) for name, number in finite if number is not None and math.isfinite(number))
        require_bounded(numbers_of({**vars(found.protocol), "seed": 0}))
        return found

    def describe(self) -> str:
        """Return a table of the scores, the notes and the protocol, as lines of text."""
        lines = [f"{'score':17} {'value':>9}    {'error':<8} {'real':>8}  {'better':7} what it is"]
        for score in self.scores:
            real = "" if score.real is None else format_number(score.real)
            lines.append(
                f"{score.name:17} {format_number(score.value):>9} +- {format_number(score.error):<8} {real:>8}  "
                f"{score.better:7} {DESCRIPTIONS[score.name]}"
            )
        return "\n".join([*lines, "", self.describe_protocol()])

    def describe_protocol(self) -> str:
        """Return the notes, the protocol and the origin of the standard errors, as lines of text."""
        p = self.protocol
        step = "" if p.step is None else f" at step {p.step:,}"
        split = "training pictures" if p.split == "training" else "pictures"
        names_by_method: dict[str, list[str]] = {}
        for score in self.scores:
            names_by_method.setdefault(score.how, []).append(score.name)
        protocol = (
            f"Protocol: {p.generated:,} pictures generated{step} from seed {p.seed} on, against {p.real:,} {split} of "
            f"{p.data} ({p.data_fingerprint[:12]}), {p.held_out:,} held out; features {p.features} {p.features_hash}, "
            f"{p.num_features} per picture ({p.preprocessing})."
        )
        errors = "; ".join(f"{', '.join(names)} by {how}" for how, names in names_by_method.items())
        paragraphs = [*(f"* {note}" for note in self.notes), protocol, f"Standard errors: {errors}."]
        return "\n".join(fill(paragraph, 110, subsequent_indent="  ") for paragraph in paragraphs)


def format_number(value: float) -> str:
    """Return four significant digits, in exponent notation only for very small numbers.

    >>> format_number(12.3456), format_number(0.00012345), format_number(1234.5), format_number(0.0)
    ('12.35', '0.0001234', '1234', '0')
    """
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
