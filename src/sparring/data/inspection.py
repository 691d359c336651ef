"""Look at a source without training on it: what is there, what is broken, what is there twice."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np

from sparring.data import cached
from sparring.data.alpha import Alpha, alpha_notes, alpha_of
from sparring.data.arrays import ArraySource
from sparring.data.entries import Entry
from sparring.data.finding import lay_out
from sparring.data.framing import Pairs, Survey, frame_notes, range_of, survey
from sparring.data.labels import encode, picture_labels
from sparring.data.layout import Layout
from sparring.data.matching import match
from sparring.data.pictures import Header, decode, extrema
from sparring.data.ranges import WORDS, Range
from sparring.data.reading import Unreadable, by_ending, read_all, telling
from sparring.data.sources import Source
from sparring.data.split import digests
from sparring.data.storage import parts
from sparring.errors import UserError
from sparring.progress import Tell

_GROUPS, _MEMBERS = 5, 5  # how much of the duplicates is named

_STRIP = 1 << 20  # pixels hashed at once
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True)
class Inspection:
    """What a source holds.

    Args:
        kind: "image", "points", "unpaired" for pictures of two domains, or "pairs" where they are to be taken as such.
        count: usable examples.
        sizes: how many pictures are of each "HxW"; of points, how many have each number of dimensions.
        modes: how many pictures are of each Pillow mode ("L", "RGB", "P", "I;16", ...); of points, the dtype.
        labels: how many examples each class has, or each of two domains; empty without labels.
        corrupt: (name, reason) of every picture that cannot be used.
        ignored: how many files that are no pictures have each ending.
        duplicates: examples that repeat an earlier one pixel for pixel, or value for value.
        duplicate_groups: names of examples that are the same, for the first few of them.
        values: the smallest and the largest value, as they are stored; None where there is no example.
        partners: of two domains, how many files of one have the name of a file of the other.
        alone: names of files without a partner, the first few of them.
        strangers: how many there are.
        notes: one line each on where labels are from, what is not read, files of several frames, transparent pixels.
    """

    kind: Literal["image", "points", "unpaired", "pairs"]
    count: int
    sizes: Counter[str]
    modes: Counter[str]
    labels: dict[str, int]
    corrupt: list[tuple[str, str]]
    duplicates: int
    duplicate_groups: list[list[str]]
    values: tuple[float, float] | None = None
    ignored: dict[str, int] = field(default_factory=dict)
    partners: int = 0
    alone: list[str] = field(default_factory=list)
    strangers: int = 0
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Only strings, numbers, lists and dictionaries: safe for JSON."""
        return {
            **vars(self),
            "sizes": dict(self.sizes),
            "modes": dict(self.modes),
            "corrupt": [list(item) for item in self.corrupt],
            "values": None if self.values is None else list(self.values),
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> "Inspection":
        """Undo `to_dict`."""
        values = found["values"]
        changed = {
            "sizes": Counter(found["sizes"]),
            "modes": Counter(found["modes"]),
            "corrupt": [(name, reason) for name, reason in found["corrupt"]],
            "values": None if values is None else (values[0], values[1]),
            "notes": tuple(found["notes"]),
        }
        return cls(**{**found, **changed})


class _Seen(NamedTuple):
    digest: bytes
    alpha: Alpha
    values: Range


def inspect(
    source: Source, *, pairs: Pairs | None = None, cache: bool = True, progress: Tell | None = None
) -> Inspection:
    """Read every example and report; nothing is resized, and broken files are listed rather than refused.

    Of a file with several frames the first is looked at.

    Args:
        source: as for `open`.
        pairs: as for `open`.
        cache: see `open`; what was found is kept.
        progress: see `open`.

    Raises:
        UserError: the source cannot be found or read at all.

    Examples:
        >>> found = inspect(np.zeros((3, 8, 6), np.uint8))
        >>> found.count, found.sizes, found.duplicates
        (3, Counter({'8x6': 3}), 2)
    """
    place = cached.place_of(source, ("inspect", pairs)) if cache else None
    found = place and cached.read_table(place)
    if found:
        return Inspection.from_dict(found)
    begun = time.monotonic()
    found = lay_out(source, raw=True)
    inspected = _inspect_array(found) if isinstance(found, ArraySource) else _inspect_pictures(found, pairs, progress)
    if place and time.monotonic() - begun >= cached.SLOW:
        cached.write_table(place, inspected.to_dict())
    return inspected


def _inspect_pictures(layout: Layout, pairs: Pairs | None, progress: Tell | None) -> Inspection:
    surveys = [survey(part, progress=progress) for part in layout.parts + layout.judges]
    try:
        span, ranged = range_of(surveys, progress=progress)
    except UserError as error:
        span, ranged = WORDS, (str(error),)
    parts = [_look(part, span, progress) for part in surveys]
    usable = [found for part in parts for found in part.usable]
    unreadable = [item for part in parts for item in part.unreadable]
    names = [entry.name for entry, _, _ in usable]
    domains = len(parts) > 1
    if domains:
        labels, said = {name: len(part.usable) for name, part in zip(layout.names, parts, strict=True)}, ()
    else:
        entries = [entry for entry, _, _ in usable]
        found = picture_labels(entries, layout.parts[0].labelled_by, layout.parts[0].class_names)
        labels, said = _count(found.codes, found.classes), (found.note,) if found.note else ()
        said += _beside(usable, pairs)
    duplicates, groups = _duplicates([seen.digest for _, _, seen in usable], names)
    values = [seen.values for _, _, seen in usable]
    notes = layout.notes + said + ranged + tuple(note for part in parts for note in frame_notes(part.survey))
    return Inspection(
        kind="pairs" if pairs else "unpaired" if domains else "image",
        count=len(usable),
        sizes=Counter(f"{header.height}x{header.width}" for _, header, _ in usable),
        modes=Counter(header.mode for _, header, _ in usable),
        labels=labels,
        corrupt=[(item.name, item.reason) for item in unreadable if not item.foreign],
        duplicates=duplicates,
        duplicate_groups=groups,
        values=(min(low for low, _ in values), max(high for _, high in values)) if values else None,
        ignored=by_ending(unreadable),
        **(_partners(parts) if domains else {}),
        notes=notes + alpha_notes(names, [seen.alpha for _, _, seen in usable], unasked=True),
    )


def _partners(parts: "Sequence[_Looked]") -> dict[str, Any]:
    """Who has a partner among the usable files of two domains, and of what is held out of them."""
    names = [[entry.name for entry, _, _ in part.usable] for part in parts]
    found = [match(names[k], names[k + 1]) for k in range(0, len(names), 2)]
    alone = [name for each in found for name in each.alone]
    partners = sum(len(each.a) for each in found)
    return {"partners": partners, "alone": alone[:_MEMBERS], "strangers": len(alone)}


def _beside(usable: "Sequence[tuple[Entry, Header, _Seen]]", pairs: Pairs | None) -> tuple[str, ...]:
    """What is said of pictures that are or may be pairs side by side."""
    if pairs == "side-by-side":
        odd = [entry.name for entry, header, _ in usable if header.width % 2]
        return (f"{len(odd):,} pictures of odd width have no halves, such as {odd[0]}",) if odd else ()
    if usable and all(header.width == 2 * header.height for _, header, _ in usable):
        return ("all are twice as wide as high: --pairs side-by-side takes the left half as a, the right one as b",)
    return ()


class _Looked(NamedTuple):
    survey: Survey
    usable: list[tuple[Entry, Header, _Seen]]
    unreadable: list[Unreadable]


def _look(part: Survey, span: Range, progress: Tell | None) -> _Looked:
    """Decode every picture."""
    told = telling(progress, f"reading {len(part.entries):,} pictures")
    results = read_all(part.entries, lambda _, stream: _seen(stream, span), part.pixels, told)
    rows = zip(part.entries, part.headers, results, strict=True)
    usable = [(entry, header, seen) for entry, header, seen in rows if not isinstance(seen, Unreadable)]
    broken = [result for result in results if isinstance(result, Unreadable)]
    names = {entry.name: place for place, entry in enumerate(part.listing.entries)}
    return _Looked(part, usable, sorted(part.unreadable + broken, key=lambda item: names[item.name]))


def _seen(stream: BinaryIO, span: Range) -> _Seen:
    values = extrema(stream, 1)
    stream.seek(0)
    image = decode(stream, span=span)
    digest = blake2b(digest_size=16, person=f"{image.mode} {image.width}"[:16].encode())
    rows = max(1, _STRIP // image.width)  # a copy of a large picture would take as much memory again
    for top in range(0, image.height, rows):
        digest.update(image.crop((0, top, image.width, min(top + rows, image.height))).tobytes())
    return _Seen(digest.digest(), alpha_of([image]), values)


def _inspect_array(found: ArraySource) -> Inspection:
    try:
        found = found.ranged()
    except UserError as error:
        found = replace(found, range=found.values, notes=(*found.notes, str(error)))
    shape, count = found.examples.shape, len(found)
    hashes = np.concatenate([digests(found.read(rows)) for rows in parts(found.examples)])
    duplicates, groups = _duplicates(hashes.tolist(), [f"example {i}" for i in range(count)])
    pictures = found.pictures
    return Inspection(
        kind="image" if pictures else "points",
        count=count,
        sizes=Counter({f"{shape[1]}x{shape[2]}" if pictures else str(shape[1]): count}),
        modes=Counter({_MODES.get(shape[3], f"{shape[3]} channels") if pictures else str(found.examples.dtype): count}),
        labels={} if found.labels is None else _count(*encode(found.labels)),
        corrupt=[],
        duplicates=duplicates,
        duplicate_groups=groups,
        values=found.values,
        notes=found.notes,
    )


def _count(codes: np.ndarray | None, classes: Sequence[str]) -> dict[str, int]:
    if codes is None:
        return {}
    return dict(zip(classes, np.bincount(codes, minlength=len(classes)).tolist(), strict=True))


def _duplicates(digests: Sequence[bytes | int], names: Sequence[str]) -> tuple[int, list[list[str]]]:
    members: dict[bytes | int, list[str]] = {}
    for digest, name in zip(digests, names, strict=True):
        members.setdefault(digest, []).append(name)
    groups = [group for group in members.values() if len(group) > 1]
    return len(digests) - len(members), [group[:_MEMBERS] for group in groups[:_GROUPS]]
