"""From examples to codes and back, by the encoder of a run that has one."""

import numpy as np
import torch
from torch import Tensor

from sparring.errors import UserError
from sparring.kinds import Kind, Pictures
from sparring.workflows import given
from sparring.workflows.sampling import Sampler


def check_encoder(ready: Sampler) -> None:
    """Refuse a run without an encoder.

    Raises:
        UserError: it has none.
    """
    if ready.game.encode is None:
        raise UserError(
            "this run has no encoder",
            "sparring project searches the noise of a picture; bigan, aae and clustergan learn an encoder",
        )


def decoded(ready: Sampler, codes: Tensor) -> Tensor:
    """What the generator makes of codes, stored; of other columns it is given the rows that the run keeps, in turn."""
    return ready.made_from(codes, given.asked(ready.game, ready.schema, ready.kept, range(len(codes)), {}))


def encode(ready: Sampler, x: np.ndarray) -> np.ndarray:
    """The codes of examples.

    Args:
        ready: a run with an encoder.
        x: as `sparring.sample` gives them: uint8 `(N, H, W, C)` for pictures, float32 `(N, D)` for points.

    Returns:
        float32 `(N, latent_dim)`.

    Raises:
        UserError: the run has no encoder, or the examples are of another shape.
    """
    check_encoder(ready)
    return ready.codes_of(_stored(ready.kind, x)).numpy()


def reconstruct(ready: Sampler, x: np.ndarray) -> np.ndarray:
    """The examples again, made from their codes; see `encode`."""
    check_encoder(ready)
    return ready.kind.to_array(decoded(ready, ready.codes_of(_stored(ready.kind, x))))


def _stored(kind: Kind, x: np.ndarray) -> Tensor:
    wanted = kind.to_array(kind.to_stored(torch.zeros(1, *kind.shape)))
    array = np.asarray(x)
    if array.shape[1:] != wanted.shape[1:] or not len(array) or not np.can_cast(array.dtype, wanted.dtype, "same_kind"):
        shape = ", ".join(map(str, ("N", *wanted.shape[1:])))
        raise UserError(f"{array.dtype} of shape {array.shape} cannot be encoded", f"{wanted.dtype} of ({shape})")
    stored = torch.from_numpy(np.ascontiguousarray(array, dtype=wanted.dtype))
    return stored.movedim(-1, 1).contiguous() if isinstance(kind, Pictures) else stored
