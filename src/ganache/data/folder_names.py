"""What the folders of a set are, by their names: classes, parts of one set (train and test), or chunks of files."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_PART = re.compile(
    r"(?<![a-zA-Z])(?i:training|train|testing|tests?|validation|valid|val|evaluation|eval|dev|holdout|extra|unlabell?ed"
    r"|treino|treinamento|teste|valida(?:ção|cao)|entrenamiento|prueba|validaci[oó]n|entra[iî]nement|addestramento"
    r"|validierung)(?:(?i:set)|(?=[^a-z]|$))"
    r"|训练|訓練|测试|測試|验证|驗證|学習|検証|テスト|학습|훈련|테스트|검증"
)
"""The word of a folder's name that says which part of the set it holds; "trainA" and "test2017" have one too."""

_FILLING = re.compile(r"(?i)\b(?:sets?|data|images?|imgs?|pictures?|\d+)\b|[\W_]+|集|数据|數據|データ|用")
"""What remains of the name of a part and is no name of a class."""

_PICTURES = re.compile(r"(?i)(?:jpeg|rgb)?(?:images?|imgs?|pictures?|pics?|photos?|data)")
_MASKS = re.compile(r"(?i).*(?:masks?|annotations?|segmentation(?:class|object)?|ground[ _-]?truth|labels?|gt)")
"""Names of folders that tell what kind of files is in them."""

_CHUNK = re.compile(
    r"(?i)(?:part|chunk|batch|shard|bucket|volume|vol|subset|fold|split|images?|imgs?|pictures?)[ _.-]*\d+"
)
_NO_WORD = re.compile(r"[0-9]{2,}|[0-9a-fA-F]{2}|\d+(?:[\W_x]\d+)+|\d{3}[A-Z0-9_]{5}")
"""Numbers, dates, sizes, and the folders of cameras (100APPLE)."""

_LAST_NUMBER = re.compile(r"(\d+)\D*$")

_FLAG = "--data.labels"


@dataclass(frozen=True)
class Meaning:
    """What the folders of one level are."""

    classes: Mapping[str, str] | None
    """Folder -> class; None if the folders are no classes."""

    remark: str = ""


def meaning_of(members: Mapping[str, Sequence[str]], inside_part: bool = False) -> Meaning:
    """Return what folders are, from their names and the names of the files below each.

    `inside_part`: whether the folders above are parts of one set.
    """
    folders = sorted(members)
    rests = {folder: _without_part(folder) for folder in folders}
    parts = [folder for folder in folders if rests[folder] is not None]
    if len(parts) == len(folders):
        return _of_parts(folders, {folder: rest or "" for folder, rest in rests.items()})
    if inside_part and (unnamed := parts or [folder for folder in folders if _PICTURES.fullmatch(folder)]):
        return Meaning(None, f"the pictures below {_listed(unnamed)} have no class: give the folder of the others.")
    if are_chunks(members):
        said = f"the folders {_listed(folders)} are chunks of files, not classes ({_FLAG} folders makes them classes)."
        return Meaning(None, said)
    remark = ""
    if 0 < len(parts) < len(folders) - 1 and not any(part.lower().startswith("train") for part in parts):
        one = len(parts) == 1
        count = "the folder {} counts as a class: move it out of the set if it is none."
        several = "the folders {} count as classes: move them out of the set if they are none."
        remark = (count if one else several).format(_listed(parts))
    elif len({folder.lower() for folder in folders}) < len(folders):
        twins = [folder for folder in folders if sum(folder.lower() == other.lower() for other in folders) > 1]
        remark = (
            f"the folders {_listed(twins)} differ only in case and count as classes each: rename those that are one."
        )
    elif any(map(_MASKS.fullmatch, folders)) and all(_MASKS.fullmatch(f) or _PICTURES.fullmatch(f) for f in folders):
        remark = f"the folders {_listed(folders)} count as classes: to read the pictures alone, give their folder."
    elif all(map(_NO_WORD.fullmatch, folders)):
        remark = f"the {len(folders):,} folders {_listed(folders)} count as classes: if they are none, {_FLAG} none."
    return Meaning({folder: folder for folder in folders}, remark)


