"""What the cache of prepared data holds; what was used least recently goes where that is more than a bound."""

import contextlib
import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sparring.data.cached import TABLE, root, table_of
from sparring.errors import UserError
from sparring.lock import NAME, is_shared, locked

VARIABLE = "SPARRING_CACHE_GB"
"""Of the environment: gigabytes of prepared data that are kept."""

GIGABYTES = 20.0
"""Where the variable is not set."""


@dataclass(frozen=True)
class Kept:
    """What is kept of one source.

    Args:
        folder: where.
        source: what it was prepared from; empty where that is not written down.
        size: bytes.
        used: when it was last, in seconds since 1970.
    """

    folder: Path
    source: str
    size: int
    used: float


def most() -> int:
    """Bytes of prepared data that are kept.

    Raises:
        UserError: the environment says something else than a number of gigabytes.
    """
    asked = os.environ.get(VARIABLE, "")
    try:
        gigabytes = float(asked) if asked else GIGABYTES
    except ValueError:
        gigabytes = math.nan
    if not gigabytes >= 0:
        raise UserError(f"{VARIABLE} = {asked} is no number of gigabytes", f"such as {VARIABLE}=50")
    return int(min(gigabytes, 1e9) * 1e9)


def kept() -> list[Kept]:
    """All that is kept, what was used least recently first."""
    return sorted((each for folder in _within(root()) for each in _found(folder)), key=lambda each: each.used)


def thin(bytes_left: int) -> list[Kept]:
    """Remove what was used least recently, and nothing that is in use, until no more than so much is kept.

    Args:
        bytes_left: 0 removes all that is not in use.

    Returns:
        What was removed.
    """
    found = kept()
    total, gone = sum(each.size for each in found), list[Kept]()
    for each in found:
        if total <= bytes_left:
            break
        if _removed(each.folder):
            total -= each.size
            gone.append(each)
    return gone


def _within(folder: Path) -> Sequence[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # it is not there, or not any more
        return ()


def _found(folder: Path) -> Iterator[Kept]:
    files = [path for path in _within(folder) if path.name != NAME]
    with contextlib.suppress(OSError):  # another process has just removed it
        said = [path.stat() for path in files]
        if said:
            used = max(each.st_mtime for each in said)
            yield Kept(folder, _source(files), sum(each.st_size for each in said), used)


def _source(files: Sequence[Path]) -> str:
    for path in files:
        with path.open("rb") as file:
            table = table_of(file) if path.suffix == ".data" else _read(file) if path.name == TABLE else None
        if table and "source" in table:
            return table["source"]
    return ""


def _read(file: BinaryIO) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError):
        return json.load(file)
    return None


def _removed(folder: Path) -> bool:
    """Whether a place could be emptied: nobody prepares it, and nobody has mapped it."""
    try:
        with locked(folder):
            files = [path for path in _within(folder) if path.name != NAME]
            if any(is_shared(path) for path in files if path.suffix == ".data"):
                return False
            for path in files:
                path.unlink(missing_ok=True)
    except (OSError, UserError):
        return False
    with contextlib.suppress(OSError):  # another process has begun to fill it again
        folder.rmdir()
    return True
