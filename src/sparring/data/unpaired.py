"""Two domains with no pairing between them: horses and zebras, as CycleGAN wants them."""

import numpy as np

from sparring.data.dataset import Dataset
from sparring.data.domains import Domains, renamed
from sparring.data.protocol import Rows


class Unpaired(Domains):
    """Two data sets drawn independently; it offers what `Dataset` offers, under the columns "a" and "b".

    Args:
        a: the first domain.
        b: the second domain.
    """

    @property
    def fingerprint(self) -> str:
        """Both domains' fingerprints, a's first."""
        return self.a.fingerprint + self.b.fingerprint

    @property
    def matched(self) -> int:
        """How many of the first held-out examples of a belong, row by row, to those of b."""
        return min(self.a.matched, self.b.matched)

    def __len__(self) -> int:
        return max(len(self.a), len(self.b))

    def batch(self, draw: int, size: int, seed: int) -> Rows:
        """`{"a": (size, ...), "b": (size, ...)}`; see `Dataset.batch`. The two orders are independent."""
        a, b = self.a.batch(draw, size, 2 * seed), self.b.batch(draw, size, 2 * seed + 1)
        return {**renamed(a, "a"), **renamed(b, "b")}

    def rows(self, which: np.ndarray | slice) -> Rows:
        """Training examples of both domains by their index; the smaller domain begins anew where it ends."""
        which = np.arange(len(self))[which]
        a, b = (data.rows(which % len(data)) for data in (self.a, self.b))
        return {**renamed(a, "a"), **renamed(b, "b")}

    def held_out(self, n: int | None = None) -> Rows:
        """The first `n` held-out examples of each domain, equally many of both."""
        rows = {**renamed(self.a.held_out(n), "a"), **renamed(self.b.held_out(n), "b")}
        fewer = min(map(len, rows.values()))
        return {name: column[:fewer] for name, column in rows.items()}

    def alone(self, name: str) -> "Domain":
        """One of the domains, with all of its own examples."""
        return Domain({"a": self.a, "b": self.b}[name], name)


class Domain:
    """A domain by itself, under its own column.

    Args:
        data: its examples, under "x".
        name: "a" or "b".
    """

    def __init__(self, data: Dataset, name: str) -> None:
        self._data, self._name = data, name

    def __len__(self) -> int:
        return len(self._data)

    def rows(self, which: np.ndarray | slice) -> Rows:
        """Training examples by their index."""
        return {self._name: self._data.rows(which)["x"]}

    def held_out(self, n: int | None = None) -> Rows:
        """The first `n` held-out examples, or all of them."""
        return {self._name: self._data.held_out(n)["x"]}
