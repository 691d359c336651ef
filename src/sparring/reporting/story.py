"""What a run directory says, gathered: whatever is missing, cut short or damaged in it is left out."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sparring import workflows
from sparring.config import RunConfig
from sparring.kinds import Kind, from_tables
from sparring.runs import RunDir
from sparring.severity import is_trouble, severity_of


@dataclass(frozen=True, eq=False)
class Series:
    """One quantity as the run went on.

    Args:
        rounds: `(N,)`, rising.
        values: `(N,)`; NaN where there was none.
    """

    rounds: np.ndarray
    values: np.ndarray

    def __bool__(self) -> bool:
        """Whether there is anything to see."""
        return bool(np.isfinite(self.values).any())


NOTHING = Series(np.empty(0), np.empty(0))


@dataclass(frozen=True)
class Reading:
    """What the doctor said at one round.

    Args:
        round: when.
        verdict: learning, mode-collapse, ...
        confidence: 0 to 1; None where it gave none.
        evidence: a sentence with numbers.
        advice: a sentence, or nothing.
    """

    round: int
    verdict: str
    confidence: float | None
    evidence: str
    advice: str

    @property
    def tone(self) -> str:
        """quiet, going, good, warning or bad."""
        return severity_of(self.verdict)

    @property
    def trouble(self) -> bool:
        """Whether the training is not well."""
        return is_trouble(self.verdict)


@dataclass(frozen=True, eq=False)
class Story:
    """A run, as far as its directory tells.

    Args:
        run: where it is.
        config: what was asked for.
        round: the last one that was played.
        images: shown until then.
        seconds: until then.
        terms: `{"player/term": series}`.
        readings: of the doctor, oldest first; none where it was off.
        signals: `{name: series}`, what the doctor measured.
        classes: of the last reading that had it: each class's share over its share among reals.
        sheets: (round, file) of the grids of samples.
        restored: the round of the checkpoint that the run went back to in the end; None where it did not.
        best: (round, distance) of the checkpoint that was kept as the best; None where there is none.
        evaluation: the newest of `metrics.jsonl`.
    """

    run: RunDir
    config: RunConfig
    round: int
    images: int
    seconds: float
    terms: dict[str, Series]
    readings: tuple[Reading, ...]
    signals: dict[str, Series]
    classes: tuple[float, ...]
    sheets: tuple[tuple[int, Path], ...]
    restored: int | None
    best: tuple[int, float] | None
    evaluation: dict[str, Any] | None

    @cached_property
    def schema(self) -> dict[str, Kind]:
        """The columns of the data."""
        return from_tables(self.config.columns)

    @property
    def kind(self) -> Kind:
        """What samples are."""
        return self.schema[self.config.makes]

    def signal(self, name: str) -> Series:
        """What the doctor measured under that name; an empty series if it did not."""
        return self.signals.get(name, NOTHING)

    @property
    def checkpoint(self) -> str:
        """The name of the checkpoint that is worth most: the best, or the latest where none was kept as the best."""
        return "best" if self.best and self.run.best.is_dir() else "latest"


def gather(path: str | Path) -> Story:
    """Read a run directory.

    Raises:
        UserError: it is none, or its config is not one that a run wrote.
    """
    run, config = workflows.existing(path)
    records = [record for record in run.records() if isinstance(record, dict) and isinstance(record.get("round"), int)]
    health = [record for record in records if record.get("kind") == "health"]
    best, distance = run.noted_best()
    last = max(records, key=lambda record: record["round"], default={})  # a run that was restored ends at an older one
    return Story(
        run=run,
        config=config,
        round=last.get("round", 0),
        images=last.get("images") or 0,
        seconds=last.get("seconds") or 0.0,
        terms=_series((record["round"], _table(record, "terms")) for record in records),
        readings=tuple(map(_reading, health)),
        signals=_series((record["round"], _table(record, "signals")) for record in health),
        classes=next((found for record in reversed(health) if (found := _classes(record))), ()),
        sheets=_sheets(run),
        restored=records[-1]["round"] if records and records[-1].get("kind") == "restored" else None,
        best=(best, distance) if math.isfinite(distance) else None,
        evaluation=next((each for each in reversed(run.records(run.metrics)) if _is_evaluation(each)), None),
    )


def _table(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = record.get(name)
    return found if isinstance(found, dict) else {}


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _series(rows: Iterable[tuple[int, Mapping[str, Any]]]) -> dict[str, Series]:
    found: dict[str, tuple[list[int], list[float]]] = {}
    for round, values in rows:
        for name, value in values.items():
            rounds, numbers = found.setdefault(name, ([], []))
            rounds.append(round)
            numbers.append(_number(value))
    series = {name: Series(np.array(rounds), np.array(numbers)) for name, (rounds, numbers) in found.items()}
    return {name: each for name, each in series.items() if each}


def _reading(record: Mapping[str, Any]) -> Reading:
    confidence = _number(record.get("confidence"))
    return Reading(
        record["round"],
        str(record.get("verdict") or "unknown"),
        confidence if math.isfinite(confidence) else None,
        _begun(f"{str(record['evidence']).removesuffix('.')}." if record.get("evidence") else ""),
        _begun(str(record.get("advice") or "")),
    )


def _begun(sentence: str) -> str:
    """In capitals, unless it begins with a name such as `discriminator/real`."""
    return sentence[:1].upper() + sentence[1:] if sentence.partition(" ")[0].isalpha() else sentence


def _classes(record: Mapping[str, Any]) -> tuple[float, ...]:
    shares = _table(record, "signals").get("classes")
    numbers = tuple(map(_number, shares)) if isinstance(shares, list) else ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def _sheets(run: RunDir) -> tuple[tuple[int, Path], ...]:
    if not run.samples.is_dir():
        return ()
    found = [(int(path.stem), path) for path in run.samples.glob("*.png") if path.stem.isdecimal()]
    return tuple(sorted(found))


def _is_evaluation(record: object) -> bool:
    return isinstance(record, dict) and isinstance(record.get("rows"), list)
