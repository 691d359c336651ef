"""What several processes gain: the same game, data and global batch in one process and in two, of one thread each.

python -m benchmarks.processes
"""

import argparse
import os
import time
from itertools import islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torch.multiprocessing

from benchmarks.record import record
from sparring import workflows
from sparring.loop import play
from sparring.processes import MEETING

BAR = 1.7
"""Times as fast in two processes as in one."""

WARM = 3
"""Rounds before the clock starts."""


def rounds(rank: int, size: int, folder: str, recipe: str, batch: int, count: int) -> None:
    """One process's part; each writes the seconds of its fastest round, and the processor's seconds of a mean one."""
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size), MEETING: f"{folder}/meeting"}
    parts = 2 // size  # in each process
    plan = workflows.plan(
        "digits", recipe=recipe, rounds=count, batch=batch, accumulate=parts, out=f"{folder}/run", precision="float32"
    )
    playing = play(plan.state, plan.data, plan.how)
    list(islice(playing, WARM))
    worked, ends = time.process_time(), [time.perf_counter()]
    ends.extend(time.perf_counter() for _ in islice(playing, count))
    worked = (time.process_time() - worked) / count
    # the fastest: whatever else the machine does makes rounds slower only
    Path(folder, f"{rank}").write_text(f"{min(b - a for a, b in pairwise(ends))} {worked}")


def measured(size: int, recipe: str, batch: int, count: int) -> tuple[float, float]:
    """Seconds of the fastest round, and of all processors together in a mean one."""
    with TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(rounds, (size, folder, recipe, batch, count), nprocs=size)
        each = [[float(word) for word in Path(folder, f"{rank}").read_text().split()] for rank in range(size)]
    return max(wall for wall, _ in each), sum(worked for _, worked in each)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--batch", type=int, default=64, help="examples in one forward pass; a step is of two")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for _ in range(asked.repeats):
        (one, worked_one), (two, worked_two) = (
            measured(size, asked.recipe, asked.batch, asked.rounds) for size in (1, 2)
        )
        busy = os.getloadavg()[0]
        print(
            f"{asked.recipe}: {one:.3f} s a round, in two processes {two:.3f}: {one / two:.2f} times as fast; ", end=""
        )
        print(f"of the processors' time {2 * worked_one / worked_two:.2f} (bar {BAR}; load {busy:.1f})")
        figures = {"one": one, "two": two, "processor_one": worked_one, "processor_two": worked_two, "load": busy}
        record(
            "processes", recipe=asked.recipe, batch=asked.batch, rounds=asked.rounds, cores=os.cpu_count(), **figures
        )


if __name__ == "__main__":
    main()
