"""To which shape a collection of pictures of many sizes is brought, when the user does not say."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from sparring.data.entries import Entry, Listing, Unreadable, read_all
from sparring.data.pictures import SMALLEST, Header, decode, read_header, transparent
from sparring.errors import UserError

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
    """

    listing: Listing
    entries: list[Entry]
    headers: list[Header]
    unreadable: list[Unreadable]


def survey(listing: Listing) -> Survey:
    """Read the header of every file.

    Raises:
        UserError: none of them is a picture.
    """
    found = read_all(listing.entries, lambda _, stream: read_header(stream))
    unreadable = [header for header in found if isinstance(header, Unreadable)]
    pairs = [(e, h) for e, h in zip(listing.entries, found, strict=True) if not isinstance(h, Unreadable)]
    if not pairs:
        raise no_pictures(listing.source, unreadable)
    return Survey(listing, [entry for entry, _ in pairs], [header for _, header in pairs], unreadable)


def no_pictures(source: str, unreadable: Sequence[Unreadable]) -> UserError:
    """The error for a source of which nothing can be used."""
    name, reason = unreadable[0]
    return UserError(
        f"{source} has no readable picture, of {len(unreadable)} tried; {name}: {reason}",
        "PNG, JPEG, WebP, GIF, BMP, TIFF and whatever else Pillow opens are looked for",
    )


def check_request(size: tuple[int, int] | None, channels: int | None) -> None:
    """Refuse a shape that no picture can have.

    Raises:
        UserError: channels other than 1, 3 and 4, or a side shorter than 4 pixels.
    """
    if channels not in (None, 1, 3, 4):
        raise UserError(f"{channels} channels were asked for", "1 is grey, 3 is RGB, 4 is RGBA")
    if size is not None and min(size) < SMALLEST:
        raise UserError(f"the size {size[0]}x{size[1]} is too small", f"{SMALLEST}x{SMALLEST} is the smallest")


def choose_shape(
    surveys: Sequence[Survey], size: tuple[int, int] | None, channels: int | None
) -> tuple[tuple[int, int, int], tuple[str, ...]]:
    """The one shape for all pictures: what was asked for, else what the pictures suggest.

    Size: the most common one if at least half of the pictures have it (the larger of two), else 64x64.
    Channels: 4 if any pixel of any picture is not opaque, else 1 if all are stored as grey, else 3.

    Returns:
        (C, H, W), and a note where pictures of other sizes are cropped and resized unasked.
    """
    headers = [header for part in surveys for header in part.headers]
    sizes = Counter((header.height, header.width) for header in headers)
    notes = ()
    if size is None:
        common, count = max(sizes.items(), key=lambda item: (item[1], item[0][0] * item[0][1], item[0]))
        size = common if 2 * count >= len(headers) else FALLBACK
        if len(sizes) > 1:
            notes = (f"the pictures are of {len(sizes)} sizes: all are cropped and resized to {size[0]}x{size[1]}",)
    if channels is None:
        candidates = [e for part in surveys for e, h in zip(part.entries, part.headers, strict=True) if h.alpha]
        channels = 4 if _any_transparent(candidates) else 1 if all(header.grey for header in headers) else 3
    return (channels, size[0], size[1]), notes


def _any_transparent(entries: Sequence[Entry]) -> bool:
    """Decodes pictures only until the first transparent one is found."""

    def work(_: int, stream: BinaryIO) -> bool:
        return transparent(decode(stream))

    batches = (entries[start : start + 32] for start in range(0, len(entries), 32))
    return any(True in read_all(batch, work) for batch in batches)
