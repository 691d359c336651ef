"""One process at a time writes a run directory; files that are mapped are known to be in use.

The lock is the system's, held on a file in the directory: it ends with its process, however that ends, so a stale file
blocks nobody. On a file system that knows no locks there is none.
"""

import contextlib
import errno
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sparring.errors import UserError, writing

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt  # pyright: ignore[reportMissingModuleSource]

NAME = "lock"
BEYOND = 1 << 20
"""Windows lets nobody read the bytes that are locked: one behind the text is."""

TAKEN = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}


class InUseError(UserError):
    """Another process holds the lock, or this one does already."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a run directory, which must be there.

    Raises:
        InUseError: another process holds it, or this one does already; it says which.
        UserError: the directory cannot be written to.
    """
    path = folder / NAME
    with writing(folder):
        file = _opened(path)
    try:
        file.seek(0)
        file.truncate()
        json.dump({"pid": os.getpid(), "host": socket.gethostname()}, file)
        file.flush()
        yield
    finally:
        # while it is held: who opened the file before finds that it is gone, and makes a new one
        with contextlib.suppress(OSError):
            path.unlink()
        file.close()


def share(file: IO[Any]) -> None:
    """Hold a file beside others who do, for as long as it or a mapping of it is open.

    Windows needs no such lock: it removes no file that is mapped.
    """
    if fcntl:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_SH)


def is_shared(path: Path) -> bool:
    """Whether somebody holds a file by `share`.

    Raises:
        OSError: it cannot be opened.
    """
    with path.open("r+b") as file:
        try:
            _take(file)
        except OSError:
            return True
    return False


def _opened(path: Path) -> IO[str]:
    """The file of that path, locked."""
    while True:
        file = path.open("a+", encoding="utf-8")
        try:
            _take(file)
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except OSError as error:
            file.close()
            if error.errno not in TAKEN:
                raise
            raise InUseError(
                f"{path.parent} is in use by {_holder(path)}", "wait until it has ended, or stop it"
            ) from None
        file.close()


def _take(file: IO[Any]) -> None:
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            file.seek(BEYOND)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # pyright: ignore
    except OSError as error:
        if error.errno not in {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS}:
            raise


def _holder(path: Path) -> str:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return f"process {found['pid']} on {found['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
