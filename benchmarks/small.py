"""Few pictures: FD against held-out emoji, by augmentation, and from another run.

python -m benchmarks.small --count 100 --augment none diff ada --seeds 0-2 --images 200k --size 32
python -m benchmarks.small --count 200 --init runs/emoji --images 50k

Published figures for small data are distances to the pictures that were trained on, so that memorising pays there. Ours
are to pictures that were not, and copies are looked for.
"""

import argparse
import itertools
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import sparring.data
from benchmarks.record import record
from sparring import grids, metrics, workflows
from sparring.cli._values import parse_count, parse_seeds
from sparring.metrics import extractors
from sparring.severity import is_trouble

SAMPLES = 1000
"""On every side of a distance, unless less is asked for."""


def emoji(source: Path, side: int) -> np.ndarray:
    """All pictures of a set, RGB over white, in an order that does not depend on their names: `(N, side, side, 3)`."""
    data = sparring.data.open(source, size=(side, side), channels=3)
    rows = torch.cat([data.batch(0, len(data), 0)["x"], data.held_out()["x"]])
    pictures = rows.permute(0, 2, 3, 1).contiguous().numpy()
    return pictures[np.random.default_rng(0).permutation(len(pictures))]


def features(space: extractors.Extractor, pictures: np.ndarray) -> torch.Tensor:
    """`(N, D)`."""
    return space(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).features


class Scale:
    """What samples are compared with: pictures that were trained on, and others; their features once.

    Args:
        known: those that are trained on.
        others: those that are not.
        n: of these, on either side.
    """

    def __init__(self, known: np.ndarray, others: np.ndarray, n: int) -> None:
        reals = others[:n], others[n : 2 * n], known
        spaces = {"efficientnet": extractors.efficientnet(), "random": extractors.random_network(3)}
        self._spaces = {name: (space, *(features(space, each) for each in reals)) for name, space in spaces.items()}

    def __call__(self, made: np.ndarray) -> dict[str, float]:
        """Distances of samples to pictures that were not trained on, and how near they are to those that were."""
        found: dict[str, float] = {}
        for name, (space, near, far, known) in self._spaces.items():
            seen = features(space, made)
            found[f"fd_{name}"] = metrics.frechet_distance(near, seen)
            found[f"floor_{name}"] = metrics.frechet_distance(near, far)
            found[f"nearest_{name}"] = (_nearest(seen, known) / _nearest(far, known)).item()
        return found


def doctors(run: workflows.Run) -> dict[str, Any]:
    """What the doctor measured last, and all that was wrong on the way."""
    said = run.health()
    signals = {name: said[-1]["signals"].get(name) for name in ("gap", "auc", "auc_held_out", "copies", "augmentation")}
    sick = sorted({each["verdict"] for each in said if is_trouble(each["verdict"])})
    return signals | {"verdict": said[-1]["verdict"], "sick": sick}


def _nearest(rows: torch.Tensor, among: torch.Tensor) -> torch.Tensor:
    return torch.cdist(rows, among).min(1).values.median()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--source", type=Path, required=True, help="a zip of emoji")
    arguments.add_argument("--count", type=int, default=100)
    arguments.add_argument("--size", type=int, default=32)
    arguments.add_argument("--augment", nargs="*", default=["none", "diff", "ada"])
    arguments.add_argument("--recipe", default="default")
    arguments.add_argument("--images", type=parse_count, default=200_000)
    arguments.add_argument("--seeds", type=parse_seeds, default=[0])
    arguments.add_argument("--init", type=Path, help="begin with the networks of this run")
    arguments.add_argument("--freeze-d", type=int, default=0)
    arguments.add_argument("--samples", type=int, default=SAMPLES)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--out", type=Path, default=Path("runs"))
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    pictures = emoji(given.source, given.size)
    known, others = pictures[: given.count], pictures[given.count :]
    scale = Scale(known, others, given.samples)
    for seed, augment in itertools.product(given.seeds, given.augment):
        start = f"-init{given.freeze_d}" if given.init else ""
        out = given.out / f"{given.source.stem}-{given.count}-{given.size}-{augment}{start}-{seed}"
        how = {"recipe": given.recipe, "augment": augment, "seed": seed, "images": given.images}
        began = time.process_time()
        run = sparring.train(known, out=out, init=given.init, freeze_d=given.freeze_d, doctor="100", **how)
        how |= {"count": given.count, "size": given.size, "source": given.source.stem, "freeze_d": given.freeze_d}
        how |= {"samples": given.samples, "init": given.init is not None}
        how |= {"cpu_seconds": round(time.process_time() - began)}
        result = scale(run.sample(given.samples)) | doctors(run)
        grids.save(grids.picture_grid(run.sample(64)), out / "sheet.png")
        print(how, result, flush=True)
        record("small", **how, **result)


if __name__ == "__main__":
    main()
