"""The two-network family: one generator, one discriminator, an objective and perhaps a penalty."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sparring.errors import UserError
from sparring.game import Batch, Game, Latent, OptimizerConfig, Player, Step, Turn, steps
from sparring.kinds import Schema
from sparring.networks import (
    DCGANDiscriminator,
    DCGANGenerator,
    MLPDiscriminator,
    MLPGenerator,
    ResNetDiscriminator,
    ResNetGenerator,
    ShuffleGenerator,
    StridedDiscriminator,
)
from sparring.objectives import Objective, Terms, get, smooth_labels
from sparring.penalties import Penalty, ZeroCentered, scores_and_norms
from sparring.recipes.recipe import DECAY_FROM, RecipeOptions
from sparring.schedules import Schedule, Varying, at

Featured = MLPDiscriminator | DCGANDiscriminator | ResNetDiscriminator | StridedDiscriminator
"""A discriminator that shows what its last layer sees, by `features`."""

Network = Literal["mlp", "dcgan", "shuffle", "resnet"]
NETWORK = "for pictures; points take an mlp"
"""What `network` is, and what it says of itself where a recipe has another default."""

REUSE_FAKES = "G plays first, and D is shown the fakes that G was just judged by, which saves making new ones"
"""What an option does of which a recipe has another default."""


class Duel(NamedTuple):
    """The networks of the two-network family."""

    G: nn.Module
    D: nn.Module


def duel(
    generator: nn.Module,
    discriminator: nn.Module,
    objective: str | Objective = "non-saturating",
    penalty: Penalty | None = None,
    *,
    latent: Latent | int = 64,
    optimizer: OptimizerConfig | tuple[OptimizerConfig, OptimizerConfig] | None = None,
    turn: Turn | int = 1,
    penalty_every: int = 1,
    penalty_weight: float | Schedule = 1.0,
    label_smoothing: float = 0.0,
    instance_noise: float = 0.0,
    ema: float | Schedule = 0.999,
    after: Callable[[Duel], None] | None = None,
    one_pass: bool = False,
    reuse_fakes: bool = False,
) -> Game[Duel]:
    """A game between any generator and any discriminator.

    Args:
        generator: `(B, latent dim)` -> `(B, ...)`, data in the range of the networks: pictures in [-1, 1].
        discriminator: `(B, ...)` -> `(B,)` or `(B, 1)` logits or scores; no sigmoid.
        objective: a name of `sparring.objectives.OBJECTIVES`, or an `Objective`.
        penalty: from `sparring.penalties`, such as `r1(1.0)`.
        latent: the noise, or just its dimension (then it is normal).
        optimizer: for both, or (generator's, discriminator's); Adam with lr 2e-4 and β1 0.5 by default.
        turn: D's, before each step of G: a number of steps, `steps(n)` or `epochs(n)`.
        penalty_every: lazy penalty: computed every so many rounds, and that many times as heavy (Karras et al. 2019,
            arXiv 1912.04958, section 3.1).
        penalty_weight: a factor of the penalty's terms, constant or a schedule; with 0 there is none.
        label_smoothing: one-sided; see `objectives.smooth_labels`.
        instance_noise: standard deviation of normal noise on all that D sees, falling to 0 over the run (Sønderby et
            al. 2016, arXiv 1610.04490).
        ema: decay of the average of G that samples are drawn from.
        after: called with the networks after each of D's steps.
        one_pass: whether D sees reals and fakes in one forward pass, which is cheaper. Only for a D whose score of an
            example does not depend on the rest of the batch: batch norm, minibatch standard deviation and the like
            would mix the statistics of reals and fakes. By default it sees them one after the other.
        reuse_fakes: G's turn comes first, and D is shown the fakes that G was just judged by, in the first step of its
            turn: one forward pass of G less. By default D is first, and each player has fakes of its own.

    Returns:
        The game; its players are "discriminator" and "generator".

    Raises:
        UserError: no such objective; smoothing without labels; a penalty on a discriminator with batch norm.

    Examples:
        >>> game = duel(nn.Linear(2, 3), nn.Linear(3, 1), "hinge", latent=2)
        >>> [player.name for player in game.players]
        ['discriminator', 'generator']
    """
    rules = smooth_labels(get(objective), label_smoothing)
    noise = Latent(latent) if isinstance(latent, int) else latent
    for_both = optimizer or OptimizerConfig(2e-4)
    for_G, for_D = for_both if isinstance(for_both, tuple) else (for_both, for_both)
    if penalty is not None and any(isinstance(module, _BatchNorm) for module in discriminator.modules()):
        raise UserError("a gradient penalty and batch norm in D exclude one another", "build D without batch norm")

    def seen(x: Tensor, step: Step) -> Tensor:
        sigma = instance_noise * (1 - step.progress)
        return x + sigma * torch.randn(x.shape, generator=step.rng, device=x.device) if sigma else x

    def discriminate(net: Duel, step: Step) -> Terms:
        real = step.batch["x"]
        fake = step.left.pop("fake", None)
        if fake is None:
            with torch.no_grad():
                fake = net.G(noise(len(real), step.rng)).float()
        real, fake = seen(real, step), seen(fake, step)
        weight = penalty_every * at(penalty_weight, step.progress)
        due = penalty if weight and step.round % penalty_every == 0 else None
        if one_pass and isinstance(due, ZeroCentered) and due.real and due.fake and not _autocast(real):
            scores, norms = (each.chunk(2) for each in scores_and_norms(net.D, torch.cat([real, fake])))
            terms, penalties = rules.discriminator(*scores), due.of(*norms)
        else:
            scores = net.D(torch.cat([real, fake])).chunk(2) if one_pass else (net.D(real), net.D(fake))
            terms, penalties = rules.discriminator(*scores), due(net.D, real, fake, step.rng) if due else {}
        return terms | {name: weight * term for name, term in penalties.items()}

    def generate(net: Duel, step: Step) -> Terms:
        made = net.G(noise(len(step.batch["x"]), step.rng)).float()
        if reuse_fakes:
            step.left["fake"] = made.detach()
        fake = net.D(seen(made, step))
        with torch.no_grad():
            real = net.D(seen(step.batch["x"], step)) if rules.relativistic else fake
        return rules.generator(real, fake)

    length = steps(turn) if isinstance(turn, int) else turn
    D = Player("discriminator", ("D",), discriminate, for_D, length, after=after)
    G = Player("generator", ("G",), generate, for_G)
    return Game(
        networks=Duel(generator, discriminator),
        players=(G, D) if reuse_fakes else (D, G),
        noise=noise,
        sample=lambda net, z, given: net.G(z),
        critic=_critic,
        decay=ema,
    )


def _autocast(x: Tensor) -> bool:
    # penalties are computed in float32: they cannot share a pass in another precision
    return torch.is_autocast_enabled(x.device.type)


def _critic(net: Duel, batch: Batch) -> Tensor:
    return net.D(batch["x"]).reshape(len(batch["x"]), -1).mean(1)


class PairOptions(RecipeOptions):
    """The options of a generator and a discriminator."""

    network: Network = Field("shuffle", description=NETWORK)
    width: int | None = Field(None, gt=0, description="of both networks; by default the network's own")
    width_d: int | None = Field(None, gt=0, description="of D, where it differs")
    latent_dim: int | None = Field(None, gt=0, description="of the noise; by default 64 for pictures, 8 for points")
    latent: Literal["normal", "uniform"] = Field("normal", description="its distribution")
    lr: Varying = Field(1e-3, gt=0, description="learning rate of both")
    lr_d: Varying | None = Field(None, gt=0, description="learning rate of D, where it differs")
    beta1: float = Field(0.5, ge=0, lt=1, description="Adam's β1")
    beta2: Varying = Field(0.999, ge=0, lt=1, description="Adam's β2")
    decay_from: float = Field(1.0, ge=0, le=1, description=DECAY_FROM)

    def optimizers(self, kind: Literal["adam", "rmsprop", "sgd"] = "adam") -> tuple[OptimizerConfig, OptimizerConfig]:
        """(the generator's, the discriminator's)."""
        rates = (self.lr, self.lr_d or self.lr)
        G, D = (OptimizerConfig(lr, kind, (self.beta1, self.beta2), decay_from=self.decay_from) for lr in rates)
        return G, D

    def prior(self, schema: Schema) -> Latent:
        """The noise."""
        return Latent(self.latent_dim or (64 if len(shape_of(schema)) == 3 else 8), self.latent)


def shape_of(schema: Schema) -> tuple[int, ...]:
    """The shape of an example of "x"."""
    return schema["x"].shape


class DuelOptions(PairOptions):
    """The options that every two-network recipe has."""

    n_critic: int = Field(1, gt=0, description="steps of D before each step of G")
    instance_noise: float = Field(0.0, ge=0, description="noise on all that D sees, falling to 0 over the run")
    reuse_fakes: bool = Field(False, description=REUSE_FAKES)


def pair(
    options: PairOptions,
    shape: tuple[int, ...],
    inputs: int,
    *,
    seen: tuple[int, ...] | None = None,
    batch_norm: bool = True,
    spectral: float = 0.0,
    dropout: float = 0.0,
) -> tuple[nn.Module, Featured]:
    """The generator and the discriminator that the options ask for.

    Args:
        options: network, width, width_d.
        shape: (C, H, W) of pictures, or (D,) of points, which always take an MLP.
        inputs: how many numbers the generator is given.
        seen: the shape that the discriminator is shown, where it differs.
        batch_norm: in the discriminator, where the network has it at all; a gradient penalty forbids it.
        spectral: the largest singular value of the discriminator's layers; 0: free.
        dropout: in the discriminator, where it is an MLP that sees pictures.

    Raises:
        UserError: pictures smaller than 4 pixels a side for a convolutional network.
    """
    z, width, seen = inputs, options.width, seen or shape
    width_d = options.width_d or width
    if len(shape) != 3:
        return MLPGenerator(z, shape, width or 128), MLPDiscriminator(seen, width_d or 128, spectral=spectral)
    if options.network == "mlp":
        return (
            MLPGenerator(z, shape, width or 256, batch_norm=True),
            MLPDiscriminator(seen, width_d or 256, spectral=spectral, dropout=dropout),
        )
    if min(shape[1:]) < 4:
        raise UserError(
            f"pictures of {shape[1]}x{shape[2]} are too small", "use --size 8x8 or larger, or --set network=mlp"
        )
    if options.network == "dcgan":
        return (
            DCGANGenerator(z, shape, width or 32),
            DCGANDiscriminator(seen, width_d or 32, batch_norm=batch_norm, spectral=spectral),
        )
    if options.network == "resnet":
        return (ResNetGenerator(z, shape, width or 16), ResNetDiscriminator(seen, width_d or 16, spectral=spectral))
    return (ShuffleGenerator(z, shape, width or 12), StridedDiscriminator(seen, width_d or 8, spectral=spectral))


def standard_duel(
    options: DuelOptions,
    schema: Schema,
    objective: str,
    penalty: Penalty | None = None,
    *,
    batch_norm: bool = False,
    spectral: float = 0.0,
    dropout: float = 0.0,
    optimizer: Literal["adam", "rmsprop", "sgd"] = "adam",
    penalty_every: int = 1,
    penalty_weight: float | Schedule = 1.0,
    label_smoothing: float = 0.0,
    after: Callable[[Duel], None] | None = None,
) -> Game[Duel]:
    """The game of a two-network recipe: `pair` and `duel`, by the options that all such recipes share.

    Args:
        options: the recipe's.
        schema: the data's.
        objective: a name of `sparring.objectives.OBJECTIVES`.
        penalty: on D.
        batch_norm: in the discriminator; a gradient penalty forbids it.
        spectral: the largest singular value of the discriminator's layers; 0: free.
        dropout: see `pair`.
        optimizer: of both.
        penalty_every: see `duel`.
        penalty_weight: see `duel`.
        label_smoothing: see `duel`.
        after: see `duel`.

    Raises:
        UserError: see `pair`.
    """
    noise = options.prior(schema)
    generator, discriminator = pair(
        options, shape_of(schema), noise.dim, batch_norm=batch_norm, spectral=spectral, dropout=dropout
    )
    return duel(
        generator,
        discriminator,
        objective,
        penalty,
        latent=noise,
        optimizer=options.optimizers(optimizer),
        turn=options.n_critic,
        penalty_every=penalty_every,
        penalty_weight=penalty_weight,
        label_smoothing=label_smoothing,
        instance_noise=options.instance_noise,
        ema=options.ema,
        after=after,
        reuse_fakes=options.reuse_fakes,
        # of these networks only DCGAN's looks at more than one example, and only with batch norm
        one_pass=not (batch_norm and isinstance(discriminator, DCGANDiscriminator)),
    )
