"""The bars of stylegan2: pictures as good as the default's after as many images, and paths that are even and short."""

from collections.abc import Iterator
from functools import cache

import torch

from benchmarks.paths import path_length
from benchmarks.recipes.play import Bar, ablation, at_most, samples, trained
from benchmarks.referee import score
from sparring import workflows

ROUNDS = 1_500
PATHS = 1_000


@cache
def after(seed: int, recipe: str, rounds: int, **options: float) -> workflows.Plan:
    return trained("digits", rounds=rounds, recipe=recipe, seed=seed, options=options)


def unevenness(plan: workflows.Plan, n: int = 256) -> float:
    """Standard deviation of |J_w^T y| over its mean; y normal noise, one a style."""
    rng, G = torch.Generator().manual_seed(0), plan.state.sampled.G
    w = G.map(plan.state.game.noise(n, rng, None)).detach().requires_grad_()
    made = G.synthesize(w)
    (pulled,) = torch.autograd.grad((made * torch.randn(made.shape, generator=rng)).sum(), w)
    lengths = pulled.norm(dim=1)
    return (lengths.std() / lengths.mean()).item()


def against_default(seed: int, rounds: int = ROUNDS) -> Iterator[Bar]:
    """FD on digits after as many images, batches of 32 for both."""
    ours, theirs, short = (
        score(samples(after(seed, recipe, length), 10_000))
        for recipe, length in (("stylegan2", rounds), ("default", rounds), ("stylegan2", rounds // 10))
    )
    name = f"FD over the default's ({theirs.fd:.3g}) after {32 * rounds:,} images"
    yield at_most(name, ours.fd / theirs.fd, 1.0)
    yield ablation("a tenth of the images", at_most(name, short.fd / theirs.fd, 1.0))


def even_paths(seed: int, rounds: int = ROUNDS) -> Iterator[Bar]:
    """A step of style changes pictures by as much anywhere; without the penalty it does not."""
    ours = unevenness(after(seed, "stylegan2", rounds))
    without, again = (unevenness(after(each, "stylegan2", rounds, path=0.0)) for each in (seed, seed + 1_000))
    name = f"unevenness of path lengths, over that without the penalty ({without:.3g})"
    yield at_most(name, ours / without, 0.8)
    yield ablation("no penalty", at_most(name, again / without, 0.8))


def short_paths(seed: int, rounds: int = ROUNDS) -> Iterator[Bar]:
    """Perceptual path length is smaller than without the penalty; beside the default's, in the noise of both."""
    plans = {
        "stylegan2": after(seed, "stylegan2", rounds),
        "without": after(seed, "stylegan2", rounds, path=0.0),
        "again": after(seed + 1_000, "stylegan2", rounds, path=0.0),
        "default": after(seed, "default", rounds),
    }
    runs = {
        name: workflows.Sampler(p.state.game, p.state.sampled, p.data.schema, {}, p.how.device)
        for name, p in plans.items()
    }
    ours, without, again = (path_length(runs[name], "w", PATHS).mean for name in ("stylegan2", "without", "again"))
    name = f"perceptual path length in styles, over that without the penalty ({without:.3g})"
    yield at_most(name, ours / without, 0.8)
    yield ablation("no penalty", at_most(name, again / without, 0.8))
    values = (path_length(runs[name], "z", PATHS).mean for name in ("stylegan2", "default"))
    yield Bar(
        "perceptual path length in the noise, beside the default's", "{:.3g} / {:.3g}".format(*values), "reported", True
    )
