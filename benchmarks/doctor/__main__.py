"""Does the doctor name the right disease, and leave the healthy alone?

python -m benchmarks.doctor tuning --seeds 0-2
python -m benchmarks.doctor final --seeds 0-4
python -m benchmarks.doctor others --seeds 0-3
python -m benchmarks.doctor small --seeds 0-2
"""

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.doctor.others import OTHERS
from benchmarks.doctor.score import confusion, outcome
from benchmarks.doctor.settings import FINAL, SMALL, TUNING, Setting
from benchmarks.record import record
from sparring import workflows
from sparring.cli._values import parse_seeds
from sparring.doctor import diagnose, readings
from sparring.loop import DivergedError

SETS = {"tuning": TUNING, "final": FINAL, "others": OTHERS, "small": SMALL}


def examined(setting: Setting, seed: int, keep: Path | None) -> list[str]:
    """Play it, and return the verdicts in their order."""
    with tempfile.TemporaryDirectory() as folder:
        plan = setting.plan(seed, f"{folder}/run")
        try:
            for _ in workflows.run(plan):
                pass
        except DivergedError:
            pass  # the doctor has written it down
        records = plan.out.records()
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{setting.name}-{seed}.jsonl").write_text(plan.out.log.read_text())
    return [each["verdict"] for each in records if each["kind"] == "health"]


def again(setting: Setting, seed: int, kept: Path) -> list[str]:
    """The verdicts that today's rules pass on a log that was kept."""
    path = kept / f"{setting.name}-{seed}.jsonl"
    history = readings([json.loads(line) for line in path.read_text().splitlines()])
    return [diagnose(history[: k + 1]).verdict for k in range(len(history))]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("set", choices=SETS)
    arguments.add_argument("names", nargs="*", metavar="SETTING", help="beginnings of names; by default all")
    arguments.add_argument("--seeds", type=parse_seeds, default=[0, 1, 2])
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--keep", type=Path, help="a folder for the logs")
    arguments.add_argument("--again", type=Path, help="judge the logs of that folder instead of playing")
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    chosen = [s for s in SETS[given.set] if not given.names or s.name.startswith(tuple(given.names))]
    games: list[dict[str, Any]] = []
    for setting, seed in itertools.product(chosen, given.seeds):
        began = time.monotonic()
        verdicts = again(setting, seed, given.again) if given.again else examined(setting, seed, given.keep)
        found = outcome(setting.disease, verdicts)
        games.append(found)
        seconds = round(time.monotonic() - began)
        spells = ", ".join(f"{verdict} {count}" for verdict, count in found["spells"])
        print(f"{'ok   ' if found['right'] else 'WRONG'} {setting.name:26} {seed} {seconds:3} s  {spells}", flush=True)
        record("doctor", set=given.set, setting=setting.name, seed=seed, **found)
    print(confusion(games))


if __name__ == "__main__":
    main()
