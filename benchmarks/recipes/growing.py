"""The bars of progressive: nearer to the data than its twin that does not grow, after as many images, and as much time.

Digits of 32x32; or, with SPARRING_PICTURES=FOLDER, the RGB pictures of a folder or zip.
"""

import os
import time
from collections.abc import Iterator
from typing import Any

import torch

from benchmarks.recipes.play import Bar, ablation, at_most, samples, trained
from sparring import metrics
from sparring.recipes.progressive import stage_at

ROUNDS = 2_400
SAMPLES = 1_000


def source() -> tuple[str, dict[str, Any]]:
    """What is trained on, and how it is opened."""
    named = os.environ.get("SPARRING_PICTURES")
    return (named, {"size": (32, 32), "channels": 3}) if named else ("digits", {"size": (32, 32)})


def distances(seed: int, **played: Any) -> tuple[dict[str, float], float]:
    """Sliced Wasserstein distance to held-out and training pictures, by level of the pyramid; seconds of training."""
    name, opened = source()
    began = time.process_time()
    plan = trained(name, recipe="progressive", seed=seed, **played, **opened)
    seconds = time.process_time() - began
    made = torch.from_numpy(samples(plan, SAMPLES)).movedim(3, 1)
    real = torch.from_numpy(plan.data.rows(slice(0, SAMPLES))["x"].numpy())
    return metrics.sliced_wasserstein(real, made), seconds


def growing(seed: int, rounds: int = ROUNDS) -> Iterator[Bar]:
    """Growing over the first 0.6 of a run, against whole networks from the start; and against too little growth."""
    ours, seconds = distances(seed, rounds=rounds)
    twin, _ = distances(seed, rounds=rounds, options={"growth": 0.0})
    name = f"sliced Wasserstein distance, over that of the twin ({twin['mean']:.3g}) after {16 * rounds:,} images"
    yield at_most(name, ours["mean"] / twin["mean"], 1.0)
    timed, _ = distances(seed, cpu_seconds=seconds, options={"growth": 0.0})
    timed_name = f"sliced Wasserstein distance, over that of the twin ({timed['mean']:.3g}) after {seconds:.0f} s"
    yield at_most(timed_name, ours["mean"] / timed["mean"], 1.0)
    for level, value in ours.items():
        yield Bar(f"sliced Wasserstein distance, {level}", f"{value:.3g} / {twin[level]:.3g}", "reported", True)
    # in such a run the last level has only just been begun
    late, _ = distances(seed, rounds=rounds, options={"growth": 1.0})
    assert stage_at(0.9, 4, 1.0) < 3
    yield ablation("grown at the very end", at_most(name, late["mean"] / twin["mean"], 1.0))
