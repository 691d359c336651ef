"""D sees several examples at once, so that a lack of variety shows.

D:  -E[log D(x_1, ..., x_m)] - E[log(1 - D(G(z_1), ..., G(z_m)))]
G:  -E[log D(G(z_1), ..., G(z_m))]

A pack holds m reals or m fakes, never both. Every other game could be packed in the same way.

Deviations: docs/recipes/pacgan.md.
"""

import torch
from pydantic import Field
from torch import Tensor, nn

from sparring.game import Game
from sparring.kinds import Schema
from sparring.recipes._duel import Duel, DuelOptions, duel, pair, shape_of
from sparring.recipes.recipe import Recipe


class Options(DuelOptions):
    """The game of dcgan, or that of gan for points, in packs."""

    pack: int = Field(2, gt=0, description="m: examples in a pack; 1 is the game without packs")


class Packed(nn.Module):
    """`(B, *shape)` -> `(B,)` logits: each example is judged in a pack with those that follow it in the batch.

    The first follow the last, so there are as many packs as examples, and a batch of any size will do.

    Args:
        body: a discriminator of packs, `(B, m * channels, ...)`.
        pack: m.
    """

    def __init__(self, body: nn.Module, pack: int) -> None:
        super().__init__()
        self.body, self.pack = body, pack

    def forward(self, x: Tensor) -> Tensor:
        """`(B, *shape)` -> `(B,)`."""
        return self.body(torch.cat([x.roll(-k, 0) for k in range(self.pack)], dim=1))


def build(options: Options, schema: Schema) -> Game[Duel]:
    """The game. Its D looks across the batch, so reals and fakes have a pass each."""
    noise, shape = options.prior(schema), shape_of(schema)
    G, body = pair(options, shape, noise.dim, seen=(options.pack * shape[0], *shape[1:]))
    return duel(
        G,
        Packed(body, options.pack),
        "non-saturating",
        latent=noise,
        optimizer=options.optimizers(),
        turn=options.n_critic,
        instance_noise=options.instance_noise,
        ema=options.ema,
        reuse_fakes=options.reuse_fakes,
    )


RECIPE = Recipe(
    "pacgan",
    "PacGAN: The power of two samples in generative adversarial networks (Lin et al. 2017)",
    "1712.04086",
    "D judges packs of examples: a lack of variety shows",
    Options,
    build,
)
