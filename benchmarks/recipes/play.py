"""Training without a run directory, and what a bar is."""

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from sparring import workflows
from sparring.drawing import draw, rows_for
from sparring.loop import play


@dataclass(frozen=True)
class Bar:
    """One thing that must hold, or, for an ablation, must not.

    Args:
        name: what was measured.
        value: the measurement.
        target: what it was held against, in words.
        passed: whether it holds (for an ablation: whether it fails, as it must).
    """

    name: str
    value: str
    target: str
    passed: bool


def at_least(name: str, value: float, target: float) -> Bar:
    return Bar(name, f"{value:.3g}", f">= {target:g}", value >= target)


def at_most(name: str, value: float, target: float) -> Bar:
    return Bar(name, f"{value:.3g}", f"<= {target:g}", value <= target)


def within(name: str, value: float, target: float, tolerance: float) -> Bar:
    return Bar(name, f"{value:.3g}", f"{target:.4g} +- {tolerance:g}", abs(value - target) <= tolerance)


def beside(bar: Bar, other: float) -> Bar:
    """The bar, with the number that it was compared with."""
    return replace(bar, value=f"{bar.value} (beside {other:.3g})")


def ablation(name: str, bar: Bar) -> Bar:
    """The same bar on a game that must not reach it."""
    return Bar(f"ablation, {name}: {bar.name}", bar.value, f"must not be {bar.target}", not bar.passed)


MEASURED = 0.05
"""Of the processor time of a game: about what is played, and thrown away, to see how many rounds fit in."""


def trained(
    source: Any, *, rounds: int | None = None, cpu_seconds: float | None = None, **arguments: Any
) -> workflows.Plan:
    """Play so many rounds, or for so much processor time, in memory.

    Args:
        source: as for `sparring.train`.
        rounds: how many; also the length of the schedules.
        cpu_seconds: instead: as many rounds as fit in, by the game's pace.
        arguments: of `sparring.plan`.
    """
    if rounds is None:
        assert cpu_seconds is not None, "a length"
        rounds = _fitting(cpu_seconds, source, arguments)
    plan = workflows.plan(source, rounds=rounds, out="never-written", **arguments)
    for _ in itertools.islice(play(plan.state, plan.data, plan.how), rounds):
        pass
    return plan


def _fitting(cpu_seconds: float, source: Any, arguments: Mapping[str, Any]) -> int:
    # a short run has all phases of a long one: a player that enters later, rates that fall
    length, took = 1, 0.0
    while took < MEASURED * cpu_seconds / 4:
        length *= 4
        plan = workflows.plan(source, rounds=length, out="never-written", **arguments)
        began = time.process_time()
        for _ in itertools.islice(play(plan.state, plan.data, plan.how), length):
            pass
        took = time.process_time() - began
    return max(1, round(length * cpu_seconds / took))


def samples(plan: workflows.Plan, n: int, given: Mapping[str, Tensor] | None = None) -> np.ndarray:
    """N samples in the data's own units; of what is given, by default, the held-out rows in turn."""
    game, kind = plan.state.game, plan.data.schema[plan.state.game.makes]
    rows = rows_for(range(n), plan.data.held_out()) | dict(given or {})
    made = draw(game, plan.state.sampled, plan.data.schema, range(n), rows)
    return kind.to_array(kind.to_stored(made))
