"""Picture files, wherever they are kept: a name, a way to read it, perhaps a label."""

import io
import os
import posixpath
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple, TypeVar
from zipfile import BadZipFile, ZipFile, ZipInfo

from PIL import UnidentifiedImageError

from sparring.errors import UserError

T = TypeVar("T")

LARGEST = 256 << 20
"""Bytes of one unpacked file in a zip; anything larger is taken for a bomb."""


@dataclass(frozen=True)
class Entry:
    """One file that may be a picture.

    Args:
        name: its path inside the source, with forward slashes.
        open: reads it anew at every call, from any thread.
        label: its class, where the source itself says so; folders decide it later, from the names.
    """

    name: str
    open: Callable[[], BinaryIO]
    label: int | None = None


@dataclass(frozen=True)
class Listing:
    """All files of one source, in the order of the data set.

    Args:
        source: its name, for messages.
        entries: at least one.
        class_names: what the entries' integer labels are called.
    """

    source: str
    entries: tuple[Entry, ...]
    class_names: tuple[str, ...] = ()


class Unreadable(NamedTuple):
    """A file that gave no picture, and why."""

    name: str
    reason: str


def list_folder(folder: Path) -> Listing:
    """Every file under `folder`, hidden ones apart, by relative path.

    Raises:
        UserError: there is none.
    """
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return _listing(str(folder), [Entry(name, partial((folder / name).open, "rb")) for name in names])


def list_zip(path: Path) -> Listing:
    """Every file in a zip archive, hidden ones apart, by name; a folder that wraps them all is left out of the names.

    Nothing is unpacked to disk.

    Raises:
        UserError: it cannot be read, or is empty.
    """
    try:
        archive = ZipFile(path)
    except (BadZipFile, OSError) as error:
        raise UserError(
            f"{path} is not a readable zip archive: {error}", "it may be incomplete; copy it again"
        ) from None
    members = {info.filename: info for info in archive.infolist() if not info.is_dir() and not _hidden(info.filename)}
    wrapper = _common_folder(list(members))
    names = sorted(members)
    entries = [Entry(name[len(wrapper) :], partial(_unzip, archive, members[name])) for name in names]
    return _listing(str(path), entries)


def read_all(entries: Sequence[Entry], work: Callable[[int, BinaryIO], T]) -> list[T | Unreadable]:
    """Call `work(index, stream)` on every entry, in threads; one that fails gives an `Unreadable` instead."""

    def attempt(index: int) -> T | Unreadable:
        entry = entries[index]
        try:
            with entry.open() as stream:
                return work(index, stream)
        except UnidentifiedImageError:
            return Unreadable(entry.name, "not a picture")
        except Exception as error:  # Decoders of broken files raise anything: SyntaxError, struct.error, IndexError...
            return Unreadable(entry.name, str(error) or type(error).__name__)

    # Pillow warns of odd but readable files. The filter is set here, once, because it is not thread-safe.
    with warnings.catch_warnings(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        warnings.simplefilter("ignore")
        return list(pool.map(attempt, range(len(entries))))


def _listing(source: str, entries: list[Entry]) -> Listing:
    visible = tuple(entry for entry in entries if not _hidden(entry.name))
    if not visible:
        raise UserError(f"{source} is empty", "put pictures in it, in sub-folders if they have classes")
    return Listing(source, visible)


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in PurePosixPath(name).parts)


def _common_folder(names: list[str]) -> str:
    """The folder that all names begin with, as in "top/" for "top/a/1.png" and "top/b/2.png"; "" for none."""
    if not names or any("/" not in name for name in names):
        return ""
    folder = posixpath.commonpath([posixpath.dirname(name) for name in names])
    return f"{folder}/" if folder else ""


def _unzip(archive: ZipFile, info: ZipInfo) -> BinaryIO:
    if info.file_size > LARGEST:
        raise ValueError(f"unpacks to {info.file_size:,} bytes")
    return io.BytesIO(archive.read(info))