def are_chunks(members: Mapping[str, Sequence[str]]) -> bool:
    """Whether folders split a long list of files into chunks, by number or by hash.

    >>> are_chunks({"00000": ["00000.png"], "01000": ["01000.png"], "02000": ["02000.png"]})  # FFHQ
    True
    >>> are_chunks({"0": ["0.png"], "1": ["0.png"]})  # digits
    False
    """
    folders = sorted(members)
    if all(_CHUNK.fullmatch(folder) for folder in folders):
        return len({folder.rstrip("0123456789").lower() for folder in folders}) == 1
    width = len(folders[0])
    if width < 2 or any(len(folder) != width for folder in folders):
        return False
    if all(_starts_hash(folder, files) for folder, files in members.items()):
        return True
    if not all(folder.isascii() and folder.isdecimal() for folder in folders):
        return False
    sizes = [len(members[folder]) for folder in folders]
    numbers = [int(folder) for folder in folders]
    step = math.gcd(*numbers)
    if step >= 100 and max(sizes) <= step and any(folder.startswith("0") for folder in folders):
        return True
    is_round = sizes[0] >= 1000 and sizes[0] == 10 ** round(math.log10(sizes[0]))
    is_consecutive = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    if width >= 4 and is_round and is_consecutive and set(sizes[:-1]) == {sizes[0]} and sizes[-1] <= sizes[0]:
        return True
    return _follows_file_numbers(members, width)


def _of_parts(folders: Sequence[str], rests: Mapping[str, str]) -> Meaning:
    """Return the meaning of folders that are all parts of a set: `rests` are their names without the part."""
    if len(set(rests.values())) > 1 and all(rests.values()):
        listed = _listed(sorted(set(rests.values())))
        return Meaning(rests, f"the folders {_listed(folders)} are parts of one set with the classes {listed}.")
    said = (
        f"the folders {_listed(folders)} are parts of one set, not classes, and all are read: give one of them to read "
        f"it alone ({_FLAG} folders makes them classes)."
    )
    return Meaning(None, said)


def _without_part(folder: str) -> str | None:
    """Return the rest of the name of a part of a set, "" if nothing is left; None if it is no part.

    >>> [_without_part(name) for name in ("Train", "test_images", "val2017", "trainA", "seg_test", "cats")]
    ['', '', '', 'A', 'seg', None]
    """
    found = _PART.search(folder)
    if found is None:
        return None
    rest = f"{folder[: found.start()]} {folder[found.end() :]}".replace("_", " ")
    return _FILLING.sub(" ", rest).strip()


def _starts_hash(folder: str, files: Sequence[str]) -> bool:
    """Whether every file is named by a hash that begins with the name of its folder."""
    return all(
        file.lower().startswith(folder.lower()) and re.match(r"[0-9a-fA-F]{16,}(?![0-9a-zA-Z])", file) for file in files
    )


def _follows_file_numbers(members: Mapping[str, Sequence[str]], width: int) -> bool:
    """Whether the number of a file gives its folder: its thousand (or another power of ten), or its last digits."""
    pairs = list[tuple[int, int]]()
    for folder, files in members.items():
        for file in files:
            found = _LAST_NUMBER.search(file.rpartition(".")[0] or file)
            if found is None or len(found[1]) > 18:
                return False
            pairs.append((int(folder), int(found[1])))
    if any(all(number // 10**power == folder for folder, number in pairs) for power in range(2, 7)):
        return True
    digits = [power for power in (width, width - 1) if power >= 3 and len(pairs) > len(members)]
    return any(all(number % 10**power == folder for folder, number in pairs) for power in digits)


def _listed(names: Sequence[str]) -> str:
    """Return the first and last of some names: "a, b, ..., z"."""
    shown = [name if len(name) <= 40 else f"{name[:37]}..." for name in names]
    return ", ".join(shown if len(shown) <= 4 else [*shown[:2], "...", shown[-1]])
