"""Perceptual path length of runs: how far samples move when what they are made from moves a little.

python -m benchmarks.paths runs/emoji-default-1 runs/emoji-stylegan2-1 --samples 2000

In the noise, the arc between two draws is left at a random place (Karras et al. 2018, arXiv 1812.04948, section 4.1);
in styles, where a run has some, the line between two styles is left at its end (Karras et al. 2020, arXiv 1912.04958).
The distance is that of `sparring.metrics.path_lengths` in the first stages of EfficientNet-Lite0, where the papers have
LPIPS in VGG16, so figures compare with one another only. A generator of one picture has a length of 0: read it beside
a Fréchet distance.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.record import record
from sparring import metrics, workflows
from sparring.drawing import made_from, noise_of, styles_of
from sparring.exploring import context_of
from sparring.exploring.paths import between
from sparring.game import Part
from sparring.recipes._perceptual import Fixed, Perceptual

EPSILON = 1e-4
AT_ONCE = 128
"""Pairs of pictures whose features are held at the same time."""


class Length(NamedTuple):
    """Perceptual path length.

    Args:
        mean: the metric.
        error: its standard error, over the pairs.
        median: of a length whose distribution has a long tail.
    """

    mean: float
    error: float
    median: float


def path_length(
    ready: workflows.Sampler, space: str, samples: int, features: Fixed = "efficientnet", epsilon: float = EPSILON
) -> Length:
    """The metric of a run.

    Args:
        ready: the run.
        space: "z" or "w".
        samples: how many paths.
        features: of `Perceptual`.
        epsilon: ε.
    """
    perceptual = Perceptual(features, ready.kind.shape[0])
    lengths = torch.cat(
        [
            metrics.path_lengths(perceptual.features(first), perceptual.features(last), epsilon)
            for first, last in _pairs(ready, space, samples, epsilon)
        ]
    )
    error = lengths.std().item() / len(lengths) ** 0.5
    return Length(lengths.mean().item(), error, lengths.median().item())


def _pairs(ready: workflows.Sampler, space: str, samples: int, epsilon: float) -> Iterator[tuple[Tensor, Tensor]]:
    """Pictures at t and at t + ε, `(n, C, H, W)` from -1 to 1, as they are stored but for their rounding."""
    parts: tuple[Part, ...] = workflows.generator_of(ready).parts
    rng = torch.Generator().manual_seed(0)
    for begin in range(0, samples, AT_ONCE):
        seeds = range(begin, min(begin + AT_ONCE, samples))
        others = range(samples + seeds.start, samples + seeds.stop)
        a, b = noise_of(ready.game, seeds), noise_of(ready.game, others)
        if space == "w":
            a, b = (styles_of(ready.game, ready.networks, each, ready.device) for each in (a, b))
            way = [a, torch.lerp(a, b, epsilon)]
        else:
            t = torch.rand(len(seeds), 1, generator=rng) * (1 - epsilon)
            way = [between(parts, a.double(), b.double(), each).float() for each in (t, t + epsilon)]
        given = context_of(ready, seeds, None)
        first, last = (
            made_from(ready.game, ready.networks, ready.schema, z, given, ready.device).clamp(-1, 1) for z in way
        )
        yield first, last


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("runs", nargs="+", type=Path)
    arguments.add_argument("--samples", type=int, default=2_000, help="paths")
    arguments.add_argument("--features", choices=("efficientnet", "random"), default="efficientnet")
    arguments.add_argument("--epsilon", type=float, default=EPSILON)
    arguments.add_argument("--checkpoint", default="latest")
    arguments.add_argument("--threads", type=int, default=1)
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    print("| run | space | path length | ± | median |\n|---|---|---|---|---|", flush=True)
    for path in given.runs:
        ready = workflows.sampler(path, checkpoint=given.checkpoint)
        for space in ("z", "w") if ready.game.styles else ("z",):
            found = path_length(ready, space, given.samples, given.features, given.epsilon)
            figures = " | ".join(f"{each:.4g}" for each in found)
            print(f"| {path.name} | {space} | {figures} |", flush=True)
            how = {"run": path.name, "space": space, "samples": given.samples, "features": given.features}
            record("paths", **how, epsilon=given.epsilon, shape=ready.kind.shape, **found._asdict())


if __name__ == "__main__":
    main()
