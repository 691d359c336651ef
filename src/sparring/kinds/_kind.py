"""What a kind of data is: all that depends on it is known in its own file, and nowhere else."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, cast

import numpy as np
from PIL import Image
from torch import Tensor

from sparring.errors import UserError, did_you_mean


class Kind(Protocol):
    """One kind of data, and the shape and units of one data set of that kind. A frozen dataclass.

    Its fields are strings, numbers and tuples of them, so that `config.toml` can hold it; `register` makes it known.
    Three forms of an example are told apart: *stored* as the data set keeps it (and as it crosses the bus to the
    device), in the *model's* range as the networks take it, and its *view* as metrics and the doctor compare it.

    Attributes:
        name: in `config.toml`, and what several of them are called: "pictures", "points".
        single: whether one sample can be looked at by itself; of other kinds only a set can.
        previewed: how many samples a preview shows.
        endings: of the files that `write` writes; "" is a folder.
        mirrors: whether an example may be flipped from left to right.
        shape: of one example, in the model's range.
    """

    name: ClassVar[str]
    single: ClassVar[bool]
    previewed: ClassVar[int]
    endings: ClassVar[tuple[str, ...]]
    mirrors: ClassVar[bool]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example, in the model's range."""
        ...

    def describe(self) -> str:
        """Shape and units in a few words: "28x28 grey"."""
        ...

    def to_model(self, stored: Tensor) -> Tensor:
        """Stored `(N, ...)` -> `(N, *shape)` in the model's range, on the same device."""
        ...

    def to_stored(self, x: Tensor) -> Tensor:
        """Undo `to_model`, rounded and clipped to what can be stored; on the processor."""
        ...

    def to_array(self, stored: Tensor) -> np.ndarray:
        """Stored `(N, ...)` -> an array as Python's users expect it; pictures have their channels last."""
        ...

    def view(self, stored: Tensor) -> Tensor:
        """Stored `(N, ...)` -> what is compared: pictures, uint8 `(N, C, H, W)`, or vectors, float32 `(N, D)`."""
        ...

    def mirrored(self, stored: Tensor) -> Tensor:
        """Stored `(N, ...)`, flipped from left to right, where `mirrors` is true."""
        ...

    def preview(self, made: Tensor, real: Tensor, columns: int | None = None) -> Image.Image:
        """Samples as one picture.

        Args:
            made: stored samples, `(N, ...)`.
            real: stored reals, for kinds that draw samples over them.
            columns: of the sheet, where there is one.
        """
        ...

    def write(self, made: Tensor, out: Path, names: Sequence[str], columns: int | None = None) -> None:
        """Write stored samples by the ending of `out`.

        Args:
            made: `(N, ...)`.
            out: one of `endings`; `check_ending` refuses others before anything is drawn.
            names: one a sample, for single files.
            columns: of a sheet.
        """
        ...

    def parse(self, text: str) -> Tensor:
        """A stored example from what a user names it by: "7", "cat", "night.png".

        Raises:
            UserError: there is no such thing, or this kind has no names.
        """
        ...


Schema = Mapping[str, Kind]
"""The named columns of an example: `{"x": Pictures(...), "y": Categories(...)}`."""


def to_model(schema: Schema, rows: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Stored examples by column, in the range in which the networks take them; on the same device."""
    return {name: schema[name].to_model(column) for name, column in rows.items()}


KINDS: dict[str, type[Kind]] = {}
"""The kinds that `config.toml` can name."""

K = TypeVar("K", bound=type)


def register(kind: K) -> K:
    """Make a kind known by its name; a decorator."""
    KINDS[cast(type[Kind], kind).name] = kind
    return kind


def to_tables(schema: Schema) -> dict[str, dict[str, Any]]:
    """Only strings, numbers and lists: safe for JSON and TOML."""
    return {column: {"kind": kind.name, **_plain(asdict(cast(Any, kind)))} for column, kind in schema.items()}


def from_tables(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, Kind]:
    """Undo `to_tables`.

    Raises:
        UserError: a kind that is not registered, or that has other fields.
    """
    schema: dict[str, Kind] = {}
    for column, table in tables.items():
        name = str(table.get("kind"))
        if name not in KINDS:
            raise UserError(
                f"there is no kind of data named {name!r}",
                f"import the module that registers it, or {did_you_mean(name, KINDS)}",
            )
        fields = {key: _tuples(value) for key, value in table.items() if key != "kind"}
        try:
            schema[column] = KINDS[name](**fields)
        except TypeError as error:
            raise UserError(f"column {column}: {error}", "was the run written by another version?") from None
    return schema


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if each is not None}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(each) for each in value) if isinstance(value, list) else value


def check_ending(kind: Kind, out: Path) -> None:
    """Refuse a file that samples cannot be written to, before they are drawn.

    Raises:
        UserError: another ending than those of the kind, or a folder that is not empty.
    """
    if out.suffix.lower() not in kind.endings:
        named = ", ".join(ending or "a folder" for ending in kind.endings)
        raise UserError(f"--out {out}: cannot write {kind.name} as {out.suffix}", named)
    if not out.suffix and out.is_dir() and any(out.iterdir()):
        raise UserError(f"--out {out} is a folder that is not empty", "name a new one")
