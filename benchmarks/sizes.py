"""Memory and seconds a round, by recipe and size of RGB pictures.

python -m benchmarks.sizes --recipes default progressive stylegan2 r3gan --sizes 32 64 128 256

Each game is played by a process of its own, with what the recipe chooses when nothing is set. `progressive` is played
at its full size, its dearest (`growth=0`), and stylegan2, which has penalties every 4 and 8 rounds, in cycles of 8.
`before` is the memory that a process has taken when it begins to play: interpreter, torch, pictures. One that asks for
more than `--share` of what is free is told that there is none, so that it takes nothing from other programs.
"""

import argparse
import itertools
import json
import resource
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.record import record
from sparring import workflows
from sparring.loop import play

RECIPES = ("default", "progressive", "stylegan2", "r3gan")
SIZES = (32, 64, 128, 256)
OPTIONS: dict[str, dict[str, Any]] = {"progressive": {"growth": 0.0}}
CYCLES = {"stylegan2": 8}
PICTURES = 256


def pictures(side: int) -> np.ndarray:
    """Coloured waves, uint8 `(N, side, side, 3)`."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:side, 0:side] * (64 / side)
    made = np.empty((PICTURES, side, side, 3), np.uint8)
    for each in made:  # one at a time: what makes them must not be the peak
        a, b = rng.uniform(-0.3, 0.3, (2, 3))
        each[:] = 127.5 + 127 * np.sin(a * x[..., None] + b * y[..., None])
    return made


def megabytes(what: str) -> float:
    """`VmRSS`, the memory that this process holds, or `VmHWM`, what it has held at most.

    `getrusage` says at least what the parent of a process held when it began.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def bounded(share: float) -> None:
    """Let this process ask for no more than a share of the memory that is free now."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    free = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (int(share * free), int(share * free)))


def measured(recipe: str, side: int, seconds: float) -> dict[str, Any]:
    """Play whole cycles for at least so many seconds, behind one that is not timed."""
    cycle = CYCLES.get(recipe, 1)
    plan = workflows.plan(
        pictures(side), recipe=recipe, seed=0, rounds=1_000_000, options=OPTIONS.get(recipe, {}), out="never-written"
    )
    before, weights = (
        megabytes("VmRSS"),
        sum(p.numel() for p in torch.nn.ModuleList(plan.state.game.modules().values()).parameters()),
    )
    rounds, cycles = play(plan.state, plan.data, plan.how), 0
    list(islice(rounds, cycle))
    shown = plan.images()
    wall, processor = time.perf_counter(), time.process_time()
    while not cycles or time.perf_counter() - wall < seconds:
        list(islice(rounds, cycle))
        cycles += 1
    took = time.perf_counter() - wall, time.process_time() - processor
    return {
        "batch": plan.how.batch,
        "precision": str(plan.how.precision).removeprefix("torch."),
        "augment": plan.config.augment,
        "parameters": weights,
        "rounds": cycles * cycle,
        "seconds_a_round": took[0] / (cycles * cycle),
        "processor_seconds_a_round": took[1] / (cycles * cycle),
        "images_a_second": (plan.images() - shown) / took[0],
        "megabytes_before": round(before),
        "megabytes_at_most": round(megabytes("VmHWM")),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--recipes", nargs="*", default=RECIPES)
    arguments.add_argument("--sizes", nargs="*", type=int, default=SIZES)
    arguments.add_argument("--seconds", type=float, default=20.0, help="at least, of rounds that are timed")
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--share", type=float, default=0.7, help="of the free memory, for each game")
    arguments.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    if given.child:
        bounded(given.share)
        try:
            print(json.dumps(measured(given.recipes[0], given.sizes[0], given.seconds)))
        except (RuntimeError, MemoryError) as error:
            if "memory" not in str(error) and not isinstance(error, MemoryError):
                raise
            print(json.dumps({"more_than_megabytes": round(resource.getrlimit(resource.RLIMIT_DATA)[0] / 2**20)}))
        return
    print("| recipe | size | batch | seconds a round | of a processor | images/s | peak MB | before | parameters |")
    print("|---" * 9 + "|", flush=True)
    for side, recipe in itertools.product(given.sizes, given.recipes):
        words = ["--child", "--recipes", recipe, "--sizes", side, "--seconds", given.seconds]
        words += ["--threads", given.threads, "--share", given.share]
        command = [sys.executable, "-m", "benchmarks.sizes", *map(str, words)]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(ended.stdout.splitlines()[-1])
        record("sizes", recipe=recipe, size=side, **found)
        if "more_than_megabytes" in found:
            print(f"| {recipe} | {side} | | | | | more than {found['more_than_megabytes']:,} | | |", flush=True)
            continue
        cells = [
            recipe, side, found["batch"], f"{found['seconds_a_round']:.3g}",
            f"{found['processor_seconds_a_round']:.3g}", f"{found['images_a_second']:.3g}",
            f"{found['megabytes_at_most']:,}", found["megabytes_before"], f"{found['parameters']:,}",
        ]  # fmt: skip
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
