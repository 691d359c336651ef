"""How much of a piece of work is done, and what is being done."""

from collections.abc import Callable, Mapping

Tell = Callable[[str, float], None]
"""Called with what is being done and how much is done, 0 to 1."""

Share = Callable[[float], None]
"""Called with how much is done, 0 to 1."""


class Work:
    """Work in several parts, told as one share. A part that has not begun when a later one does is left out.

    Args:
        parts: the seconds that each is expected to take, in their order; only their ratios count.
        tell: called with a part and how much of all parts is done.

    Examples:
        >>> work = Work({"reading": 1.0, "writing": 3.0}, lambda part, share: print(part, share))
        >>> work("reading", 0.5)
        reading 0.125
        >>> work("writing", 0.5)
        writing 0.625
    """

    def __init__(self, parts: Mapping[str, float], tell: Tell) -> None:
        self._parts, self._tell, self._begun = dict(parts), tell, set[str]()

    def __call__(self, part: str, share: float) -> None:
        """So much of a part is done, 0 to 1."""
        self._begun.add(part)
        names = list(self._parts)
        before = [name for name in names[: names.index(part)] if name in self._begun]
        whole = sum(self._parts[name] for name in (*before, *names[names.index(part) :]))
        done = sum(self._parts[name] for name in before) + share * self._parts[part]
        self._tell(part, done / (whole or 1.0))

    def of(self, part: str) -> Share:
        """Tells the share of one part."""
        return lambda share: self(part, share)


class Count:
    """Tells a share as things are done one by one.

    Args:
        total: how many there are.
        share: called with how many of them are done, 0 to 1.
    """

    def __init__(self, total: int, share: Share) -> None:
        self._total, self._share, self._done = max(1, total), share, 0

    def __call__(self, more: int) -> None:
        """So many more are done."""
        self._done += more
        self._share(min(1.0, self._done / self._total))


def untold_work(_part: str, _share: float) -> None:
    """Nobody listens."""


def untold(_: float) -> None:
    """Nobody listens."""
