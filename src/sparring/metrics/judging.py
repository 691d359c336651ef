"""The strongest of several classifiers, in several spaces, that tell samples from reals that they have not seen."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from sparring.errors import UserError
from sparring.metrics._input import rows
from sparring.metrics.neighbors import MAX_DIRECT_DIMENSIONS
from sparring.metrics.two_sample import Accuracy, interval

JUDGED = 2000
"""Samples, and reals, that are looked at, at most."""

TWO_FOLD_SAMPLES = 500
"""Samples from which on the classifiers learn from half of them, and not from four fifths."""

COMPARED = 300
"""Rows on which kernels and penalties are compared, at most."""

WIDTHS = (1.0, 0.1, 0.01)
"""Of Gaussian kernels, in median squared distances; only the first in more than 16 dimensions."""

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)

TOGETHER = "all spaces together"


class Judgement(NamedTuple):
    """What the classifiers found.

    Args:
        accuracy: of the answers, each by the classifier that was thought the best without knowing the answer.
        told_by: the space in which it was thought the best most often.
        spaces: the accuracy in each space, by itself.
    """

    accuracy: Accuracy
    told_by: str
    spaces: dict[str, float]


def judge(real: Mapping[str, Tensor], fake: Mapping[str, Tensor], seed: int = 0) -> Judgement:
    """Can any classifier in any of these spaces tell the fakes from the reals?

    Both are cut to the same number and into folds: five, or two where there are more than 500 of each. For each fold,
    kernel ridge regressions, linear and Gaussian, are fitted to the other folds in each space and in all of them
    together; the one whose leave-one-out error is the smallest there answers for the fold. Every answer is so for a row
    on which neither the classifier nor its choice has been based, and all rows are answered for. Features are
    scaled by all rows, which looks at no label.

    The interval is that of half as many answers as there are. In cross-fitting two rows of different folds teach each
    other, so that one coincidence makes two answers right: the variance is up to twice that of independent answers.

    Args:
        real: `(N, D)` features in each space, by its name.
        fake: `(M, D)` features in the same spaces.
        seed: of the folds.

    Raises:
        UserError: see `rows`; fewer than 20 of a side; no spaces, or different ones.

    References:
        Lopez-Paz and Oquab 2017, arXiv 1610.06545, section 3. Leave-one-out errors of a ridge regression: Allen 1974,
        Technometrics 16.

    Examples:
        >>> x = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
        >>> judge({"points": x[:200]}, {"points": x[200:] + 5}).accuracy.value > 0.99
        True
    """
    if not real or real.keys() != fake.keys():
        raise UserError(f"spaces {', '.join(real)} and {', '.join(fake)} do not compare", "take the same of both")
    rng = torch.Generator().manual_seed(seed)
    n = min(JUDGED, *(len(each) for each in (*real.values(), *fake.values())))
    picked = [torch.randperm(len(next(iter(each.values()))), generator=rng)[:n] for each in (real, fake)]
    spaces = {}
    for name in real:
        pair = rows(real[name], fake[name], least=20)
        spaces[name] = torch.cat([each[which] for each, which in zip(pair, picked, strict=True)])
    y = torch.cat([torch.ones(n), -torch.ones(n)])
    folds = list(_folds(n, rng))
    found = {name: _answered(kernels, y, folds) for name, kernels in _kernels(spaces)}
    best, votes = torch.empty(2 * n), Counter[str]()
    for k, (_, answer) in enumerate(folds):
        winner = min(found, key=lambda name: found[name].errors[k])
        votes[winner] += 1
        best[answer] = found[winner].scores[answer]
    accuracy = interval(_right(best, y) * n, n)
    spaces_right = {name: _right(each.scores, y) for name, each in found.items()}
    return Judgement(accuracy, votes.most_common(1)[0][0], spaces_right)


def _right(scores: Tensor, y: Tensor) -> float:
    # the share of right answers; a score of exactly 0 is half an answer
    return ((scores * y > 0).double() + 0.5 * (scores == 0).double()).mean().item()


def _folds(n: int, rng: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Indices to learn from, in random order, and to answer for; of n reals and, behind them, n fakes."""
    count = 5 if n <= TWO_FOLD_SAMPLES else 2
    fold = torch.cat([torch.arange(n) % count] * 2)  # the rows are in random order
    for k in range(count):
        learn, answer = (fold != k).nonzero()[:, 0], (fold == k).nonzero()[:, 0]
        yield learn[torch.randperm(len(learn), generator=rng)], answer


def _kernels(spaces: Mapping[str, Tensor]) -> Iterator[tuple[str, list[Tensor]]]:
    """For each space its kernels among all rows, `(2n, 2n)`; one space at a time, for they are large."""
    together: list[Tensor] = []
    for name, x in spaces.items():
        kernels = _of_space(x)
        # the linear one, and the Gaussian one of the largest width
        for k, kernel in enumerate(kernels[:2]):
            if k == len(together):
                together.append(torch.zeros_like(kernel))
            together[k] += kernel / len(spaces)
        yield name, kernels
    if len(spaces) > 1:
        yield TOGETHER, together


def _of_space(x: Tensor) -> list[Tensor]:
    deviation = x.std(0)
    # what never varies says nothing
    deviation[deviation <= 1e-6 * deviation.max()] = torch.inf
    x = ((x - x.mean(0)) / deviation).float()
    squares = torch.cdist(x, x).square()
    median = squares[::3, ::3].median().clamp(min=1e-12)
    widths = WIDTHS if x.shape[1] <= MAX_DIRECT_DIMENSIONS else WIDTHS[:1]
    return [x @ x.T / x.shape[1], *(torch.exp(-squares / (width * median)) for width in widths)]


class _Answers(NamedTuple):
    """In one space: leave-one-out errors among the rows that each fold learns from, and scores of all rows."""

    errors: list[float]
    scores: Tensor


def _answered(kernels: list[Tensor], y: Tensor, folds: list[tuple[Tensor, Tensor]]) -> _Answers:
    """For each fold, the answers of the kernel and the penalty with the smallest leave-one-out error."""
    errors, scores = [], torch.empty_like(y)
    for learn, answer in folds:
        few = learn[:COMPARED]
        tried = {
            (k, penalty): _left_out(kernel[few][:, few], y[few], penalty)
            for k, kernel in enumerate(kernels)
            for penalty in PENALTIES
        }
        k, penalty = min(tried, key=lambda key: tried[key])
        rows_learnt = kernels[k][learn]
        weights = _solved(_penalised(rows_learnt[:, learn], penalty), y[learn])
        errors.append(tried[k, penalty])
        scores[answer] = rows_learnt[:, answer].T @ weights
    return _Answers(errors, scores)


def _left_out(kernel: Tensor, y: Tensor, penalty: float) -> float:
    """The mean squared error of a kernel ridge regression at rows, each left out in its turn."""
    inverse = _inverse(_penalised(kernel, penalty))
    return (inverse @ y / inverse.diagonal()).square().mean().item()


def _penalised(kernel: Tensor, penalty: float) -> Tensor:
    return kernel + penalty * torch.eye(len(kernel), dtype=kernel.dtype)


def _inverse(matrix: Tensor) -> Tensor:
    root, failed = torch.linalg.cholesky_ex(matrix)
    # rounding can bring a small penalty's matrix below 0
    return torch.linalg.inv(matrix) if failed else torch.cholesky_inverse(root)


def _solved(matrix: Tensor, y: Tensor) -> Tensor:
    root, failed = torch.linalg.cholesky_ex(matrix)
    return torch.linalg.solve(matrix, y) if failed else torch.cholesky_solve(y[:, None], root)[:, 0]
