"""To which shape a collection of pictures of many sizes is brought, when the user does not say."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO, Literal

import numpy as np

from sparring.data.entries import Entry, Listing
from sparring.data.pictures import SMALLEST, Header, extrema, frames, read_header, transparent
from sparring.data.ranges import WORDS, Range, choose_range
from sparring.data.reading import Unreadable, kinds, read_all, telling
from sparring.errors import UserError
from sparring.progress import Tell

Frames = Literal["first", "all"]

Pairs = Literal["names", "side-by-side"]
"""Two folders whose files have the same names; or pictures whose left half is a, and whose right half is b."""

Channels = int | Literal["raw"]
"""1, 3 or 4, to which pictures are brought; or "raw": as they are stored, none of them alpha."""

FALLBACK = (64, 64)
"""Height and width when no size is common to half of the pictures."""


@dataclass(frozen=True)
class Survey:
    """The files of a listing, sorted by whether their headers are those of pictures.

    Args:
        listing: what was surveyed.
        entries: those that look like pictures.
        headers: one for each of `entries`.
        unreadable: the others.
        frames: which frames of a file are examples.
        half: 0 or 1 where each picture is the left or the right half of a file's; `headers` are then of halves.
    """

    listing: Listing
    entries: list[Entry]
    headers: list[Header]
    unreadable: list[Unreadable]
    frames: Frames = "first"
    half: Literal[0, 1] | None = None

    @cached_property
    def counts(self) -> list[int]:
        """How many examples each file gives."""
        return [header.frames if self.frames == "all" else 1 for header in self.headers]

    @cached_property
    def pixels(self) -> list[int]:
        """How many each file decodes at once."""
        return [header.height * header.width for header in self.headers]


def survey(listing: Listing, frames: Frames = "first", floats: bool = False, progress: Tell | None = None) -> Survey:
    """Read the header of every file; `floats` accepts pixels of floats, whose range is known."""
    told = telling(progress, f"looking at {len(listing.entries):,} files")
    found = read_all(listing.entries, lambda _, stream: read_header(stream, floats), told=told)
    unreadable = [header for header in found if isinstance(header, Unreadable)]
    pairs = [(e, h) for e, h in zip(listing.entries, found, strict=True) if not isinstance(h, Unreadable)]
    return Survey(listing, [entry for entry, _ in pairs], [header for _, header in pairs], unreadable, frames)


def check_found(part: Survey) -> None:
    """Refuse a source without pictures.

    Raises:
        UserError: there is none.
    """
    if not part.entries:
        raise no_pictures(part.listing.source, part.unreadable)


def no_pictures(source: str, unreadable: Sequence[Unreadable]) -> UserError:
    """The error for a source of which nothing can be used."""
    hint = "PNG, JPEG, WebP, GIF, BMP, TIFF and the like are looked for"
    broken = [item for item in unreadable if not item.foreign]
    if not broken:
        return UserError(f"{source} holds no pictures, only {kinds(unreadable)}", hint)
    name, reason, _ = broken[0]
    return UserError(f"{source} has no readable picture, of {len(broken):,} tried; {name}: {reason}", hint)


def frame_notes(part: Survey) -> tuple[str, ...]:
    """What is said where files hold several frames."""
    several = [(e.name, h.frames) for e, h in zip(part.entries, part.headers, strict=True) if h.frames > 1]
    if not several:
        return ()
    name, count = several[0]
    total = sum(frames for _, frames in several)
    what = f"{len(several):,} files hold {total:,} frames" if len(several) > 1 else f"1 file holds {total:,} frames"
    rule = "the first of each is read; frames=all reads them all" if part.frames == "first" else "all are read"
    return (f"{what}, such as {name} ({count:,}): {rule}",)


def check_request(size: tuple[int, int] | None, channels: Channels | None) -> None:
    """Refuse a shape that no picture can have.

    Raises:
        UserError: channels other than 1, 3, 4 and "raw", or a side shorter than 4 pixels.
    """
    if channels not in (None, 1, 3, 4, "raw"):
        raise UserError(f"{channels} channels were asked for", "1 is grey, 3 is RGB, 4 is RGBA, raw is what is stored")
    if size is not None and min(size) < SMALLEST:
        raise UserError(f"the size {size[0]}x{size[1]} is too small", f"{SMALLEST}x{SMALLEST} is the smallest")


def choose_shape(
    surveys: Sequence[Survey], size: tuple[int, int] | None, channels: Channels | None
) -> tuple[tuple[int, int, int], tuple[str, ...]]:
    """The one shape for all pictures: what was asked for, else what the pictures suggest.

    Size: the most common one if at least half of the pictures have it (the larger of two), else 64x64.
    Channels: 4 if any pixel of any picture is not opaque, else 1 if all are stored as grey, else 3.

    Returns:
        (C, H, W), and a note where pictures of other sizes are cropped and resized unasked.

    Raises:
        UserError: raw channels of files that have different numbers of them.
    """
    headers = [header for part in surveys for header in part.headers]
    sizes = Counter((header.height, header.width) for header in headers)
    notes = ()
    if size is None:
        size = common_size(sizes)
        if len(sizes) > 1:
            notes = (f"the pictures are of {len(sizes)} sizes: all are cropped and resized to {size[0]}x{size[1]}",)
    if channels == "raw":
        channels = _stored_channels(headers)
    if channels is None:
        grey = all(header.grey for header in headers)
        channels = 4 if any(_any_transparent(part) for part in surveys) else 1 if grey else 3
    return (channels, size[0], size[1]), notes


def common_size(sizes: Counter[tuple[int, int]]) -> tuple[int, int]:
    """The most common height and width if at least half of the pictures have it, the larger of two; else 64x64."""
    common, count = max(sizes.items(), key=lambda item: (item[1], item[0][0] * item[0][1], item[0]))
    return common if 2 * count >= sizes.total() else FALLBACK


def _stored_channels(headers: Sequence[Header]) -> int:
    found = Counter(header.channels for header in headers)
    if len(found) > 1:
        counts = ", ".join(f"{count:,} of {channels}" for channels, count in sorted(found.items()))
        raise UserError(f"the pictures have different numbers of channels: {counts}", "--channels 1, 3 or 4")
    return next(iter(found))


def range_of(
    surveys: Sequence[Survey], asked: Range | None = None, progress: Tell | None = None
) -> tuple[Range, tuple[str, ...]]:
    """The range of all greys of more than 8 bits together, and notes on it.

    Only files of such greys are decoded for it, and none if a range was asked for.

    Raises:
        UserError: a range was asked for where no file has such greys, or none suggests itself.
    """
    source = surveys[0].listing.source
    deep = [(part, row) for part in surveys for row, header in enumerate(part.headers) if header.deep]
    if not deep and asked is not None:
        raise UserError(f"{source} has no pictures of more than 8 bits", "range is for those, and for arrays")
    if not deep or asked is not None:
        return asked or WORDS, ()
    counts = [part.counts[row] for part, row in deep]
    pixels = [part.pixels[row] for part, row in deep]
    told = telling(progress, f"measuring {len(deep):,} pictures")
    found = read_all([p.entries[row] for p, row in deep], lambda k, stream: extrema(stream, counts[k]), pixels, told)
    spans = [span for span in found if not isinstance(span, Unreadable)]
    if not spans:
        return WORDS, ()
    values = min(low for low, _ in spans), max(high for _, high in spans)
    return choose_range(source, np.dtype(np.uint16), values)


def _any_transparent(part: Survey) -> bool:
    """Decodes pictures only until the first transparent one is found."""
    rows = [row for row, header in enumerate(part.headers) if header.alpha or part.counts[row] > 1]
    return any(_transparent_rows(part, rows[start : start + 32]) for start in range(0, len(rows), 32))


def _transparent_rows(part: Survey, rows: Sequence[int]) -> bool:
    counts = part.counts

    def work(index: int, stream: BinaryIO) -> bool:
        return any(transparent(image) for image in frames(stream, counts[rows[index]]))

    pixels = part.pixels
    return True in read_all([part.entries[row] for row in rows], work, [pixels[row] for row in rows])
