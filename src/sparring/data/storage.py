"""Where the examples lie: in memory, or in a temporary file when they are too many."""

import math
import mmap
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from sparring.errors import UserError

BUDGET = 2 << 30
"""Bytes of examples kept in memory; more go to a memory-mapped temporary file (`TMPDIR` says where)."""

PART = 32 << 20
"""Bytes of examples handled at once."""


LARGE = 64 << 20
"""Bytes of examples from which on a file that is at hand is filled, rather than memory."""


def allocate(shape: tuple[int, ...], dtype: DTypeLike, file: Path | None = None) -> np.ndarray:
    """An array to fill, in memory up to `BUDGET` bytes and in an unnamed temporary file beyond.

    Args:
        shape: of the array.
        dtype: of the array.
        file: is made and mapped into memory for `LARGE` bytes and more, where its disk has room.

    Raises:
        UserError: the temporary directory has too little room.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    # A mapped file that outgrows its disk kills the process with SIGBUS: no exception would tell why.
    if file and size >= LARGE and shutil.disk_usage(file.parent).free > size + LARGE:
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape).view(np.ndarray)
    if size <= BUDGET:
        return np.empty(shape, dtype)
    folder = Path(tempfile.gettempdir())
    if shutil.disk_usage(folder).free < size:
        raise UserError(
            f"the examples take {size / 1e9:.1f} GB, more than is free in {folder}",
            "set TMPDIR to a larger disk, or give a smaller --size",
        )
    with tempfile.TemporaryFile() as unnamed:
        return np.memmap(unnamed, dtype=dtype, mode="w+", shape=shape).view(np.ndarray)


def gather(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Those rows of an array that may be larger than memory, as `allocate` keeps them.

    Read from its front to its end: the system maps the neighbours of each row too, so that rows here and there would
    soon hold all of it in memory.
    """
    chosen = allocate((len(rows), *array.shape[1:]), array.dtype)
    places = np.argsort(rows, kind="stable")
    ascending = rows[places]
    for part in parts(array):
        inside = slice(*np.searchsorted(ascending, (part.start, part.stop)))
        chosen[places[inside]] = array[ascending[inside]]
    return chosen


def parts(array: np.ndarray) -> Iterator[slice]:
    """Slices that together cover the first axis, each of about `PART` bytes; a mapped array leaves memory behind."""
    rows = max(1, PART // max(1, array[:1].nbytes))
    for start in range(0, len(array), rows):
        yield slice(start, start + rows)
        release(array)


def release(array: np.ndarray) -> None:
    """Let go of the pages of a mapped array that are in memory; they stay in its file, and come back when needed."""
    base: object = array
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def keep(array: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Move the rows where `mask (N,)` is True to the front, in place and in order, and return the view of them.

    In place because the array may be larger than memory.
    """
    rows = np.flatnonzero(mask)
    front = array[: len(rows)]
    if len(rows) < len(array):
        for part in parts(front):
            front[part] = array[rows[part]]
    return front
