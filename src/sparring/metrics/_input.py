"""What every metric asks of its input."""

import torch
from torch import Tensor

from sparring.errors import UserError


def rows(*sets: Tensor, least: int = 2) -> tuple[Tensor, ...]:
    """The sets as float64 rows, checked.

    Args:
        sets: each `(N, D)`, any real type; D is the same for all, N need not be.
        least: how many rows each must have.

    Raises:
        UserError: not rows; different D; too few rows; a value that is not finite.
    """
    for each in sets:
        if each.ndim != 2:
            raise UserError(f"features of shape {tuple(each.shape)} are not rows", "flatten them to (N, D)")
        if each.shape[1] != sets[0].shape[1]:
            raise UserError(
                f"features of {sets[0].shape[1]} and of {each.shape[1]} dimensions cannot be compared",
                "take both from the same extractor",
            )
        if len(each) < least:
            raise UserError(f"{len(each)} samples are too few", f"at least {least} are needed")
        if not torch.isfinite(each).all():
            raise UserError("features with NaN or infinity cannot be scored", "look for broken samples")
    return tuple(each.detach().double() for each in sets)
