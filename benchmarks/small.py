"""Few pictures: FD against held-out emoji, by augmentation; and from another run.

python -m benchmarks.small --count 100 400 --augment none diff ada --seeds 0-2 --images 200k
python -m benchmarks.small --count 200 --augment auto --seeds 0-2 --init runs/twitter --minutes 10 --clock processor
python -m benchmarks.small --bars

Pictures are drawings of one style, each of another thing; tones of skin are one thing, and no thing that is trained on
is compared with. 300 other pictures are held out for the doctor. `SPARRING_EMOJI` names the folder of emoji-google.zip
and emoji-twitter.zip. With `--init`, each game is also played from scratch. The bars are of all that was ever recorded,
so that seeds may be measured one by one.

Published figures for small data are distances to the pictures that were trained on, so that memorising pays there. Ours
are to pictures that were not, and copies are looked for.
"""

import argparse
import itertools
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

import sparring
from benchmarks.points import CLOCKS
from benchmarks.recipes.play import Bar, at_most
from benchmarks.recipes.translation import as_data, emoji, thing
from benchmarks.record import record
from benchmarks.tables import newest
from sparring import grids, metrics, workflows
from sparring.cli._values import parse_count, parse_seeds
from sparring.data import Dataset
from sparring.metrics import extractors
from sparring.severity import is_trouble
from sparring.workflows.assembling import FEW

SAMPLES = 1_400
"""On every side of a distance, unless less is asked for: more than EfficientNet has features."""

HELD_OUT = 300
"""Pictures by which the doctor judges D."""

DISEASE = "discriminator-overfitting"
SAME = ("count", "size", "style", "recipe", "length", "start", "samples")
"""What games that are compared have in common."""


