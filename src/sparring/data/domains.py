"""Two data sets side by side, under the columns "a" and "b": what pairs and unpaired domains have in common."""

from collections.abc import Mapping
from typing import TypeVar

from sparring.data.dataset import Dataset
from sparring.kinds import Kind

T = TypeVar("T")


class Domains:
    """Two data sets of examples "x". Where one of them has labels, they are the column "y_a" or "y_b".

    Args:
        a: the first.
        b: the second.
    """

    def __init__(self, a: Dataset, b: Dataset) -> None:
        self.a, self.b = a, b

    @property
    def schema(self) -> dict[str, Kind]:
        """The kinds of both."""
        return {**renamed(self.a.schema, "a"), **renamed(self.b.schema, "b")}

    @property
    def mirror(self) -> bool:
        """Whether batches flip pictures at random; both of a pair alike."""
        return self.a.mirror

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes on both, each once."""
        return tuple(dict.fromkeys(self.a.notes + self.b.notes))


def renamed(columns: Mapping[str, T], domain: str) -> dict[str, T]:
    """Columns of a data set as those of a domain: "x" is "a", and "y" is "y_a"."""
    names = {"x": domain, "y": f"y_{domain}"}
    return {names[name]: column for name, column in columns.items() if name in names}
