"""What games share whose discriminator is an autoencoder: its error at an example is the example's energy."""

from pydantic import Field
from torch import nn

from sparring.kinds import Schema
from sparring.networks import Autoencoder
from sparring.recipes._duel import PairOptions, pair, shape_of


class CodeOptions(PairOptions):
    """The options of a generator and an autoencoder."""

    code: int = Field(64, gt=0, description="numbers between D's encoder and its decoder")


def generator_and_autoencoder(
    options: CodeOptions, schema: Schema, *, batch_norm: bool = True
) -> tuple[nn.Module, Autoencoder]:
    """G, and D of the networks that the options ask for: their discriminator encodes, their generator decodes.

    Args:
        options: network, width, code.
        schema: the data's.
        batch_norm: in the encoder, where the network has it at all.

    Raises:
        UserError: see `pair`.
    """
    shape = shape_of(schema)
    G, encoder = pair(options, shape, options.prior(schema).dim, batch_norm=batch_norm)
    decoder, _ = pair(options, shape, options.code)
    return G, Autoencoder(encoder, decoder, options.code)
