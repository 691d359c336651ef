"""Open a source of data for training."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from sparring.data.alpha import Alpha, alpha_notes, alpha_of, hidden_note, hiding_colors
from sparring.data.arrays import ArraySource
from sparring.data.assembly import Examples, Scale, assemble
from sparring.data.dataset import Dataset
from sparring.data.entries import Entry, Listing
from sparring.data.framing import (
    Channels,
    Frames,
    Survey,
    check_found,
    check_request,
    choose_shape,
    frame_notes,
    no_pictures,
    range_of,
    survey,
)
from sparring.data.labels import encode, picture_labels
from sparring.data.layout import arrange
from sparring.data.pictures import frames as decoded
from sparring.data.pictures import prepare, prepare_raw
from sparring.data.ranges import BYTES, Range, check_range, sparse_notes
from sparring.data.reading import Unreadable, read_all, skipped
from sparring.data.sources import Source, locate
from sparring.data.storage import allocate, keep, parts
from sparring.data.unpaired import Unpaired
from sparring.errors import UserError
from sparring.readable import printable


def open(
    source: Source,
    *,
    size: tuple[int, int] | None = None,
    channels: Channels | None = None,
    mirror: bool = False,
    limit: int | None = None,
    frames: Frames = "first",
    scale: Scale = "auto",
    range: Range | None = None,
) -> Dataset | Unpaired:
    """Read data of any kind into memory, ready to train on; the same content gives the same data set.

    Args:
        source: a built-in name (`BUILTIN`); a folder or zip of pictures, where sub-folders are classes, `train` is read
            and not `val` or `test`, or `trainA` and `trainB` are two unpaired domains; a .npy or .npz file; a .parquet
            file of pictures; an array of pictures or points; or (array, labels).
        size: (height, width); None takes the most common size if half of the pictures have it, else 64x64. Pictures are
            cropped centrally to that aspect ratio and resized by antialiased Lanczos.
        channels: 1, 3 or 4; "raw" keeps as many as are stored, none of them taken for alpha; None takes 4 if any pixel
            is transparent, 1 if all are stored as grey, else 3. Without an alpha channel transparent pixels are laid
            over white.
        mirror: flip pictures left to right at random.
        limit: so many training examples only, chosen at random, of each domain; as many are held out as without.
        frames: of a file with several, such as a GIF or TIFF, "first" or "all" are examples.
        scale: columns of points are divided by "each" its own standard deviation, or by "one" number, which keeps the
            form of the cloud; "auto" takes "each" where one deviation is more than three times another.
        range: (low, high), the values that become black and white in arrays of pictures and in files of more than 8
            bits; None takes what the type and all values suggest, such as 0 to 4,095, and notes it.

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
    check_range(range)
    raw = channels == "raw"
    found = locate(source, raw)
    if isinstance(found, ArraySource):
        if not found.pictures and mirror:
            raise UserError(f"{found.source} holds points", "--size, --channels and --mirror are for pictures")
        if found.pictures and scale != "auto":
            raise UserError(f"{found.source} holds pictures", "scale is for points")
        data = assemble(*_read_array(found.ranged(range), size, channels), mirror, scale, raw)
        return data if limit is None else data.limited(limit)
    if scale != "auto":
        raise UserError(f"{found.source} holds pictures", "scale is for points")
    layout = arrange(found)
    surveys = [survey(part, frames, floats=range is not None) for part in layout.parts]
    for part in surveys:
        check_found(part)
    shape, notes = choose_shape(surveys, size, channels)
    span, said = range_of(surveys, range)
    notes = layout.notes + notes + said
    opened = [assemble(*_read_pictures(part, shape, span, channels, notes), mirror, raw=raw) for part in surveys]
    opened = opened if limit is None else [data.limited(limit) for data in opened]
    return Unpaired(*opened) if len(opened) == 2 else opened[0]


def read(
    source: Source,
    *,
    size: tuple[int, int] | None = None,
    channels: Channels | None = None,
    range: Range | None = None,
) -> np.ndarray:
    """Read samples of any generator, to judge them: all of them, in their order, even if all are the same.

    Args:
        source: as for `open`.
        size: (height, width); needed where the pictures are of several sizes.
        channels: see `open`.
        range: see `open`.

    Returns:
        uint8 `(N, C, H, W)`, or float32 `(N, D)`.

    Raises:
        UserError: the source cannot be found or read, or its pictures are of several sizes and none was asked for.
    """
    check_request(size, channels)
    check_range(range)
    found = locate(source, raw=channels == "raw")
    if isinstance(found, ArraySource):
        return _read_array(found.ranged(range), size, channels).examples
    surveyed = survey(found, floats=range is not None)
    check_found(surveyed)
    sizes = {(header.height, header.width) for header in surveyed.headers}
    if size is None and len(sizes) > 1:
        raise UserError(f"the pictures of {found.source} are of {len(sizes)} sizes", "--size HxW brings them to one")
    shape, _ = choose_shape([surveyed], size, channels)
    return _read_pictures(surveyed, shape, range_of([surveyed], range)[0], channels).examples


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
    path = Path(source)
    if not path.exists():
        raise UserError(f"{printable(str(source))} does not exist", "name a picture, or a folder or zip of them")
    if path.is_dir() or path.suffix.lower() == ".zip":
        found = locate(path)
        assert isinstance(found, Listing)
        entries = found.entries
    else:
        entries = (Entry(printable(path.name), partial(path.open, "rb")),)
    whole = Listing(printable(str(source)), tuple(entries))
    surveyed = survey(whole)
    check_found(surveyed)
    fitted: list[Fitted] = []
    for entry, header in zip(surveyed.entries, surveyed.headers, strict=True):
        one = Survey(Listing(whole.source, (entry,)), [entry], [header], [])
        picture = _read_pictures(one, shape, range_of([one])[0], "raw" if raw else shape[0]).examples[0]
        fitted.append(Fitted(entry.name, picture, (header.channels, header.height, header.width)))
    return fitted, skipped(surveyed.unreadable)


