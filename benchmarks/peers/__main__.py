"""Our recipes against well-known loops in plain PyTorch: as many minutes each, in turn, on this machine.

python -m benchmarks.peers --minutes 5 --seeds 0-2
SPARRING_EMOJI=FOLDER python -m benchmarks.peers cyclegan --minutes 20 --seeds 0-2
"""

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

import sparring
import sparring.data
from benchmarks.peers import dcgan_tutorial, plain_cyclegan
from benchmarks.recipes import translation
from benchmarks.record import RESULTS, record
from benchmarks.referee import Score, referee, score
from sparring import grids
from sparring.cli._values import parse_seeds

SAMPLES = 10_000


def tutorial(minutes: float, seed: int) -> tuple[np.ndarray, int]:
    digits = np.moveaxis(np.asarray(sparring.data.open("digits").train["x"]), 1, 3)
    G, iterations = dcgan_tutorial.train(digits, 60 * minutes, seed)
    return dcgan_tutorial.sample(G, SAMPLES, seed), iterations


def ours(minutes: float, seed: int) -> tuple[np.ndarray, int]:
    with TemporaryDirectory() as folder:
        run = sparring.train("digits", minutes=minutes, seed=seed, out=Path(folder) / "run")
        return run.sample(SAMPLES), run.terms()[-1]["round"]


def default(minutes: float, seeds: Sequence[int]) -> None:
    """The default recipe and the DCGAN tutorial, on digits."""
    referee()
    scores: dict[str, list[Score]] = {"tutorial": [], "default": []}
    for seed, (name, player) in itertools.product(seeds, (("tutorial", tutorial), ("default", ours))):
        pictures, iterations = player(minutes, seed)
        scores[name].append(score(pictures))
        print(f"{name:9} seed {seed}: {iterations:,} rounds, {scores[name][-1]}", flush=True)
        record("peers", peer=name, seed=seed, minutes=minutes, rounds=iterations, **scores[name][-1].to_dict())
        grids.picture_grid(pictures[:64]).save(RESULTS / f"peers-{name}-{seed}.png")
    ratios = [ours.fd / theirs.fd for ours, theirs in zip(scores["default"], scores["tutorial"], strict=True)]
    print(
        "FD, default over tutorial: "
        + ", ".join(f"1/{1 / r:.0f}" for r in ratios)
        + f"; median 1/{1 / median(ratios):.0f}"
    )


def plain(minutes: float, seed: int, given: Tensor) -> tuple[Tensor, int]:
    a, b = (translation.drawings(style).train["x"] for style in ("google", "twitter"))
    game, iterations = plain_cyclegan.train(np.asarray(a), np.asarray(b), 60 * minutes, seed)
    return plain_cyclegan.translate(game, given), iterations


def recipe(minutes: float, seed: int, given: Tensor) -> tuple[Tensor, int]:
    with TemporaryDirectory() as folder:
        run = sparring.train(
            translation.domains(), recipe="cyclegan", minutes=minutes, seed=seed, out=Path(folder) / "run"
        )
        made = run.translate(translation.uint8(given).transpose(0, 2, 3, 1))
        return torch.from_numpy(made).permute(0, 3, 1, 2).float() / 127.5 - 1, run.terms()[-1]["round"]


def cyclegan(minutes: float, seeds: Sequence[int]) -> None:
    """The recipe and the plain loop on two sets of emoji, scored on held-out pairs that neither was told of."""
    rows = translation.held_out(translation.domains())
    a, b = rows["a"], rows["b"]
    found: dict[str, list[dict[str, float]]] = {"plain": [], "cyclegan": []}
    for seed, (name, player) in itertools.product(seeds, (("plain", plain), ("cyclegan", recipe))):
        made, rounds = player(minutes, seed, a)
        figures = {"images_a_second": rounds / (60 * minutes)} | translation.figures(a, b, made)
        found[name].append(figures)
        said = ", ".join(f"{figure.replace('_', ' ')} {value:.3g}" for figure, value in figures.items())
        print(f"{name:9} seed {seed}: {rounds:,} rounds, {said}", flush=True)
        record("peers-cyclegan", peer=name, seed=seed, minutes=minutes, rounds=rounds, **figures)
        translation.sheet(RESULTS / f"peers-{name}-{seed}.png", a, made, b)
    for figure in found["plain"][0]:
        pairs = zip(found["cyclegan"], found["plain"], strict=True)
        ratios = [mine[figure] / max(theirs[figure], 1e-9) for mine, theirs in pairs]
        said = ", ".join(f"{ratio:.3g}" for ratio in ratios)
        print(f"{figure.replace('_', ' ')}, recipe over plain: {said}; median {median(ratios):.3g}")


COMPARISONS = {"default": default, "cyclegan": cyclegan}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("recipe", nargs="?", choices=COMPARISONS, default="default")
    arguments.add_argument("--minutes", type=float, default=5.0)
    arguments.add_argument("--seeds", type=parse_seeds, default=[0, 1, 2])
    arguments.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    COMPARISONS[given.recipe](given.minutes, given.seeds)


if __name__ == "__main__":
    main()
