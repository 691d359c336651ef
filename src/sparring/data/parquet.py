"""Pictures in Parquet tables, one or many, as the Hugging Face hub keeps them."""

import io
import json
import re
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from sparring.data.entries import Entry, File, Listing
from sparring.data.layout import OTHERS, TRAIN
from sparring.data.pictures import endings
from sparring.data.reading import threads
from sparring.errors import UserError
from sparring.readable import printable

_PICTURES = ("image", "img", "picture")
_LABELS = ("label", "labels", "y", "class")


def shards_of(files: Sequence[File]) -> tuple[list[Path], tuple[str, ...]]:
    """The Parquet files among those of a folder, and notes; none where pictures lie beside them.

    Of the hub's splits only `train` is read where others lie beside it.
    """
    if any(PurePosixPath(file.name).suffix.lower() in endings() for file in files):
        return [], ()
    found = [Path(file.path) for file in files if file.name.lower().endswith(".parquet")]
    train = [path for path in found if _split(path) in TRAIN]
    if not train or not any(_split(path) in OTHERS for path in found):
        return found, ()
    return train, (
        f"rows are read from {len(train):,} files of train, and not from {len(found) - len(train):,} others",
    )


def _split(path: Path) -> str:
    """The split of a shard as the hub names them: "train-00000-of-00002.parquet", or a folder "train"."""
    named = re.match(r"[a-z]+", path.name.lower())
    own = named[0] if named else ""
    return own if own in (*TRAIN, *OTHERS) else path.parent.name.lower()


def list_parquet(*paths: Path, source: Path | None = None, notes: tuple[str, ...] = ()) -> Listing:
    """Every row of tables with a column of encoded pictures, in the tables' order.

    The pictures are the column "image", "img" or "picture", else the first of bytes or of struct{bytes, path}. The
    labels are the column that the hub's metadata calls a ClassLabel, else an integer column "label", "labels", "y" or
    "class". Only the labels are read at once; pictures are read by row groups as they are needed.

    Args:
        paths: the tables, which have the same columns.
        source: the folder that they lie in, where there are several.
        notes: see `Listing`.

    Raises:
        UserError: pyarrow is not installed; a file cannot be read, has no such column, or no rows.
    """
    source = source or paths[0]
    try:
        import pyarrow.parquet
    except ImportError:
        raise UserError(f"{source} is of Parquet, which needs pyarrow", 'pip install "sparring[parquet]"') from None
    rows: list[Entry] = []
    names, by = (), ""
    groups = _Groups()
    for path in paths:
        try:
            file = pyarrow.parquet.ParquetFile(path, memory_map=True)
            label, names = _label_column(file.schema_arrow)
            labels = _labels(file, label)
        except (ValueError, OSError) as error:
            problem = f"{path} is not a readable Parquet file: {error}"
            raise UserError(problem, "it may be incomplete; download it again") from None
        column = _picture_column(file.schema_arrow, path)
        by = f"the column {printable(label)}" if label else ""
        before = f"{path.name} " if len(paths) > 1 else ""
        place = 0
        for group in range(file.num_row_groups):
            for row in range(file.metadata.row_group(group).num_rows):
                read = partial(groups.cell, path, column, group, row)
                rows.append(Entry(f"{before}row {place}", read, labels[place], encoded=True))
                place += 1
    if not rows:
        raise UserError(f"{source} has no rows", "give a table with at least two pictures")
    return Listing(printable(str(source)), tuple(rows), names, by, notes)


def _labels(file: Any, label: str | None) -> list[int | None]:
    if label is None:
        return [None] * file.metadata.num_rows
    return file.read(columns=[label])[label].fill_null(-1).to_pylist()


class _Groups:
    """Row groups, of which the newest stay in memory: one for each thread, which reads neighbours, and one more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[tuple[Path, int], Any] = {}

    def cell(self, path: Path, column: str, group: int, row: int) -> BinaryIO:
        """One encoded picture.

        Raises:
            ValueError: there is none in this row.
        """
        value = self._group(path, column, group)[row].as_py()
        encoded = value.get("bytes") if isinstance(value, dict) else value
        if encoded is None:
            raise ValueError("no picture in this row")
        return io.BytesIO(encoded)

    def _group(self, path: Path, column: str, group: int) -> Any:
        import pyarrow.parquet

        with self._lock:
            held = self._held.pop((path, group), None)
            if held is None:
                while len(self._held) > threads():
                    del self._held[next(iter(self._held))]
                # not mapped: pages of a mapped file would count as memory for as long as the group is held
                held = pyarrow.parquet.ParquetFile(path).read_row_group(group, columns=[column])[column]
            self._held[path, group] = held  # at the end: the newest
            return held


def _picture_column(schema: Any, path: Path) -> str:
    import pyarrow

    def holds_bytes(kind: Any) -> bool:
        if pyarrow.types.is_struct(kind):
            return any(field.name == "bytes" for field in kind)
        return pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind)

    fitting = [field.name for field in schema if holds_bytes(field.type)]
    if not fitting:
        raise UserError(
            f"{path} has no column of pictures, only {', '.join(schema.names)}",
            "a column of encoded bytes, or of struct{bytes, path}, is needed",
        )
    return next((name for name in _PICTURES if name in fitting), fitting[0])


def _label_column(schema: Any) -> tuple[str | None, tuple[str, ...]]:
    import pyarrow

    hub = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    features = hub.get("info", {}).get("features", {})
    for name in schema.names:
        if features.get(name, {}).get("_type") == "ClassLabel":
            return name, tuple(features[name].get("names", ()))
    integers = {field.name for field in schema if pyarrow.types.is_integer(field.type)}
    return next((name for name in _LABELS if name in integers), None), ()
