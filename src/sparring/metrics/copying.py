"""Does the generator make new things, or does it hand its training data back?"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from sparring.errors import UserError
from sparring.metrics._input import rows
from sparring.metrics.neighbors import blocks, nearest_view


class Memorization(NamedTuple):
    """How near samples are to the training data, against how near held-out reals are.

    Args:
        ratio: median distance from a sample to its nearest training example, over that of held-out reals; below 1 is
            nearer than reals are.
        p: chance of samples this near if they were as near as held-out reals; one-sided.
        copies: the share of samples nearer to a training example than 99% of held-out reals are; 1% is expected.
        copies_p: chance of a share this large if samples were as near as held-out reals; one-sided.
        closest: indices of the samples nearest to the training data, nearest first.
        partners: indices of their nearest training examples.
        distances: their distances.
    """

    ratio: float
    p: float
    copies: float
    copies_p: float
    closest: tuple[int, ...]
    partners: tuple[int, ...]
    distances: tuple[float, ...]

    def flagged(self, level: float = 0.001) -> bool:
        """Whether the samples are nearer to the training data than chance allows, as a whole or a part of them."""
        return min(self.p, self.copies_p) < level / 2


def memorization(
    train: Tensor, held_out: Tensor | None, fake: Tensor, pairs: int = 8, known: Tensor | None = None
) -> Memorization:
    """Compare distances sample → training data with distances held-out real → training data, in a feature space.

    Pixels alone are no such space: a copy moved by one pixel is far away in them. Held-out reals and samples may come
    in several views (moved, mirrored): the distance is then that of the nearest view, for both alike. The comparison
    of the two sets of distances is Mann and Whitney's; a generator that copies only now and then shows in the share of
    copies instead.

    Where few reals were held out, training examples stand beside them: the distance from each to the nearest of the
    others is what a fresh real would have, but for one example in N.

    Args:
        train: `(N, D)` features of what the generator was trained on.
        held_out: `(H, D)` features of reals that it was not, or `(V, H, D)` of V views of them; None where there are
            none.
        fake: `(M, D)` features, or `(V, M, D)` of as many views.
        pairs: how many of the closest to name.
        known: `(K, D)`, the first K of `train` once more, or `(V, K, D)`, as many views of them.

    Raises:
        UserError: see `rows`; other views of the one than of the other; neither `held_out` nor `known`.

    References:
        Meehan et al. 2020, arXiv 2004.05675, section 4 (the Mann-Whitney statistic of these distances).

    Examples:
        >>> x = torch.randn(600, 4, generator=torch.Generator().manual_seed(0))
        >>> train, held_out, fresh = x[:300], x[300:450], x[450:]
        >>> memorization(train, held_out, fresh).flagged()
        False
        >>> memorization(train, held_out, train[:150] + 0.01 * fresh).flagged()
        True
    """
    for reals in (held_out, known):
        if reals is not None and reals.shape[:-2] != fake.shape[:-2]:
            raise UserError(f"{reals.shape[:-2]} views and {fake.shape[:-2]} do not compare", "take the same of both")
    parts = [] if held_out is None or not held_out.shape[-2] else [_nearest_view(train, held_out)[0]]
    parts += [] if known is None else [_nearest_other(train, known)]
    if not parts:
        raise UserError("there are no reals to compare samples with", "give some held-out reals, or known")
    expected = torch.cat(parts)
    found, partners = _nearest_view(train, fake)
    order = found.argsort()[:pairs]
    threshold = expected.sort().values[max(0, math.ceil(0.01 * len(expected)) - 1)]
    near, near_expected = int((found < threshold).sum()), int((expected < threshold).sum())
    return Memorization(
        ratio=(found.median() / expected.median().clamp(min=1e-12)).item(),
        p=_nearer(found, expected),
        copies=near / len(found),
        copies_p=_more_often(near, len(found), near_expected, len(expected)),
        closest=tuple(order.tolist()),
        partners=tuple(partners[order].tolist()),
        distances=tuple(found[order].tolist()),
    )


def _nearest_view(train: Tensor, views: Tensor) -> tuple[Tensor, Tensor]:
    # distance and index of the nearest training example, over all views of each row
    known, seen = rows(train, views.flatten(0, 1) if views.ndim == 3 else views)
    return nearest_view(seen.unflatten(0, (-1, views.shape[-2])), known)


def _nearest_other(train: Tensor, views: Tensor) -> Tensor:
    # distance of the nearest training example that is not the row's own, over all views of each row
    train, seen = rows(train, views.flatten(0, 1) if views.ndim == 3 else views)
    found = []
    for view in seen.unflatten(0, (-1, views.shape[-2])):
        for which, distances in blocks(view, train):
            own = torch.arange(which.start, which.stop)
            distances[own - which.start, own] = torch.inf
            found.append(distances.amin(1))
    return torch.cat(found).view(-1, views.shape[-2]).amin(0)


def _nearer(found: Tensor, expected: Tensor) -> float:
    # here and not above: it takes a second to import, and training needs none of it
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(found.numpy(), expected.numpy(), alternative="less").pvalue)


def _more_often(a: int, of_a: int, b: int, of_b: int) -> float:
    from scipy.stats import hypergeom

    # Fisher's exact test, one-sided: is a of of_a more than b of of_b?
    return float(hypergeom.sf(a - 1, of_a + of_b, a + b, of_a))


def memorization_informed(distance: float, nearest: float, epsilon: float = 0.1) -> float:
    """MiFID: the Fréchet distance, divided by the mean cosine distance to the nearest real where that is below ε.

    Args:
        distance: `frechet_distance` of the samples.
        nearest: `cosine_distance` to the training data.
        epsilon: above it nothing is divided; the competition's is 0.1.

    References:
        Bai et al. 2021, arXiv 2106.03062, section 3.2.

    Examples:
        >>> memorization_informed(12.0, 0.5), round(memorization_informed(12.0, 0.05))
        (12.0, 240)
    """
    return distance / (nearest + 1e-15) if nearest < epsilon else distance


def cosine_distance(real: Tensor, fake: Tensor) -> float:
    """The mean over fakes of one minus the largest absolute cosine similarity to a real, as on Kaggle.

    Args:
        real: `(N, D)` features.
        fake: `(M, D)` features.

    Examples:
        >>> cosine_distance(torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.tensor([[-2.0, 0.0], [0.0, 1.0]]))
        0.146...
    """
    real, fake = (normalize(each).float() for each in rows(real, fake))
    step = max(1, 8_000_000 // len(real))
    nearest = torch.cat([(part @ real.T).abs().amax(1) for part in fake.split(step)])
    return (1 - nearest).clamp(min=0).mean().item()  # rounding takes a copy's cosine above 1
