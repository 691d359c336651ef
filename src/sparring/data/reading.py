"""Files read in threads, within a bound on memory, and what is said of those that gave no picture."""

import os
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple, TypeVar

from PIL import Image, UnidentifiedImageError

from sparring.data.entries import Entry
from sparring.data.pictures import endings
from sparring.progress import Share, Tell
from sparring.readable import printable

T = TypeVar("T")

_NAMED = 3  # unreadable files named in a note
_KINDS = 8  # endings named in a note


class Unreadable(NamedTuple):
    """A file that gave no picture, and why."""

    name: str
    reason: str
    foreign: bool = False
    """No picture by its name either, as "notes.txt": it is passed over, and nothing is wrong with it."""

    @property
    def ending(self) -> str:
        """Such as ".ogg"."""
        return PurePosixPath(self.name).suffix.lower() or "no ending"


class Room:
    """A semaphore whose holders take as much as they weigh.

    What weighs more than the whole room is let in alone, so that nothing waits for ever.

    Args:
        size: what may be held at once.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, weight: int) -> Iterator[None]:
        """Wait until there is room for `weight`, and hold it."""
        weight = min(weight, self.size)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= weight)
            self._free -= weight
        try:
            yield
        finally:
            with self._changed:
                self._free += weight
                self._changed.notify_all()


ROOM = Room(1 << 26)
"""Pixels that are decoded at once, in all threads together. A pixel takes four bytes, eight in resizing with alpha."""


_TOGETHER = 64  # entries that a thread takes at once: handing over each by itself takes longer than a small picture


def telling(progress: Tell | None, what: str) -> Share | None:
    """Progress of one piece of work, by its name."""
    return None if progress is None else lambda share: progress(what, share)


def threads() -> int:
    """How many read at once."""
    return min(8, os.cpu_count() or 1)


def read_all(
    entries: Sequence[Entry],
    work: Callable[[int, BinaryIO], T],
    pixels: Sequence[int] | None = None,
    told: Share | None = None,
) -> list[T | Unreadable]:
    """Call `work(index, stream)` on every entry, in threads; one that fails gives an `Unreadable` instead.

    Args:
        entries: what to open.
        work: must not keep the stream.
        pixels: how many each entry decodes at once; None where only headers are read. Threads wait for `ROOM`.
        told: is told how far it is.
    """

    def attempt(index: int) -> T | Unreadable:
        entry = entries[index]
        try:
            with ROOM.taken((pixels[index] if pixels else 0) + entry.held // 4), entry.open() as stream:
                return work(index, stream)
        except Exception as error:  # Decoders of broken files raise anything: SyntaxError, struct.error, IndexError...
            return _unreadable(entry, error)

    together = max(1, min(_TOGETHER, len(entries) // (4 * threads())))
    starts = range(0, len(entries), together)
    results: list[T | Unreadable] = []
    # Pillow warns of odd but readable files. The filter is set here, once, because it is not thread-safe.
    with warnings.catch_warnings(), ThreadPoolExecutor(threads()) as pool:
        warnings.simplefilter("ignore")
        for done in pool.map(lambda start: [attempt(i) for i in range(len(entries))[start : start + together]], starts):
            results += done
            if told:
                told(len(results) / len(entries))
    return results


def _unreadable(entry: Entry, error: Exception) -> Unreadable:
    if isinstance(error, UnidentifiedImageError):
        named_so = entry.encoded or PurePosixPath(entry.name).suffix.lower() in endings()
        return Unreadable(entry.name, "not a picture", foreign=not named_so)
    if isinstance(error, Image.DecompressionBombError):
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        return Unreadable(entry.name, f"more than {most:,} pixels, the most that are decoded; make it smaller first")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Unreadable(entry.name, printable(reason) or type(error).__name__)


def by_ending(unreadable: Sequence[Unreadable]) -> dict[str, int]:
    """How many files that are no pictures by their kind have each ending, the most common first."""
    return dict(Counter(item.ending for item in unreadable if item.foreign).most_common())


def skipped(unreadable: Sequence[Unreadable]) -> tuple[str, ...]:
    """Notes on the files that were not used: broken ones by name, others by their endings."""
    names = sorted(item.name for item in unreadable if not item.foreign)
    notes = ()
    if names:
        one = len(names) == 1
        what = "1 file that is not a readable image" if one else f"{len(names):,} files that are not readable images"
        notes += (f"skipped {what}: {', '.join(names[:_NAMED])}{', ...' if len(names) > _NAMED else ''}",)
    if len(names) < len(unreadable):
        notes += (f"passed over files that are not pictures: {kinds(unreadable)}",)
    return notes


def kinds(unreadable: Sequence[Unreadable]) -> str:
    """The endings of files that are no pictures, such as "9,000 .ogg, 601 .txt"."""
    found = by_ending(unreadable)
    rest = f", and {len(found) - _KINDS} more endings" if len(found) > _KINDS else ""
    return ", ".join(f"{count:,} {ending}" for ending, count in list(found.items())[:_KINDS]) + rest
