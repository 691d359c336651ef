"""Labels of any kind, as indices into the names of the classes."""

from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from sparring.data.entries import Entry


def encode(labels: np.ndarray | Sequence[int | str], names: Sequence[str] = ()) -> tuple[np.ndarray, tuple[str, ...]]:
    """Number the classes that occur from 0, in sorted order.

    Args:
        labels: `(N,)` integers or strings.
        names: what the integer i is called, where it is known.

    Returns:
        int64 `(N,)` indices, and the classes' names.

    Examples:
        >>> codes, classes = encode([7, 3, 7])
        >>> codes.tolist(), classes
        ([1, 0, 1], ('3', '7'))
    """
    values, codes = np.unique(np.asarray(labels), return_inverse=True)
    known = dict(enumerate(names))
    return codes.astype(np.int64), tuple(known.get(value, str(value)) for value in values.tolist())


def picture_labels(entries: Sequence[Entry], names: Sequence[str]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """The labels that the source gave, or the first-level folders when every picture lies in one of at least two."""
    given = [entry.label for entry in entries if entry.label is not None]
    if given:
        return encode(given, names)
    paths = [PurePosixPath(entry.name).parts for entry in entries]
    folders = [parts[0] for parts in paths if len(parts) > 1]
    if len(folders) == len(paths) and len(set(folders)) > 1:
        return encode(folders)
    return None, ()
