"""Open a source of data for training."""

from pathlib import PurePosixPath
from typing import BinaryIO

import numpy as np
from PIL import Image

from sparring.data.arrays import ArraySource
from sparring.data.assembly import Examples, assemble
from sparring.data.dataset import Dataset
from sparring.data.entries import Listing, Unreadable, read_all
from sparring.data.framing import Survey, check_request, choose_shape, no_pictures, survey
from sparring.data.labels import encode, picture_labels
from sparring.data.pictures import decode, prepare
from sparring.data.sources import Source, locate
from sparring.data.storage import allocate, keep, parts
from sparring.data.unpaired import Unpaired
from sparring.errors import UserError

DOMAINS = ("trainA", "trainB")
"""Folders that make a source a pair of domains."""

_NAMED = 3  # unreadable files named in a note


def open(
    source: Source,
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    mirror: bool = False,
    limit: int | None = None,
) -> Dataset | Unpaired:
    """Read data of any kind into memory, ready to train on; the same content gives the same data set.

    Args:
        source: a built-in name (`BUILTIN`); a folder or zip of pictures, where sub-folders are classes, or `trainA` and
            `trainB` are two unpaired domains; a .npy or .npz file; a .parquet file of pictures; an array of pictures or
            points; or (array, labels).
        size: (height, width); None takes the most common size if half of the pictures have it, else 64x64. Pictures are
            cropped centrally to that aspect ratio and resized by antialiased Lanczos.
        channels: 1, 3 or 4; None takes 4 if any pixel is transparent, 1 if all are stored as grey, else 3. Without an
            alpha channel transparent pixels are laid over white.
        mirror: flip pictures left to right at random.
        limit: so many training examples only, chosen at random, of each domain; as many are held out as without.

    Returns:
        One in ten examples, 2,000 at most, is held out, chosen by content: copies are never on both sides.

    Raises:
        UserError: the source cannot be found, read, or trained on.

    Examples:
        >>> digits = open("digits")
        >>> len(digits), digits.schema["x"].shape
        (9000, (1, 28, 28))
    """
    check_request(size, channels)
    found = locate(source)
    if isinstance(found, ArraySource):
        if found.kind == "points" and mirror:
            raise UserError(f"{found.source} holds points", "--size, --channels and --mirror are for pictures")
        data = assemble(*_read_array(found, size, channels), mirror)
        return data if limit is None else data.limited(limit)
    domains = split_domains(found)
    surveys = [survey(domain) for domain in domains]
    shape, notes = choose_shape(surveys, size, channels)
    passed_over = len(found.entries) - sum(len(domain.entries) for domain in domains)
    if passed_over:
        notes += (f"only trainA and trainB are read, and not {passed_over} other files",)
    opened = [assemble(*_read_pictures(part, shape, notes), mirror) for part in surveys]
    opened = opened if limit is None else [data.limited(limit) for data in opened]
    return Unpaired(*opened) if len(opened) == 2 else opened[0]


def read(source: Source, *, size: tuple[int, int] | None = None, channels: int | None = None) -> np.ndarray:
    """Read samples of any generator, to judge them: all of them, in their order, even if all are the same.

    Args:
        source: as for `open`.
        size: (height, width); needed where the pictures are of several sizes.
        channels: see `open`.

    Returns:
        uint8 `(N, C, H, W)`, or float32 `(N, D)`.

    Raises:
        UserError: the source cannot be found or read, or its pictures are of several sizes and none was asked for.
    """
    check_request(size, channels)
    found = locate(source)
    if isinstance(found, ArraySource):
        return _read_array(found, size, channels).examples
    surveyed = survey(found)
    sizes = {(header.height, header.width) for header in surveyed.headers}
    if size is None and len(sizes) > 1:
        raise UserError(f"the pictures of {found.source} are of {len(sizes)} sizes", "--size HxW brings them to one")
    shape, _ = choose_shape([surveyed], size, channels)
    return _read_pictures(surveyed, shape, ()).examples


def split_domains(listing: Listing) -> tuple[Listing, ...]:
    """The listing itself, or the two listings of `trainA` and `trainB` where it has both."""
    parts = {
        domain: tuple(entry for entry in listing.entries if PurePosixPath(entry.name).parts[0] == domain)
        for domain in DOMAINS
    }
    if not all(parts.values()):
        return (listing,)
    return tuple(Listing(f"{listing.source}/{domain}", entries) for domain, entries in parts.items())


def _read_pictures(part: Survey, shape: tuple[int, int, int], notes: tuple[str, ...]) -> Examples:
    examples = allocate((len(part.entries), *shape), np.uint8)

    def work(row: int, stream: BinaryIO) -> None:
        examples[row] = prepare(decode(stream), shape)

    failures = read_all(part.entries, work)
    good = np.array([failure is None for failure in failures])
    unreadable = part.unreadable + [failure for failure in failures if failure is not None]
    if not good.any():
        raise no_pictures(part.listing.source, unreadable)
    if unreadable:
        notes += (_skipped(unreadable),)
    entries = [entry for entry, usable in zip(part.entries, good, strict=True) if usable]
    labels, classes = picture_labels(entries, part.listing.class_names)
    return Examples(part.listing.source, keep(examples, good), labels, classes, notes)


def _skipped(unreadable: list[Unreadable]) -> str:
    names = ", ".join(sorted(item.name for item in unreadable)[:_NAMED]) + (", ..." if len(unreadable) > _NAMED else "")
    if len(unreadable) == 1:
        return f"skipped 1 file that is not a readable image: {names}"
    return f"skipped {len(unreadable)} files that are not readable images: {names}"


def _read_array(found: ArraySource, size: tuple[int, int] | None, channels: int | None) -> Examples:
    if found.kind == "points":
        if size is not None or channels is not None:
            raise UserError(f"{found.source} holds points", "--size, --channels and --mirror are for pictures")
        shape = found.examples.shape[1:]
    else:
        own = found.examples.shape[3]
        # An alpha channel that is opaque everywhere says nothing.
        opaque = own == 4 and all(found.read(rows)[..., 3].min() == 255 for rows in parts(found.examples))
        shape = (channels or (3 if opaque else own), *(size or found.examples.shape[1:3]))
    examples = allocate((len(found), *shape), np.float32 if found.kind == "points" else np.uint8)
    for rows in parts(found.examples):
        part = found.read(rows)
        examples[rows] = part if found.kind == "points" else _fit(part, shape)
    labels, classes = (None, ()) if found.labels is None else encode(found.labels)
    return Examples(found.source, examples, labels, classes, found.notes)


def _fit(pictures: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """uint8 `(n, H, W, C)` of one shape -> `(n, *shape)`."""
    channels, height, width = shape
    if pictures.shape[1:] == (height, width, channels) and channels != 4:
        return pictures.transpose(0, 3, 1, 2)
    flat = pictures[..., 0] if pictures.shape[3] == 1 else pictures
    return np.stack([prepare(Image.fromarray(picture), (channels, height, width)) for picture in flat])
