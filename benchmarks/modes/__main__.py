"""Modes found, samples near a mode, and KL divergence, of recipes on data whose modes are known.

python -m benchmarks.modes [PROTOCOL ...] --recipes gan r3gan --seeds 0-2
"""

import argparse
import time
from dataclasses import asdict

import torch

from benchmarks.modes.protocols import SETTINGS, played
from benchmarks.record import record
from sparring.cli._values import parse_seeds


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("protocols", nargs="*", metavar="PROTOCOL", help=", ".join(SETTINGS))
    arguments.add_argument("--recipes", nargs="*")
    arguments.add_argument("--seeds", type=parse_seeds, default=[0, 1, 2])
    arguments.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = arguments.parse_args()
    if unknown := set(given.protocols) - set(SETTINGS):
        arguments.error(f"there is no protocol {min(unknown)}: {', '.join(SETTINGS)}")
    torch.set_num_threads(given.threads)
    for seed in given.seeds:
        for protocol in given.protocols or SETTINGS:
            for recipe in SETTINGS[protocol]:
                if given.recipes and recipe not in given.recipes:
                    continue
                began = time.monotonic()
                found = played(protocol, recipe, seed)
                seconds = round(time.monotonic() - began)
                print(
                    f"{protocol:8} {recipe:14} seed {seed}: {found.found} of {found.total} modes, "
                    f"{found.good:.1%} good, KL {found.kl:.3f} ({seconds} s)",
                    flush=True,
                )
                result = found._asdict() | asdict(SETTINGS[protocol][recipe])
                record("modes", protocol=protocol, recipe=recipe, seed=seed, seconds=seconds, **result)


if __name__ == "__main__":
    main()
