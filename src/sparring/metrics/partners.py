"""How near pictures come to those that they ought to be: made ones beside their partners, row by row."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from sparring.metrics.ssim import ms_ssim

LEAST = (0.5 / 255) ** 2
"""Mean squared error below which a difference is one of rounding: the most that PSNR tells is 54 dB."""

BLOCK = 256
"""Rows whose distances are computed at once."""


class Partner(NamedTuple):
    """One figure of pictures beside their partners.

    Args:
        name: "L1" (of pixels from 0 to 1), "PSNR" (dB), "MS-SSIM", "features" (Euclidean distance), "retrieval" (the
            share whose nearest of all partners, in features, is their own).
        value: of what was made, a mean over the pictures.
        identity: of what was given, left as it was; None where it has another shape.
        better: which way.
        n: pictures.
    """

    name: str
    value: float
    identity: float | None
    better: Literal["lower", "higher"]
    n: int


def pixel_figures(made: Tensor, truth: Tensor) -> dict[str, float]:
    """L1, PSNR and MS-SSIM of pairs of pictures.

    Args:
        made: uint8 `(N, C, H, W)`.
        truth: likewise.
    """
    a, b = made.float() / 255, truth.float() / 255
    squared = (a - b).square().flatten(1).mean(1).clamp(min=LEAST)
    parts = zip(a.split(BLOCK), b.split(BLOCK), strict=True)
    return {
        "L1": (a - b).abs().mean().item(),
        "PSNR": (-10 * squared.log10()).mean().item(),
        "MS-SSIM": torch.cat([ms_ssim(*part) for part in parts]).mean().item(),
    }


def feature_figures(made: Tensor, truth: Tensor) -> dict[str, float]:
    """The mean distance to the partner, and the share of which no other partner is nearer.

    Of partners that are alike, such as copies of one picture, any counts as one's own.

    Args:
        made: `(N, D)`, features.
        truth: likewise.
    """
    hits, total = 0, 0.0
    for first in range(0, len(made), BLOCK):
        distances = torch.cdist(made[first : first + BLOCK].double(), truth.double())
        own = distances.diagonal(first)
        hits += int((own <= distances.min(1).values + 1e-9).sum())
        total += own.sum().item()
    return {"features": total / len(made), "retrieval": hits / len(made)}


BETTER: dict[str, Literal["lower", "higher"]] = {
    "L1": "lower",
    "PSNR": "higher",
    "MS-SSIM": "higher",
    "features": "lower",
    "retrieval": "higher",
}


def beside_partners(made: dict[str, float], identity: dict[str, float] | None, n: int) -> tuple[Partner, ...]:
    """All figures, each beside that of the identity map."""
    given = dict.fromkeys(made) if identity is None else identity
    return tuple(Partner(name, value, given[name], BETTER[name], n) for name, value in made.items())
