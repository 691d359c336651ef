"""The doctor at work: when to examine, what to remember, what to say."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from sparring.data import Data
from sparring.doctor.examination import Examiner
from sparring.doctor.listening import Listener
from sparring.doctor.signals import Signals
from sparring.doctor.verdicts import Reading, Verdict, diagnose
from sparring.loop import DivergedError, Play, Round, State
from sparring.metrics.table import KnownModes
from sparring.pacing import Cadence

AUTO, OFF = "auto", "off"

SHARE = 0.03
"""Of the time of a run, spent on examinations by `auto`."""

FEWEST = 20
"""Examinations of a run, by `auto`, where its length is known; in a short run they may take more than their share."""

LONGEST = 0.005
"""Of the time so far: `auto` examines no more often than that, so that a long run's history stays short."""

APART = 5
"""Rounds from one examination by `auto` to the next, at least: in fewer even a healthy young game gets nowhere."""


@dataclass(frozen=True)
class Health:
    """One examination, and the verdict on all examinations up to it: a line of the log.

    Args:
        images: examples that the first player had been shown.
        seconds: of training.
        spent: seconds of these that examinations have taken so far, and writing the best checkpoints.
        reading: the round, and what was measured.
        verdict: what it means.
        best: whether samples were nearer to the data than ever before.
    """

    images: int
    seconds: float
    spent: float
    reading: Reading
    verdict: Verdict
    best: bool

    def to_dict(self) -> dict[str, Any]:
        """A record of the log."""
        where = {"kind": "health", "round": self.reading.round, "images": self.images}
        where |= {"seconds": round(self.seconds, 3), "spent": round(self.spent, 3)}
        return where | asdict(self.verdict) | {"signals": self.reading.signals.to_dict()}


def readings(records: Sequence[dict[str, Any]]) -> list[Reading]:
    """What was measured, from the records of a log."""
    return [Reading(r["round"], Signals.from_dict(r["signals"])) for r in records if r.get("kind") == "health"]


class Doctor:
    """Attends to a game under way.

    Args:
        state: the game.
        data: what it is trained on.
        how: seed, batch and device.
        every: "auto", or a period as `Cadence` takes it.
        modes: where the data's modes are known.
        history: of the run before it was resumed.
        seconds: on the clock at the start.
        nearest: how near to the data samples have been before.
        spent: seconds that examinations took before.

    Raises:
        UserError: `every` is no period.
    """

    def __init__(
        self,
        state: State,
        data: Data,
        how: Play,
        every: str = AUTO,
        modes: KnownModes | None = None,
        history: Sequence[Reading] = (),
        seconds: float = 0.0,
        nearest: float = math.inf,
        spent: float = 0.0,
    ) -> None:
        self._cadence = None if every == AUTO else Cadence(every, "doctor", seconds)
        self._history = list(history)
        self._examiner, self._listener = Examiner(state, data, how, modes), Listener(state)
        self._swings = _Swings()
        self._spent = spent
        self._cost, self._last, self._share, self._nearest = 0.0, seconds, 0.0, nearest
        # a resumed run was examined before; the first round of a new one is the yardstick for all that follow
        if not history or (self._cadence and not self._cadence.in_seconds and self._cadence.due(state.round + 1, 0.0)):
            self._listener.start()

    def attend(self, played: Round, images: int, seconds: float, fraction: float, last: bool = False) -> Health | None:
        """Hear of a round that was played; examine the game when it is time to.

        Args:
            played: the round.
            images: examples that the first player has been shown.
            seconds: of training.
            fraction: of the budget that is used up, 0 to 1.
            last: whether the run ends with this round.

        Returns:
            The health of the game, where it was examined.
        """
        self._swings.add(played.terms)
        heard = self._listener.listening
        health = self._examine(played.number, images, seconds, fraction) if heard or last else None
        if not last and self._due(played.number, seconds, fraction):
            self._listener.start()
        return health

    def mourn(self, error: DivergedError, images: int, seconds: float) -> Health:
        """The health of a game that has ended in NaN or infinity."""
        verdict = replace(diagnose([Reading(error.round, Signals(finite=False))]), evidence=str(error))
        return Health(images, seconds, self._spent, Reading(error.round, Signals(finite=False)), verdict, best=False)

    @contextmanager
    def charged(self) -> Iterator[None]:
        """What is done within counts as the doctor's time."""
        began = time.monotonic()
        yield
        taken = time.monotonic() - began
        self._cost, self._spent = self._cost + taken, self._spent + taken

    def _due(self, round: int, seconds: float, fraction: float) -> bool:
        if self._cadence:
            # the round to come is the one that is heard
            return self._cadence.due(round + 1, seconds)
        if self._history and round + 1 - self._history[-1].round < APART:
            return False
        waited = seconds - self._last
        return waited >= max(self._cost / SHARE, LONGEST * seconds) or fraction - self._share > 0.999 / FEWEST

    def _examine(self, round: int, images: int, seconds: float, fraction: float) -> Health:
        self._cost = 0.0
        with self.charged():
            reading = Reading(round, self._examiner(self._listener.stop(), self._swings.read()))
            self._history.append(reading)
            verdict = diagnose(self._history)
        self._last, self._share = seconds, fraction
        distance = reading.signals.distance
        best = distance is not None and distance < self._nearest
        if distance is not None:
            self._nearest = min(self._nearest, distance)
        return Health(images, seconds, self._spent, reading, verdict, best)


class _Swings:
    """Standard deviations of terms since the last reading."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[int, float, float]] = {}

    def add(self, terms: dict[str, float]) -> None:
        for name, value in terms.items():
            count, total, squares = self._sums.get(name, (0, 0.0, 0.0))
            self._sums[name] = (count + 1, total + value, squares + value * value)

    def read(self) -> dict[str, float]:
        found = {
            name: math.sqrt(max(0.0, squares / count - (total / count) ** 2))
            for name, (count, total, squares) in self._sums.items()
        }
        self._sums = {}
        return found
