"""Read Parquet tables with a column of encoded images, as the Hugging Face hub stores them. Needs pyarrow.

The column holds bytes, or structures with the fields bytes and path; the path is never opened.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Any

import numpy as np

from ganache.data.formats import PARQUET
from ganache.data.labels import labels_from_values
from ganache.data.readers.image_files import ImageFile, ImageFiles, limit_size
from ganache.data.readers.reader import ReadOptions
from ganache.data.readers.sampling import MANY_BLOCKS, sampled_hash
from ganache.data.readers.tables import Opener, Table, TableReader
from ganache.data.skip_reasons import SkipFile, SkipReason
from ganache.errors import DataError

_MAX_GROUP = 2**30
"""Bytes of the images in one group of rows, which are read at once."""

_LABELS = ("label", "labels", "fine_label", "class", "target")
_IMAGE = re.compile(r"(?i)im(?:age|g)|pic|photo|png|jpe?g")
_SHARD = re.compile(r"(\d{5})(-of-\d{5})")


class ParquetReader(TableReader):
    """The images of a table, with labels if a column of whole numbers or words is called label."""

    help = "a Parquet table of images"
    pattern = re.compile(r"(?i)\.parquet$")

    def is_table(self, open_file: Opener) -> bool:
        with open_file() as file:
            return file.read(4) == b"PAR1"

    def read_table(self, table: Table, options: ReadOptions) -> ImageFiles:
        """Raises DataError without pyarrow, or for a table without images."""
        try:
            import pyarrow
            import pyarrow.parquet as parquet
        except ImportError:
            raise DataError(
                f"'{table.name}' is {PARQUET.what}, which needs a library: {PARQUET.command}, then give it again."
            ) from None
        entries, labels, content = list[ImageFile](), list[Any](), list[int]()
        for number, opener in enumerate(_shards(table)):
            with opener() as file:
                content.append(sampled_hash(file, blocks=MANY_BLOCKS))
            try:
                rows = _Rows(parquet.ParquetFile(opener()), table.name)
            except pyarrow.ArrowException as error:
                reason = str(error).splitlines()[0]
                raise DataError(f"'{table.name}' is damaged ({reason}): download it again.") from error
            labels += rows.labels()
            entries += [
                ImageFile(f"{number:05d}-{row:08d}", partial(rows.image, row), (number, row))
                for row in range(rows.count)
            ]
        if any(label is None for label in labels):
            return ImageFiles(tuple(entries), location=repr((table.stamp, content)))
        indices, names = labels_from_values(np.array(labels))
        names = rows.names_of_classes(names)
        labelled = (replace(entry, label=int(i)) for entry, i in zip(entries, indices, strict=True))
        return ImageFiles(tuple(labelled), location=repr((table.stamp, content)), label_names=names)


class _Rows:
    """The rows of one table. The images of one group of rows are in memory at a time."""

    def __init__(self, file: Any, where: str) -> None:
        self.file, self.count = file, file.metadata.num_rows
        self._column = _image_column(file.schema_arrow, where)
        sizes = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
        self._ends = np.cumsum(sizes)
        self._lock = Lock()
        self._group, self._images = -1, list[Any]()

    def labels(self) -> list[Any]:
        """Return the label of each row; None where there is none."""
        import pyarrow

        for field in self.file.schema_arrow:
            if field.name in _LABELS and (pyarrow.types.is_integer(field.type) or pyarrow.types.is_string(field.type)):
                return self.file.read([field.name]).column(0).to_pylist()  # type: ignore[no-any-return]
        return [None] * self.count

    def names_of_classes(self, found: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names that the Hugging Face hub keeps beside the table, for labels that are indices into them."""
        try:
            stored = json.loads(self.file.schema_arrow.metadata[b"huggingface"])["info"]["features"]
            names = next(stored[column]["names"] for column in _LABELS if "names" in stored.get(column, ()))
            chosen = tuple(str(names[int(each)]) for each in found if each.isdecimal())
        except (AttributeError, TypeError, LookupError, ValueError, RecursionError, StopIteration):
            return found
        return chosen if len({*chosen}) == len(found) else found

    def image(self, row: int) -> bytes:
        """Return the bytes of one image. Raises SkipFile if there are none."""
        group = int(np.searchsorted(self._ends, row, side="right"))
        with self._lock:
            if group != self._group:
                self._images, self._group = self._read(group), group
            cell = self._images[row - int(self._ends[group])].as_py()  # from the end: negative
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        if content is None:
            where = "the table names a file, which is not opened" if cell else SkipReason.EMPTY.sentence
            raise SkipFile(SkipReason.UNREADABLE if cell else SkipReason.EMPTY, where)
        return limit_size(content)

    def _read(self, group: int) -> Any:
        """Return the images of one group. Raises SkipFile if they are too large or damaged."""
        import pyarrow

        described = self.file.metadata.row_group(group)
        columns = (described.column(i) for i in range(described.num_columns))
        paths = (column for column in columns if column.path_in_schema.split(".")[0] == self._column)
        if sum(column.total_uncompressed_size for column in paths) > _MAX_GROUP:
            raise SkipFile(SkipReason.OVERSIZED, "a group of rows has more than 1 GiB")
        try:
            return self.file.read_row_group(group, columns=[self._column]).column(0)
        except (pyarrow.ArrowException, OSError) as error:
            raise SkipFile(SkipReason.UNREADABLE, f"the table is damaged here: {error}") from error


def _image_column(schema: Any, where: str) -> str:
    """Return the column that can hold images: a structure with bytes before plain bytes, then one called image.

    Raises DataError if there is none.
    """
    import pyarrow

    found = list[tuple[bool, bool, str]]()
    for field in schema:
        kind = field.type
        fields = {kind.field(i).name: kind.field(i).type for i in range(kind.num_fields)}
        kind = fields.get("bytes", kind)
        if pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind):
            found.append(("bytes" not in fields, not _IMAGE.search(field.name), str(field.name)))
    if found:
        return min(found, key=lambda each: each[:2])[2]
    names = ", ".join(schema.names[:8])
    raise DataError(f"'{where}' has no column of images, but {names}: give a table whose images are stored as bytes.")


def _shards(table: Table) -> Iterator[Opener]:
    """Yield the table, or all parts of one that is stored in several files, such as train-00000-of-00002.parquet."""
    shard = _SHARD.search(table.name)
    if shard is None or int(shard[1]) != 0:
        yield table.open
        return
    for number in range(int(shard[2][-5:])):
        name = f"{table.name[: shard.start()]}{number:05d}{shard[2]}{table.name[shard.end() :]}"
        opener = table.open if number == 0 else table.find(name)
        if opener is None:
            raise DataError(f"'{name}' is missing: download all parts of the table.")
        yield opener
