"""The bars of the recipes against lost modes: more of them than the same game without the recipe's device."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.modes.protocols import PROTOCOLS
from benchmarks.recipes.play import Bar, at_least, samples, trained
from sparring.metrics.modes import Modes

ROUNDS = {"ring": 8_000, "grid": 16_000}
"""Those of dragan on the same points."""

PLAIN: dict[str, Any] = {"kernels": 0, "label_smoothing": 0.0}
"""improved with nothing on, for points."""


def modes(protocol: str, recipe: str, seed: int, rounds: int, options: dict[str, Any]) -> Modes:
    rule = PROTOCOLS[protocol]
    plan = trained(rule.source(), rounds=rounds, recipe=recipe, seed=seed, options=options)
    return rule.count(samples(plan, rule.n))


def more(
    protocol: str,
    recipe: str,
    seed: int,
    having: dict[str, Any],
    lacking: dict[str, Any],
    *,
    rounds: int | None = None,
    counts: bool = True,
) -> Iterator[Bar]:
    """More modes with a device than without, on the same networks and as many rounds.

    One sample finds a mode, so noise finds them all: most samples must lie at one.

    Args:
        protocol: ring or grid.
        recipe: which.
        seed: of the run.
        having: the options with the device.
        lacking: those without.
        rounds: of the game; by default those of the protocol.
        counts: whether it is a bar; otherwise it is only reported.
    """
    length = rounds or ROUNDS[protocol]
    ours, theirs = (modes(protocol, recipe, seed, length, options) for options in (having, lacking))
    name = f"{protocol}: modes with {having}, over those with {lacking}"
    target, passed = ("> 1", ours.found > theirs.found) if counts else ("reported", True)
    yield Bar(name, f"{ours.found} / {theirs.found}", target, passed)
    share = at_least(f"{protocol}: share within 3 sigma with {having}", ours.good, 0.7)
    yield share if counts else replace(share, target="reported", passed=True)


def pacgan(seed: int, *, rounds: int | None = None) -> Iterator[Bar]:
    """Packs of three against single examples. Of the ring, the plain game often finds all modes too."""
    yield from more("grid", "pacgan", seed, {"pack": 3}, {"pack": 1}, rounds=rounds)
    yield from more("ring", "pacgan", seed, {"pack": 3}, {"pack": 1}, rounds=rounds, counts=False)


def unrolled(seed: int, *, rounds: int | None = None) -> Iterator[Bar]:
    """Five steps ahead against none."""
    yield from more("ring", "unrolled", seed, {"unroll": 5}, {"unroll": 0}, rounds=rounds)


def minibatch(seed: int, *, rounds: int | None = None) -> Iterator[Bar]:
    """Minibatch discrimination alone against nothing."""
    having = PLAIN | {"kernels": 50}
    yield from more("grid", "improved", seed, having, PLAIN, rounds=rounds)
    yield from more("ring", "improved", seed, having, PLAIN, rounds=rounds, counts=False)
