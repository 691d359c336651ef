"""Look at a source without training on it: what is there, what is broken, what is there twice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np

from sparring.data.arrays import ArraySource
from sparring.data.entries import Listing, Unreadable, read_all
from sparring.data.labels import encode, picture_labels
from sparring.data.opening import DOMAINS, split_domains
from sparring.data.pictures import decode, read_header
from sparring.data.sources import Source, locate
from sparring.data.split import digests
from sparring.data.storage import parts

_GROUPS, _MEMBERS = 5, 5  # how much of the duplicates is named

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True)
class Inspection:
    """What a source holds.

    Args:
        kind: "image", "points", or "unpaired" for pictures of two domains.
        count: usable examples.
        sizes: how many pictures are of each "HxW"; of points, how many have each number of dimensions.
        modes: how many pictures are of each Pillow mode ("L", "RGB", "P", "I;16", ...); of points, the dtype.
        labels: how many examples each class has; the domains of "unpaired"; empty without labels.
        corrupt: (name, reason) of every file that cannot be used.
        duplicates: examples that repeat an earlier one pixel for pixel, or value for value.
        duplicate_groups: names of examples that are the same, for the first few of them.
        values: the smallest and the largest value of an array; None for picture files.
    """

    kind: Literal["image", "points", "unpaired"]
    count: int
    sizes: Counter[str]
    modes: Counter[str]
    labels: dict[str, int]
    corrupt: list[tuple[str, str]]
    duplicates: int
    duplicate_groups: list[list[str]]
    values: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Only strings, numbers, lists and dictionaries: safe for JSON."""
        return {
            **vars(self),
            "sizes": dict(self.sizes),
            "modes": dict(self.modes),
            "corrupt": [list(item) for item in self.corrupt],
            "values": None if self.values is None else list(self.values),
        }


class _Seen(NamedTuple):
    size: str
    mode: str
    digest: bytes


def inspect(source: Source) -> Inspection:
    """Read every example once and report; nothing is resized, and broken files are listed rather than refused.

    Args:
        source: as for `open`.

    Raises:
        UserError: the source cannot be found or read at all.

    Examples:
        >>> found = inspect(np.zeros((3, 8, 6), np.uint8))
        >>> found.count, found.sizes, found.duplicates
        (3, Counter({'8x6': 3}), 2)
    """
    found = locate(source)
    return _inspect_array(found) if isinstance(found, ArraySource) else _inspect_pictures(found)


def _inspect_pictures(listing: Listing) -> Inspection:
    domains = split_domains(listing)
    entries = [entry for domain in domains for entry in domain.entries]
    results = read_all(entries, _look)
    usable = [(entry, seen) for entry, seen in zip(entries, results, strict=True) if not isinstance(seen, Unreadable)]
    good = [entry for entry, _ in usable]
    if len(domains) == 2:
        labels = {name: sum(entry.name.startswith(f"{name}/") for entry in good) for name in DOMAINS}
    else:
        labels = _count(*picture_labels(good, listing.class_names))
    duplicates, groups = _duplicates([seen.digest for _, seen in usable], [entry.name for entry in good])
    return Inspection(
        kind="unpaired" if len(domains) == 2 else "image",
        count=len(usable),
        sizes=Counter(seen.size for _, seen in usable),
        modes=Counter(seen.mode for _, seen in usable),
        labels=labels,
        corrupt=[(item.name, item.reason) for item in results if isinstance(item, Unreadable)],
        duplicates=duplicates,
        duplicate_groups=groups,
    )


def _look(_: int, stream: BinaryIO) -> _Seen:
    header = read_header(stream)
    image = decode(stream)
    digest = blake2b(image.tobytes(), digest_size=16, person=f"{image.mode} {image.width}"[:16].encode()).digest()
    return _Seen(f"{header.height}x{header.width}", header.mode, digest)


def _inspect_array(found: ArraySource) -> Inspection:
    shape, count = found.examples.shape, len(found)
    hashes = np.concatenate([digests(found.read(rows)) for rows in parts(found.examples)])
    duplicates, groups = _duplicates(hashes.tolist(), [f"example {i}" for i in range(count)])
    pictures = found.kind == "image"
    return Inspection(
        kind=found.kind,
        count=count,
        sizes=Counter({f"{shape[1]}x{shape[2]}" if pictures else str(shape[1]): count}),
        modes=Counter({_MODES[shape[3]] if pictures else str(found.examples.dtype): count}),
        labels={} if found.labels is None else _count(*encode(found.labels)),
        corrupt=[],
        duplicates=duplicates,
        duplicate_groups=groups,
        values=found.values,
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
