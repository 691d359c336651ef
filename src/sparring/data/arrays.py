"""Arrays of pictures or points, from memory or from NumPy's files, checked before anything trusts them."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple
from zipfile import ZIP_STORED

import numpy as np
from numpy.lib.npyio import NpzFile

from sparring.data.pictures import SMALLEST
from sparring.data.ranges import BYTES, Range, choose_range, to_bytes
from sparring.data.storage import parts
from sparring.errors import UserError

_EXAMPLES, _LABELS = ("images", "x"), ("labels", "y")
_FORMS = ("{}", "train_{}", "{}_train")
"""How the names of arrays are written, in any case of letters; what is for tests is not read."""
_SHAPES = "pictures are (N, H, W), (N, H, W, C) or (N, C, H, W) with C of 1, 3 or 4; points are (N, D)"
_RAW = "channels=raw takes pictures (N, H, W, C) of any C up to 64"
MAX_CHANNELS = 64
"""Of pictures that are kept as they are stored."""


@dataclass(frozen=True)
class ArraySource:
    """An array that passed its checks, still in its own units and perhaps still on disk.

    Args:
        source: its name, for messages.
        examples: `(N, H, W, C)` of any numbers, or `(N, D)` float.
        labels: `(N,)` integers or strings, or None.
        values: the smallest and the largest value.
        notes: what was passed over.
        range: of pictures, the values that become 0 and 255; see `ranged`.
    """

    source: str
    examples: np.ndarray
    labels: np.ndarray | None
    values: tuple[float, float]
    notes: tuple[str, ...] = ()
    range: Range = BYTES

    @property
    def pictures(self) -> bool:
        """Points have two axes, pictures four."""
        return self.examples.ndim == 4

    def __len__(self) -> int:
        return len(self.examples)

    def ranged(self, asked: Range | None = None) -> "ArraySource":
        """The same with the range that was asked for, or that its numbers suggest.

        Raises:
            UserError: no range suggests itself, or points, which have none.
        """
        if not self.pictures:
            if asked is not None:
                raise UserError(f"{self.source} holds points", "range is for pictures")
            return self
        span, notes = choose_range(self.source, self.examples.dtype, self.values, asked)
        return replace(self, range=span, notes=self.notes + notes)

    def read(self, rows: slice) -> np.ndarray:
        """Some examples: uint8 `(n, H, W, C)`, or float32 `(n, D)`."""
        part = self.examples[rows]
        if not self.pictures:
            return part.astype(np.float32)
        return to_bytes(part, self.range)


def check_array(
    source: str,
    examples: np.ndarray,
    labels: np.ndarray | None,
    notes: tuple[str, ...] = (),
    raw: bool = False,
) -> ArraySource:
    """Accept an array as data, or say what is wrong with it.

    Args:
        source: see `ArraySource`.
        examples: in any layout.
        labels: as they were given.
        notes: see `ArraySource`.
        raw: accept pictures of other channels than 1, 3 and 4.

    Raises:
        UserError: a dtype or shape that is neither pictures nor points, values that are not finite, labels that
            do not fit.
    """
    if examples.size == 0:
        raise UserError(f"{source} holds no examples: its shape is {examples.shape}", _SHAPES)
    view = channels_last(source, examples, raw)
    if examples.dtype.kind not in "buif":
        raise UserError(f"{source} is of {examples.dtype}", "pictures are integers or floats, points are floats")
    if view.ndim == 2 and examples.dtype.kind != "f":
        hint = "points are floats: use .astype; flat pictures are reshaped to (N, H, W)"
        raise UserError(f"{source} is {examples.dtype} {examples.shape}", hint)
    values = _scan(source, examples)
    if examples.ndim == 3 and examples.dtype.kind == "f":
        _, height, width = examples.shape
        said = f"an array (N, {height}, {width}) is read as grey pictures of {height}x{width}"
        notes += (f"{said}; of series, reshape to (N, {height * width}) makes points",)
    return ArraySource(source, view, _check_labels(source, labels, len(examples)), values, notes)


class _Chosen(NamedTuple):
    """The names of the arrays of a file that are read; the examples are None where there are none."""

    examples: str | None
    labels: str | None


def read_numpy(path: Path, raw: bool = False) -> ArraySource:
    """Read `.npy`, or `.npz` with "images" or "x" (else its first array) and perhaps "labels" or "y".

    The names may begin with "train_" or end in "_train". Of a `.npz` nothing else is unpacked. `raw` is as in
    `check_array`.

    Raises:
        UserError: it cannot be read, holds pickled objects, or fails `check_array`.
    """
    try:
        examples, labels, notes = _load(path)
    except (
        Exception
    ) as error:  # A broken file raises OSError, ValueError, EOFError, BadZipFile, zlib.error, KeyError...
        if "pickle" in str(error) or "objects" in str(error):
            problem = f"{path} is not a NumPy file of numbers: it holds pickled objects, or something else altogether"
            raise UserError(problem, "objects are never unpickled; save a plain array of uint8 or float32") from None
        problem = f"{path} is not a readable NumPy file: {error}"
        raise UserError(problem, "it may be incomplete; copy it again") from None
    if examples is None:
        raise UserError(f"{path} holds no array of examples", f'save it as "images", with the labels as "{_LABELS[0]}"')
    return check_array(str(path), examples, labels, notes, raw)


def _load(path: Path) -> tuple[np.ndarray | None, np.ndarray | None, tuple[str, ...]]:
    """Examples, labels, and a note on the other arrays; the examples stay on disk if they are not compressed there."""
    if path.suffix.lower() == ".npy":
        return np.load(path, mmap_mode="r", allow_pickle=False), None, ()
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        chosen = _choose(archive.files)
        unused = ", ".join(name for name in archive.files if name not in chosen)
        notes = (f"read {chosen.examples} of {path.name}, and not {unused}",) if unused else ()
        examples = None if chosen.examples is None else _stored(path, archive, chosen.examples)
        return examples, None if chosen.labels is None else archive[chosen.labels], notes


def _stored(path: Path, archive: NpzFile, name: str) -> np.ndarray:
    """An array of a `.npz`, on disk if it is not compressed there."""
    members = {info.filename: info for info in archive.zip.infolist()} if archive.zip else {}
    info = members.get(f"{name}.npy")
    if info is None or info.compress_type != ZIP_STORED:
        return archive[name]
    with path.open("rb") as file:
        # the two lengths in the member's own header, which may differ from those in the archive's table
        file.seek(info.header_offset + 26)
        named, extra = struct.unpack("<HH", file.read(4))
        file.seek(info.header_offset + 30 + named + extra)
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            return archive[name]
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, columns_first, dtype = header(file)
        if dtype.hasobject or 0 in shape:
            return archive[name]
        order = "F" if columns_first else "C"
        return np.memmap(path, dtype, "r", file.tell(), shape, order).view(np.ndarray)


def _choose(names: Sequence[str]) -> _Chosen:
    for form in _FORMS:
        examples = _find(names, _EXAMPLES, form)
        if examples is not None:
            return _Chosen(examples, _find(names, _LABELS, form))
    found = (_find(names, _LABELS, form) for form in _FORMS)
    labels = next((name for name in found if name is not None), None)
    return _Chosen(next((name for name in names if name != labels), None), labels)


def _find(names: Sequence[str], wanted: Sequence[str], form: str) -> str | None:
    """The name that is one of those wanted, written in this form."""
    by_lower = {name.lower(): name for name in names}
    return next((by_lower[form.format(word)] for word in wanted if form.format(word) in by_lower), None)


def channels_last(source: str, examples: np.ndarray, raw: bool) -> np.ndarray:
    """A view `(N, H, W, C)` or `(N, D)`.

    Raises:
        UserError: a shape that is neither.
    """
    view = examples
    if examples.ndim == 3:
        view = examples[..., None]
    elif examples.ndim == 4 and (examples.shape[3] not in (1, 3, 4) or examples.shape[1] in (1, 3)):
        view = examples.transpose(0, 2, 3, 1)
    if view.ndim not in (2, 4):
        raise UserError(f"{source} has shape {examples.shape}", _SHAPES)
    if view.ndim == 4 and view.shape[3] not in (1, 3, 4):
        view = _raw_channels_last(examples)
        if not raw or view.shape[3] > MAX_CHANNELS:
            raise UserError(f"{source} has shape {examples.shape}", _RAW if raw else f"{_SHAPES}; {_RAW}")
    if view.ndim == 4 and min(view.shape[1:3]) < SMALLEST:
        problem = f"{source} has pictures of {view.shape[1]}x{view.shape[2]} pixels"
        raise UserError(problem, f"{SMALLEST}x{SMALLEST} is the smallest")
    return view


def _raw_channels_last(examples: np.ndarray) -> np.ndarray:
    """A view `(N, H, W, C)` of pictures whose channels come first only if they are fewer and no square stands there."""
    _, first, second, last = examples.shape
    return examples.transpose(0, 2, 3, 1) if first < last and first != second else examples


def _scan(source: str, array: np.ndarray) -> tuple[float, float]:
    """The smallest and the largest value, of an array that may be larger than memory."""
    low, high, broken, first = np.inf, -np.inf, 0, ()
    for rows in parts(array):
        part = array[rows]
        if part.dtype.kind == "f":
            with np.errstate(over="ignore"):  # a float64 beyond float32 is found below
                finite = np.isfinite(part.astype(np.float32))
            if not finite.all():
                inside = np.unravel_index(int(finite.argmin()), finite.shape)
                first = first or (rows.start + int(inside[0]), *map(int, inside[1:]))
                broken += int((~finite).sum())
        low, high = min(low, float(part.min())), max(high, float(part.max()))
    if broken:
        raise UserError(
            f"{source} holds {broken} values that are not finite in float32, the first at index {first}",
            "remove those examples, or replace them with np.nan_to_num",
        )
    return low, high


def _check_labels(source: str, labels: np.ndarray | None, count: int) -> np.ndarray | None:
    if labels is None:
        return None
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != (count,):
        raise UserError(f"{source} has labels of shape {labels.shape} for {count} examples", f"they must be ({count},)")
    if labels.dtype.kind not in "biuU":
        raise UserError(f"{source} has labels of {labels.dtype}", "labels are integers or strings")
    return labels
