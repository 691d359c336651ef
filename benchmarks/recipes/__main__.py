"""The bars of the recipes, each beside its ablation.

python -m benchmarks.recipes [NAME ...] --seeds 0-2
"""

import argparse
import itertools
import time
from dataclasses import asdict

import torch

from benchmarks.recipes.bars import BARS
from benchmarks.record import record
from sparring.cli._values import parse_seeds


def names() -> list[str]:
    """Every bar, as `recipe/bar`."""
    return [f"{recipe}/{bar}" for recipe, bars in BARS.items() for bar in bars]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("recipes", nargs="*", metavar="RECIPE[/BAR]", help=", ".join(names()))
    arguments.add_argument("--seeds", type=parse_seeds, default=[0, 1, 2])
    arguments.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    missed = 0
    asked = [name for name in names() if not given.recipes or {name, name.split("/")[0]} & set(given.recipes)]
    for name, seed in itertools.product(asked, given.seeds):
        recipe, which = name.split("/")
        began = time.monotonic()
        for bar in BARS[recipe][which](seed):
            missed += not bar.passed
            sign = "ok    " if bar.passed else "MISSED"
            print(f"{sign} {name:14} seed {seed}  {bar.name} {bar.value} ({bar.target})", flush=True)
            seconds = round(time.monotonic() - began)
            record("recipes", recipe=recipe, seed=seed, seconds=seconds, **asdict(bar))
    print(f"{missed} bars missed")


if __name__ == "__main__":
    main()
