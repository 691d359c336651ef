"""A history of examinations as the rules of the verdicts look at it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import median

from sparring.doctor.signals import Signals
from sparring.doctor.thresholds import FULL_RATE, IMPROVEMENT, MIN_EXAMINATIONS, WINDOW_SHARE


@dataclass(frozen=True)
class Reading:
    """One examination.

    Args:
        round: rounds completed.
        signals: what was measured.
    """

    round: int
    signals: Signals


class Course:
    """A history as the rules look at it.

    Args:
        history: oldest first, one reading at least.
    """

    def __init__(self, history: Sequence[Reading]) -> None:
        self.history = history = [*history[:-1], _heard(history)]
        self.size = max(MIN_EXAMINATIONS, math.ceil(WINDOW_SHARE * len(history)))
        self.window = [reading.signals for reading in history[-self.size :]]
        self.now = history[-1].signals

    def share(self, holds: Callable[[Signals], bool], windows: int = 1) -> float:
        """The part of the window, or of so many, in which something holds; 0 when not now, or when there are fewer."""
        lasting = holds(self.now) and len(self.history) >= windows * self.size
        return self.part(holds, windows) if lasting else 0.0

    def part(self, holds: Callable[[Signals], bool], windows: int = 1) -> float:
        """The part of the window, or of so many or as many as there are, in which something holds."""
        looked_at = self.history[-windows * self.size :]
        return sum(holds(reading.signals) for reading in looked_at) / len(looked_at)

    def typical(self, name: str) -> float:
        """The median of a signal over the window; NaN where it does not exist."""
        values = [value for signals in self.window if (value := getattr(signals, name)) is not None]
        return median(values) if values else math.nan

    def growing(self, name: str) -> bool:
        """Whether a signal is higher in this window than in any examination before it."""
        before = [getattr(reading.signals, name) or 0.0 for reading in self.history[: -self.size]]
        return bool(before) and self.typical(name) > max(before)

    def rounds(self, windows: int = 1) -> int:
        """How many rounds the window, or so many, span."""
        return self.history[-1].round - self.history[-windows * self.size :][0].round

    def at_full_rate(self) -> "Course":
        """Up to the last examination before a schedule took the learning rate down."""
        full = [k for k, reading in enumerate(self.history) if not below(reading.signals.rate, FULL_RATE)]
        last = full[-1] + 1 if full else 1
        return self if last == len(self.history) else Course(self.history[:last])

    @cached_property
    def first(self) -> float | None:
        """The distance from the data that samples began with."""
        return next((r.signals.distance for r in self.history if r.signals.distance is not None), None)

    def stale(self, by: float = IMPROVEMENT, windows: int = 1) -> bool:
        """Whether samples have come no nearer to the data for so many windows."""
        newest = windows * self.size // 2
        before, since = self._levels[:-newest], self._levels[-newest:]
        return bool(before) and min(since) >= (1 - by) * min(before)

    @cached_property
    def begun(self) -> float:
        """The longest of the first distances: G may begin near to the data by chance, but it does not stay there."""
        distances = (r.signals.distance for r in self.history[:MIN_EXAMINATIONS])
        return max((each for each in distances if each is not None), default=math.inf)

    @cached_property
    def peak(self) -> float:
        """The longest gradient of G so far but one: one outlier is no history."""
        found = sorted(r.signals.gradient for r in self.history if r.signals.gradient is not None)
        return found[-2] if len(found) > 1 else 0.0

    @cached_property
    def growth(self) -> float:
        """How many times longer than at the beginning the weights of G or D are."""
        found = [0.0]
        for name in ("weights_generator", "weights_discriminator"):
            lengths = [length for r in self.history if (length := getattr(r.signals, name))]
            found += [lengths[-1] / lengths[0]] if lengths else []
        return max(found)

    @cached_property
    def _levels(self) -> list[float]:
        # medians of half a window, beyond the floor: single readings are noisy, and the first ones are luck
        excess = [
            max(signals.distance - max(signals.floor, 0.0), 1e-3)
            for signals in (reading.signals for reading in self.history[MIN_EXAMINATIONS:])
            if signals.distance is not None and signals.floor is not None
        ]
        half = max(2, self.size // 2)
        return [median(excess[k : k + half]) for k in range(len(excess) - half + 1)]


def _heard(history: Sequence[Reading]) -> Reading:
    """The last reading; where no step was heard for it, at the end of a run, the steps of the one before stand in."""
    last = history[-1]
    if len(history) == 1 or last.signals.gradient is not None:
        return last
    steps = ("gradient", "passed", "update_generator", "update_discriminator", "rate")
    before = {name: getattr(history[-2].signals, name) for name in steps}
    return replace(last, signals=replace(last.signals, **before))


def above(value: float | None, least: float) -> bool:
    """Whether a signal exists and is at least so much."""
    return value is not None and value >= least


def below(value: float | None, most: float) -> bool:
    """Whether it exists and is at most so much."""
    return value is not None and value <= most