def pictures(style: str, side: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures to train on, one a thing, and those of other things, thing by thing: uint8 `(N, 3, side, side)` each.

    Of drawings that are the same to the pixel, one is taken.
    """
    names, drawn = emoji(style, side)
    things: dict[str, list[np.ndarray]] = {}
    different = {picture.tobytes(): (name, picture) for name, picture in zip(names, drawn, strict=True)}
    for name, picture in different.values():
        things.setdefault(thing(name), []).append(picture)
    order = [list(things.values())[k] for k in np.random.default_rng(0).permutation(len(things))]
    known = [each[0] for each in order[:count]]
    return np.array(known), np.array([picture for each in order[count:] for picture in each])


def moved(drawn: np.ndarray) -> list[np.ndarray]:
    """As they are, mirrored, and a pixel to each side."""
    return [drawn, drawn[..., ::-1], *(np.roll(drawn, by, axis) for axis in (2, 3) for by in (-1, 1))]


class Scale:
    """What samples are compared with: pictures that were trained on, and others; their features once.

    Args:
        known: those that are trained on, `(K, 3, H, W)`.
        others: those that are not.
        n: of these, on either side.
    """

    def __init__(self, known: np.ndarray, others: np.ndarray, n: int) -> None:
        assert len(others) >= 2 * n, f"{len(others)} pictures are left: --samples {len(others) // 2}"
        self._efficientnet, self._random = extractors.efficientnet(), extractors.random_network(3)
        self._near, self._far, self._known = (
            self._efficientnet(each).features for each in (others[:n], others[n : 2 * n], known)
        )
        self._known_moved, self._far_moved = self._random(known).features, self._views(others[n : 2 * n])
        self._exact = {each.tobytes() for each in known}

    def __call__(self, made: np.ndarray) -> dict[str, Any]:
        """Distances of samples to pictures that were not trained on, and whether they are copies of those that were.

        Args:
            made: uint8 `(N, 3, H, W)`.
        """
        seen = self._efficientnet(made).features
        tests = {
            "efficientnet": metrics.memorization(self._known, self._far, seen),
            "random": metrics.memorization(self._known_moved, self._far_moved, self._views(made)),
        }
        found: dict[str, Any] = {
            "fd": metrics.frechet_distance(self._near, seen),
            "floor": metrics.frechet_distance(self._near, self._far),
            "fd_known": metrics.frechet_distance(self._known, seen),
            "exact_copies": sum(each.tobytes() in self._exact for each in made),
            "closest": list(zip(tests["efficientnet"].closest, tests["efficientnet"].partners, strict=True)),
        }
        for name, test in tests.items():
            found |= {f"nearest_{name}": test.ratio, f"copies_{name}": test.copies, f"flagged_{name}": test.flagged()}
        return found

    def _views(self, drawn: np.ndarray) -> torch.Tensor:
        return torch.stack([self._random(each).features for each in moved(drawn)])


def doctors(run: workflows.Run) -> dict[str, Any]:
    """What the doctor measured last, and all that was wrong on the way."""
    said = run.health()
    signals = {name: said[-1]["signals"].get(name) for name in ("gap", "auc", "auc_held_out", "copies", "augmentation")}
    sick = sorted({each["verdict"] for each in said if is_trouble(each["verdict"])})
    return signals | {"verdict": said[-1]["verdict"], "sick": sick}


def data_of(known: np.ndarray, others: np.ndarray) -> Dataset:
    """All that is known is trained on; the last of the others are held out."""
    kept = others[-HELD_OUT:]
    return as_data(np.concatenate([known, kept]), np.arange(len(known) + len(kept)) >= len(known))


def played(given: argparse.Namespace, count: int, augment: str, seed: int, init: Path | None, scale: Scale) -> None:
    """A run, its score, its sheets; recorded."""
    known, others = pictures(given.style, given.size, count)
    how = {"count": count, "size": given.size, "style": given.style, "recipe": given.recipe, "samples": given.samples}
    length = f"{given.minutes:g} minutes of {given.clock}" if given.minutes else f"{given.images:,} images"
    how |= {"length": length, "start": f"init, freeze_d {given.freeze_d}" if init else "scratch"}
    name = f"{given.style}-{count}-{given.size}-{augment}-{'init-' if init else ''}{seed}"
    asked: dict[str, Any] = {"minutes": given.minutes} if given.minutes else {"images": given.images}
    asked |= {"recipe": given.recipe, "augment": augment, "seed": seed, "doctor": given.doctor, "init": init}
    began = time.process_time()
    with patch.object(time, "monotonic", CLOCKS[given.clock]):
        freeze_d = given.freeze_d if init else 0
        run = sparring.train(data_of(known, others), out=given.out / name, freeze_d=freeze_d, **asked)
    how |= {"augment": augment, "seed": seed, "cpu_seconds": round(time.process_time() - began)}
    how |= {"rounds": run.terms()[-1]["round"]}
    made = run.sample(given.samples)
    result = scale(made.transpose(0, 3, 1, 2)) | doctors(run)
    grids.save(grids.picture_grid(made[:64]), run.path / "sheet.png")
    pairs = [each for a, b in result.pop("closest") for each in (made[a], known[b].transpose(1, 2, 0))]
    grids.save(grids.picture_grid(np.stack(pairs), columns=2), run.path / "closest.png")
    print(how, result, flush=True)
    record("small", **how, **result)


def bars() -> list[Bar]:
    """Of all recorded games that differ in nothing but augmentation, or where they began."""
    found: list[Bar] = []
    games: dict[tuple[Any, ...], dict[str, Any]] = {}
    for game in (game for game in newest("small", *SAME, "augment", "seed") if "style" in game):
        games[(*(game[key] for key in SAME if key != "start"), game["seed"], game["augment"], game["start"])] = game
    for (*same, seed, augment, start), game in games.items():
        what = f"{', '.join(map(str, same))}, {start}, seed {seed}: "
        none, scratch = games.get((*same, seed, "none", start)), games.get((*same, seed, augment, "scratch"))
        if start != "scratch" and scratch:
            found.append(at_most(f"{what}FD of {augment} over scratch", game["fd"] / scratch["fd"], 0.7))
        if augment == "none":
            continue
        copied = game["exact_copies"], game["flagged_efficientnet"], game["flagged_random"]
        found.append(Bar(f"{what}copies of {augment}: exact, by features", str(copied), "none", not any(copied)))
        if not none:
            continue
        chosen = augment in ("auto", "diff" if game["count"] < FEW else "none")
        ratio = at_most(f"{what}FD of {augment} over that of none", game["fd"] / none["fd"], 0.5)
        found.append(ratio if chosen else Bar(ratio.name, ratio.value, "reported", True))
        there = DISEASE in none["sick"], DISEASE in game["sick"]
        target = "seen with none, not any more"
        found.append(Bar(f"{what}{DISEASE} with none, with {augment}", str(there), target, there == (True, False)))
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--style", choices=("google", "twitter"), default="google")
    arguments.add_argument("--count", type=int, nargs="*", default=[100, 400])
    arguments.add_argument("--size", type=int, default=64)
    arguments.add_argument("--augment", nargs="*", default=["none", "diff", "ada"])
    arguments.add_argument("--recipe", default="default")
    arguments.add_argument("--images", type=parse_count, default=200_000)
    arguments.add_argument("--minutes", type=float, help="instead")
    arguments.add_argument("--clock", choices=CLOCKS, default="wall", help="by which minutes are counted")
    arguments.add_argument("--seeds", type=parse_seeds, default=[0])
    arguments.add_argument("--init", type=Path, help="begin with the networks of this run, too")
    arguments.add_argument("--freeze-d", type=int, default=0)
    arguments.add_argument("--doctor", default="100", help="rounds, or seconds, from one examination to the next")
    arguments.add_argument("--samples", type=int, default=SAMPLES)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--out", type=Path, default=Path("runs"))
    arguments.add_argument("--bars", action="store_true", help="of what is recorded; play nothing")
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    for count in [] if given.bars else given.count:
        scale = Scale(*pictures(given.style, given.size, count), given.samples)
        for seed, augment, init in itertools.product(
            given.seeds, given.augment, (None, given.init) if given.init else (None,)
        ):
            played(given, count, augment, seed, init, scale)
    for bar in bars():
        print(f"{'met   ' if bar.passed else 'MISSED'} {bar.name}: {bar.value} ({bar.target})")


if __name__ == "__main__":
    main()
