"""Data sets that were prepared before, in the user's cache folder: mapped into memory instead of decoded again.

A source has a folder there, named by a digest of where it lies and of how it was prepared; a file in it is one data
set. The file is one array after another and, at its end, a table in JSON, the table's length and eight letters: one
that was cut off does not end so, and is made again. It is filled under another name and renamed when it is whole. It is
held by whoever maps it, so that `sparring.data.kept` removes nothing that is in use.
"""

import contextlib
import json
import mmap
import os
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sparring.cache import user_cache
from sparring.data.dataset import Dataset
from sparring.data.entries import walk
from sparring.data.sources import BUILTIN, is_two_paths
from sparring.data.storage import parts
from sparring.errors import UserError
from sparring.kinds import Schema, from_tables, to_tables
from sparring.lock import InUseError, locked, share

FORMAT = 2
"""Counts up when the same source is prepared to other bytes, or written in another way."""

SLOW = 1.0
"""Seconds of preparation from which on a data set is kept, however small it is."""

TABLE = "table.json"
"""The file of what `write_table` keeps."""

_END = b"SPARRING"
_ALIGNED = 64  # bytes; where arrays begin
_WAIT = 0.5  # seconds between two looks at whether another process is done


@dataclass(frozen=True)
class Place:
    """Where the prepared form of a source lies, or will lie.

    Args:
        folder: of this source, prepared in this way.
        stamp: of the content of the source, as it is now.
        source: what it is called.
    """

    folder: Path
    stamp: str
    source: str

    def scratch(self, part: int) -> Path:
        """The file that is filled."""
        return self.folder / f"{part}.part"

    def finished(self, part: int) -> Path:
        """What it is called when it is whole."""
        return self.folder / f"{part}.data"


def place_of(source: object, how: object) -> Place | None:
    """The place of a source in the cache; None for what is no path, such as arrays and built-in names.

    Args:
        source: as for `sparring.data.open`.
        how: whatever decides what it is prepared to; its `repr` is part of the name.
    """
    places = source if is_two_paths(source) else (source,)
    paths = [Path(each).expanduser().resolve() for each in places if isinstance(each, str | Path)]
    if not paths or (isinstance(source, str | Path) and source in BUILTIN):
        return None
    try:
        stamp = " ".join(map(_stamp, paths))
    except OSError:
        return None
    return place_by(tuple(map(os.fsencode, paths)), how, stamp, " and ".join(map(str, paths)))


def place_by(which: object, how: object, stamp: str, source: str) -> Place:
    """The place of what is told from others by the `repr` of `which`; see `place_of` and `Place`."""
    key = repr((which, how, FORMAT, version("pillow"), version("numpy")))
    return Place(root() / blake2b(key.encode(), digest_size=12).hexdigest(), stamp, source)


def root() -> Path:
    """Where all places are."""
    return user_cache() / "data"


def _stamp(path: Path) -> str:
    """A digest of the names, sizes and times of all files: no file is opened, and a change is noticed all the same."""
    if path.is_dir():
        files, unread = walk(path)
        found = [(file.name, file.status) for file in files]
    else:
        found, unread = [(path.name, path.stat())], ()
    digest = blake2b(repr(unread).encode(), digest_size=16)
    for name, status in found:
        # the time of a file's last change of any sort, too: copying may set the other
        said = (status.st_size, status.st_mtime_ns, status.st_ctime_ns) if status else ()
        digest.update(os.fsencode(name) + repr(said).encode())
    return digest.hexdigest()


@contextmanager
def reserved(place: Place, waiting: Callable[[], None]) -> Iterator[bool]:
    """Hold a place, so that several processes prepare a source once; whether it can be written at all.

    Args:
        place: where.
        waiting: called while another process holds it.
    """
    with contextlib.ExitStack() as stack:
        # when nobody holds it any more; a folder in which something lies stays
        stack.callback(lambda: _tried(place.folder.rmdir))
        while True:
            try:
                place.folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(place.folder))
                break
            except InUseError:
                waiting()
                time.sleep(_WAIT)
            except (OSError, UserError):  # a cache that is not there is no reason not to train
                yield False
                return
        stack.callback(lambda: [_tried(path.unlink) for path in place.folder.glob("*.part")])
        yield True


def _tried(how: Callable[[], None]) -> None:
    with contextlib.suppress(OSError):
        how()


def load(place: Place) -> list[Dataset] | None:
    """The data sets of a place, mapped into memory; None if they are not there, not whole, or of other files."""
    found: list[Dataset] = []
    count = 1
    while len(found) < count:
        try:
            with place.finished(len(found)).open("rb") as file:
                share(file)
                table = table_of(file)
                if table is None or table["stamp"] != place.stamp:
                    return None
                count = table["count"]
                found.append(_mapped(file, table))
        except OSError:
            return None
    for part in range(count):
        _tried(partial(os.utime, place.finished(part)))  # when it was used
    return found


