"""Examples in memory, and the batches drawn from them."""

from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from sparring.data.order import coins, order
from sparring.data.spec import DataSpec
from sparring.errors import UserError


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples to train on, examples to judge by, and what they are.

    Args:
        spec: kind, shape, classes and units.
        train: uint8 `(N, C, H, W)` or float32 `(N, D)` in the data's own units; may be a memory map.
        held_out: the same of `(M, ...)`; never trained on. In random order: the first n stand for all.
        labels: int64 `(N,)` indices into `spec.classes`, for `train`; None when there are none.
        held_out_labels: int64 `(M,)`.
        mirror: whether batches flip each picture left to right with probability one half.
        notes: one line each on what was decided or skipped while reading.
        fingerprint: hex digest of shape, examples and labels, in their order: batches depend on the order too.
    """

    spec: DataSpec
    train: np.ndarray
    held_out: np.ndarray
    labels: np.ndarray | None
    held_out_labels: np.ndarray | None
    mirror: bool
    notes: tuple[str, ...]
    fingerprint: str

    def __len__(self) -> int:
        return len(self.train)

    def batch(self, draw: int, size: int, seed: int, rank: int = 0, world: int = 1) -> dict[str, Tensor]:
        """The `draw`-th batch of an endless row of epochs: a pure function of the data and the arguments.

        With `world` ranks, it covers positions `(draw * world + rank) * size` and on of the permutations of all epochs,
        so that the ranks together see every example once an epoch. A batch may reach into the next epoch.

        Args:
            draw: counts batches from 0.
            size: examples in the batch.
            seed: not negative; decides the permutations and the mirroring.
            rank: of this process.
            world: how many processes share the data.

        Returns:
            `{"x": float32 (size, *shape)}` in the networks' range, and `"y": int64 (size,)` when labelled.
        """
        index = order(len(self), seed, (draw * world + rank) * size, size)
        raw = self.train[index]
        if self.mirror:
            flip = coins(size, seed, draw, rank)
            raw[flip] = raw[flip, ..., ::-1]
        return self._tensors(raw, None if self.labels is None else self.labels[index])

    def limited(self, count: int) -> "Dataset":
        """The same with `count` training examples only, chosen at random; what is held out stays.

        Raises:
            UserError: there are not so many.
        """
        if count > len(self):
            raise UserError(f"limit = {count}, but there are {len(self):,} training examples", "leave it out")
        chosen = np.sort(np.random.default_rng(0).permutation(len(self))[:count])
        return replace(
            self,
            train=self.train[chosen],
            labels=None if self.labels is None else self.labels[chosen],
            notes=(*self.notes, f"{count:,} of {len(self):,} training examples are used"),
            fingerprint=blake2b(f"{self.fingerprint} {count}".encode(), digest_size=16).hexdigest(),
        )

    def held_out_batch(self, n: int) -> dict[str, Tensor]:
        """The first `n` held-out examples, fewer when there are fewer, never mirrored, under the keys of `batch`."""
        labels = self.held_out_labels
        return self._tensors(self.held_out[:n], None if labels is None else labels[:n].copy())

    def _tensors(self, raw: np.ndarray, labels: np.ndarray | None) -> dict[str, Tensor]:
        x = self.spec.to_model(torch.from_numpy(raw))
        return {"x": x} if labels is None else {"x": x, "y": torch.from_numpy(labels)}
