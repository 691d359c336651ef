"""How many different things a generator makes: the birthday paradox."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from sparring.errors import UserError
from sparring.metrics._input import rows
from sparring.metrics.neighbors import others


class Support(NamedTuple):
    """An estimate of the number of distinct samples.

    Args:
        size: the estimate; infinite when no two samples were alike.
        low: the lower end of its 95% interval.
        high: the upper end; infinite when no two samples were alike.
        pairs: how many pairs were alike.
    """

    size: float
    low: float
    high: float
    pairs: int


def support_size(features: Tensor, threshold: float) -> Support:
    """The size of a uniform distribution in which as many pairs of samples would be alike.

    Among n draws from s equally likely things n (n - 1) / 2s pairs are expected to be alike. The paper doubles the
    batch until duplicates are as likely as not and looks at them by eye; here pairs are counted, and "alike" is a
    distance.

    Args:
        features: `(N, D)`.
        threshold: pairs nearer than this are alike; `alike_threshold` finds one from reals.

    Raises:
        UserError: the threshold is not above 0.

    References:
        Arora and Zhang 2017, arXiv 1706.08224, section 2.

    Examples:
        >>> rng = torch.Generator().manual_seed(0)
        >>> things = torch.randint(1000, (400, 1), generator=rng)  # 400 draws from 1,000 things
        >>> support_size(things.double(), 0.5)
        Support(size=973..., low=784..., high=1223..., pairs=82)
    """
    (x,) = rows(features)
    if threshold <= 0:
        raise UserError(f"a threshold of {threshold:g} finds no pairs", "it must be above 0")
    # slow to import, and training needs none of it
    from scipy.stats import chi2

    pairs = sum(int((distances < threshold).sum()) for _, distances in others(x)) // 2  # each is seen from both sides
    possible = len(x) * (len(x) - 1) / 2
    # Poisson limits on the number of pairs
    few, many = (float(chi2.ppf(q, 2 * n)) / 2 for q, n in ((0.025, max(pairs, 0.5)), (0.975, pairs + 1)))
    size, high = (possible / pairs, possible / few) if pairs else (math.inf, math.inf)
    return Support(size, possible / many, high, pairs)


def alike_threshold(real: Tensor, pairs: int = 10) -> float:
    """The distance below which only so many pairs of these reals lie: what counts as alike.

    Args:
        real: `(N, D)` features, without exact duplicates, as many as there will be samples.
        pairs: how many.

    Returns:
        The distance of the closest pair but `pairs`, at least a tiny positive number.
    """
    (x,) = rows(real)
    smallest = torch.full((2 * pairs + 2,), math.inf)
    for _, distances in others(x):
        flat = torch.cat([smallest, distances[distances < smallest[-1]]])
        smallest = flat.topk(len(smallest), largest=False).values
    return max(smallest[-1].item(), 1e-9)
