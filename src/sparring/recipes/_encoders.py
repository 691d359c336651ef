"""Networks that read examples: encoders, and discriminators of an example together with its code."""

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from sparring.recipes._duel import Featured, PairOptions, pair


class Encoder(nn.Module):
    """`(B, *shape)` -> `(B, outputs)`: a discriminator's layers with a head of more outputs.

    Args:
        body: the discriminator; its head is replaced.
        outputs: how many numbers an example becomes.
    """

    def __init__(self, body: Featured, outputs: int) -> None:
        super().__init__()
        body.head = nn.Linear(body.head.in_features, outputs)
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """`(B, *shape)` -> `(B, outputs)`."""
        return self.body.head(self.body.features(x))


class JointDiscriminator(nn.Module):
    """`(B, *shape)` and `(B, codes)` -> `(B,)` logits: whether example and code belong together.

    Args:
        body: a discriminator of examples; its head is replaced.
        codes: the code's dimension.
        hidden: width of the layer that sees the example's features beside the code.
    """

    def __init__(self, body: Featured, codes: int, hidden: int = 256) -> None:
        super().__init__()
        features = body.head.in_features
        body.head = nn.Linear(hidden, 1, bias=False)
        self.body = body
        self.code = nn.Linear(codes, hidden)
        self.joint = nn.Linear(features + hidden, hidden)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """`(B, *shape)` and `(B, codes)` -> `(B,)`."""
        both = torch.cat([self.body.features(x), leaky_relu(self.code(code), 0.2)], dim=1)
        return self.body.head(leaky_relu(self.joint(both), 0.2)).squeeze(1)


def encoder(options: PairOptions, shape: tuple[int, ...], outputs: int, *, batch_norm: bool = True) -> Encoder:
    """An encoder on the layers of the discriminator that the options ask for.

    Args:
        options: network, width.
        shape: of an example.
        outputs: how many numbers an example becomes.
        batch_norm: where the network has it at all.

    Raises:
        UserError: see `pair`.
    """
    return Encoder(pair(options, shape, 1, batch_norm=batch_norm)[1], outputs)
