"""When things are due in a run, what has happened since the last time, and being asked to stop."""

import math
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sparring.errors import UserError


class Cadence:
    """Something to be done every so many seconds ("20s") or rounds ("500").

    Args:
        every: the period.
        name: the option, for the error.
        began: seconds on the clock at the start; a resumed run's does not begin at 0.

    Raises:
        UserError: it is neither.
    """

    def __init__(self, every: str, name: str, began: float = 0.0) -> None:
        number, self.in_seconds = (every[:-1], True) if every.endswith("s") else (every, False)
        try:
            self.period = float(number)
        except ValueError:
            self.period = 0.0
        if not 0 < self.period < math.inf or not (self.in_seconds or self.period.is_integer()):
            raise UserError(f"{name} = {every!r} is not a period", "seconds such as 20s, or rounds such as 500")
        self.last = began

    def due(self, round: int, seconds: float) -> bool:
        """Whether it is time again."""
        if not self.in_seconds:
            return round % int(self.period) == 0
        if seconds - self.last < self.period:
            return False
        self.last = seconds
        return True


class Meter:
    """Terms averaged, and images and seconds counted, since the last reading.

    Args:
        images: where the count starts.
        seconds: where the clock starts.
    """

    def __init__(self, images: int, seconds: float) -> None:
        self._restart(images, seconds)

    def _restart(self, images: int, seconds: float) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._images, self._seconds = images, seconds

    def add(self, terms: dict[str, float]) -> None:
        """Count a round's terms in."""
        for name, value in terms.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def read(self, images: int, seconds: float) -> tuple[dict[str, float], float]:
        """The mean of each term, and images a second, since the last reading; then both start anew."""
        terms = {name: value / self._counts[name] for name, value in self._sums.items()}
        rate = (images - self._images) / max(seconds - self._seconds, 1e-9)
        self._restart(images, seconds)
        return terms, rate


@contextmanager
def interruptions() -> Iterator[threading.Event]:
    """SIGINT and SIGTERM set the event; a second one acts as it always did. Outside the main thread, neither."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, frame: object) -> None:
        asked.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, ask)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
