"""Open a source of data for training."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from sparring.data import cached, kept, storage
from sparring.data.arrays import ArraySource
from sparring.data.assembly import Scale
from sparring.data.dataset import Dataset
from sparring.data.finding import lay_out
from sparring.data.framing import Channels, Frames, Pairs, check_found, check_request, choose_shape, range_of, survey
from sparring.data.layout import Layout
from sparring.data.ondemand import MapStyle, OnDemand, is_map_style
from sparring.data.paired import Paired
from sparring.data.preparing import Preparation, prepared, read_array, read_pictures
from sparring.data.ranges import Range, check_range
from sparring.data.sources import Source, is_two_paths, locate
from sparring.data.streaming import Begun, Stream, is_stream
from sparring.data.unpaired import Unpaired
from sparring.errors import UserError
from sparring.progress import Tell


def open(
    source: Source | MapStyle | Stream | Iterable[Any],
    *,
    size: tuple[int, int] | None = None,
    channels: Channels | None = None,
    mirror: bool = False,
    limit: int | None = None,
    frames: Frames = "first",
    scale: Scale = "auto",
    range: Range | None = None,
    pairs: Pairs | None = None,
    swap: bool = False,
    size_a: tuple[int, int] | None = None,
    cache: bool = True,
    progress: Tell | None = None,
) -> Dataset | Unpaired | Paired | OnDemand:
    """Read data of any kind, ready to train on; the same content gives the same data set.

    Args:
        source: a built-in name (`BUILTIN`); a folder or zip of pictures, where sub-folders are classes, `train` is read
            and not `val` or `test`, or `trainA` and `trainB` are two domains; two folders or zips, (a, b), which are
            domains; a .npy or .npz file; a .parquet file of pictures; an array of pictures or points; (array, labels);
            a map-style data set such as PyTorch's, which is read as it is needed: see `OnDemand`; or a stream, anything
            that can be iterated over, which is read once: see `Stream`.
        size: (height, width); None takes the most common size if half of the pictures have it, else 64x64. Pictures are
            cropped centrally to that aspect ratio and resized by antialiased Lanczos.
        channels: 1, 3 or 4; "raw" keeps as many as are stored, none of them taken for alpha; None takes 4 if any pixel
            is transparent, 1 if all are stored as grey, else 3. Without an alpha channel transparent pixels are laid
            over white.
        mirror: flip pictures left to right at random.
        limit: so many training examples only, chosen at random, of each domain; as many are held out as without. A
            stream is read no further than that takes.
        frames: of a file with several, such as a GIF or TIFF, "first" or "all" are examples.
        scale: columns of points are divided by "each" its own standard deviation, or by "one" number, which keeps the
            form of the cloud; "auto" takes "each" where one deviation is more than three times another.
        range: (low, high), the values that become black and white in arrays of pictures and in files of more than 8
            bits; None takes what the type and all values suggest, such as 0 to 4,095, and notes it.
        pairs: files of two domains that have one "names" are pairs; or each picture is one, its left half a and its
            right half b, "side-by-side". None takes domains as unpaired. Sizes and channels of a and b may differ.
        swap: of two domains or pairs, a becomes b and b becomes a.
        size_a: (height, width) of a, where it is not that of b.
        cache: keep what took long to prepare in the user's cache folder, and take it from there as long as no file of
            the source has changed.
        progress: is told what is done, and which share of it is done already.

    Returns:
        One in ten examples, 2,000 at most, is held out, chosen by content: copies are never on both sides. Of two
        domains whose files have the same names mostly, it is chosen by name, of both alike; `testA` and `testB` are
        what is held out where they are there.

    Raises:
        UserError: the source cannot be found, read, or trained on.

    Examples:
        >>> digits = open("digits")
        >>> len(digits), digits.schema["x"].shape
        (9000, (1, 28, 28))
    """
    check_request(size, channels)
    check_request(size_a, channels)
    check_range(range)
    how = Preparation(size, channels, frames, scale, range, pairs, swap, size_a)
    if (pairs or swap or size_a) and (is_map_style(source) or is_stream(source)):
        raise UserError(
            f"pairs of a {type(source).__name__} are not read", "a data set of your own: sparring.data.Data"
        )
    if is_map_style(source):
        return OnDemand(source, how, mirror, limit)
    if is_stream(source):
        return replace(_streamed(Begun(source, how, limit), cache, progress), mirror=mirror)
    named = cast(Source, source)  # anything else is refused there
    opened = _remembered(
        cached.place_of(named, how) if cache else None, lambda file: prepared(named, how, progress, file), progress
    )
    if mirror and not opened[0].schema["x"].mirrors:
        name = source if isinstance(source, str | Path) else "the array"
        raise UserError(f"{name} holds points", "--size, --channels and --mirror are for pictures")
    opened = [replace(data, mirror=mirror) for data in opened]
    opened = opened if limit is None else [data.limited(limit) for data in opened]
    if len(opened) == 1:
        return opened[0]
    return Paired(*opened) if pairs else Unpaired(*opened)


def two_domains(source: Source | MapStyle | Stream | Iterable[Any]) -> bool:
    """Whether a source is of two domains; no file is opened."""
    if is_two_paths(source):
        return True
    found = lay_out(cast(Source, source)) if isinstance(source, str | Path) and Path(source).exists() else None
    return isinstance(found, Layout) and len(found.parts) == 2


Make = Callable[[Callable[[int], Path] | None], list[Dataset]]
"""Prepares data sets; the examples of each may lie in the file of its number, if they are many."""


def _streamed(begun: Begun, cache: bool, progress: Tell | None) -> Dataset:
    def make(file: Callable[[int], Path] | None) -> list[Dataset]:
        return [begun.prepared(progress, file and file(0))]

    return _remembered(begun.place if cache else None, make, progress, begun)[0]


def _remembered(
    place: cached.Place | None, make: Make, progress: Tell | None, stream: Begun | None = None
) -> list[Dataset]:
    """From the cache, or prepared and kept there if that is worth it.

    A stream is always kept: it may not be there a second time. Without a name, what lies in the cache is known to be
    of the same stream only where another process has prepared it while this one waited.
    """
    if place is None:
        return make(None)
    room, known, waited = kept.most(), stream is None or bool(stream.named), False

    def waiting() -> None:
        nonlocal waited
        waited = True
        if progress:
            progress("waiting for another process that prepares this", 0)

    found = cached.load(place) if known else None
    if found:
        return _noted(found, f"read from the cache, {place.folder} ({_megabytes(cached.size_of(place))})")
    with cached.reserved(place, waiting) as ours:
        # another process may have prepared it while this one waited
        found = cached.load(place) if ours and (known or waited) else None
        return found or (_kept(place, make, room, stream is not None) if ours else make(None))


def _kept(place: cached.Place, make: Make, room: int, always: bool) -> list[Dataset]:
    begun = time.monotonic()
    datasets = make(place.scratch)
    slow = time.monotonic() - begun >= cached.SLOW
    if not (always or slow or sum(data.train["x"].nbytes for data in datasets) >= storage.LARGE):
        return datasets
    try:
        cached.store(place, datasets)
    except OSError as error:
        return _noted(datasets, f"not kept in the cache, {place.folder}: {error.strerror}")
    count = sum(len(column) for data in datasets for column in (data.train["x"], data.kept["x"]))
    size = _megabytes(cached.size_of(place))
    made = _noted(cached.load(place) or datasets, f"prepared {count:,} examples in the cache, {place.folder} ({size})")
    gone = kept.thin(room)
    if not gone:
        return made
    what = f"{len(gone)} other data set{'s' if len(gone) > 1 else ''} ({_megabytes(sum(each.size for each in gone))})"
    return _noted(made, f"removed {what} from the cache, which holds {room / 1e9:g} GB ({kept.VARIABLE})")


def _noted(datasets: Sequence[Dataset], note: str) -> list[Dataset]:
    return [replace(datasets[0], notes=(*datasets[0].notes, note)), *datasets[1:]]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


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
        return read_array(found.ranged(range), size, channels).examples
    surveyed = survey(found, floats=range is not None)
    check_found(surveyed)
    sizes = {(header.height, header.width) for header in surveyed.headers}
    if size is None and len(sizes) > 1:
        raise UserError(f"the pictures of {found.source} are of {len(sizes)} sizes", "--size HxW brings them to one")
    shape, _ = choose_shape([surveyed], size, channels)
    return read_pictures(surveyed, shape, range_of([surveyed], range)[0], channels).examples
