"""Does the doctor name the right disease, and leave the healthy alone?

python -m benchmarks.doctor tuning --seeds 0-2
python -m benchmarks.doctor final --seeds 0-2
"""

import argparse
import itertools
import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch

from benchmarks.doctor.settings import SETS, Setting
from benchmarks.record import record
from sparring import workflows
from sparring.cli._values import parse_seeds
from sparring.doctor import TROUBLE, diagnose, readings
from sparring.loop import DivergedError


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


def outcome(setting: Setting, verdicts: list[str]) -> dict[str, Any]:
    """Whether a sick game was named, and a healthy one left alone."""
    troubles = Counter(verdict for verdict in verdicts if verdict in TROUBLE)
    spells = [(verdict, len(list(group))) for verdict, group in itertools.groupby(verdicts)]
    right = setting.disease in troubles if setting.disease else not troubles
    # one name for a game: its own disease where that was named, else the most frequent one
    said = setting.disease if setting.disease and right else next(iter([n for n, _ in troubles.most_common(1)]), "none")
    return {"right": right, "said": said, "spells": spells, "others": sorted(set(troubles) - {setting.disease})}


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
    table: dict[str, Counter[str]] = {}
    for setting, seed in itertools.product(chosen, given.seeds):
        began = time.monotonic()
        verdicts = again(setting, seed, given.again) if given.again else examined(setting, seed, given.keep)
        found = outcome(setting, verdicts)
        seconds = round(time.monotonic() - began)
        table.setdefault(setting.disease or "well", Counter())[found["said"]] += 1
        spells = ", ".join(f"{verdict} {count}" for verdict, count in found["spells"])
        print(f"{'ok   ' if found['right'] else 'WRONG'} {setting.name:26} {seed} {seconds:3} s  {spells}", flush=True)
        if not given.again:
            record("doctor", set=given.set, setting=setting.name, disease=setting.disease, seed=seed, **found)
    print(confusion(table))


def confusion(table: dict[str, Counter[str]]) -> str:
    """A row for what games had, a column for what the doctor said."""
    columns = sorted({said for row in table.values() for said in row})
    lines = ["| had | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| {had} | " + " | ".join(str(row[each] or "") for each in columns) + " |" for had, row in table.items()]
    sick = {had: row for had, row in table.items() if had != "well"}
    games, named = sum(row.total() for row in sick.values()), sum(row[had] for had, row in sick.items())
    well = table.get("well", Counter())
    if games:
        lines.append(f"{named} of {games} sick games named: {named / games:.0%}")
    if well:
        alarms = well.total() - well["none"]
        lines.append(f"{alarms} of {well.total()} healthy games alarmed: {alarms / well.total():.0%}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
