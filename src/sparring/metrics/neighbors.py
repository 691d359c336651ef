"""Nearest neighbours between two sets of features, a block at a time: memory grows with N, not with its square."""

from collections.abc import Iterator

import torch
from torch import Tensor

BLOCK = 16_000_000
"""Distances held at once: 64 MB of float32."""

MAX_DIRECT_DIMENSIONS = 16
"""Dimensions up to which distances are summed from differences: exact, and slow in many dimensions. Above, they come
from inner products, whose rounding hides distances below a thousandth of the features' size."""


def blocks(a: Tensor, b: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Euclidean distances from a few rows of `a` to all of `b`, until all of `a` has been seen.

    Args:
        a: `(N, D)`.
        b: `(M, D)`.

    Yields:
        (which rows of a, their distances `(n, M)`, float32).
    """
    # centred, so that float32 loses nothing to a common offset
    center = b.mean(0)
    a, b = (a - center).float(), (b - center).float()
    step = max(1, BLOCK // len(b))
    mode = "donot_use_mm_for_euclid_dist" if a.shape[1] <= MAX_DIRECT_DIMENSIONS else "use_mm_for_euclid_dist"
    for begin in range(0, len(a), step):
        which = slice(begin, min(begin + step, len(a)))
        yield which, torch.cdist(a[which], b, compute_mode=mode)


def others(x: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """The blocks of a set against itself, each row infinitely far from itself, whatever rounding says."""
    for which, distances in blocks(x, x):
        own = torch.arange(which.start, which.stop)
        distances[own - which.start, own] = torch.inf
        yield which, distances


def nearest(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest row of `b` for each row of `a`.

    Args:
        a: `(N, D)`.
        b: `(M, D)`.

    Returns:
        Distances `(N,)` and indices into b `(N,)`.

    Examples:
        >>> distances, indices = nearest(torch.tensor([[0.0], [10.0]]), torch.tensor([[8.0], [1.0]]))
        >>> distances.tolist(), indices.tolist()
        ([1.0, 2.0], [1, 0])
    """
    found = [distances.min(1) for _, distances in blocks(a, b)]
    return torch.cat([each.values for each in found]), torch.cat([each.indices for each in found])


def nearest_view(views: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest known row, over all views of each row: moved, mirrored.

    Args:
        views: `(V, N, D)`.
        known: `(M, D)`.

    Returns:
        Distances `(N,)` and indices into known `(N,)`.

    Examples:
        >>> distances, indices = nearest_view(torch.tensor([[[5.0]], [[9.0]]]), torch.tensor([[8.0], [1.0]]))
        >>> distances.tolist(), indices.tolist()
        ([1.0], [0])
    """
    found = [nearest(view, known) for view in views]
    distances, indices = (torch.stack(each) for each in zip(*found, strict=True))
    best = distances.min(0)
    return best.values, indices.gather(0, best.indices[None])[0]


def neighbor_distances(x: Tensor, k: int) -> Tensor:
    """The distances from each row to its k nearest other rows.

    Args:
        x: `(N, D)`, N above k.
        k: how many.

    Returns:
        `(N, k)`, nearest first.

    Examples:
        >>> neighbor_distances(torch.tensor([[0.0], [1.0], [3.0]]), 2).tolist()
        [[1.0, 3.0], [1.0, 2.0], [2.0, 3.0]]
    """
    found = torch.empty(len(x), k)
    for which, distances in others(x):
        found[which] = distances.topk(k, dim=1, largest=False).values
    return found
