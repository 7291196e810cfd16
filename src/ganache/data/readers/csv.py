"""Read a .csv file of pixels: one picture per row, such as Kaggle's train.csv with the columns label, pixel0, ...

The label is the column of that name. Without names, if one column is too many, the label is the first or the last: the
one that is less like its neighbour. Numbers that count up are names. Rows are parsed in blocks, so memory use is that
of the pixels.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganache.data.pixel_arrays import PixelArray, PixelBlocks
from ganache.data.readers.arrays import MAX_BYTES, contents_of, side_of_row
from ganache.data.readers.reader import ReadOptions
from ganache.data.readers.tables import Opener, Table, TableReader
from ganache.errors import DataError

_MAX_LINE = 4 * 2**20
"""Bytes of one row; an image of 512x512 pixels in three colours has fewer."""

_ROWS = 1000
"""Rows that are parsed at once, of 28x28 pixels; fewer of larger pictures."""

_FEW = 50
"""Rows that tell where the labels are."""

_LABEL = re.compile(r"(?i)(?:label|class|target|y|digit|letter|character|emotion)s?(?:[ _-]?id)?")
_OTHER = re.compile(r"(?i)|id|index|idx|usage|split|unnamed:? ?\d*|(?:image|img|picture)[ _-]?(?:id|name)")


@dataclass(frozen=True)
class _Layout:
    """Which columns of a file are what."""

    separator: str
    has_names: bool
    pixels: list[int]
    """Columns of the pixels."""

    label: int | None
    """Column of the labels."""

    is_mixed: bool = False
    """Whether one of `pixels`, the first or the last, is the column of the labels."""


class CsvReader(TableReader):
    """Images of one row each, with labels if there is a column of them."""

    help = "a .csv file of pixels"
    pattern = re.compile(r"(?i)\.(?:csv|tsv|txt)$")

    def is_table(self, open_file: Opener) -> bool:
        with open_file() as file:
            return _layout(file.readline(_MAX_LINE)) is not None

    def read_table(self, table: Table, options: ReadOptions) -> PixelArray | PixelBlocks:
        """Raises DataError for a row that has other columns, or something else than numbers."""
        with table.open() as file:
            layout = _layout(file.readline(_MAX_LINE))
            assert layout is not None
            if not layout.has_names:
                file.seek(0)
            if layout.is_mixed:
                start = file.tell()
                layout = _separated(layout, _parse([file.readline(_MAX_LINE) for _ in range(_FEW)], layout, table.name))
                file.seek(start)
            images, labels = _read(file, layout, table.name)
        return contents_of(images, table.name, options.target, labels)


def _layout(line: bytes) -> _Layout | None:
    """Return which columns are pixels, from the first line; None if it is no row of pixels or of their names."""
    try:
        text = line.decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError:
        return None
    separator = max(",;\t", key=text.count)
    columns = [column.strip().strip("\"'") for column in text.split(separator)]
    if len(columns) < 60:
        return None
    labels = [i for i, column in enumerate(columns) if _LABEL.fullmatch(column)]
    pixels = [i for i, column in enumerate(columns) if i not in labels and not _OTHER.fullmatch(column)]
    are_numbers = all(_is_number(columns[i]) for i in pixels)
    # pandas names columns 0, 1, 2, ... if they have no names.
    count_up = are_numbers and len({float(columns[i]) - place for place, i in enumerate(pixels)}) == 1
    is_mixed = are_numbers and not labels and side_of_row(len(pixels)) is None
    if side_of_row(len(pixels) - is_mixed) is None:
        return None
    has_names = count_up or not are_numbers or any(column for i, column in enumerate(columns) if i not in {*pixels})
    return _Layout(separator, has_names, pixels, labels[0] if labels else None, is_mixed)


def _separated(layout: _Layout, rows: NDArray[np.float64]) -> _Layout:
    """Return the layout with the column of the labels, from some rows [n, 1 + P]."""
    first, last = np.abs(rows[:, 0] - rows[:, 1]).mean(), np.abs(rows[:, -1] - rows[:, -2]).mean()
    *pixels, label = layout.pixels if last > first else [*layout.pixels[1:], layout.pixels[0]]
    return replace(layout, pixels=pixels, label=label, is_mixed=False)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _read(file: Any, layout: _Layout, where: str) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return the pixels [N, P] and the labels [N] of all rows that follow."""
    blocks, labels = list[NDArray[Any]](), list[NDArray[Any]]()
    used = 0
    for lines in _blocks(file, max(1, _ROWS * 784 // len(layout.pixels)), where):
        values = _parse(lines, layout, where)
        first = 0 if layout.label is None else 1
        blocks.append(_smallest(values[:, first:]))
        labels += [values[:, 0]] if first else []
        used += blocks[-1].nbytes
        if used > MAX_BYTES:
            raise DataError(f"'{where}' has more than {MAX_BYTES // 2**30} GiB of pixels: save them as .npy.")
    if not blocks:
        raise DataError(f"'{where}' has no row of pixels: it ends after its first line.")
    found = np.concatenate(labels) if labels else None
    if found is not None and (found == np.floor(found)).all():
        found = found.astype(np.int64)
    return np.concatenate(blocks), found


def _blocks(file: Any, rows: int, where: str) -> Iterator[list[bytes]]:
    """Yield the lines of a file in blocks, without empty ones. Raises DataError for a line that is too long."""
    lines = iter(lambda: file.readline(_MAX_LINE), b"")
    while block := list(itertools.islice(lines, rows)):
        if any(len(line) == _MAX_LINE for line in block):
            raise DataError(f"'{where}' has a row of more than {_MAX_LINE // 2**20} MiB: save the pictures as files.")
        if full := [line for line in block if line.strip()]:
            yield full


def _parse(lines: list[bytes], layout: _Layout, where: str) -> NDArray[np.float64]:
    """Return the values of some rows [n, label and P]. Raises DataError unless all are numbers."""
    text = io.StringIO(b"".join(lines).decode("utf-8-sig", "replace").replace('"', ""))
    columns = layout.pixels if layout.label is None else [layout.label, *layout.pixels]
    try:
        return np.loadtxt(text, delimiter=layout.separator, usecols=columns, comments=None, ndmin=2)  # type: ignore[no-any-return]
    except ValueError as error:
        reason = str(error).split(";")[0].rstrip(".")
        raise DataError(
            f"'{where}' has a row that is not {len(columns)} numbers ({reason}): repair or remove it."
        ) from error


def _smallest(values: NDArray[np.float64]) -> NDArray[Any]:
    """Return pixels as bytes if they are whole numbers from 0 to 255, else as float32."""
    octets = values.astype(np.uint8) if values.min() >= 0 and values.max() <= 255 else None
    return octets if octets is not None and (octets == values).all() else values.astype(np.float32)
