"""Examples in memory or mapped into it, and the batches drawn from them."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from sparring.data.order import coins, order
from sparring.data.protocol import Data, Rows
from sparring.data.storage import gather
from sparring.errors import UserError
from sparring.kinds import Kind


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples to train on, examples to judge by, and what they are.

    Args:
        schema: the columns: "x", and "y" where there are labels.
        train: stored examples by column, `(N, ...)`; may be memory maps.
        kept: the same of `(M, ...)`, never trained on. In random order: the first n stand for all.
        mirror: whether batches flip each picture left to right with probability one half.
        notes: one line each on what was decided or skipped while reading.
        fingerprint: hex digest of shape, examples and labels, in their order: batches depend on the order too.
        matched: of one of two domains, how many of its first held-out examples belong to those of the other, row by
            row, by their names.
    """

    schema: Mapping[str, Kind]
    train: Mapping[str, np.ndarray]
    kept: Mapping[str, np.ndarray]
    mirror: bool
    notes: tuple[str, ...]
    fingerprint: str
    matched: int = 0

    def __len__(self) -> int:
        return len(next(iter(self.train.values())))

    def batch(self, draw: int, size: int, seed: int) -> Rows:
        """The `draw`-th batch of an endless row of epochs: a pure function of the data and the arguments.

        It covers positions `draw * size` and on of the permutations of all epochs, so that every example is seen once
        an epoch. A batch may reach into the next epoch.

        Args:
            draw: counts batches from 0.
            size: examples in the batch.
            seed: not negative; decides the permutations and the mirroring.

        Returns:
            Stored examples by column, `(size, ...)`.
        """
        return drawn(self, draw, size, seed)

    def rows(self, which: np.ndarray | slice) -> Rows:
        """Training examples by their index, never mirrored."""
        return {name: _tensor(column[which]) for name, column in self.train.items()}

    def held_out(self, n: int | None = None) -> Rows:
        """The first `n` held-out examples, or all; fewer when there are fewer, never mirrored."""
        return {name: torch.from_numpy(column[:n].copy()) for name, column in self.kept.items()}

    def limited(self, count: int) -> "Dataset":
        """The same with `count` training examples only, chosen at random; what is held out stays.

        Raises:
            UserError: there are not so many.
        """
        chosen = some(len(self), count)
        return replace(
            self,
            train={name: gather(column, chosen) for name, column in self.train.items()},
            notes=(*self.notes, f"{count:,} of {len(self):,} training examples are used"),
            fingerprint=blake2b(f"{self.fingerprint} {count}".encode(), digest_size=16).hexdigest(),
        )


def some(examples: int, count: int) -> np.ndarray:
    """The indices of so many examples, chosen at random and in their order.

    Raises:
        UserError: there are not so many.
    """
    if count > examples:
        raise UserError(f"limit = {count}, but there are {examples:,} training examples", "leave it out")
    return np.sort(np.random.default_rng(0).permutation(examples)[:count])


def drawn(data: Data, draw: int, size: int, seed: int) -> Rows:
    """A batch of any data set whose rows can be looked up; see `Dataset.batch`."""
    rows = data.rows(order(len(data), seed, draw * size, size))
    if not data.mirror:
        return rows
    return mirrored(data.schema, rows, torch.from_numpy(coins(size, seed, draw)))


def mirrored(schema: Mapping[str, Kind], rows: Rows, flip: Tensor) -> Rows:
    """Stored examples of which those that `flip (N,)` names are mirrored, in the columns where that means something."""
    return {
        name: torch.where(flip.view(-1, *[1] * (column.ndim - 1)), schema[name].mirrored(column), column)
        if schema[name].mirrors
        else column
        for name, column in rows.items()
    }


def _tensor(array: np.ndarray) -> Tensor:
    """A tensor of the same memory; one of a file that is mapped to be read must not be written to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)
