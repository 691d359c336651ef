"""Values as people type them: 28x28, 200k, 0-15,42."""

import re
from decimal import Decimal
from typing import Literal

from sparring.errors import UserError

MOST_SEEDS = 10_000_000


def parse_size(text: str | None) -> tuple[int, int] | None:
    """`HxW`, or one number for a square, -> (height, width).

    Raises:
        UserError: it is neither.

    Examples:
        >>> parse_size("24x40"), parse_size("64")
        ((24, 40), (64, 64))
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6}))?", text.strip().lower())
    if not match or int(match[1]) < 1 or int(match[2] or 1) < 1:
        raise UserError(f"--size {text}: not a size", "HEIGHTxWIDTH, for example 64x64")
    return int(match[1]), int(match[2] or match[1])


def parse_channels(text: str | None) -> int | Literal["raw"] | None:
    """`1`, `3`, `4` or `raw`.

    Raises:
        UserError: it is something else.

    Examples:
        >>> parse_channels("3"), parse_channels("raw")
        (3, 'raw')
    """
    if text is None or text in ("1", "3", "4"):
        return int(text) if text else None
    if text != "raw":
        raise UserError(f"--channels {text}: not a number of channels", "1, 3, 4 or raw")
    return "raw"


def parse_pairs(text: str | None) -> Literal["names", "side-by-side"] | None:
    """`names` or `side-by-side`.

    Raises:
        UserError: it is something else.

    Examples:
        >>> parse_pairs("names"), parse_pairs(None)
        ('names', None)
    """
    if text is None or text == "names" or text == "side-by-side":
        return text
    raise UserError(f"--pairs {text}: no way to find pairs", "names or side-by-side")


def parse_count(text: str | None) -> int | None:
    """`200k`, `1.5M` or `3000` -> a number.

    Raises:
        UserError: it is none.

    Examples:
        >>> parse_count("200k"), parse_count("1.5M"), parse_count("3000")
        (200000, 1500000, 3000)
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?)([km]?)", text.strip().lower())
    count = int(Decimal(match[1]) * {"": 1, "k": 1_000, "m": 1_000_000}[match[2]]) if match else 0
    if count < 1:
        raise UserError(f"--images {text}: not a number of images", "for example 200k")
    return count


def parse_seeds(text: str, option: str = "--seeds") -> list[int]:
    """`0-15,42` -> 0 to 15, and 42.

    Args:
        text: as it was typed.
        option: behind which, for the error.

    Raises:
        UserError: it is not such a list.

    Examples:
        >>> parse_seeds("0-3,42")
        [0, 1, 2, 3, 42]
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,18})(?:-(\d{1,18}))?\s*", part)
        if not match or int(match[2] or match[1]) < int(match[1]):
            raise UserError(f"{option} {text}: not a list of seeds", "for example 0-15,42")
        span = range(int(match[1]), int(match[2] or match[1]) + 1)
        if len(seeds) + len(span) > MOST_SEEDS:
            raise UserError(f"{option} {text}: too many at once", f"{MOST_SEEDS:,} at most")
        seeds += span
    return seeds


def parse_crossing(text: str, option: str) -> tuple[list[int], list[int]]:
    """`1,2x7-9` -> the seeds of the rows and those of the columns.

    Raises:
        UserError: it is not two such lists.

    Examples:
        >>> parse_crossing("1,2x7-9", "--mix")
        ([1, 2], [7, 8, 9])
    """
    rows, cross, columns = text.partition("x")
    if not cross:
        raise UserError(f"{option} {text}: not two lists of seeds with an x between them", "for example 1,2,3x7,8,9")
    return parse_seeds(rows, option), parse_seeds(columns, option)


def parse_span(text: str, option: str) -> tuple[float, float]:
    """`0.3..1.2` -> the two numbers.

    Raises:
        UserError: it is not two numbers above 0, the smaller one first.

    Examples:
        >>> parse_span("0.3..1.2", "--truncate")
        (0.3, 1.2)
    """
    match = re.fullmatch(r"\s*(\d{1,4}(?:\.\d{1,9})?)\.\.(\d{1,4}(?:\.\d{1,9})?)\s*", text)
    if not match or not 0 < float(match[1]) < float(match[2]):
        raise UserError(f"{option} {text}: not a span", "for example 0.3..1.2")
    return float(match[1]), float(match[2])
