"""The default on colour pictures, against an earlier revision: FD at equal processor time.

python -m benchmarks.colour --against REV --sets emoji photographs --seeds 0-2 --minutes 20

Where the pictures come from, and under which licences: `benchmarks/colour/pictures.py`. FD is in EfficientNet's
features, to pictures that were not trained on. Both revisions get the same files, and choose all that is not said.
The bar is of all seeds that were ever recorded, so that they may be played in several calls.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.colour.pictures import SETS
from benchmarks.record import record
from benchmarks.revisions import HERE, checked_out
from benchmarks.tables import newest
from sparring import grids, metrics
from sparring.cli._values import parse_seeds
from sparring.metrics import extractors

SAMPLES = 1_400
"""On either side: more than EfficientNet has features."""


def features(pictures: np.ndarray) -> torch.Tensor:
    """Of uint8 `(N, H, W, 3)`, `(N, 1280)`."""
    return extractors.efficientnet()(pictures.transpose(0, 3, 1, 2)).features


def played(tree: Path, source: Path, out: Path, minutes: float, seed: int, samples: int) -> dict[str, Any]:
    """What the worker says of a run of that tree; its samples lie in `out`."""
    words = [source, out, minutes, seed, samples]
    command = [sys.executable, "-m", "benchmarks.colour.worker", *map(str, words)]
    surroundings = os.environ | {"PYTHONPATH": f"{tree / 'src'}{os.pathsep}{HERE}", "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=HERE, env=surroundings, check=True)
    return json.loads(ended.stdout.splitlines()[-1])


def bar(name: str, given: argparse.Namespace) -> str:
    """Of all seeds that were ever recorded for both revisions, alike in the rest."""
    alike = {"pictures": name, "against": given.against, "size": given.size, "minutes": given.minutes}
    alike |= {"samples": given.samples}
    games = [game for game in newest("colour", *alike, "way", "seed") if alike.items() <= game.items()]
    ours, theirs = ({g["seed"]: g["fd"] for g in games if g["way"] == way} for way in ("ours", given.against))
    ratios = {seed: ours[seed] / theirs[seed] for seed in sorted(ours.keys() & theirs.keys())}
    each, middle = ", ".join(f"{ratio:.2f}" for ratio in ratios.values()), median(ratios.values())
    seeds = ", ".join(map(str, ratios))
    verdict = "met" if middle <= 0.7 else "MISSED"
    return f"{verdict}: {name}, FD over that of {given.against}: {each} (seeds {seeds}); median {middle:.2f} (<= 0.7)"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--against", default="", help="a revision of this tree; by default none")
    arguments.add_argument("--sets", nargs="*", choices=SETS, default=list(SETS))
    arguments.add_argument("--seeds", type=parse_seeds, default=[0])
    arguments.add_argument("--minutes", type=float, default=20.0, help="of one processor, each")
    arguments.add_argument("--size", type=int, default=64)
    arguments.add_argument("--samples", type=int, default=SAMPLES)
    arguments.add_argument("--out", type=Path, default=Path("runs"))
    given = arguments.parse_args()
    torch.set_num_threads(1)
    out: Path = given.out.resolve()
    with checked_out(given.against) as earlier, tempfile.TemporaryDirectory() as folder:
        trees = {"ours": HERE} | ({given.against: earlier} if given.against else {})
        for name in given.sets:
            known, kept, fresh = SETS[name](given.size, given.samples)
            source = Path(folder) / f"{name}.npy"
            np.save(source, known)
            near = features(kept)
            floor = metrics.frechet_distance(near, features(fresh))
            grids.save(
                grids.picture_grid(known[np.random.default_rng(0).permutation(len(known))[:64]]),
                out / f"{name}-reals.png",
            )
            for seed, (way, tree) in itertools.product(given.seeds, trees.items()):
                place = out / f"{name}-{given.size}-{way.replace('/', '-')}-{seed}"
                said = played(tree, source, place, given.minutes, seed, given.samples)
                made = np.load(place / "made.npy")
                distance = metrics.frechet_distance(near, features(made))
                grids.save(grids.picture_grid(made[:64]), place / "sheet.png")
                print(f"{name} {way} seed {seed}: FD {distance:.1f} (floor {floor:.1f}), {said}", flush=True)
                how = {"pictures": name, "way": way, "against": given.against, "seed": seed, "size": given.size}
                how |= {"minutes": given.minutes, "trained_on": len(known), "samples": given.samples}
                record("colour", **how, fd=distance, floor=floor, **said)
            if given.against:
                print(bar(name, given), flush=True)


if __name__ == "__main__":
    main()