def find(fingerprint: str, schema: Schema) -> Dataset | None:
    """The data set of that content and these kinds, whatever it was prepared from.

    None where it is not kept, or only as one of two domains.
    """
    for path in sorted(root().glob("*/0.data")):
        try:
            with path.open("rb") as file:
                table = table_of(file)
        except OSError:
            continue
        if table and table["fingerprint"] == fingerprint and table["count"] == 1:
            found = load(Place(path.parent, table["stamp"], table.get("source", "")))
            if found and found[0].fingerprint == fingerprint and found[0].schema == schema:
                return found[0]
    return None


def size_of(place: Place) -> int:
    """Bytes that a place takes."""
    return sum(path.stat().st_size for path in place.folder.glob("*.data"))


def store(place: Place, datasets: Sequence[Dataset]) -> None:
    """Write data sets to their place, which is reserved.

    Where the examples were prepared in the scratch file of their part, those that train are its beginning already.

    Raises:
        OSError: there is no room for them, or no right to write.
    """
    for part, data in enumerate(datasets):
        scratch = place.scratch(part)
        with scratch.open("r+b" if scratch.exists() else "w+b") as file:
            arrays = _append(file, data, filled=scratch.stat().st_size > 0)
            table = {
                "stamp": place.stamp,
                "source": place.source,
                "count": len(datasets),
                "columns": to_tables(data.schema),
                "arrays": arrays,
                "notes": data.notes,
                "fingerprint": data.fingerprint,
                "matched": data.matched,
            }
            text = json.dumps(table).encode()
            file.write(text + struct.pack("<Q", len(text)) + _END)
            file.flush()
            # a name must not be on the disk before its bytes
            os.fsync(file.fileno())
    for part in range(len(datasets)):
        place.scratch(part).replace(place.finished(part))


def read_table(place: Place) -> dict[str, Any] | None:
    """What `write_table` wrote; None if it is not there or is of other files."""
    try:
        table = json.loads((place.folder / TABLE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return table["found"] if table["stamp"] == place.stamp else None


def write_table(place: Place, found: Mapping[str, Any]) -> None:
    """Keep a small table, if that is possible."""
    with contextlib.suppress(OSError):
        place.folder.mkdir(parents=True, exist_ok=True)
        fresh = place.folder / f"table-{os.getpid()}.part"
        fresh.write_text(json.dumps({"stamp": place.stamp, "source": place.source, "found": found}), encoding="utf-8")
        fresh.replace(place.folder / TABLE)


def _append(file: BinaryIO, data: Dataset, filled: bool) -> list[dict[str, Any]]:
    """Write the arrays of a data set one behind another, and say where each is."""
    written = []
    for group, columns in (("train", data.train), ("kept", data.kept)):
        for name, column in columns.items():
            begin = 0
            if filled and (group, name) == ("train", "x"):
                file.truncate(column.nbytes)
                file.seek(0, os.SEEK_END)
            else:
                begin = -(-file.tell() // _ALIGNED) * _ALIGNED
                file.seek(begin)
                for rows in parts(column):
                    file.write(np.ascontiguousarray(column[rows]).data)
            written.append(
                {"group": group, "name": name, "begin": begin, "shape": column.shape, "dtype": column.dtype.str}
            )
    return written


def table_of(file: BinaryIO) -> dict[str, Any] | None:
    """What stands at the end of a data set's file; None if it does not end as one that is whole."""
    try:
        tail = 8 + len(_END)
        file.seek(-tail, os.SEEK_END)
        size, end = struct.unpack("<Q", file.read(8))[0], file.read()
        if end != _END:
            return None
        file.seek(-tail - size, os.SEEK_END)
        return json.loads(file.read(size))
    except (OSError, ValueError):
        return None


def _mapped(file: BinaryIO, table: dict[str, Any]) -> Dataset:
    columns: dict[str, dict[str, np.ndarray]] = {"train": {}, "kept": {}}
    # read only: nobody can change by mistake what other runs read
    whole = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    for each in table["arrays"]:
        kind, shape = np.dtype(each["dtype"]), tuple(each["shape"])
        size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
        columns[each["group"]][each["name"]] = whole[each["begin"] : each["begin"] + size].view(kind).reshape(shape)
    schema = from_tables(table["columns"])
    said = tuple(table["notes"]), table["fingerprint"], table["matched"]
    return Dataset(schema, columns["train"], columns["kept"], False, *said)