def _read_pictures(
    part: Survey,
    shape: tuple[int, int, int],
    span: Range,
    channels: Channels | None,
    notes: tuple[str, ...] = (),
) -> Examples:
    """Decode and fit all pictures; `channels` are those that the user chose."""
    fit = prepare_raw if channels == "raw" else prepare
    counts = np.array(part.counts)
    first = np.cumsum(counts) - counts
    examples = allocate((int(counts.sum()), *shape), np.uint8)

    def fitted(index: int, stream: BinaryIO) -> Iterator[Image.Image]:
        for row, image in enumerate(decoded(stream, counts[index], shape[1:], span), first[index]):
            examples[row] = fit(image, shape)
            yield image

    results = read_all(part.entries, lambda index, stream: alpha_of(fitted(index, stream)), part.pixels)
    good = np.array([not isinstance(result, Unreadable) for result in results])
    unreadable = part.unreadable + [result for result in results if isinstance(result, Unreadable)]
    if not good.any():
        raise no_pictures(part.listing.source, unreadable)
    entries = [part.entries[index] for index in np.repeat(np.arange(len(good)), counts) if good[index]]
    found = picture_labels(entries, part.listing.labelled_by, part.listing.class_names)
    notes += ((found.note,) if found.note else ()) + skipped(unreadable) + frame_notes(part)
    if shape[0] == 4 and channels != "raw":
        names = [entry.name for entry, usable in zip(part.entries, good, strict=True) if usable]
        notes += alpha_notes(names, [result for result in results if isinstance(result, Alpha)], channels is None)
    examples = keep(examples, np.repeat(good, counts))
    if not any(header.deep for header in part.headers):
        notes += sparse_notes(_values(examples), BYTES)
    return Examples(part.listing.source, examples, found.codes, found.classes, notes)


def _values(examples: np.ndarray) -> Range:
    """The smallest and the largest value of uint8 `(N, C, H, W)`; alpha is left out."""
    found = [examples[rows, :3] for rows in parts(examples)]
    return float(min(each.min() for each in found)), float(max(each.max() for each in found))


def _read_array(found: ArraySource, size: tuple[int, int] | None, channels: Channels | None) -> Examples:
    if not found.pictures:
        if size is not None or channels is not None:
            raise UserError(f"{found.source} holds points", "--size, --channels and --mirror are for pictures")
        shape = found.examples.shape[1:]
    else:
        own = found.examples.shape[3]
        # An alpha channel that is opaque everywhere says nothing.
        opaque = (
            own == 4
            and channels != "raw"
            and all(found.read(rows)[..., 3].min() == 255 for rows in parts(found.examples))
        )
        wanted = None if channels == "raw" else channels
        shape = (wanted or (3 if opaque else own), *(size or found.examples.shape[1:3]))
    examples = allocate((len(found), *shape), np.uint8 if found.pictures else np.float32)
    hiding = 0
    for rows in parts(found.examples):
        part = found.read(rows)
        examples[rows] = _fit(part, shape, channels == "raw") if found.pictures else part
        if found.pictures and shape[0] == 4 and channels != "raw":
            hiding += hiding_colors(part)
    labels, classes = (None, ()) if found.labels is None else encode(found.labels)
    notes = (hidden_note(f"{hiding:,} of {len(found):,} pictures"),) if hiding else ()
    return Examples(found.source, examples, labels, classes, found.notes + notes)


def _fit(pictures: np.ndarray, shape: tuple[int, ...], raw: bool) -> np.ndarray:
    """uint8 `(n, H, W, C)` of one shape -> `(n, *shape)`."""
    channels, height, width = shape
    if pictures.shape[1:] == (height, width, channels) and (raw or channels != 4):
        return pictures.transpose(0, 3, 1, 2)
    if raw:
        return np.stack([prepare_raw(picture, (channels, height, width)) for picture in pictures])
    flat = pictures[..., 0] if pictures.shape[3] == 1 else pictures
    return np.stack([prepare(Image.fromarray(picture), (channels, height, width)) for picture in flat])
