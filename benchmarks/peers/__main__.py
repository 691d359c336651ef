"""The default recipe against the DCGAN tutorial: as many minutes each, in turn, on this machine.

python -m benchmarks.peers --minutes 5 --seeds 0-2
"""

import argparse
import itertools
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

import sparring
import sparring.data
from benchmarks.peers import dcgan_tutorial
from benchmarks.record import RESULTS, record
from benchmarks.referee import Score, referee, score
from sparring import grids
from sparring.cli._values import parse_seeds

SAMPLES = 10_000


def tutorial(minutes: float, seed: int) -> tuple[np.ndarray, int]:
    digits = np.moveaxis(np.asarray(sparring.data.open("digits").train["x"]), 1, 3)
    G, iterations = dcgan_tutorial.train(digits, 60 * minutes, seed)
    return dcgan_tutorial.sample(G, SAMPLES, seed), iterations


def ours(minutes: float, seed: int) -> tuple[np.ndarray, int]:
    with TemporaryDirectory() as folder:
        run = sparring.train("digits", minutes=minutes, seed=seed, out=Path(folder) / "run")
        return run.sample(SAMPLES), run.terms()[-1]["round"]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=5.0)
    arguments.add_argument("--seeds", type=parse_seeds, default=[0, 1, 2])
    given = arguments.parse_args()
    referee()
    scores: dict[str, list[Score]] = {"tutorial": [], "default": []}
    for seed, (name, player) in itertools.product(given.seeds, (("tutorial", tutorial), ("default", ours))):
        pictures, iterations = player(given.minutes, seed)
        scores[name].append(score(pictures))
        print(f"{name:9} seed {seed}: {iterations:,} rounds, {scores[name][-1]}", flush=True)
        record("peers", peer=name, seed=seed, minutes=given.minutes, rounds=iterations, **scores[name][-1].to_dict())
        grids.picture_grid(pictures[:64]).save(RESULTS / f"peers-{name}-{seed}.png")
    ratios = [ours.fd / theirs.fd for ours, theirs in zip(scores["default"], scores["tutorial"], strict=True)]
    print(
        "FD, default over tutorial: "
        + ", ".join(f"1/{1 / r:.0f}" for r in ratios)
        + f"; median 1/{1 / median(ratios):.0f}"
    )


if __name__ == "__main__":
    main()
