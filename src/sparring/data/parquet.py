"""Pictures in a Parquet table, as the Hugging Face hub keeps them."""

import io
import json
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from sparring.data.entries import Entry, Listing
from sparring.errors import UserError
from sparring.readable import printable

_PICTURES = ("image", "img", "picture")
_LABELS = ("label", "labels", "y", "class")


def list_parquet(path: Path) -> Listing:
    """Every row of a table with a column of encoded pictures, in the table's order.

    The pictures are the column "image", "img" or "picture", else the first of bytes or of struct{bytes, path}. The
    labels are the column that the hub's metadata calls a ClassLabel, else an integer column "label", "labels", "y" or
    "class".

    Raises:
        UserError: pyarrow is not installed; the file cannot be read, has no such column, or no rows.
    """
    try:
        import pyarrow.parquet
    except ImportError:
        raise UserError(f"{path} is a Parquet file, which needs pyarrow", 'pip install "sparring[parquet]"') from None
    try:
        table = pyarrow.parquet.read_table(path)
        label, names = _label_column(table.schema)
    except (ValueError, OSError) as error:
        problem = f"{path} is not a readable Parquet file: {error}"
        raise UserError(problem, "it may be incomplete; download it again") from None
    pictures = table[_picture_column(table.schema, path)]
    labels: list[int | None] = table[label].fill_null(-1).to_pylist() if label else [None] * len(table)
    by = f"the column {printable(label)}" if label else ""
    if not labels:
        raise UserError(f"{path} has no rows", "give a table with at least two pictures")
    rows = [Entry(f"row {i}", partial(_cell, pictures, i), value, encoded=True) for i, value in enumerate(labels)]
    return Listing(printable(str(path)), tuple(rows), names, by)


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


def _cell(column: Any, row: int) -> BinaryIO:
    value = column[row].as_py()
    encoded = value.get("bytes") if isinstance(value, dict) else value
    if encoded is None:
        raise ValueError("no picture in this row")
    return io.BytesIO(encoded)
