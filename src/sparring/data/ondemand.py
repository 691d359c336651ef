"""A map-style data set of a user's own, such as a `torch.utils.data.Dataset`: each example is read when it is needed.

Nothing is prepared beforehand and nothing but what is held out stays in memory, so the set may be of any size. What
`sparring.data.open` finds out by reading everything is found out from some of the examples, or asked of the set.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Protocol, TypeGuard, runtime_checkable

import numpy as np
import torch
from torch.utils.data import IterableDataset

from sparring.data.dataset import drawn, some
from sparring.data.items import PROBED, class_names, form_of, split
from sparring.data.preparing import Preparation
from sparring.data.protocol import Rows
from sparring.data.split import MOST, SHARE
from sparring.data.storage import allocate
from sparring.errors import UserError
from sparring.kinds import Categories, Kind, Pictures

_BLOCK = 256  # examples asked for at once, of a set that gives several


@runtime_checkable
class MapStyle(Protocol):
    """What has a length and gives the example of an index.

    An example is a picture, (picture, label) or a dictionary of them ("image" and "label"). A picture is one of
    Pillow's, or an array or tensor `(H, W)`, `(C, H, W)` or `(H, W, C)`.
    """

    def __len__(self) -> int:
        """How many examples there are."""
        ...

    def __getitem__(self, index: int, /) -> Any:
        """The example of that index, always the same."""
        ...


def is_map_style(source: object) -> TypeGuard[MapStyle]:
    """Whether a source is such a set, and not one of Python's own containers, a path, an array or a stream."""
    own = (str, bytes, list, tuple, dict, set, np.ndarray, torch.Tensor, IterableDataset)
    return isinstance(source, MapStyle) and not isinstance(source, own)


class OnDemand:
    """Examples that are read from a map-style data set when they are asked for.

    One in ten, 2,000 at most, is held out, chosen at random by its index: unlike in `Dataset`, copies may be on both
    sides. The fingerprint is of the number of examples, of how they are prepared and of those that were probed.

    Args:
        items: the set.
        how: see `Preparation`; of the frames, those that the set gives.
        mirror: see `Dataset`.
        limit: so many training examples only.

    Attributes:
        on_demand: True; see `sparring.data.viewed`.

    Raises:
        UserError: fewer than two examples, or examples that are no pictures.
    """

    on_demand = True

    def __init__(self, items: MapStyle, how: Preparation, mirror: bool = False, limit: int | None = None) -> None:
        self._items, self._count, self.mirror = items, len(items), mirror
        self._name = f"the {type(items).__name__}"
        if self._count < 2:
            raise UserError(f"{self._name} holds {self._count} examples", "a GAN needs at least 2")
        # spread evenly
        probed = np.unique(np.linspace(0, self._count - 1, PROBED).astype(np.int64))
        examples = [split(item, self._name) for item in self._at(probed)]
        self._form, notes = form_of(self._name, [example for example, _ in examples], how)
        self._codes, classes, said = _classes(items, examples[0])
        self.schema: dict[str, Kind] = {"x": Pictures(self._form.shape, self._form.raw)}
        if classes:
            self.schema["y"] = Categories(classes)
        order = np.random.default_rng(0).permutation(self._count)
        held_out = min(MOST, max(1, self._count // SHARE))
        self._kept, self._train = order[:held_out], np.sort(order[held_out:])
        notes += said
        if limit is not None:
            notes += (f"{limit:,} of {len(self._train):,} training examples are used",)
            self._train = self._train[some(len(self._train), limit)]
        self.notes = notes
        told = self._count, limit, self._form.shape, self._form.span, classes
        digest = blake2b(repr(told).encode(), digest_size=16)
        for column in self._read(probed).values():
            digest.update(column.numpy().tobytes())
        self.fingerprint = digest.hexdigest()
        self._held_out = self._read(self._kept[:0])

    def __len__(self) -> int:
        return len(self._train)

    def batch(self, draw: int, size: int, seed: int) -> Rows:
        """The `draw`-th batch of an endless row of epochs; see `Dataset.batch`."""
        return drawn(self, draw, size, seed)

    def rows(self, which: np.ndarray | slice) -> Rows:
        """Training examples by their index; many of them lie in a temporary file."""
        return self._read(self._train[which])

    def held_out(self, n: int | None = None) -> Rows:
        """The first `n` held-out examples, or all; each is read once, when it is first asked for."""
        n = len(self._kept) if n is None else min(n, len(self._kept))
        known = len(self._held_out["x"])
        if n > known:
            more = self._read(self._kept[known:n])
            self._held_out = {name: torch.cat([column, more[name]]) for name, column in self._held_out.items()}
        return {name: column[:n].clone() for name, column in self._held_out.items()}

    def _read(self, which: np.ndarray) -> Rows:
        x, y = allocate((len(which), *self._form.shape), np.uint8), np.zeros(len(which), np.int64)
        for row, (index, item) in enumerate(zip(which.tolist(), self._at(which), strict=True)):
            example, label = split(item, self._name)
            x[row] = self._form.stored(example, index)
            if "y" in self.schema:
                y[row] = self._code(label, index)
        rows = {"x": torch.from_numpy(x)}
        return rows | {"y": torch.from_numpy(y)} if "y" in self.schema else rows

    def _at(self, which: np.ndarray) -> Iterator[Any]:
        """The items of these indices; the sets of the Hugging Face hub give several at once."""
        several = getattr(self._items, "__getitems__", None)
        for start in range(0, len(which), _BLOCK):
            block = which[start : start + _BLOCK].tolist()
            yield from several(block) if several else (self._items[index] for index in block)

    def _code(self, label: Any, index: int) -> int:
        label = label.item() if hasattr(label, "item") else label
        if label not in self._codes:
            raise UserError(f"example {index} of {self._name} has the label {label!r}", "it is none of its classes")
        return self._codes[label]


def _classes(items: MapStyle, first: tuple[Any, Any]) -> tuple[dict[Any, int], tuple[str, ...], tuple[str, ...]]:
    """The code of every label, the names of the classes, and notes; of what the set says of itself."""
    if first[1] is None:
        return {}, (), ()
    names = class_names(items)
    if names is not None:
        return {code: code for code in range(len(names))}, tuple(map(str, names)), ()
    targets = getattr(items, "targets", None)
    if targets is None:
        return {}, (), (f"no labels: the {type(items).__name__} has neither `classes` nor `targets`",)
    values = np.unique(np.asarray(targets)).tolist()
    return {value: code for code, value in enumerate(values)}, tuple(map(str, values)), ()
