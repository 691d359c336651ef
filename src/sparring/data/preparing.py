"""From a source to data sets that can be drawn from: located, decoded, fitted, split."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from sparring.data.alpha import Alpha, alpha_notes, alpha_of, hidden_note, hiding_colors
from sparring.data.arrays import ArraySource
from sparring.data.assembly import Examples, Scale, assemble, assemble_apart, assemble_domains
from sparring.data.dataset import Dataset
from sparring.data.finding import lay_out
from sparring.data.framing import (
    Channels,
    Frames,
    Pairs,
    Survey,
    check_found,
    choose_shape,
    frame_notes,
    no_pictures,
    range_of,
    survey,
)
from sparring.data.labels import encode, picture_labels
from sparring.data.layout import Layout
from sparring.data.matching import match
from sparring.data.pairing import by_name, side_by_side
from sparring.data.pictures import frames as decoded
from sparring.data.pictures import half_of, prepare, prepare_raw
from sparring.data.ranges import BYTES, Range, sparse_notes
from sparring.data.reading import Unreadable, read_all, skipped, telling
from sparring.data.sources import Source
from sparring.data.storage import PART, allocate, keep, parts, release
from sparring.errors import UserError
from sparring.progress import Share, Tell


@dataclass(frozen=True)
class Preparation:
    """How a source is prepared: all that decides which bytes its examples become. See `sparring.data.open`."""

    size: tuple[int, int] | None = None
    channels: Channels | None = None
    frames: Frames = "first"
    scale: Scale = "auto"
    range: Range | None = None
    pairs: Pairs | None = None
    swap: bool = False
    size_a: tuple[int, int] | None = None


def prepared(
    source: Source,
    how: Preparation,
    progress: Tell | None = None,
    file: Callable[[int], Path] | None = None,
) -> list[Dataset]:
    """Read a source: one data set, or two of domains; the rows of pairs are in one order.

    Args:
        source: see `sparring.data.open`.
        how: see `Preparation`.
        progress: see `sparring.data.open`.
        file: where the examples of each data set may lie, if they are many.

    Raises:
        UserError: see `sparring.data.open`.
    """
    raw = how.channels == "raw"
    found = lay_out(source, raw)
    if how.scale != "auto" and not (isinstance(found, ArraySource) and not found.pictures):
        name = found.source if isinstance(found, ArraySource) else found.parts[0].source
        raise UserError(f"{name} holds pictures", "scale is for points")
    _check_twofold(found, how)
    if isinstance(found, ArraySource):
        examples = read_array(found.ranged(how.range), how.size, how.channels, file and file(0))
        return [assemble(examples, how.scale, raw)]
    surveys = [survey(part, how.frames, how.range is not None, progress) for part in found.parts + found.judges]
    for part in surveys:
        check_found(part)
    if how.pairs == "side-by-side":
        surveys = list(side_by_side(surveys[0]))
    if how.swap:
        surveys = [each for k in range(0, len(surveys), 2) for each in (surveys[k + 1], surveys[k])]
    if how.pairs == "names":
        surveys = [each for k in range(0, len(surveys), 2) for each in by_name(surveys[k], surveys[k + 1])]
    shapes, notes = _shapes(surveys, how)
    span, said = range_of(surveys, how.range, progress)
    notes = found.notes + notes + said
    read = [
        read_pictures(part, shapes[k % 2], span, how.channels, notes, file(k) if file and k < 2 else None, progress)
        for k, part in enumerate(surveys)
    ]
    if how.pairs:
        read = [each for k in range(0, len(read), 2) for each in _both_read(read[k], read[k + 1])]
    if len(read) == 1:
        return [assemble(read[0], raw=raw)]
    made = assemble_apart(read[:2], read[2:], raw) if len(read) == 4 else assemble_domains(read, raw)
    return made if how.pairs else _told(made, read)


def _check_twofold(found: Layout | ArraySource, how: Preparation) -> None:
    """Refuse what is asked of two domains where there are none.

    Raises:
        UserError: pairs of one folder, halves of two, or a swap or a size of a where there is no a.
    """
    source = found.source if isinstance(found, ArraySource) else found.parts[0].source
    two = isinstance(found, Layout) and len(found.parts) == 2
    if how.pairs and isinstance(found, ArraySource):
        raise UserError(f"{source} is an array: pairs are read from pictures", "from Python: sparring.data.Paired")
    if how.pairs == "names" and not two:
        raise UserError(f"{source} is one folder, not two", "--a DIR --b DIR, or a folder with trainA/ and trainB/")
    if how.pairs == "side-by-side" and two:
        raise UserError(f"{source} is one of two folders, and no picture holds two", "--pairs names")
    if how.pairs and how.frames == "all":
        raise UserError("frames = 'all' is not for pairs", "leave it out: the first frame of each is read")
    twofold = two or how.pairs == "side-by-side"
    if how.size_a and not twofold:
        raise UserError(f"{source} is one folder: there is no a for size_a", "--size is for all pictures")
    if how.swap and not twofold:
        raise UserError(f"{source} is one folder: there are no two to swap", "--a DIR --b DIR, or --pairs side-by-side")


def _shapes(surveys: Sequence[Survey], how: Preparation) -> tuple[list[tuple[int, int, int]], tuple[str, ...]]:
    """The shape of one data set, or those of a and b: one for both, unless they are pairs or were asked for apart."""
    if not how.pairs and not how.size_a:
        shape, notes = choose_shape(surveys, how.size, how.channels)
        return [shape, shape], notes
    a, said_a = choose_shape(surveys[::2], how.size_a or how.size, how.channels)
    b, said_b = choose_shape(surveys[1::2], how.size, how.channels)
    return [a, b], tuple(f"{name}: {note}" for name, said in (("a", said_a), ("b", said_b)) for note in said)


def _both_read(a: Examples, b: Examples) -> list[Examples]:
    """Pairs of which both were decoded."""
    found = match(a.names, b.names)
    return [_rows(each, rows) for each, rows in ((a, found.a), (b, found.b))]


def _rows(found: Examples, rows: np.ndarray) -> Examples:
    if len(rows) == len(found.names):
        return found
    mask = np.isin(np.arange(len(found.names)), rows)
    names = tuple(found.names[row] for row in rows)
    labels = None if found.labels is None else found.labels[mask]
    return replace(found, examples=keep(found.examples, mask), labels=labels, names=names)


def _told(made: list[Dataset], read: Sequence[Examples]) -> list[Dataset]:
    """With a note where files of the two have one name."""
    found = match(read[0].names, read[1].names)
    if not found.most():
        return made
    what = f"{len(found.a):,} files of a ({len(read[0].names):,}) and b ({len(read[1].names):,}) have one name"
    note = f"{what}: what is held out of one is held out of the other; --pairs names takes them as pairs"
    return [replace(made[0], notes=(*made[0].notes, note)), *made[1:]]


def read_pictures(
    part: Survey,
    shape: tuple[int, int, int],
    span: Range,
    channels: Channels | None,
    notes: tuple[str, ...] = (),
    file: Path | None = None,
    progress: Tell | None = None,
) -> Examples:
    """Decode and fit all pictures.

    Args:
        part: which.
        shape: (C, H, W).
        span: of greys of more than 8 bits.
        channels: those that the user chose.
        notes: so far.
        file: see `allocate`.
        progress: see `sparring.data.open`.

    Raises:
        UserError: not one can be decoded.
    """
    fitting = prepare_raw if channels == "raw" else prepare
    counts = np.array(part.counts)
    first = np.cumsum(counts) - counts
    examples = allocate((int(counts.sum()), *shape), np.uint8, file)

    def fitted(index: int, stream: BinaryIO) -> Iterator[Image.Image]:
        for row, whole in enumerate(decoded(stream, counts[index], shape[1:], span), first[index]):
            image = whole if part.half is None else half_of(whole, part.half)
            examples[row] = fitting(image, shape)
            yield image

    told = _releasing(examples, telling(progress, f"reading {len(part.entries):,} pictures"))
    results = read_all(part.entries, lambda index, stream: alpha_of(fitted(index, stream)), part.pixels, told)
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
    names = tuple(entry.name for entry in entries) if max(part.counts) == 1 else ()
    return Examples(part.listing.source, examples, found.codes, found.classes, notes, names)


def _releasing(examples: np.ndarray, told: Share | None) -> Share:
    """Let go of what was filled, a part at a time, beside telling how far it is."""
    every = PART / max(1, examples.nbytes)
    released = 0.0

    def tell(share: float) -> None:
        nonlocal released
        if share - released > every:
            released = share
            release(examples)
        if told:
            told(share)

    return tell


def _values(examples: np.ndarray) -> Range:
    """The smallest and the largest value of uint8 `(N, C, H, W)`; alpha is left out."""
    found = [(examples[rows, :3].min(), examples[rows, :3].max()) for rows in parts(examples)]
    return float(min(low for low, _ in found)), float(max(high for _, high in found))


def read_array(
    found: ArraySource, size: tuple[int, int] | None, channels: Channels | None, file: Path | None = None
) -> Examples:
    """Fit all pictures of an array, or take its points.

    Args:
        found: the array, with its range.
        size: that was asked for.
        channels: that were asked for.
        file: see `allocate`.

    Raises:
        UserError: a size or channels of points.
    """
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
    examples = allocate((len(found), *shape), np.uint8 if found.pictures else np.float32, file)
    hiding = 0
    for rows in parts(found.examples):
        part = found.read(rows)
        examples[rows] = fit(part, shape, channels == "raw") if found.pictures else part
        if found.pictures and shape[0] == 4 and channels != "raw":
            hiding += hiding_colors(part)
    labels, classes = (None, ()) if found.labels is None else encode(found.labels)
    notes = (hidden_note(f"{hiding:,} of {len(found):,} pictures"),) if hiding else ()
    return Examples(found.source, examples, labels, classes, found.notes + notes)


def fit(pictures: np.ndarray, shape: tuple[int, ...], raw: bool) -> np.ndarray:
    """Fit uint8 `(n, H, W, C)` to `(n, *shape)`; see `prepare` and, for raw channels, `prepare_raw`."""
    channels, height, width = shape
    if pictures.shape[1:] == (height, width, channels) and (raw or channels != 4):
        return pictures.transpose(0, 3, 1, 2)
    if raw:
        return np.stack([prepare_raw(picture, (channels, height, width)) for picture in pictures])
    flat = pictures[..., 0] if pictures.shape[3] == 1 else pictures
    return np.stack([prepare(Image.fromarray(picture), (channels, height, width)) for picture in flat])
