"""What a user did wrong, said once: the problem, and how to fix it."""

import difflib
import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class UserError(ValueError):
    """A mistake that the user can fix. The command line prints it in one line and exits with code 2.

    Args:
        problem: what was wrong, and where.
        hint: what to do about it; may be empty.
    """

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(f"{problem} ({hint})" if hint else problem)
        self.problem = problem
        self.hint = hint


class SharedError(UserError):
    """A mistake that the first process of a run tells, and that ends this one too."""


class ProcessesError(Exception):
    """The processes of a run cannot go on together: one has died, or their networks differ."""


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """The hint for a mistyped name.

    Args:
        word: what was typed.
        choices: what exists.

    Returns:
        "did you mean X?" when one of the choices is close, else the list of them all.

    Examples:
        >>> did_you_mean("wgan-pg", ["dcgan", "wgan-gp"])
        'did you mean wgan-gp?'
        >>> did_you_mean("zzz", ["dcgan", "wgan-gp"])
        'choose from dcgan, wgan-gp'
    """
    choices = list(choices)
    close = difflib.get_close_matches(word, choices, n=1)
    return f"did you mean {close[0]}?" if close else f"choose from {', '.join(choices)}"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the system refuses while `path` is written, as an error that says what to do.

    Raises:
        UserError: the disk is full, or the path cannot be written to.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(f"no space left to write {path}", "free some space; a run goes on with --resume") from error
        raise UserError(f"cannot write {path}: {error.strerror}", "is the folder writable?") from error
