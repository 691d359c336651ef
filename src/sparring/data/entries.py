"""Files that may be pictures, wherever they are kept: a name, a way to read it, perhaps a label."""

import io
import os
import posixpath
import stat
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple, NoReturn
from zipfile import BadZipFile, ZipFile, ZipInfo

from sparring.errors import UserError
from sparring.readable import printable

LARGEST = 256 << 20
"""Bytes of one unpacked file in a zip; anything larger is taken for a bomb."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that may be a picture.

    Args:
        name: its path inside the source, with forward slashes; fit to be printed in a line.
        open: reads it anew at every call, from any thread.
        label: its class, where the source itself says so; folders decide it later, from the names.
        held: bytes of memory that it takes while it is open.
        encoded: a picture is meant whatever the name is, as in a column of pictures.
    """

    name: str
    open: Callable[[], BinaryIO]
    label: int | str | None = None
    held: int = 0
    encoded: bool = False


@dataclass(frozen=True)
class Listing:
    """All files of one source, in the order of the data set.

    Args:
        source: its name, for messages.
        entries: at least one.
        class_names: what the entries' integer labels are called.
        labelled_by: what gives the entries their labels, for messages; empty where folders decide.
        notes: on what is not in `entries`, and why.
    """

    source: str
    entries: tuple[Entry, ...]
    class_names: tuple[str, ...] = ()
    labelled_by: str = ""
    notes: tuple[str, ...] = ()


def list_folder(folder: Path, files: Sequence["File"], notes: tuple[str, ...]) -> Listing:
    """Every file of a folder, as `walk` found them.

    Raises:
        UserError: there is none.
    """
    entries = [
        Entry(printable(file.name), partial(io.open, file.path, "rb") if file.status else _nowhere) for file in files
    ]
    return _listing(str(folder), entries, notes)


def list_zip(path: Path) -> Listing:
    """Every file in a zip archive, hidden ones apart, by name. Nothing is unpacked to disk.

    Raises:
        UserError: it cannot be read, is encrypted, or is empty.
    """
    try:
        archive = ZipFile(path)
    except (BadZipFile, OSError) as error:
        raise UserError(
            f"{path} is not a readable zip archive: {error}", "it may be incomplete; copy it again"
        ) from None
    # some programs for Windows write backslashes
    members = {info.filename.replace("\\", "/"): info for info in archive.infolist() if not info.is_dir()}
    if members and all(_encrypted(info) for info in members.values()):
        raise UserError(f"{printable(str(path))} is encrypted", "unpack it, and give the folder")
    entries = [
        Entry(printable(name), partial(_unzip, archive, members[name]), held=members[name].file_size)
        for name in sorted(members)
        if not _hidden(name)
    ]
    return _listing(str(path), entries)


def common_folder(names: Iterable[str]) -> str:
    """The folder that all names begin with, as in "top/" for "top/a/1.png" and "top/b/2.png"; "" for none."""
    folders = {posixpath.dirname(name) for name in names}
    folder = posixpath.commonpath(folders) if folders else ""
    return f"{folder}/" if folder else ""


class File(NamedTuple):
    """A file that was found in a folder.

    Args:
        name: its path inside the folder, with forward slashes.
        path: what opens it.
        status: None for a link that leads nowhere.
    """

    name: str
    path: str
    status: os.stat_result | None


def walk(folder: Path) -> tuple[list[File], tuple[str, ...]]:
    """Every file below a folder that is not hidden, by name, and notes on the folders that were not read.

    No folder is read twice, nor one that holds `folder`: links may form loops. Real folders come before linked ones, so
    that a file has its own path for its name where it has one.
    """
    files: list[File] = []
    again, closed = [], []
    seen = {_identity(parent) for parent in folder.resolve().parents}
    real, linked = deque([("", str(folder))]), deque[tuple[str, str]]()
    while real or linked:
        name, here = (real or linked).popleft()
        if _identity(here) in seen:
            again.append(name)
            continue
        seen.add(_identity(here))
        try:
            # not Path.iterdir: of 100,000 files that takes ten times as long
            with os.scandir(here) as found:
                inside = sorted((each for each in found if not each.name.startswith(".")), key=lambda each: each.name)
        except OSError:
            closed.append(name)
            continue
        for each in inside:
            status = _status(each)
            if status and stat.S_ISDIR(status.st_mode):
                (linked if each.is_symlink() else real).append((f"{name}{each.name}/", each.path))
            elif each.is_symlink() or (status and stat.S_ISREG(status.st_mode)):
                files.append(File(name + each.name, each.path, status))
    notes = ()
    if again:
        notes += (f"{_several(again)} not followed: what it leads to is read already, or holds this folder",)
    if closed:
        notes += (f"{_several(closed)} not read: it cannot be opened",)
    return sorted(files, key=lambda file: file.name), notes


def _several(names: list[str]) -> str:
    first = printable(names[0].rstrip("/") or ".")
    return f"{first} and {len(names) - 1} more folders are" if len(names) > 1 else f"the folder {first} is"


def _identity(path: str | Path) -> tuple[int, int]:
    status = os.stat(path)  # noqa: PTH116
    return status.st_dev, status.st_ino


def _status(found: os.DirEntry[str]) -> os.stat_result | None:
    """Of what a link leads to; None where that is nowhere."""
    try:
        return found.stat()
    except OSError:
        return None


def _nowhere() -> NoReturn:
    raise ValueError("a link that leads nowhere")


def _listing(source: str, entries: list[Entry], notes: tuple[str, ...] = ()) -> Listing:
    source = printable(source)
    if not entries:
        raise UserError(f"{source} is empty", "put pictures in it, in sub-folders if they have classes")
    return Listing(source, tuple(entries), notes=notes)


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in PurePosixPath(name).parts)


def _encrypted(info: ZipInfo) -> bool:
    return bool(info.flag_bits & 1)


def _unzip(archive: ZipFile, info: ZipInfo) -> BinaryIO:
    if info.file_size > LARGEST:
        raise ValueError(f"unpacks to {info.file_size:,} bytes")
    if _encrypted(info):
        raise ValueError("encrypted; unpack the archive, and give the folder")
    return io.BytesIO(archive.read(info))
