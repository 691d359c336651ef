"""The sliced Wasserstein distance on Laplacian pyramids: how local structure matches, from coarse to fine."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sparring.errors import UserError
from sparring.metrics.filters import filtered

PATCH = 7
"""Pixels a side of a patch."""

SMALLEST_SLICED = 8
"""Pixels a side without which there is little to slice."""


def laplacian_pyramid(pictures: Tensor, smallest: int = 16) -> list[Tensor]:
    """Each level is what blurring and halving takes away; the last is what remains.

    Args:
        pictures: `(N, C, H, W)`, float.
        smallest: no level's shorter side is smaller.

    Returns:
        From the finest to the coarsest, `(N, C, H / 2^k, W / 2^k)`; odd sides lose their last row or column first.
        Levels brought back to size and added up give the pictures.

    References:
        Burt and Adelson 1983, IEEE Transactions on Communications 31, 532-540.
    """
    levels = []
    while min(pictures.shape[2:]) // 2 >= smallest:
        pictures = pictures[:, :, : pictures.shape[2] // 2 * 2, : pictures.shape[3] // 2 * 2]
        smaller = _filtered(pictures)[:, :, ::2, ::2]
        levels.append(pictures - enlarged(smaller))
        pictures = smaller
    return [*levels, pictures]


def enlarged(pictures: Tensor) -> Tensor:
    """Twice the size, by the pyramid's own filter: `(N, C, H, W)` -> `(N, C, 2H, 2W)`."""
    spread = pictures.new_zeros(*pictures.shape[:2], 2 * pictures.shape[2], 2 * pictures.shape[3])
    spread[:, :, ::2, ::2] = 4 * pictures
    return _filtered(spread)


def _filtered(x: Tensor) -> Tensor:
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=x.dtype, device=x.device) / 16  # binomial
    return filtered(x, taps, reflect=True)


def sliced_wasserstein(
    real: Tensor, fake: Tensor, patches: int = 128, directions: int = 512, smallest: int = 16, seed: int = 0
) -> dict[str, float]:
    """The distance of 7x7 patches at each level of the pyramid, along random directions.

    Patches are standardised by channel over each set, as in the paper, so that a level's overall contrast does not
    count; grey and colour pictures alike.

    Args:
        real: `(N, C, H, W)`, float, in any range.
        fake: as many, of the same shape.
        patches: of each picture at each level; the paper's is 128.
        directions: random projections; the paper's is 512.
        smallest: see `laplacian_pyramid`; the paper's is 16.
        seed: of patches and directions.

    Returns:
        For each level by its height and width, "28x28", and "mean": 1,000 times the mean absolute difference of
        sorted projections.

    Raises:
        UserError: the shapes differ; a side shorter than a patch.

    References:
        Karras et al. 2018, arXiv 1710.10196, section 5; Rabin et al. 2011 for the distance.
    """
    if real.shape != fake.shape or real.ndim != 4:
        raise UserError(
            f"pictures of shapes {tuple(real.shape)} and {tuple(fake.shape)} cannot be compared", "as many of one size"
        )
    if min(real.shape[2:]) < PATCH:
        raise UserError(
            f"pictures of {real.shape[2]}x{real.shape[3]} are smaller than a 7x7 patch", "--size 8x8 at least"
        )
    levels = [laplacian_pyramid(each.float(), smallest) for each in (real, fake)]
    return pyramid_distance(levels[0], levels[1], patches, directions, seed)


def pyramid_distance(
    real: Sequence[Tensor], fake: Sequence[Tensor], patches: int = 128, directions: int = 512, seed: int = 0
) -> dict[str, float]:
    """`sliced_wasserstein` of pictures whose pyramids are there."""
    rng, found = torch.Generator().manual_seed(seed), {}
    for a, b in zip(real, fake, strict=True):
        x, y = (_patches(each, patches, rng) for each in (a, b))
        ways = torch.nn.functional.normalize(torch.randn(x.shape[1], directions, generator=rng), dim=0)
        parts = [_projected(x, way) - _projected(y, way) for way in ways.split(16, 1)]
        found[f"{a.shape[2]}x{a.shape[3]}"] = 1000 * float(np.mean([np.abs(part).mean(1) for part in parts]))
    return found | {"mean": sum(found.values()) / len(found)}


def _projected(x: Tensor, ways: Tensor) -> np.ndarray:
    # sorted; torch would keep their places too, and take five times as long
    return np.sort((ways.T @ x.T).numpy(), axis=1)


def _patches(level: Tensor, count: int, rng: torch.Generator) -> Tensor:
    # (N·count, C·7·7), standardised by channel
    n, c, height, width = level.shape
    top = torch.randint(height - PATCH + 1, (n, count, 1, 1), generator=rng)
    left = torch.randint(width - PATCH + 1, (n, count, 1, 1), generator=rng)
    y = top + torch.arange(PATCH).view(1, 1, PATCH, 1)
    x = left + torch.arange(PATCH).view(1, 1, 1, PATCH)
    taken = level[torch.arange(n).view(n, 1, 1, 1), :, y, x]  # (N, count, 7, 7, C)
    flat = taken.reshape(-1, PATCH * PATCH, c)
    flat = (flat - flat.mean((0, 1))) / (flat.std((0, 1)) + 1e-8)
    return flat.flatten(1)
