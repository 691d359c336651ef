"""The bars of the recipes, each beside its ablation.

python -m benchmarks.recipes [NAME ...] --seeds 0-2
"""

import argparse
import time
from dataclasses import asdict

import torch

from benchmarks.recipes.bars import BARS
from benchmarks.record import record
from sparring.cli._values import parse_seeds


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("recipes", nargs="*", metavar="NAME", help=", ".join(BARS))
    arguments.add_argument("--seeds", type=parse_seeds, default=[0, 1, 2])
    arguments.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    missed = 0
    for recipe in given.recipes or BARS:
        for seed in given.seeds:
            for bars in BARS[recipe]:
                began = time.monotonic()
                for bar in bars(seed):
                    missed += not bar.passed
                    sign = "ok    " if bar.passed else "MISSED"
                    print(f"{sign} {recipe:8} seed {seed}  {bar.name} {bar.value} ({bar.target})", flush=True)
                    record("recipes", recipe=recipe, seed=seed, seconds=round(time.monotonic() - began), **asdict(bar))
    print(f"{missed} bars missed")


if __name__ == "__main__":
    main()
