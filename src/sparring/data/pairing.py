"""Which files are pairs: those of one name in two folders, or the two halves of each picture."""

from dataclasses import replace

import numpy as np

from sparring.data.framing import Survey
from sparring.data.matching import match
from sparring.data.pictures import SMALLEST
from sparring.errors import UserError


def by_name(a: Survey, b: Survey) -> tuple[Survey, Survey]:
    """The files of two folders that have one name, in one order; where one cannot be read, its partner is left out.

    Raises:
        UserError: a file without a partner.
    """
    found = match(_there(a), _there(b))
    if found.alone:
        problem = f"{len(found.alone):,} files of {a.listing.source} and {b.listing.source} have no partner"
        raise UserError(f"{problem}: {found.strangers()}", "give both of a pair one name, or remove them")
    readable = match([entry.name for entry in a.entries], [entry.name for entry in b.entries])
    return _only(a, readable.a), _only(b, readable.b)


def _there(part: Survey) -> list[str]:
    """The pictures of a folder, those included that cannot be read."""
    broken = [each.name for each in part.unreadable if not each.foreign]
    return sorted([entry.name for entry in part.entries] + broken)


def _only(part: Survey, rows: np.ndarray) -> Survey:
    return replace(part, entries=[part.entries[k] for k in rows], headers=[part.headers[k] for k in rows])


def side_by_side(part: Survey) -> tuple[Survey, Survey]:
    """The left and the right halves of pictures.

    Raises:
        UserError: a picture of odd width, or of too small a one.
    """
    for entry, header in zip(part.entries, part.headers, strict=True):
        if header.width % 2:
            problem = (
                f"{entry.name} of {part.listing.source} is {header.width} pixels wide: an odd number has no halves"
            )
            raise UserError(problem, "crop it, or remove it; --pairs side-by-side is for a beside b in one picture")
        if header.width < 2 * SMALLEST:
            problem = f"the halves of {entry.name} of {part.listing.source} are {header.width // 2} pixels wide"
            raise UserError(problem, f"{SMALLEST} at least; remove it")
    headers = [header._replace(width=header.width // 2) for header in part.headers]
    return replace(part, headers=headers, half=0), replace(part, headers=headers, half=1)
