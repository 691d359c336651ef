"""Labels of any kind, as indices into the names of the classes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sparring.data.entries import Entry, common_folder
from sparring.data.layout import OTHERS, TRAIN, first_folder
from sparring.readable import printable

_NAMED = 6  # classes named in a note


class Labels(NamedTuple):
    """The labels of pictures, and a line on where they are from, or why there are none.

    Args:
        codes: int64 `(N,)`; None where there are no labels.
        classes: their names.
        note: empty where there is nothing to tell.
    """

    codes: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    note: str = ""


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


def picture_labels(entries: Sequence[Entry], by: str = "", names: Sequence[str] = ()) -> Labels:
    """The labels of pictures: those that the source gave, else the folders that all of them lie in.

    Args:
        entries: the pictures.
        by: what gave the entries their labels; empty where folders decide.
        names: what their integer labels are called.
    """
    return _given_labels(entries, by, names) if by else _folder_labels([entry.name for entry in entries])


def _given_labels(entries: Sequence[Entry], by: str, names: Sequence[str]) -> Labels:
    given = [entry.label for entry in entries if isinstance(entry.label, int | str)]
    if len(given) == len(entries):
        return _labels(given, names, by)
    if not any(entry.label is not None for entry in entries):
        return Labels(note=f"no labels: {by} gives none")
    if not given:
        return Labels(note=f"no labels: those of {by} are not integers or names")
    without = [entry.name for entry in entries if not isinstance(entry.label, int | str)]
    return Labels(note=f"no labels: {by} gives none to {len(without):,} of {len(entries):,} pictures ({without[0]})")


def _folder_labels(names: Sequence[str]) -> Labels:
    top = common_folder(names)
    folders = [first_folder(name, top) for name in names]
    beside = [name for name, folder in zip(names, folders, strict=True) if not folder]
    if beside:
        # labels would be lost for a few pictures that lie in the wrong place
        others = _folder_labels([name for name, folder in zip(names, folders, strict=True) if folder])
        said = f"no labels: {len(beside):,} of {len(names):,} pictures lie outside the folders {_some(others.classes)}"
        return Labels(note=f"{said}, such as {beside[0]}; move them to have labels" if others.classes else "")
    found = sorted(set(folders))
    if len(found) < 2:
        return Labels()
    if all(folder.lower() in TRAIN + OTHERS for folder in found):
        return Labels(note=f"no labels: {_some(found)} are parts of a data set and not classes; all are read")
    return _labels(folders, (), "the folders")


def _labels(values: Sequence[int | str], names: Sequence[str], by: str) -> Labels:
    codes, found = encode(values, names)
    classes = tuple(printable(name) for name in found)
    count = "1 class" if len(classes) == 1 else f"{len(classes):,} classes"
    return Labels(codes, classes, f"labels from {by}: {count}, {_some(classes)}")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
