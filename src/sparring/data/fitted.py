"""Single pictures, brought to a shape like training data."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sparring.data.entries import Entry, Listing
from sparring.data.framing import Survey, check_found, range_of, survey
from sparring.data.preparing import read_pictures
from sparring.data.reading import skipped
from sparring.data.sources import locate
from sparring.errors import UserError
from sparring.readable import printable


class Fitted(NamedTuple):
    """One picture, brought to a shape.

    Args:
        name: of its file.
        picture: uint8 `(C, H, W)`.
        stored: the shape that it had in its file.
    """

    name: str
    picture: np.ndarray
    stored: tuple[int, int, int]


def read_fitted(
    source: str | Path, shape: tuple[int, int, int], raw: bool = False
) -> tuple[list[Fitted], tuple[str, ...]]:
    """Read one picture, or a folder or zip of them, fitted like training data.

    Args:
        source: a file, a folder or a zip.
        shape: (C, H, W).
        raw: the channels are not grey, RGB or RGBA but as they are stored.

    Returns:
        One a file, by name; and notes on the files that were passed over.

    Raises:
        UserError: there is nothing, or no picture in it, or one that is damaged.
    """
    found = surveyed(source)
    fitted: list[Fitted] = []
    for entry, header in zip(found.entries, found.headers, strict=True):
        one = Survey(Listing(found.listing.source, (entry,)), [entry], [header], [])
        picture = read_pictures(one, shape, range_of([one])[0], "raw" if raw else shape[0]).examples[0]
        fitted.append(Fitted(entry.name, picture, (header.channels, header.height, header.width)))
    return fitted, skipped(found.unreadable)


def surveyed(source: str | Path) -> Survey:
    """One picture, or those of a folder or zip.

    Raises:
        UserError: see `read_fitted`.
    """
    path = Path(source)
    if not path.exists():
        raise UserError(f"{printable(str(source))} does not exist", "name a picture, or a folder or zip of them")
    if path.is_dir() or path.suffix.lower() == ".zip":
        found = locate(path)
        assert isinstance(found, Listing)
        entries = found.entries
    else:
        entries = (Entry(printable(path.name), partial(path.open, "rb")),)
    found = survey(Listing(printable(str(source)), tuple(entries)))
    check_found(found)
    return found
