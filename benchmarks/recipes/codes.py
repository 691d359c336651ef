"""The bars of the recipes with an encoder: what their codes must be worth, and what must fail it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

import sparring.data
from benchmarks.recipes.play import Bar, ablation, at_least, at_most, beside, samples, trained
from benchmarks.referee import read, referee
from sparring import workflows
from sparring.game import parts_of
from sparring.kinds import to_model
from sparring.loop import State, evaluating, play
from sparring.metrics.neighbors import nearest

Bars = Iterator[Bar]
ROUNDS = {"bigan": 4_000, "aae": 4_000, "clustergan": 3_000, "infogan": 3_000}
"""Some minutes of a quiet core each."""


def digits_of(plan: workflows.Plan) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Training and held-out digits in the model's range, and their labels."""
    data = plan.data
    assert isinstance(data, sparring.data.Dataset)
    whole = to_model(data.schema, data.rows(slice(None)))
    return whole, to_model(data.schema, data.held_out())


def through(plan: workflows.Plan, x: Tensor, use: Callable[[Any, Any, Tensor], Tensor]) -> Tensor:
    """A function of game, averaged networks and examples, a few hundred at a time, in eval mode."""
    game, networks = plan.state.game, plan.state.sampled
    with evaluating(networks):
        return torch.cat([use(game, networks, part).float() for part in x.split(500)])


def codes(plan: workflows.Plan, x: Tensor) -> Tensor:
    return through(plan, x, lambda game, net, part: game.encode(net, part))


def again(plan: workflows.Plan, x: Tensor) -> Tensor:
    """Examples encoded and made again."""
    return through(plan, x, lambda game, net, part: game.sample(net, game.encode(net, part), {}))


def read_as(x: Tensor) -> Tensor:
    """The referee's logits of digits in the model's range."""
    pictures = ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return read(referee()[0], pictures.permute(0, 2, 3, 1).numpy())[1]


class Unpaired(nn.Module):
    """A joint discriminator that is shown each example with the code of another."""

    def __init__(self, joint: nn.Module) -> None:
        super().__init__()
        self.joint = joint

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """`(B, *shape)` and `(B, codes)` -> `(B,)`."""
        return self.joint(x, code.roll(1, 0))


def changed(plan: workflows.Plan, rounds: int, change: Callable[[Any], Any]) -> workflows.Plan:
    """Play a plan's game with something taken out of it."""
    plan = replace(plan, state=State.start(change(plan.state.game)))
    for _ in islice(play(plan.state, plan.data, plan.how), rounds):
        pass
    return plan


def bigan(seed: int, *, rounds: int = ROUNDS["bigan"]) -> Bars:
    """Neighbours in code space are of one class, and digits keep their class when made again from their codes."""
    plan = workflows.plan("digits", rounds=rounds, recipe="bigan", seed=seed, out="never-written")
    known, held_out = digits_of(plan)

    def neighbours() -> float:
        _, closest = nearest(codes(plan, held_out["x"]), codes(plan, known["x"]))
        return known["y"][closest].eq(held_out["y"]).float().mean().item()

    untrained = neighbours()  # random layers alone keep neighbours together, so the bar below says little by itself
    for _ in islice(play(plan.state, plan.data, plan.how), rounds):
        pass
    name = "held-out digits whose nearest code is of their class (beside: untrained)"
    yield beside(at_least(name, neighbours(), 0.9), untrained)
    name = "held-out digits read as the same when made again"
    yield at_least(name, kept(plan, held_out["x"]), 0.7)
    blind = changed(
        workflows.plan("digits", rounds=rounds, recipe="bigan", seed=seed, out="never-written"),
        rounds,
        lambda game: replace(game, networks=game.networks._replace(D=Unpaired(game.networks.D))),
    )
    yield ablation("codes of other examples", at_least(name, kept(blind, held_out["x"]), 0.7))


def kept(plan: workflows.Plan, x: Tensor) -> float:
    """The share of digits that are read as the same when encoded and made again."""
    return read_as(x).argmax(1).eq(read_as(again(plan, x)).argmax(1)).float().mean().item()


def aae(seed: int, *, rounds: int = ROUNDS["aae"]) -> Bars:
    """Codes follow the prior at little cost in reconstruction, and decoded draws of the prior are digits."""
    plan = trained("digits", rounds=rounds, recipe="aae", seed=seed)
    plain = trained("digits", rounds=rounds, recipe="aae", seed=seed, options={"adversarial": 0.0})
    _, held_out = digits_of(plan)
    errors = [(again(each, held_out["x"]) - held_out["x"]).square().mean().item() for each in (plan, plain)]
    yield at_most("reconstruction over that of a plain autoencoder", errors[0] / errors[1], 1.2)
    for each in (plan, plain):
        bars = (
            at_most("distance of codes from the prior, over that of two draws of it", far(each, held_out["x"]), 2.0),
            at_least("decoded draws of the prior that the referee reads with 0.9 or more", confident(each), 0.7),
        )
        yield from bars if each is plan else (ablation("no adversary", bar) for bar in bars)


def far(plan: workflows.Plan, x: Tensor) -> float:
    """The maximum mean discrepancy of codes from the prior, over that of another draw of the prior."""
    rng = torch.Generator().manual_seed(0)
    prior, other = (plan.state.game.noise(len(x), rng, None) for _ in range(2))
    return discrepancy(codes(plan, x), prior) / discrepancy(other, prior)


