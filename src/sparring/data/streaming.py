"""A stream of examples: read once, from its beginning, into what a folder of pictures becomes.

There is no second way to draw batches, shuffle, hold out or resume. What is read grows in a file; from there on it is a
`Dataset`, whose fingerprint is of its content.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import chain, islice
from operator import length_hint
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset

from sparring.data import cached, kept
from sparring.data.assembly import Examples, assemble
from sparring.data.dataset import Dataset
from sparring.data.items import PROBED, class_names, form_of, split
from sparring.data.labels import encode
from sparring.data.ondemand import is_map_style
from sparring.data.preparing import Preparation
from sparring.data.split import MOST, SHARE
from sparring.data.storage import BUDGET, LARGE
from sparring.errors import UserError, writing
from sparring.progress import Tell

_TOLD = 64  # examples from one telling of progress to the next


@dataclass(frozen=True)
class Stream:
    """A stream with a name, under which what was read of it is found again.

    Args:
        items: gives the examples: a `datasets.IterableDataset`, PyTorch's, or whatever can be iterated over.
        name: the same name promises the same examples; only the first 64 are compared. Without one, a stream is read
            anew whenever it is opened.
    """

    items: Iterable[Any]
    name: str = ""


def is_stream(source: object) -> TypeGuard[Stream | Iterable[Any]]:
    """Whether a source gives examples one after another, and is none of Python's own containers, a path or an array."""
    own = (str, bytes, list, tuple, dict, set, frozenset, np.ndarray, torch.Tensor)
    iterable = isinstance(source, Iterable) and not isinstance(source, own) and not is_map_style(source)
    return isinstance(source, Stream | IterableDataset) or iterable


class Begun:
    """A stream of which the first examples have been read: they say how all are stored.

    Args:
        source: the stream.
        how: see `Preparation`.
        limit: so many training examples: no more is read than they and those held out beside them.

    Raises:
        UserError: it gives nothing, no pictures or batches.
    """

    def __init__(self, source: Stream | Iterable[Any], how: Preparation, limit: int | None) -> None:
        self.named = source.name if isinstance(source, Stream) else ""
        items = source.items if isinstance(source, Stream) else source
        self.name = self.named or f"the {type(items).__name__}"
        if isinstance(items, DataLoader):
            raise UserError(f"{self.name} gives batches", "give its .dataset: batches are made of single examples")
        length = length_hint(items)  # 0 where it does not say
        self._limit, self._classes = limit, class_names(items)
        self._count = None if limit is None else limit + min(MOST, max(1, limit // (SHARE - 1)))
        self._rest = (split(item, self.name) for item in items)
        self._first = list(islice(self._rest, PROBED))
        if not self._first:
            raise UserError(f"{self.name} gives no examples", "what gives them only once has been read already")
        self._form, self._notes = form_of(self.name, [example for example, _ in self._first], how)
        digest = blake2b(repr((self._form, self._classes)).encode(), digest_size=16)
        for index, (example, label) in enumerate(self._first):
            digest.update(self._form.stored(example, index).tobytes() + repr(label).encode())
        beginning = digest.hexdigest()
        which = ("stream", self.named or beginning)
        self.place = cached.place_by(which, (how, self._count), f"{beginning} {length}", self.name)

    def prepared(self, progress: Tell | None, file: Path | None) -> Dataset:
        """All that is asked for, read and split.

        Args:
            progress: see `sparring.data.open`.
            file: where the examples may lie; without one, many lie in a temporary file.

        Raises:
            UserError: an example is no picture, has no label where others have one, or there are too many.
        """
        where = file or Path(tempfile.gettempdir())
        with file.open("w+b") if file else tempfile.TemporaryFile() as out:
            labels = self._written(out, where, progress)
            shape = (len(labels), *self._form.shape)
            if out.tell() >= LARGE:
                examples = np.memmap(out, np.uint8, "r+", shape=shape).view(np.ndarray)
            else:
                out.seek(0)
                examples = np.frombuffer(bytearray(out.read()), np.uint8).reshape(shape)
                out.truncate(0)
        codes, classes, said = self._encoded(labels)
        first = "the first " if self._limit is not None else ""
        said += (f"read {first}{len(labels):,} examples of the stream, {examples.nbytes / 1e6:,.0f} MB",)
        found = Examples(self.name, examples, codes, classes, self._notes + said)
        return self._limited(assemble(found, raw=self._form.raw))

    def _written(self, out: BinaryIO, where: Path, progress: Tell | None) -> list[Any]:
        """Write the examples one behind another; their labels."""
        labels: list[Any] = []
        size, most = 0, max(kept.most(), BUDGET)
        left = islice(chain(self._first, self._rest), self._count)
        self._first = []
        for example, label in left:
            stored = self._form.stored(example, len(labels)).tobytes()
            labels.append(_plain(label))
            size += len(stored)
            if self._limit is None and size > most:
                problem = f"{self.name} goes on beyond {len(labels):,} examples, {size / 1e9:.3g} GB"
                raise UserError(problem, f"limit=N reads so many; {kept.VARIABLE} (now {most / 1e9:g}) allows for more")
            with writing(where):
                out.write(stored)
            if progress and (len(labels) % _TOLD == 0 or len(labels) == self._count):
                share = len(labels) / self._count if self._count else 0.0
                progress(f"reading {self.name}: {len(labels):,} examples, {size / 1e6:,.0f} MB", share)
        with writing(where):
            out.flush()
        return labels

    def _encoded(self, labels: list[Any]) -> tuple[np.ndarray | None, tuple[str, ...], tuple[str, ...]]:
        """Their codes, the classes, and a note."""
        if labels[0] is None:
            return None, (), ()
        if not isinstance(labels[0], int | str):
            return None, (), (f"no labels: they are of {type(labels[0]).__name__}, not integers or strings",)
        strange = next((k for k, each in enumerate(labels) if type(each) is not type(labels[0])), None)
        if strange is not None:
            problem = f"example {strange} of {self.name} has the label {labels[strange]!r}"
            raise UserError(problem, f"that of example 0 is {labels[0]!r}")
        return *encode(labels, self._classes or ()), ()

    def _limited(self, data: Dataset) -> Dataset:
        """No more than was asked for: fewer are held out, and more train, where many are copies of one another."""
        limit = len(data) if self._limit is None else self._limit
        if limit > len(data):
            raise UserError(f"limit = {limit}, but there are {len(data):,} training examples", "leave it out")
        if limit == len(data):
            return data
        fingerprint = blake2b(f"{data.fingerprint} {limit}".encode(), digest_size=16).hexdigest()
        return replace(
            data, train={name: column[:limit] for name, column in data.train.items()}, fingerprint=fingerprint
        )


def _plain(label: Any) -> Any:
    """A label as Python's own number or string."""
    return label.item() if hasattr(label, "item") and np.ndim(label) == 0 else label
