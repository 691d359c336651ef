"""Which files of two domains belong together: those of one name, whatever their endings."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sparring.data.entries import common_folder
from sparring.data.split import held_out

_NAMED = 3  # files without a partner that are named


class Match(NamedTuple):
    """Two domains, file by file.

    Args:
        a: int64 `(P,)`, rows of a that have a partner, in their order.
        b: int64 `(P,)`, the partners.
        alone: names of files without one, those of a first.
    """

    a: np.ndarray
    b: np.ndarray
    alone: tuple[str, ...]

    def most(self) -> bool:
        """Whether most files of each domain have a partner."""
        return len(self.a) > len(self.alone)

    def strangers(self) -> str:
        """The files without a partner in words: a few by name, and how many there are."""
        named = ", ".join(self.alone[:_NAMED])
        return f"{named} and {len(self.alone) - _NAMED:,} more" if len(self.alone) > _NAMED else named


def match(a: Sequence[str], b: Sequence[str]) -> Match:
    """Match files by their paths below the folder that holds all of a domain, without endings.

    Of several files of one domain that differ by their endings only the first is matched.

    Examples:
        >>> found = match(["trainA/1.png", "trainA/2.png"], ["trainB/0.jpg", "trainB/2.jpg"])
        >>> found.a.tolist(), found.b.tolist(), found.alone
        ([1], [1], ('trainA/1.png', 'trainB/0.jpg'))
    """
    one, other = _keys(a), _keys(b)
    both = [(row, other[key]) for key, row in one.items() if key in other]
    rows_a, rows_b = (np.array([pair[side] for pair in both], np.int64) for side in (0, 1))
    alone = [name for names, rows in ((a, rows_a), (b, rows_b)) for name in _but(names, rows)]
    return Match(rows_a, rows_b, tuple(alone))


def _keys(names: Sequence[str]) -> dict[str, int]:
    top = common_folder(names)
    rows: dict[str, int] = {}
    for row, name in enumerate(names):
        rows.setdefault(_key(name, top), row)
    return rows


def _but(names: Sequence[str], rows: np.ndarray) -> list[str]:
    matched = np.zeros(len(names), bool)
    matched[rows] = True
    return [name for name, found in zip(names, matched, strict=True) if not found]


def held_out_pairs(found: Match, names: Sequence[str], a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which pairs are held out: by their names, so that no thing is on both sides, and copies stay together too.

    Args:
        found: the matched rows; there are at least two pairs.
        names: of all rows of a.
        a: uint64 `(N,)`, hashes of all rows of a.
        b: uint64 `(M,)`, of b.

    Returns:
        Indices of pairs, in the order of their names' hashes: the first n stand for all.
    """
    hashes = _hashes(found, names)
    groups = _groups(found, a, b)
    first = np.full(groups.max() + 1, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(first, groups, hashes)
    of_group = first[groups]
    candidates = np.flatnonzero(~np.isin(groups, groups[_with_copies(found, a, b)]))
    if len(np.unique(of_group[candidates])) < 2:  # copies join all of them: names alone tell them apart
        candidates, of_group = np.arange(len(hashes)), hashes
    out = candidates[held_out(of_group[candidates])]
    return out[np.lexsort((hashes[out], of_group[out]))]


def shuffled(found: Match, names: Sequence[str]) -> np.ndarray:
    """Indices of pairs in the order of their names' hashes; the arguments are those of `held_out_pairs`."""
    return np.argsort(_hashes(found, names), kind="stable")


def _hashes(found: Match, names: Sequence[str]) -> np.ndarray:
    """uint64 `(P,)`, of the names of pairs."""
    top = common_folder(names)
    rows: list[int] = found.a.tolist()
    joined = b"".join(blake2b(_key(names[row], top).encode(), digest_size=8).digest() for row in rows)
    return np.frombuffer(joined, np.uint64)


def _key(name: str, top: str) -> str:
    return str(PurePosixPath(name.removeprefix(top)).with_suffix(""))


def _groups(found: Match, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """int64 `(P,)`: pairs that share a picture, through however many others, have one number."""
    contents = np.unique(np.concatenate([a[found.a], b[found.b]]), return_inverse=True)[1]
    pairs = len(found.a)
    rows, columns = np.tile(np.arange(pairs), 2), pairs + contents
    size = pairs + len(np.unique(contents))
    links = coo_array((np.ones(len(rows), bool), (rows, columns)), shape=(size, size))
    return connected_components(links, directed=False)[1][:pairs].astype(np.int64)


def _with_copies(found: Match, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Bool `(P,)`: pairs of which a picture has a copy among the files without a partner, which all train."""
    alone = np.concatenate([np.delete(a, found.a), np.delete(b, found.b)])
    return np.isin(a[found.a], alone) | np.isin(b[found.b], alone)
