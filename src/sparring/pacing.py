"""When things are due in a run, what has happened since the last time, and being asked to stop."""

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sparring.errors import UserError

PACED_ROUNDS = 4
"""Rounds after the first, before the length of a run is estimated from its pace."""

MIN_INTERVAL = 0.005
"""Of the time so far: nothing is done more often than that, so that a long run's history stays short."""

RESERVE = 1.5
"""Of an allowance, kept for the end of the run, in times that it pays for: costs vary."""


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


class Allowance:
    """A share of a run's time, for something that is done now and then and whose cost is only known once it is done.

    It is spent evenly over a run whose length is known. Otherwise it is spent as it accrues.

    Args:
        share: of the run's time.
        guess: seconds that doing it for the first time will take.
        seconds: on the clock at the start.
        spent: seconds that were spent before.
        total: seconds that the run will take; infinite where its length is not given in time.
    """

    def __init__(
        self, share: float, guess: float, seconds: float = 0.0, spent: float = 0.0, total: float = math.inf
    ) -> None:
        self._share, self._cost, self._total = share, guess, total
        self._last, self.spent = seconds, spent
        self._expected, self._rounds = math.inf, 0
        self._begin: tuple[float, float] | None = None

    def pace(self, seconds: float, fraction: float) -> None:
        """Estimate the run's length, from the clock after a round and the part of the budget that is used up."""
        net, self._rounds = seconds - self.spent, self._rounds + 1
        if self._begin is None:  # the first round also allocates and fills caches
            self._begin = net, fraction
        began, done = self._begin
        if self._rounds > PACED_ROUNDS and fraction > done:
            self._expected = (net + (1 - fraction) * (net - began) / (fraction - done)) / (1 - self._share)

    def due(self, seconds: float) -> bool:
        """Whether to do it now."""
        if self.spent and seconds - self._last < MIN_INTERVAL * seconds:
            return False
        total = min(self._total, self._expected)
        if math.isinf(total):
            return self.affords(seconds)
        left = self._share * total - self.spent - RESERVE * self._cost
        if left < self._cost:
            return False
        return self.spent == 0 or seconds - self._last >= self._cost * (total - self._last) / left

    def affords(self, seconds: float) -> bool:
        """Whether what has accrued so far pays for it once."""
        return self.spent + self._cost <= self._share * seconds

    def did(self, seconds: float, took: float) -> None:
        """It was done: when, and how many seconds doing it again would take."""
        self._last, self._cost = seconds, took

    @contextmanager
    def charged(self) -> Iterator[None]:
        """What is done within is paid from it."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.spent += time.monotonic() - began


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
