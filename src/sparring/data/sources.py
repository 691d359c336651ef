"""From what the user typed to what lies there."""

import difflib
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from torch import Tensor, bfloat16

from sparring.data import toys
from sparring.data.arrays import ArraySource, check_array, read_numpy
from sparring.data.entries import Listing, list_folder, list_zip, walk
from sparring.data.parquet import list_parquet, shards_of
from sparring.errors import UserError, did_you_mean

Place = str | Path

Source = Place | np.ndarray | Tensor | tuple[np.ndarray | Tensor, np.ndarray | Tensor | None] | tuple[Place, Place]

_TOYS = {
    "ring": (toys.ring, toys.RING_MODES),
    "grid": (toys.grid, toys.GRID_MODES),
    "gaussian": (toys.gaussian, None),
}

_READERS = {
    ".zip": list_zip,
    ".npy": read_numpy,
    ".npz": read_numpy,
    ".parquet": list_parquet,
}

BUILTIN = ("digits", *_TOYS)
"""The names that stand for data sets of our own."""

_ACCEPTED = f"give a folder or zip of pictures, a .npy, .npz or .parquet file, or one of {', '.join(BUILTIN)}"


def locate(source: Source, raw: bool = False) -> Listing | ArraySource:
    """Find and list a source; picture files are not opened yet, arrays are checked.

    A string that is a built-in name means that data set even where a folder is called so; `./ring` means the folder.

    Args:
        source: see `sparring.data.open`.
        raw: see `check_array`.

    Raises:
        UserError: there is no such thing, or it is of a kind that cannot be read.
    """
    if isinstance(source, np.ndarray | Tensor):
        return check_array("the array", _array(source), None, raw=raw)
    if isinstance(source, tuple) and len(source) == 2 and not isinstance(source[0], str | Path):
        examples, labels = source
        labels = None if labels is None else _array(labels)
        return check_array("the array", _array(examples), labels, raw=raw)
    if not isinstance(source, str | Path):
        raise UserError(f"data cannot be read from a {type(source).__name__}", f"{_ACCEPTED}, or an array")
    if source in BUILTIN:
        return _builtin(str(source))
    return _locate_path(source, raw)


def is_two_paths(source: object) -> TypeGuard[tuple[Place, Place]]:
    """Whether a source is two folders or zips, of one kind of pictures each."""
    return isinstance(source, tuple) and len(source) == 2 and all(isinstance(each, str | Path) for each in source)


def _array(values: Any) -> np.ndarray:
    """An array, or what makes one; a tensor of any device, and of a type that NumPy lacks."""
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        return (values.float() if values.dtype == bfloat16 else values).numpy()
    return np.asarray(values)


def _locate_path(source: str | Path, raw: bool) -> Listing | ArraySource:
    path = Path(source).expanduser()
    if path.is_dir():
        files, notes = walk(path)
        shards, said = shards_of(files)
        return list_parquet(*shards, source=path, notes=said) if shards else list_folder(path, files, notes)
    if not path.exists():
        near = difflib.get_close_matches(str(source), BUILTIN, n=1)
        raise UserError(f"{source} does not exist", did_you_mean(str(source), BUILTIN) if near else _ACCEPTED)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(f"{source} is of a type that cannot be read", _ACCEPTED)
    return read_numpy(path, raw) if reader is read_numpy else reader(path)


def _builtin(name: str) -> ArraySource:
    if name == "digits":
        with as_file(files("sparring.data") / "digits.npz") as path:
            return read_numpy(path)
    draw, modes = _TOYS[name]
    points = draw(toys.SIZE, seed=0)
    return check_array(name, points, None if modes is None else toys.nearest_mode(points, modes))
