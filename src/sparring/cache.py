"""Tensors that took long to compute, kept in the user's cache folder. Losing them costs time and nothing else."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

MAX_BYTES = 1 << 30
"""Of all that is kept; what has been asked for least recently goes first."""

Tensors = dict[str, Tensor]


def user_cache() -> Path:
    """`$XDG_CACHE_HOME/sparring`, or `~/.cache/sparring`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sparring"


def features_folder() -> Path:
    """Where evaluations keep what they have computed of reals."""
    return user_cache() / "features"


def key_of(*parts: Any) -> str:
    """Hex digits of arrays and of anything that can be printed, in their order."""
    found = hashlib.blake2b(digest_size=20)
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.dtype} {part.shape} ".encode())
            found.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
        else:
            found.update(f"{part} ".encode())
    return found.hexdigest()


class Cache:
    """Tensors by their keys.

    Args:
        folder: where; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def __call__(self, parts: Iterable[Any], make: Callable[[], Tensors]) -> Tensors:
        """What is kept under a key; else, or where the file is damaged, what `make` gives, which is then kept.

        Args:
            parts: all that the tensors depend on: arrays, and anything that can be printed.
            make: computes them.
        """
        if self._folder is None:
            return make()
        path = self._folder / f"{key_of(*parts)}.safetensors"
        found = _read(path)
        if found is None:
            found = make()
            with suppress(OSError):  # a full disk or a read-only folder: it is computed again next time
                _write(found, path)
                _thin(self._folder)
        return found


def _read(path: Path) -> Tensors | None:
    try:
        with safe_open(path, "pt") as file:
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no dictionary
            whole = (file.metadata() or {}).get("checksum") == _checksum(found)
        if whole:
            os.utime(path)
    except (OSError, SafetensorError):
        return None
    return found if whole else None


def _write(tensors: Tensors, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = save({k: v.contiguous() for k, v in tensors.items()}, {"checksum": _checksum(tensors)})
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        temporary = Path(file.name)
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _checksum(tensors: Tensors) -> str:
    return key_of(*(part for name, each in sorted(tensors.items()) for part in (name, each.numpy())))


def _thin(folder: Path) -> None:
    kept = sorted(((path.stat().st_mtime, path) for path in folder.iterdir()), reverse=True)
    total = 0
    for _, path in kept:
        total += path.stat().st_size
        if total > MAX_BYTES:
            path.unlink(missing_ok=True)
