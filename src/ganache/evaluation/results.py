"""What an evaluation comes to: numbers with their errors, and the protocol without which they mean nothing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

MEANINGS = {
    "frechet": "distance of the means and covariances of features",
    "frechet_infinity": "the same for endlessly many pictures",
    "kernel": "distance of features by a polynomial kernel, unbiased",
    "precision": "generated pictures that look real",
    "recall": "real pictures that look like generated ones",
    "density": "how deep among real pictures generated ones lie; 1 is as deep as real ones",
    "coverage": "real pictures with a generated one near them",
    "inception_score": "sure of each picture's class, even over the classes",
    "patches": "sliced Wasserstein distance of patches, texture to shape",
    "variety": "1 - MS-SSIM of pairs of pictures; far below the real ones' is collapse",
    "classes": "classes that are made at all",
    "class_entropy": "evenness of the classes, in bits",
    "code_accuracy": "real pictures in whose code, as the critic reads it, their class is named",
    "memorised": "pictures nearest to training ones beyond chance; 0 within the error is innocent",
}
"""One line a score."""


@dataclass(frozen=True)
class Score:
    """One number."""

    name: str
    value: float
    error: float
    """Its standard error."""
    better: Literal["lower", "higher"]
    real: float | None = None
    """What real pictures come to in the place of the generated ones, where that says something."""
    how: str = ""
    """What is particular to it: how the error was found, subsets, a p-value."""


@dataclass(frozen=True)
class Protocol:
    """How the numbers came about: equal protocols give comparable numbers."""

    generated: int
    """Pictures made."""
    real: int
    """Real pictures they were compared with."""
    split: Literal["training", "all"]
    """Of which the real pictures are a random sample: of those trained on, or of all of another data set."""
    held_out: int
    """Pictures that training did not see, for `memorised`."""
    features: str
    features_hash: str
    num_features: int
    sees: str
    """How pictures are brought to the size at which the features see them."""
    seed: int
    """The seed of the first latent; also of every random choice."""
    step: int | None
    """The checkpoint's; None for a generator that has none."""
    data: str
    data_fingerprint: str


@dataclass(frozen=True)
class Evaluation:
    """Scores, their protocol, and what there is to say about either."""

    scores: tuple[Score, ...]
    protocol: Protocol
    notes: tuple[str, ...] = ()
    """Scores left out and why, and what to keep in mind."""

    def __getitem__(self, name: str) -> Score:
        """The score of that name. Raises KeyError where it was left out."""
        for score in self.scores:
            if score.name == name:
                return score
        raise KeyError(name)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> Evaluation:
        plain = json.loads(text)
        scores = tuple(Score(**score) for score in plain["scores"])
        return cls(scores, Protocol(**plain["protocol"]), tuple(plain["notes"]))

    def describe(self) -> str:
        """A table, the notes and the protocol, as lines of text."""
        lines = [f"{'score':17} {'value':>9}    {'error':<8} {'real':>8}  {'better':7} what it is"]
        for score in self.scores:
            real = "" if score.real is None else number(score.real)
            lines.append(
                f"{score.name:17} {number(score.value):>9} +- {number(score.error):<8} {real:>8}  {score.better:7} "
                f"{MEANINGS[score.name]}"
            )
        return "\n".join([*lines, "", self.protocol_in_words()])

    def protocol_in_words(self) -> str:
        """The notes, how the numbers came about, and where their errors come from, as lines of text."""
        from textwrap import fill

        p = self.protocol
        at = "" if p.step is None else f" at step {p.step:,}"
        which = "training pictures" if p.split == "training" else "pictures"
        ways: dict[str, list[str]] = {}
        for score in self.scores:
            ways.setdefault(score.how, []).append(score.name)
        protocol = (
            f"Protocol: {p.generated:,} pictures generated{at} from seed {p.seed} on, against {p.real:,} {which} of "
            f"{p.data} ({p.data_fingerprint[:12]}), {p.held_out:,} held out; features {p.features} {p.features_hash}, "
            f"{p.num_features} numbers of a picture ({p.sees})."
        )
        errors = "Standard errors: " + "; ".join(f"{', '.join(names)} by {how}" for how, names in ways.items()) + "."
        paragraphs = [*(f"* {note}" for note in self.notes), protocol, errors]
        return "\n".join(fill(paragraph, 110, subsequent_indent="  ") for paragraph in paragraphs)


def number(value: float) -> str:
    """Four digits, without a power of ten where one can do without.

    >>> number(12.3456), number(0.00012345), number(1234.5), number(0.0)
    ('12.35', '0.0001234', '1234', '0')
    """
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
