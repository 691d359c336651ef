"""Pairs: row i of column "a" belongs to row i of column "b"."""

from hashlib import blake2b

import numpy as np

from sparring.data.dataset import Dataset, drawn
from sparring.data.domains import Domains, renamed
from sparring.data.protocol import Data, Rows


class Paired(Domains):
    """Two data sets of one length whose rows belong together; it offers what `Dataset` offers, as "a" and "b".

    Args:
        a: what is given, under "x".
        b: what belongs to it, in the same order; as many train, and as many are held out.

    Attributes:
        paired: True; see `is_paired`.
    """

    paired = True

    def __init__(self, a: Dataset, b: Dataset) -> None:
        assert len(a) == len(b)
        assert len(a.kept["x"]) == len(b.kept["x"])
        super().__init__(a, b)

    @property
    def fingerprint(self) -> str:
        """Of both and of their being paired."""
        joined = f"pairs {self.a.fingerprint} {self.b.fingerprint}"
        return blake2b(joined.encode(), digest_size=16).hexdigest()

    def __len__(self) -> int:
        return len(self.a)

    def batch(self, draw: int, size: int, seed: int) -> Rows:
        """`{"a": (size, ...), "b": (size, ...)}`, row by row pairs; see `Dataset.batch`."""
        return drawn(self, draw, size, seed)

    def rows(self, which: np.ndarray | slice) -> Rows:
        """Training pairs by their index."""
        return {**renamed(self.a.rows(which), "a"), **renamed(self.b.rows(which), "b")}

    def held_out(self, n: int | None = None) -> Rows:
        """The first `n` held-out pairs, or all of them."""
        return {**renamed(self.a.held_out(n), "a"), **renamed(self.b.held_out(n), "b")}


def known_pairs(data: Data, n: int | None = None) -> Rows | None:
    """The first `n` held-out rows of which "a" and "b" are known to belong together, or all; None where none are.

    Those are all of pairs, and of unpaired domains the ones that were held out by their names.
    """
    if is_paired(data):
        return data.held_out(n)
    matched = getattr(data, "matched", 0)
    return data.held_out(matched if n is None else min(n, matched)) if matched else None


def is_paired(data: Data) -> bool:
    """Whether row i of "a" belongs to row i of "b": a data set says so by an attribute `paired` that is True."""
    return bool(getattr(data, "paired", False))