def discrepancy(a: Tensor, b: Tensor) -> float:
    """The maximum mean discrepancy (biased, so never 0) under exp(-|a - b|² / 2d), d the dimension."""
    ours, theirs, between = (
        torch.exp(-torch.cdist(*pair).square() / (2 * a.shape[1])).mean().item() for pair in ((a, a), (b, b), (a, b))
    )
    return max(ours + theirs - 2 * between, 0.0) ** 0.5


def confident(plan: workflows.Plan) -> float:
    """The share of samples that the referee gives a class with a probability of 0.9 at least."""
    logits = read(referee()[0], samples(plan, 2_000))[1]
    return logits.softmax(1).amax(1).ge(0.9).float().mean().item()


def clustergan(seed: int, *, rounds: int = ROUNDS["clustergan"]) -> Bars:
    """Ten means of the codes are the ten digits, with no label seen; with nothing to read back, they are not."""
    for options in ({}, {"recover_normal": 0.0, "recover_category": 0.0}):
        plan = trained("digits", rounds=rounds, recipe="clustergan", seed=seed, options=options)
        _, held_out = digits_of(plan)
        found = clustered(codes(plan, held_out["x"]).numpy(), held_out["y"].numpy(), seed)
        bar = at_least("accuracy of k-means on the codes of held-out digits", found, 0.8)
        yield ablation("nothing read back", bar) if options else bar


def infogan(seed: int, *, rounds: int = ROUNDS["infogan"]) -> Bars:
    """A category is a digit and a continuous value is slant or width, with no label seen; unread, they mean nothing."""
    plan = trained("digits", rounds=rounds, recipe="infogan", seed=seed)
    yield at_least("samples read as the class that their category stands for", categorical(plan), 0.9)
    yield at_least("rank correlation of a continuous value with slant or width", drawn_out(plan), 0.6)
    unread = trained("digits", rounds=rounds, recipe="infogan", seed=seed, options={"information": 0.0})
    bar = at_most("samples read as the class that their category stands for", categorical(unread), 0.3)
    yield replace(bar, name=f"ablation, code not read: {bar.name}")


def categorical(plan: workflows.Plan, n: int = 2_000) -> float:
    """The share of samples read as the class of their category, each category standing for one class."""
    z = plan.state.game.noise(n, torch.Generator().manual_seed(0), None)
    category = z[:, place(plan, "category")].argmax(1)
    counts = np.zeros((category.max() + 1, 10))
    np.add.at(counts, (category, read_as(made_of(plan, z)).argmax(1)), 1)
    return float(counts[linear_sum_assignment(-counts)].sum() / n)


def drawn_out(plan: workflows.Plan, n: int = 200, steps: int = 9) -> float:
    """The largest |ρ| between one of the continuous values and slant or width, other noise being equal."""
    z = plan.state.game.noise(n, torch.Generator().manual_seed(0), None)
    best = 0.0
    for name in ("value1", "value2"):
        along = torch.linspace(-1, 1, steps)
        moved = z.repeat_interleave(steps, 0)
        moved[:, place(plan, name)] = along.repeat(n)[:, None]
        for form in shapes_of(made_of(plan, moved)):
            aside = form.unflatten(0, (n, steps))
            aside = aside - aside.mean(1, keepdim=True)  # digits differ in slant; how they move is asked
            ranks = aside.flatten().argsort().argsort().float()
            best = max(best, torch.corrcoef(torch.stack([along.repeat(n), ranks]))[0, 1].abs().item())
    return best


def shapes_of(x: Tensor) -> tuple[Tensor, Tensor]:
    """Slant and width of digits, `(N,)` each, by the second moments of their ink."""
    ink = (x[:, 0] + 1) / 2
    ink = ink / ink.sum((1, 2), keepdim=True).clamp_min(1e-6)
    rows, columns = (torch.arange(side, dtype=ink.dtype) for side in ink.shape[1:])
    down = rows[:, None] - (ink * rows[:, None]).sum((1, 2))[:, None, None]
    across = columns - (ink * columns).sum((1, 2))[:, None, None]
    width, height, shear = ((ink * form).sum((1, 2)) for form in (across**2, down**2, across * down))
    return shear / height.clamp_min(1e-6), width


def place(plan: workflows.Plan, name: str) -> slice:
    """Where a part of the noise lies."""
    parts = parts_of(plan.state.game.noise)
    k = [part.name for part in parts].index(name)
    start = sum(part.dim for part in parts[:k])
    return slice(start, start + parts[k].dim)


def made_of(plan: workflows.Plan, z: Tensor) -> Tensor:
    return through(plan, z, lambda game, net, part: game.sample(net, part, {}))


def clustered(x: np.ndarray, labels: np.ndarray, seed: int, k: int = 10, starts: int = 10) -> float:
    """Accuracy of k-means (the best of some starts), each cluster standing for one class."""
    rng = np.random.default_rng(seed)
    best: tuple[float, np.ndarray] | None = None
    for _ in range(starts):
        centres = x[rng.choice(len(x), k, replace=False)]
        for _ in range(50):
            distances = ((x[:, None] - centres[None]) ** 2).sum(2)
            own = distances.argmin(1)
            centres = np.stack([x[own == j].mean(0) if (own == j).any() else centres[j] for j in range(k)])
        cost = float(distances.min(1).sum())
        if best is None or cost < best[0]:
            best = (cost, own)
    assert best is not None
    counts = np.zeros((k, 10))
    np.add.at(counts, (best[1], labels), 1)
    return float(counts[linear_sum_assignment(-counts)].sum() / len(labels))
