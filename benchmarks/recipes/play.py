"""Training without a run directory, and the scores of points."""

import itertools
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from sparring import workflows
from sparring.data import toys
from sparring.loop import play

SIGMA = {"ring": 0.01, "grid": 0.05}
MODES = {"ring": toys.RING_MODES, "grid": toys.GRID_MODES}


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


def samples(plan: workflows.Plan, n: int) -> np.ndarray:
    """N samples in the data's own units."""
    return plan.data.spec.to_data(workflows.draw(plan.state, range(n), {}))


def modes(points: np.ndarray, name: str) -> tuple[int, float]:
    """Modes hit, and the share of points within 3σ of one (PacGAN's protocol, arXiv 1712.04086, section 4.1)."""
    distance = np.linalg.norm(points[:, None] - MODES[name][None], axis=2)
    good = distance.min(1) <= 3 * SIGMA[name]
    return len(set(distance.argmin(1)[good].tolist())), float(good.mean())


def exact_wasserstein(a: np.ndarray, b: np.ndarray) -> float:
    """W1 between two clouds of equally many points, by linear assignment."""
    cost = np.linalg.norm(a[:, None] - b[None], axis=2)
    return float(cost[linear_sum_assignment(cost)].mean())
