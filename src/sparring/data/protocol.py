"""What the rest asks of a data set: a user's own class will do."""

from typing import Protocol, runtime_checkable

import numpy as np
from torch import Tensor

from sparring.kinds import Schema

Rows = dict[str, Tensor]
"""Stored examples by column, all of one length, on the processor."""


@runtime_checkable
class Data(Protocol):
    """A data set: training examples that can be drawn and looked up, and held-out ones to judge by.

    All examples are given as they are stored; the columns' kinds bring them into the model's range, on the device.

    Attributes:
        schema: the named columns of an example.
        fingerprint: of the content; a run goes on only with the same.
        notes: one line each on what was decided or skipped while reading.
        mirror: whether `batch` mirrors half of the examples.
    """

    @property
    def schema(self) -> Schema:
        """The named columns of an example."""
        ...

    @property
    def fingerprint(self) -> str:
        """Of the content."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """One line each."""
        ...

    @property
    def mirror(self) -> bool:
        """Whether `batch` mirrors half of the examples."""
        ...

    def __len__(self) -> int:
        """How many training examples there are: the length of an epoch."""
        ...

    def batch(self, draw: int, size: int, seed: int) -> Rows:
        """The `draw`-th batch of an endless shuffled sequence; a pure function of its arguments."""
        ...

    def rows(self, which: np.ndarray | slice) -> Rows:
        """Training examples by their index, never mirrored; those of a slice may be no copies, not to be written to."""
        ...

    def held_out(self, n: int | None = None) -> Rows:
        """The first `n` examples that are never trained on, or all of them, in random order; fewer if there are."""
        ...
