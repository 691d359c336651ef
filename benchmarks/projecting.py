"""Does `sparring project` find a digit again? Held-out digits, and samples of the run itself.

python -m benchmarks.projecting runs/digits-default-1

The referee reads each held-out digit and the nearest sample that the search found; the null is the nearest of the first
seeds, with no search. A sample has a noise that makes it, so the distance left over is what the search misses.
"""

import argparse
from pathlib import Path
from statistics import median

import numpy as np
import torch

import sparring.data
from benchmarks.record import record
from benchmarks.referee import read, referee
from sparring.exploring import Nearest, project
from sparring.workflows import Sampler, sampler


def searched(ready: Sampler, pictures: torch.Tensor, starts: int, steps: int) -> list[Nearest]:
    """Each of `(N, 1, 28, 28)`, stored, by itself."""
    return [project(ready, picture[None], starts, steps) for picture in pictures]


def classes(pictures: torch.Tensor) -> torch.Tensor:
    """What the referee reads in `(N, 1, 28, 28)`, stored."""
    return read(referee()[0], np.moveaxis(pictures.numpy(), 1, 3))[1].argmax(1)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("run", type=Path, help="of a recipe with noise, on digits")
    arguments.add_argument("--count", type=int, default=100, help="held-out digits, and a fifth as many samples")
    arguments.add_argument("--starts", type=int, default=8)
    arguments.add_argument("--steps", type=int, default=200)
    arguments.add_argument("--threads", type=int, default=1)
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    ready = sampler(given.run)
    real = sparring.data.open("digits").held_out(given.count)["x"]
    found = searched(ready, real, given.starts, given.steps)
    asked = classes(real)
    seeds = torch.cat([ready([each.seed])["x"] for each in found])
    shares = [
        classes(made).eq(asked).float().mean().item() for made in (torch.cat([each.made for each in found]), seeds)
    ]
    made = ready(list(range(10_000, 10_000 + given.count // 5)))["x"]
    own = searched(ready, made, given.starts, given.steps)
    left, before = (
        [median(getattr(each, name) for each in part) for part in (found, own)] for name in ("distance", "before")
    )
    print(
        f"of {given.count} held-out digits {shares[0]:.0%} are read as the same in their nearest sample (bar: 90%), "
        f"{shares[1]:.0%} in the nearest of the first seeds; distance {left[0]:.1f} of 255, from {before[0]:.1f}"
    )
    print(f"own samples: distance {left[1]:.1f} of 255 (median), from {before[1]:.1f} of the nearest seed")
    record("projecting", run=given.run.name, count=given.count, shares=shares, distances=left, before=before)


if __name__ == "__main__":
    main()
