"""The doctor at work: when to examine, what to remember, what to say."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from torch import Tensor

from sparring.data import Data
from sparring.doctor.course import Reading
from sparring.doctor.examination import KNOWN_REALS, Examiner
from sparring.doctor.listening import Listener
from sparring.doctor.signals import Signals
from sparring.doctor.verdicts import Verdict, diagnose, exploding
from sparring.loop import DivergedError, Play, Round, State
from sparring.metrics.table import KnownModes
from sparring.pacing import Allowance, Cadence

AUTO, OFF = "auto", "off"

MAX_SHARE = 0.05
"""Of the time of a run, spent on examinations by `auto`, getting ready for them included."""

MIN_ROUNDS = 5
"""From one examination by `auto` to the next: in fewer rounds even a healthy young game gets nowhere."""

GUESSED_SECONDS, GUESSED_SECONDS_A_NUMBER = 0.55, 1e-7
"""What the first examination takes on one core: in any case, and for each number of the reals that it looks at."""


@dataclass(frozen=True)
class Health:
    """One examination, and the verdict on all examinations up to it: a line of the log.

    Args:
        images: examples that the first player had been shown.
        seconds: of training, this examination included.
        spent: seconds of these that examinations have taken so far, and writing the best checkpoints.
        reading: the round, and what was measured.
        verdict: what it means.
        best: whether samples were nearer to the data than ever before.
        closing: whether it was made only because the run stops here; a resumed run does not count it.
    """

    images: int
    seconds: float
    spent: float
    reading: Reading
    verdict: Verdict
    best: bool
    closing: bool = False

    def to_dict(self) -> dict[str, Any]:
        """A record of the log."""
        where = {"kind": "health", "round": self.reading.round, "images": self.images}
        where |= {"seconds": round(self.seconds, 3), "spent": round(self.spent, 3)}
        where |= {"closing": True} if self.closing else {}
        return where | asdict(self.verdict) | {"signals": self.reading.signals.to_dict()}


def readings(records: Sequence[dict[str, Any]]) -> list[Reading]:
    """What was measured, from the records of a log, oldest first."""
    return [Reading(r["round"], Signals.from_dict(r["signals"])) for r in records if r.get("kind") == "health"]


class Doctor:
    """Attends to a game under way.

    Args:
        state: the game.
        data: what it is trained on.
        how: seed, batch and device.
        every: "auto", or a period as `Cadence` takes it.
        modes: where the data's modes are known.
        history: of the run before it was resumed, without closing examinations.
        seconds: on the clock at the start.
        nearest: how near to the data samples have been before.
        spent: seconds that examinations took before.
        total: seconds that the run will take; infinite where its length is not given in time.
        memory: of the run before it was resumed.

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
        total: float = math.inf,
        memory: Mapping[str, Tensor] | None = None,
    ) -> None:
        self._cadence = None if every == AUTO else Cadence(every, "doctor", seconds)
        self._allowance = Allowance(MAX_SHARE, _guess(state, data), seconds, spent, total)
        self._history, self._nearest, self._memory = list(history), nearest, memory
        self._about = state, data, how, modes
        self._examiner: Examiner | None = None
        self._listener, self._swings = Listener(state), _Swings()
        # the first round of a run is the yardstick for all that follow; a resumed run has one
        new = not history and state.round == 0
        self._planned = (new and self._cadence is not None) or self._due(state.round, seconds, resumed=not new)
        if self._planned or new:
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
        self._allowance.pace(seconds, fraction)
        health = None
        # a first look that is also the last one would tell nothing
        if self._planned or (last and (self._cadence or (self._history and self._allowance.affords(seconds)))):
            health = self._examine(played.number, images, seconds, closing=not self._planned)
        if last:
            return health
        self._planned = self._due(played.number, seconds)
        if self._planned:
            self._listener.start()
        elif played.number > MIN_ROUNDS:
            self._listener.stop()
        return health

    def on_divergence(self, error: DivergedError, images: int, seconds: float) -> Health:
        """The health of a game on divergence: a NaN or an infinity has ended it."""
        reading = Reading(error.round, Signals(finite=False))
        verdict = replace(diagnose([reading]), evidence=str(error))
        return Health(images, seconds, self._allowance.spent, reading, verdict, best=False)

    @contextmanager
    def charged(self) -> Iterator[None]:
        """What is done within counts as the doctor's time."""
        with self._allowance.charged():
            yield

    @property
    def memory(self) -> dict[str, Tensor]:
        """What a resumed run needs to go on as if it had not stopped, beside the history."""
        return dict(self._memory or {})

    def _due(self, round: int, seconds: float, resumed: bool = False) -> bool:
        """Whether the round to come is heard, and the game examined after it."""
        if self._cadence:
            return not (resumed and self._cadence.in_seconds) and self._cadence.due(round + 1, seconds)
        if self._history and round + 1 - self._history[-1].round < MIN_ROUNDS:
            return False
        return self._allowance.due(seconds)

    def _examine(self, round: int, images: int, seconds: float, closing: bool) -> Health:
        before = self._allowance.spent
        with self.charged():
            self._examiner = self._examiner or Examiner(*self._about, memory=self._memory)
        ready = self._allowance.spent
        with self.charged():
            reading = Reading(round, self._examiner(self._listener.stop(), self._swings.read()))
            self._history.append(reading)
            verdict = diagnose(self._history)
        if not closing:
            self._memory = self._examiner.memory(round)
        self._allowance.did(seconds, self._allowance.spent - ready)
        seconds += self._allowance.spent - before
        distance = reading.signals.distance
        best = distance is not None and distance < self._nearest and not exploding(reading.signals)
        if distance is not None and best:
            self._nearest = distance
        return Health(images, seconds, self._allowance.spent, reading, verdict, best, closing)


def _guess(state: State, data: Data) -> float:
    """Seconds that the first examination will take."""
    numbers = min(KNOWN_REALS, len(data)) * math.prod(data.schema[state.game.makes].shape)
    return GUESSED_SECONDS + GUESSED_SECONDS_A_NUMBER * numbers


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
