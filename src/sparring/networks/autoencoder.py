"""An autoencoder of two networks that the games have anyway: a discriminator that encodes, a generator that decodes."""

from torch import Tensor, nn

from sparring.networks.dcgan import DCGANDiscriminator
from sparring.networks.mlp import MLPDiscriminator
from sparring.networks.resnet import ResNetDiscriminator
from sparring.networks.shuffle import StridedDiscriminator

Encoder = MLPDiscriminator | DCGANDiscriminator | ResNetDiscriminator | StridedDiscriminator


class Autoencoder(nn.Module):
    """`(B, ...)` -> the same shape, through a code.

    Args:
        encoder: a discriminator; its head is replaced by one that gives the code.
        decoder: `(B, code)` -> `(B, ...)`, a generator.
        code: the code's dimension.
    """

    def __init__(self, encoder: Encoder, decoder: nn.Module, code: int) -> None:
        super().__init__()
        encoder.head = nn.Linear(encoder.head.in_features, code)
        self.encoder, self.decoder = encoder, decoder

    def encode(self, x: Tensor) -> Tensor:
        """`(B, ...)` -> `(B, code)`."""
        return self.encoder.head(self.encoder.features(x))

    def decode(self, code: Tensor) -> Tensor:
        """`(B, code)` -> `(B, ...)`."""
        return self.decoder(code)

    def errors(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """`(B, ...)` -> what the reconstruction differs by, of the same shape, float32, and the codes, `(B, code)`."""
        code = self.encode(x)
        return self.decode(code).float() - x.float(), code

    def forward(self, x: Tensor) -> Tensor:
        """`(B, ...)` -> `(B, ...)`."""
        return self.decode(self.encode(x))
