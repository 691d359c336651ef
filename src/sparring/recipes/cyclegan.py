"""Translation between two kinds of pictures, without pairs.

    G, F:  E[(D_B(G(a)) - 1)^2] + E[(D_A(F(b)) - 1)^2]
           + λ E|F(G(a)) - a| + λ E|G(F(b)) - b| + λ ι (E|G(b) - b| + E|F(a) - a|)
    D_A, D_B:  1/2 E[(D(real) - 1)^2] + 1/2 E[D(pooled fake)^2], for each domain

G turns a into b, F turns b into a. ι, the identity loss, needs both domains to have the same channels.

Deviations: docs/recipes/cyclegan.md.
"""

from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from sparring.errors import UserError
from sparring.game import Batch, Game, OptimizerConfig, Player, Step
from sparring.kinds import Schema
from sparring.networks import PatchDiscriminator, Pool, Translator
from sparring.objectives import Terms, least_squares
from sparring.recipes.recipe import Recipe, RecipeOptions


class Options(RecipeOptions):
    """The paper's section 4, narrower."""

    batch: int = Field(1, gt=0, description="examples a step")
    width: int = Field(16, gt=0, description="of the four networks; the paper's is 64")
    depth: int = Field(4, gt=0, description="residual blocks of the translators; the paper's is 6 or 9")
    lr: float = Field(2e-4, gt=0, description="learning rate of all")
    decay_from: float = Field(
        0.5, ge=0, le=1, description="the part of the run after which the rates fall linearly to 0; 1 is never"
    )
    cycle: float = Field(10.0, ge=0, description="λ: weight of the cycle loss")
    identity: float = Field(0.5, ge=0, description="weight of the identity loss, as a share of λ")
    pool: int = Field(50, gt=0, description="past fakes that each D is shown")


class Networks(NamedTuple):
    """Two translators, two discriminators, two pools of past fakes."""

    G: nn.Module
    F: nn.Module
    D_A: nn.Module
    D_B: nn.Module
    P_A: nn.Module
    P_B: nn.Module


def translators(options: Options, net: Networks, step: Step) -> Terms:
    """G and F; both discriminators are held constant."""
    a, b = step.batch["a"], step.batch["b"]
    fake_b, fake_a = net.G(a), net.F(b)
    step.left.update(a=fake_a.detach(), b=fake_b.detach())
    judged_a, judged_b = net.D_A(fake_a), net.D_B(fake_b)
    terms = {
        "adversarial_a": 2 * least_squares.generator(judged_a, judged_a)["fake"],
        "adversarial_b": 2 * least_squares.generator(judged_b, judged_b)["fake"],
        "cycle_a": options.cycle * l1_loss(net.F(fake_b).float(), a),
        "cycle_b": options.cycle * l1_loss(net.G(fake_a).float(), b),
    }
    if options.identity:
        weight = options.cycle * options.identity
        terms["identity_a"] = weight * l1_loss(net.F(a).float(), a)
        terms["identity_b"] = weight * l1_loss(net.G(b).float(), b)
    return terms


def discriminators(net: Networks, step: Step) -> Terms:
    """D_A and D_B, on what the translators left and on what the pools remember."""
    a = least_squares.discriminator(net.D_A(step.batch["a"]), net.D_A(net.P_A(step.left["a"], step.rng)))
    b = least_squares.discriminator(net.D_B(step.batch["b"]), net.D_B(net.P_B(step.left["b"], step.rng)))
    return {f"{name}_a": term for name, term in a.items()} | {f"{name}_b": term for name, term in b.items()}


def nothing(n: int, rng: torch.Generator, truncation: float | None = None) -> Tensor:
    """A translator takes no noise: `(n, 0)`."""
    return torch.zeros(n, 0, device=rng.device)


def critic(net: Networks, batch: Batch) -> Tensor:
    """How much a picture of domain b looks like one, `(B,)`."""
    return net.D_B(batch["b"]).flatten(1).mean(1)


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    shape = schema["a"].shape
    if any(side % 4 for side in shape[1:]) or min(shape[1:]) < 8:
        height, breadth = (max(8, 4 * round(side / 4)) for side in shape[1:])
        raise UserError("cyclegan needs sides divisible by 4, 8 at least", f"--size {height}x{breadth}")
    channels = shape[0]
    networks = Networks(
        *(Translator(channels, channels, options.width, options.depth) for _ in "GF"),
        *(PatchDiscriminator(shape, options.width) for _ in "AB"),
        *(Pool(options.pool, shape) for _ in "AB"),
    )
    optimizer = OptimizerConfig(options.lr, decay_from=options.decay_from)
    return Game(
        networks=networks,
        players=(
            Player("translators", ("G", "F"), partial(translators, options), optimizer),
            Player("discriminators", ("D_A", "D_B", "P_A", "P_B"), discriminators, optimizer),
        ),
        noise=nothing,
        sample=lambda net, noise, given: net.G(given["a"]),
        critic=critic,
        makes="b",
        given=("a",),
        makers=("translators",),
        average=("G", "F"),
        decay=options.ema,
        reverse=lambda net, noise, given: net.F(given["b"]),
    )


RECIPE = Recipe(
    "cyclegan",
    "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks (Zhu et al. 2017)",
    "1703.10593",
    "turns one kind of picture into another, without pairs",
    Options,
    build,
    takes="domains",
)
