"""The exact earth mover's distance between two small sets of points."""

import torch
from torch import Tensor

from sparring.errors import UserError
from sparring.metrics._input import rows


def wasserstein(a: Tensor, b: Tensor) -> float:
    """W1: the mean distance under the best one-to-one assignment. Time grows with N³, memory with N².

    Args:
        a: `(N, D)` points.
        b: `(N, D)` points, as many.

    Raises:
        UserError: different numbers, or more than 5,000 of each.

    Examples:
        >>> a = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
        >>> wasserstein(a, a.flip(0) + torch.tensor([0.0, 2.0]))
        2.0
    """
    a, b = rows(a, b, least=1)
    if len(a) != len(b):
        raise UserError(f"{len(a)} points cannot be assigned to {len(b)}", "take as many of each")
    if len(a) > 5_000:
        raise UserError(f"{len(a)} points are too many for an exact assignment", "take 5,000 at most")
    # slow to import, and training needs none of it
    from scipy.optimize import linear_sum_assignment

    cost = torch.cdist(a, b)
    chosen = linear_sum_assignment(cost.numpy())
    return cost[chosen].mean().item()
