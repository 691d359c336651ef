"""The classifier two-sample test: can a fresh classifier tell samples from reals that it has not seen?"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from sparring.metrics._input import rows

PATIENCE = 15
"""Looks at the kept loss, one every ten steps, without a new best before training ends."""


class Accuracy(NamedTuple):
    """A share of right answers.

    Args:
        value: the share; 0.5 is chance.
        low: the lower end of its 95% interval.
        high: the upper end.
        n: the number of answers.
    """

    value: float
    low: float
    high: float
    n: int


def interval(right: float, n: int, z: float = 1.96) -> Accuracy:
    """A share with Wilson's interval, which stays within 0 and 1 and holds for small n.

    Args:
        right: how many answers were right; halves count ties.
        n: how many there were.
        z: of the normal distribution; 1.96 gives 95%.

    References:
        Wilson 1927, Journal of the American Statistical Association 22, 209-212.

    Examples:
        >>> interval(50, 100)
        Accuracy(value=0.5, low=0.4038..., high=0.5961..., n=100)
    """
    share, scale = right / n, 1 + z * z / n
    center = (share + z * z / (2 * n)) / scale
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale
    return Accuracy(share, center - half, center + half, n)


def two_sample_test(real: Tensor, fake: Tensor, hidden: int = 64, steps: int = 300, seed: int = 0) -> Accuracy:
    """Train a small classifier on half of each set, and count its right answers on the other half.

    Both sets are cut to the same number. The classifier is an MLP of one hidden layer on standardised features, with
    weight decay; it is kept where its loss on a fifth of its training half was lowest, so that it does not overfit.

    Args:
        real: `(N, D)` features that the generator was not trained on, or the test sees memorisation as likeness.
        fake: `(M, D)` features.
        hidden: width of the hidden layer.
        steps: of Adam, each on all training rows or 2,048 of them.
        seed: of the halves and of the classifier.

    Returns:
        Its accuracy with a 95% interval. An interval that holds 0.5 says that this classifier, with so many samples,
        cannot tell the sets apart; one above says that they differ.

    References:
        Lopez-Paz and Oquab 2017, arXiv 1610.06545, section 3.

    Examples:
        >>> x = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
        >>> two_sample_test(x[:200], x[200:] + 5).value > 0.99
        True
    """
    real, fake = rows(real, fake, least=20)
    rng = torch.Generator().manual_seed(seed)
    picked = _as_many(rng, fake, real)
    n = len(picked[0])
    half = n // 2
    kept = max(2, half // 5)

    def labelled(begin: int, end: int) -> tuple[Tensor, Tensor]:
        parts = [each[begin:end] for each in picked]
        y = torch.cat([torch.full((len(part),), float(label)) for label, part in enumerate(parts)])
        return torch.cat(parts).float(), y

    (x, y), (x_kept, y_kept), (x_test, y_test) = (labelled(*ends) for ends in ((kept, half), (0, kept), (half, n)))
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    x, x_kept, x_test = ((each - mean) / deviation for each in (x, x_kept, x_test))
    logits = _best_classifier(x, y, x_kept, y_kept, hidden, steps, rng)(x_test).squeeze(1)
    right = ((logits > 0) == (y_test > 0.5)).sum().item()
    return interval(right, len(y_test))


def linear_two_sample_test(real: Tensor, fake: Tensor, penalty: float = 0.1, seed: int = 0) -> Accuracy:
    """The same with a linear classifier, fitted in one step by ridge regression: for many features, and in no time.

    Args:
        real: `(N, D)` features that the generator was not trained on.
        fake: `(M, D)` features.
        penalty: of the squared weights, an example and feature, on standardised features.
        seed: of the halves.

    Returns:
        Its accuracy on the other half, with a 95% interval.

    References:
        Lopez-Paz and Oquab 2017, arXiv 1610.06545, section 3.

    Examples:
        >>> x = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
        >>> linear_two_sample_test(x[:200], x[200:] + 5).value > 0.99
        True
    """
    real, fake = rows(real, fake, least=20)
    picked = _as_many(torch.Generator().manual_seed(seed), real, fake)
    n = len(picked[0])
    half = n // 2
    x, x_test = (torch.cat([each[part] for each in picked]) for part in (slice(half), slice(half, n)))
    center, deviation = x.mean(0), x.std(0)
    # what never varies among the rows that it learns from says nothing of the others
    deviation[deviation < 1e-6 * deviation.max()] = math.inf
    x, x_test = ((each - center) / deviation for each in (x, x_test))
    y = torch.cat([torch.ones(half), -torch.ones(half)]).double()
    gram = x @ x.T
    gram.diagonal().add_(penalty * x.shape[1])
    scores = x_test @ (x.T @ torch.linalg.solve(gram, y))
    right = (scores[: n - half] > 0).sum() + (scores[n - half :] < 0).sum() + 0.5 * (scores == 0).sum()
    return interval(right.item(), len(scores))


def _as_many(rng: torch.Generator, *sets: Tensor) -> list[Tensor]:
    # in random order, cut to the number of the smallest
    n = min(map(len, sets))
    return [each[torch.randperm(len(each), generator=rng)[:n]] for each in sets]


def _best_classifier(
    x: Tensor, y: Tensor, x_kept: Tensor, y_kept: Tensor, hidden: int, steps: int, rng: torch.Generator
) -> torch.nn.Module:
    # an MLP, as it was when its loss on rows it did not learn from was lowest
    layers = (torch.nn.utils.skip_init(torch.nn.Linear, *sizes) for sizes in ((x.shape[1], hidden), (hidden, 1)))
    network = torch.nn.Sequential(next(layers), torch.nn.ReLU(), next(layers))
    for parameter in network.parameters():
        bound = 1 / parameter.shape[-1] ** 0.5 if parameter.ndim > 1 else 0.0
        parameter.data.uniform_(-bound, bound, generator=rng)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-2, weight_decay=1e-2)
    best, lowest, patience = [p.detach().clone() for p in network.parameters()], math.inf, 0
    with torch.enable_grad():
        for step in range(steps):
            which = torch.randint(len(x), (2048,), generator=rng) if len(x) > 2048 else slice(None)
            loss = binary_cross_entropy_with_logits(network(x[which]).squeeze(1), y[which])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 10 == 9:
                with torch.no_grad():
                    kept = binary_cross_entropy_with_logits(network(x_kept).squeeze(1), y_kept).item()
                patience = 0 if kept < lowest else patience + 1
                if kept < lowest:
                    best, lowest = [p.detach().clone() for p in network.parameters()], kept
                if patience == PATIENCE:
                    break
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), best, strict=True):
            parameter.copy_(value)
    return network.requires_grad_(False)
