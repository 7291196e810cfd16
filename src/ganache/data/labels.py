"""Class labels: from the folders that pictures are in, or from the values that a table stores."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ganache.data.folder_names import Meaning, meaning_of
from ganache.errors import DataError, choices

LabelRule = Literal["auto", "folders", "none"]
"""Whether folders are classes: as their names say, always, or never; "none" ignores stored labels too."""


_MAX_GAPS = 256
"""Numbers below this are classes that are counted from 0, if some of them do not occur."""


@dataclass(frozen=True)
class Labels:
    """The classes of a set, and what the doctor says about them."""

    indices: list[int] | None = None
    """One index into `names` per picture; None without labels."""

    names: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def require_rule(rule: str) -> None:
    """Raise DataError for an unknown rule."""
    if rule not in get_args(LabelRule):
        raise DataError(f"There is no rule for labels '{rule}': {choices(rule, get_args(LabelRule))}")


def labels_from_values(values: NDArray[Any]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return labels int64 [N] and the names of the classes for stored values [N].

    The classes are the values that occur. Only small numbers with gaps are counted from 0, as a part of a set may lack
    some of its classes.

    >>> labels_from_values(np.array([2, 1, 2, 3]))  # from 1, as in EMNIST
    (array([1, 0, 1, 2]), ('1', '2', '3'))
    >>> labels_from_values(np.array([1, 3]))
    (array([1, 3]), ('0', '1', '2', '3'))
    """
    found, indices = np.unique(values, return_inverse=True)
    indices = indices.astype(np.int64).reshape(len(values))
    is_number = found.dtype.kind in "biu" and len(found) > 0
    if is_number and found[0] >= 0 and found[-1] < _MAX_GAPS and found[-1] - found[0] >= len(found):
        indices, found = np.asarray(values).astype(np.int64), np.arange(int(found[-1]) + 1)
    indices.flags.writeable = False
    return indices, tuple(f"{value:g}" if found.dtype.kind == "f" else str(value) for value in found)


def labels_from_folders(names: Iterable[str], rule: LabelRule = "auto") -> Labels:
    """Return the classes of files with these names, from the folders that the files are in.

    The classes are the sorted folder names at the first level with more than one folder, so a zip with one folder
    around everything works. There are none if there is no such level, or if a file lies beside the folders. With the
    rule "auto", levels whose folders are parts of one set or chunks of files are passed over.

    >>> labels_from_folders(["set/cat/1.png", "set/dog/1.png", "set/dog/old/2.png"]).indices
    [0, 1, 1]
    >>> labels_from_folders(["train/cat/1.png", "test/cat/2.png", "test/dog/3.png"]).names
    ('cat', 'dog')
    >>> labels_from_folders(["cat/1.png", "2.png"]).indices is None
    True
    """
    # macOS writes é as e and an accent: the same class in two parts of a set is one.
    composed = (unicodedata.normalize("NFC", name) for name in names)
    paths = [PurePosixPath(name).parts for name in composed] if rule != "none" else []
    remarks = list[str]()
    depth = 0
    while paths and all(len(path) > depth + 1 for path in paths):
        members = defaultdict[str, list[str]](list)
        for path in paths:
            members[path[depth]].append(path[-1])
        if len(members) > 1:
            auto = rule == "auto"
            meaning = meaning_of(members, bool(remarks)) if auto else Meaning({name: name for name in members})
            remarks += [meaning.remark] if meaning.remark else []
            if meaning.classes is not None:
                classes = tuple(sorted(set(meaning.classes.values())))
                index = {name: i for i, name in enumerate(classes)}
                return Labels([index[meaning.classes[path[depth]]] for path in paths], classes, tuple(remarks))
        depth += 1
    if remarks and any(len(path) > depth + 1 for path in paths):
        remarks.append("some pictures lie in folders of classes and others do not, so there are no labels.")
    return Labels(remarks=tuple(remarks))
