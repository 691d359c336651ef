"""What each recipe makes of ring and grid with nothing set: modes found, samples near a mode, and the doctor's word.

python -m benchmarks.points --recipes wgan-gp r3gan --seeds 0-2 --minutes 2

`--clock processor` counts the process's own processor time instead of the wall's: on a busy machine that is what a
quiet one would have done.
"""

import argparse
import itertools
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.record import record
from sparring import metrics, workflows
from sparring.cli._values import parse_seeds
from sparring.doctor import TROUBLE
from sparring.metrics.table import KNOWN_MODES
from sparring.recipes import RECIPES

CLOCKS = {"wall": time.monotonic, "processor": time.process_time}
SAMPLES = 2_500
STOPPED = "stopped by a signal"


def played(data: str, recipe: str, seed: int, minutes: float, keep: Path | None = None) -> dict[str, Any]:
    """A run as `sparring train` makes it, and what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        plan = workflows.plan(data, recipe=recipe, seed=seed, minutes=minutes, out=Path(folder) / "run")
        *_, last = workflows.run(plan)
        if last.finished == STOPPED:
            raise SystemExit(1)  # a run that was cut off is no result
        run = workflows.Run(plan.out.path)
        found = metrics.count_modes(torch.from_numpy(run.sample(SAMPLES)), *KNOWN_MODES[data])
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{data}-{recipe}-{seed}.jsonl").write_text(plan.out.log.read_text())
        said = [examination["verdict"] for examination in run.health()]
    sick = sorted(set(said) & set(TROUBLE))
    return {"rounds": plan.state.round, **found._asdict(), "verdict": said[-1], "sick": sick}


def main() -> None:
    points = [name for name, recipe in RECIPES.items() if recipe.takes == "examples"]
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", nargs="*", choices=KNOWN_MODES, default=list(KNOWN_MODES))
    arguments.add_argument("--recipes", nargs="*", choices=points, default=points)
    arguments.add_argument("--seeds", type=parse_seeds, default=[0, 1, 2])
    arguments.add_argument("--minutes", type=float, default=2.0)
    arguments.add_argument("--clock", choices=CLOCKS, default="wall")
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--keep", type=Path, help="a folder for the logs")
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    for seed, recipe, data in itertools.product(given.seeds, given.recipes, given.data):
        with patch.object(time, "monotonic", CLOCKS[given.clock]):
            result = played(data, recipe, seed, given.minutes, given.keep)
        print(
            f"{data} {recipe:8} seed {seed}: {result['rounds']:,} rounds, {result['found']} of {result['total']} "
            f"modes, {result['good']:.1%} good, KL {result['kl']:.3f}; {result['verdict']}, sick: {result['sick']}",
            flush=True,
        )
        record("points", data=data, recipe=recipe, seed=seed, minutes=given.minutes, clock=given.clock, **result)


if __name__ == "__main__":
    main()
