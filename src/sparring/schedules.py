"""Numbers that change over a run: what an option holds, and what it is at a point of the run."""

import math
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


@dataclass(frozen=True)
class Schedule:
    """From one value to another along half a cosine, and constant from there on; as text, "2:0.2" or "2:0.2@0.5".

    It compares with a number as all of its values do: what bounds an option bounds both ends.

    Args:
        first: the value in the beginning.
        last: the value in the end.
        over: the part of the run (0 to 1) after which it is reached.

    Examples:
        >>> falling = Schedule.parse("2:0.2@0.5")
        >>> [round(falling(progress), 3) for progress in (0, 0.25, 0.5, 1)]
        [2.0, 1.1, 0.2, 0.2]
        >>> falling > 0, falling > 1, str(falling)
        (True, False, '2:0.2@0.5')
    """

    first: float
    last: float
    over: float = 1.0

    def __call__(self, progress: float) -> float:
        """The value at this part of the run."""
        if progress >= self.over:
            return self.last
        return self.first + (self.last - self.first) * (1 - math.cos(math.pi * progress / self.over)) / 2

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """From text.

        Raises:
            ValueError: it is not of the form FIRST:LAST or FIRST:LAST@PART, the part above 0 and up to 1.
        """
        try:
            values, _, over = text.partition("@")
            first, last = (float(value) for value in values.split(":"))
            found = cls(first, last, float(over) if over else 1.0)
        except ValueError:
            raise ValueError("a number, or FIRST:LAST, or FIRST:LAST@PART of the run") from None
        if not (0 < found.over <= 1 and math.isfinite(first) and math.isfinite(last)):
            raise ValueError("the part of the run behind @ is above 0 and up to 1")
        return found

    def __repr__(self) -> str:
        return repr(str(self))

    def __str__(self) -> str:
        over = f"@{self.over:g}" if self.over < 1 else ""
        return f"{self.first:.10g}:{self.last:.10g}{over}"

    def __gt__(self, other: float) -> bool:
        return min(self.first, self.last) > other

    def __ge__(self, other: float) -> bool:
        return min(self.first, self.last) >= other

    def __lt__(self, other: float) -> bool:
        return max(self.first, self.last) < other

    def __le__(self, other: float) -> bool:
        return max(self.first, self.last) <= other

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(cls)


def _read(value: Any) -> float | Schedule:
    """A number or a schedule, from what stands in a config.

    Raises:
        PydanticCustomError: it is neither.
    """
    if isinstance(value, Schedule):
        return value
    try:
        if isinstance(value, str) and ":" in value:
            return Schedule.parse(value)
        if math.isfinite(number := float(value)):
            return number
    except (TypeError, ValueError):
        pass
    raise PydanticCustomError("varying", "Input should be a valid number, or FIRST:LAST@PART of the run: 2:0.2@0.5")


class _Read:
    """How pydantic reads what varies, and writes it as what TOML can hold."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def written(value: float | Schedule) -> float | str:
            return str(value) if isinstance(value, Schedule) else value

        serialization = core_schema.plain_serializer_function_ser_schema(written)
        return core_schema.no_info_before_validator_function(_read, handler(source), serialization=serialization)


Varying = Annotated[float | Schedule, _Read()]
"""A number, or one that changes over the run."""


def at(value: Varying, progress: float) -> float:
    """What it is at this part of the run (0 to 1)."""
    return value(progress) if isinstance(value, Schedule) else value


def plotted(values: "list[float]") -> str:
    """A line of blocks, as high as the values are between their lowest and their highest.

    Examples:
        >>> plotted([0.0, 1.0, 2.0])
        '▁▄█'
    """
    low, high = min(values), max(values)
    blocks = "▁▂▃▄▅▆▇█"
    return "".join(blocks[int((value - low) / ((high - low) or 1) * 7)] for value in values)
