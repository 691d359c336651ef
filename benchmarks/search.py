"""How the default recipe was found: variants on digits, as much processor time each, scored by the referee.

    python -m benchmarks.search "default lr=3e-3" "default width=16" "r3gan network=shuffle" --cpu-seconds 120

One thread and processor time rather than minutes, so that what else the machine does matters little.
"""

import argparse

import torch

from benchmarks.recipes.play import samples, trained
from benchmarks.record import record
from benchmarks.referee import score
from sparring.cli._values import parse_seeds
from sparring.config import parse_settings


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("variants", nargs="+", metavar="'RECIPE key=value ...'")
    arguments.add_argument("--cpu-seconds", type=float, default=120.0)
    arguments.add_argument("--seeds", type=parse_seeds, default=[0])
    given = arguments.parse_args()
    torch.set_num_threads(1)
    for variant in given.variants:
        recipe, *settings = variant.split()
        for seed in given.seeds:
            options = parse_settings(settings)
            plan = trained("digits", cpu_seconds=given.cpu_seconds, recipe=recipe, seed=seed, options=options)
            result = score(samples(plan, 10_000))
            print(f"{variant}, seed {seed}: {plan.state.round:,} rounds, {result}", flush=True)
            record(
                "search",
                variant=variant,
                seed=seed,
                cpu_seconds=given.cpu_seconds,
                rounds=plan.state.round,
                **result.to_dict(),
            )


if __name__ == "__main__":
    main()
