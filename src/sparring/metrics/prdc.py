"""Precision, recall, density and coverage: where samples lie in relation to the reals' manifold, and the reverse."""

from typing import NamedTuple

import torch
from torch import Tensor

from sparring.errors import UserError
from sparring.metrics._input import rows
from sparring.metrics.neighbors import blocks, neighbor_distances


class Manifold(NamedTuple):
    """The four shares; all but density are at most 1."""

    precision: float
    recall: float
    density: float
    coverage: float


def manifold(real: Tensor, fake: Tensor, k: int = 3, k_density: int = 5) -> Manifold:
    """How much of each set lies in balls around the other, the balls reaching to the k-th neighbour within a set.

    precision: the share of fakes inside some real's ball; recall: the share of reals inside some fake's ball.
    density: in how many reals' balls a fake lies, over k, 1 being what reals themselves get; coverage: the share of
    reals whose ball holds a fake.

    Args:
        real: `(N, D)` features.
        fake: `(M, D)` features.
        k: for precision and recall; the paper's is 3.
        k_density: for density and coverage; the paper's is 5.

    Raises:
        UserError: no more than k samples.

    References:
        Kynkäänniemi et al. 2019, arXiv 1904.06991, eq. 1 and 2; Naeem et al. 2020, arXiv 2002.09797, eq. 3 and 4.

    Examples:
        >>> x = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
        >>> manifold(x, x, k=1, k_density=1)
        Manifold(precision=1.0, recall=1.0, density=2.5, coverage=1.0)
        >>> manifold(x, x + 100, k=1, k_density=1)
        Manifold(precision=0.0, recall=0.0, density=0.0, coverage=0.0)
    """
    real, fake = rows(real, fake)
    most = max(k, k_density)
    if min(len(real), len(fake)) <= most:
        raise UserError(f"{min(len(real), len(fake))} samples are too few for {most} neighbours", "use more samples")
    reach = neighbor_distances(real, most)
    around_real, wide_real, around_fake = reach[:, k - 1], reach[:, k_density - 1], neighbor_distances(fake, k)[:, -1]
    inside, recalled = torch.zeros(len(fake), dtype=torch.bool), 0
    depth, covered = 0, 0
    for which, distances in blocks(real, fake):
        inside |= (distances <= around_real[which, None]).any(0)
        recalled += int((distances <= around_fake).any(1).sum())
        within = distances <= wide_real[which, None]
        depth += int(within.sum())
        covered += int(within.any(1).sum())
    return Manifold(
        precision=inside.float().mean().item(),
        recall=recalled / len(real),
        density=depth / (k_density * len(fake)),
        coverage=covered / len(real),
    )
