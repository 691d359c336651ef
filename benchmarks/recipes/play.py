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


def trained(
    source: Any, *, rounds: int | None = None, cpu_seconds: float | None = None, **arguments: Any
) -> workflows.Plan:
    """Play so many rounds, or for so much processor time, in memory.

    Args:
        source: as for `sparring.train`.
        rounds: how many; also the length of the schedules.
        cpu_seconds: instead.
        arguments: of `sparring.plan`.
    """
    plan = workflows.plan(source, rounds=rounds or 1_000_000, out="never-written", **arguments)
    until = time.process_time() + (cpu_seconds or float("inf"))
    for _ in itertools.islice(play(plan.state, plan.data, plan.how), rounds):
        if time.process_time() >= until:
            break
    return plan


def samples(plan: workflows.Plan, n: int, given: Mapping[str, Tensor] | None = None) -> np.ndarray:
    """N samples in the data's own units; of what is given, by default, the held-out rows in turn."""
    game, kind = plan.state.game, plan.data.schema[plan.state.game.makes]
    rows = rows_for(range(n), plan.data.held_out()) | dict(given or {})
    made = draw(game, plan.state.sampled, plan.data.schema, range(n), rows)
    return kind.to_array(kind.to_stored(made))
