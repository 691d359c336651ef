"""From values to heights, and the round values in between that say which is which."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sparring.readable import number

WIDE = 1000.0
"""Values that span more than this factor, all positive, stand on a logarithmic axis."""


@dataclass(frozen=True)
class Axis:
    """The values between the bottom and the top of a plot."""

    low: float
    high: float
    logarithmic: bool = False

    @classmethod
    def over(cls, values: np.ndarray, within: Sequence[float] = (), wide: float = WIDE) -> "Axis":
        """One that shows all of these, of which one at least is finite, and unless it is logarithmic also those."""
        values = values[np.isfinite(values)]
        if values.min() > 0 and values.max() / values.min() > wide:
            return cls(float(values.min()) / 1.3, float(values.max()) * 1.3, True)
        both = np.append(values, within)
        low, high = float(both.min()), float(both.max())
        pad = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
        return cls(low - pad if low else 0.0, high + pad)

    def place(self, values: np.ndarray) -> np.ndarray:
        """0 at the bottom, 1 at the top."""
        if self.logarithmic:
            return np.log(values / self.low) / math.log(self.high / self.low)
        return (values - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """A few round values."""
        if self.logarithmic:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1, 1 + (last - first) // 4)]
        return round_values(self.low, self.high)

    def labels(self) -> list[str]:
        """The ticks as text."""
        return [number(tick) for tick in self.ticks()] if self.logarithmic else tick_labels(self.ticks())


def round_values(low: float, high: float, most: int = 4) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten.

    Examples:
        >>> round_values(0, 100), round_values(-0.31, 0.9), round_values(0, 2628)
        ([0.0, 25.0, 50.0, 75.0, 100.0], [0.0, 0.5], [0.0, 1000.0, 2000.0])
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1, 2, 2.5, 5, 10) if power * k >= rough)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """Ticks at even distances as text, with as many digits as they need.

    Examples:
        >>> tick_labels([0.0, 0.25, 0.5]), tick_labels([1000.0, 2000.0]), tick_labels([0.0, 1e-9])
        (['0.00', '0.25', '0.50'], ['1,000', '2,000'], ['0', '1e-09'])
    """
    step = min((b - a for a, b in pairwise(ticks)), default=0.0)
    for digits in range(5):
        if all(abs(round(tick, digits) - tick) < step / 100 < 1e5 for tick in ticks):
            return [f"{tick:,.{digits}f}" for tick in ticks]
    return [number(tick) for tick in ticks]
