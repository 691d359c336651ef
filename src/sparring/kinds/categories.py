"""Categories: labels, as indices into the names of the classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image
from torch import Tensor, int64, tensor
from torch.nn.functional import one_hot

from sparring import grids
from sparring.errors import UserError, did_you_mean
from sparring.kinds._kind import Kind, register

ALL = "all"
"""Instead of names: every class."""


@register
@dataclass(frozen=True)
class Categories:
    """Labels, stored as int64 `(N,)` indices.

    Args:
        names: of the classes, in the order of their indices.
    """

    name: ClassVar[str] = "categories"
    single: ClassVar[bool] = True
    previewed: ClassVar[int] = 64
    endings: ClassVar[tuple[str, ...]] = (".csv", ".npy", ".npz")
    mirrors: ClassVar[bool] = False

    names: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """A single index."""
        return ()

    def describe(self) -> str:
        """How many classes."""
        return f"{len(self.names):,} classes"

    def to_model(self, stored: Tensor) -> Tensor:
        """As they are; a network that wants them one-hot says so itself."""
        return stored

    def to_stored(self, x: Tensor) -> Tensor:
        """As they are."""
        return x.detach().cpu().to(int64)

    def to_array(self, stored: Tensor) -> np.ndarray:
        """int64 `(N,)`."""
        return stored.numpy()

    def view(self, stored: Tensor) -> Tensor:
        """One-hot, float32 `(N, classes)`."""
        return one_hot(stored, len(self.names)).float()

    def mirrored(self, stored: Tensor) -> Tensor:
        """A mirrored picture keeps its label."""
        return stored

    def preview(self, made: Tensor, real: Tensor, columns: int | None = None) -> Image.Image:
        """How often each class occurs, as points."""
        return grids.scatter(made.float()[:, None].numpy(), real.float()[:, None].numpy())

    def write(self, made: Tensor, out: Path, names: Sequence[str], columns: int | None = None) -> None:
        """`.csv` one label a line; `.npy` or `.npz` the indices."""
        if out.suffix.lower() == ".csv":
            out.write_text("".join(f"{self.names[index]}\n" for index in made.tolist()), encoding="utf-8")
        else:
            grids.save_array(made.numpy(), out, names)

    def parse(self, text: str) -> Tensor:
        """The index of a class, by its name, or else by its index.

        Examples:
            >>> Categories(("cat", "dog")).parse("dog"), Categories(("cat", "dog")).parse("0")
            (tensor(1), tensor(0))
        """
        word = text.strip()
        if word in self.names:
            return tensor(self.names.index(word))
        if word.isdecimal() and int(word) < len(self.names):
            return tensor(int(word))
        raise UserError(f"there is no class {word!r}", did_you_mean(word, self.names))

    def several(self, text: str) -> list[int]:
        """Indices of the classes in "cat,dog", or of all of them in "all".

        Raises:
            UserError: one of them is not there.
        """
        if text.strip() == ALL and ALL not in self.names:
            return list(range(len(self.names)))
        if text.strip() in self.names:  # a name may have a comma in it
            return [self.names.index(text.strip())]
        return [int(self.parse(word)) for word in text.split(",")]


def classes_of(schema: Mapping[str, Kind], column: str = "y") -> tuple[str, ...]:
    """The names of the classes of a column; () where it is not there, or is of another kind."""
    kind: Any = schema.get(column)
    return kind.names if isinstance(kind, Categories) else ()


def labelled(schema: Mapping[str, Kind], among: Sequence[str]) -> str | None:
    """The first of these columns that holds labels."""
    return next((column for column in among if isinstance(schema.get(column), Categories)), None)
