"""Where the doctor compares samples with reals: features that need no download and no training."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from sparring import metrics
from sparring.metrics.extractors import RandomStatistics, random_rotation
from sparring.metrics.neighbors import nearest_view, neighbor_distances

FREQUENCIES = 64
"""Random Fourier features at each of the data's scales, for points."""

MAX_CELLS, REALS_PER_CELL = 40, 25
"""Clusters of reals, at most; and how many reals each has on average, at least."""

MIN_CELL_DISTANCE = 0.15
"""Cells lie at least this far apart, in median distances between reals: finer structure is not what a cell means."""

LOST_SHARE = 0.2
"""A cell, a class or a mode is lost when less than this share of what reals put there falls into it."""

PAIRED_REALS = 1000
"""Known reals, at most, where every pair of them counts."""


@dataclass(frozen=True)
class Seen:
    """A set of samples in this space.

    Args:
        features: `(N, d)`, float64: distances between them mean something.
        wide: `(N, w)`, float64: more of them, for linear classifiers.
    """

    features: Tensor
    wide: Tensor

    def first(self, n: int) -> "Seen":
        """The first n."""
        return Seen(self.features[:n], self.wide[:n])


@dataclass(frozen=True)
class Shares:
    """How samples are shared out among kinds: cells, classes or modes.

    Args:
        found: `(K,)`, of samples.
        expected: `(K,)`, of reals.
    """

    found: Tensor
    expected: Tensor

    @classmethod
    def of(cls, which: Tensor, expected: Tensor) -> "Shares":
        """Counted, from the kind of each sample, `(N,)`."""
        return cls(torch.bincount(which, minlength=len(expected)).double() / len(which), expected)

    @property
    def ratios(self) -> Tensor:
        """The share of each over what is expected."""
        return self.found / self.expected.clamp(min=1e-12)

    def lost(self, n: int) -> float:
        """The share of the reals whose kind is almost missing among n samples."""
        # a kind of which less than five are expected may be missing by chance
        enough = self.expected * n >= 5
        missing = self.found < LOST_SHARE * self.expected
        return self.expected[enough & missing].sum().item() / max(self.expected[enough].sum().item(), 1e-12)


class Space:
    """Features, and training reals in them.

    Pictures are seen by a fixed random convolutional network: by its 688 statistics, and by 64 rotated ones for
    distances, which are the features called `random`. Points are seen as they are, and for classifiers also through
    random Fourier features at the scales of the data (Rahimi and Recht 2007, Advances in Neural Information Processing
    Systems 20).

    Args:
        known: training reals, 20 at least, as their kind's view has them: uint8 `(N, C, H, W)`, or vectors `(N, D)`.
        labels: int64 `(N,)` indices of classes, where there are some.
        classes: how many there are.
        seed: of all that is random here.
    """

    def __init__(self, known: np.ndarray, labels: Tensor | None = None, classes: int = 0, seed: int = 0) -> None:
        rng = torch.Generator().manual_seed(seed)
        self._pictures = known.ndim == 4
        if self._pictures:
            self._statistics, self._rotation = RandomStatistics(known.shape[1], rng), random_rotation(64, rng)
        else:
            self._scales = metrics.scales_of(torch.from_numpy(known))
            waves = [torch.randn(known.shape[1], FREQUENCIES, generator=rng).double() / s for s in self._scales]
            self._waves = torch.cat(waves, 1)
            self._phases = 2 * math.pi * torch.rand(self._waves.shape[1], generator=rng).double()
        self.known = self(known)
        features = self.known.features
        some = features[:PAIRED_REALS]
        self._moments = metrics.Moments.of(features)
        between = torch.pdist(some)
        self._spread = between.mean().item()
        centers = _clusters(features, max(2, min(MAX_CELLS, len(known) // REALS_PER_CELL)), rng)
        self._centers = _thinned(centers, MIN_CELL_DISTANCE * between.median().item())
        self._shares = self.histogram(self.known)
        # how near fresh reals come to known ones: each of them to the others, of which none is there twice
        distinct = features[[*{hash(each.tobytes()): k for k, each in enumerate(known)}.values()]]
        near = neighbor_distances(distinct, 1)[:, 0] if len(distinct) > 1 else torch.zeros(1)
        self._near = near.double().quantile(0.01).item()
        self._reader = None if labels is None else _Reader(self.known.wide, labels, classes)

    def __call__(self, raw: np.ndarray) -> Seen:
        """Look at samples, `(N, ...)`, in the form of the known reals."""
        if not self._pictures:
            points = torch.from_numpy(np.ascontiguousarray(raw)).double()
            return Seen(points, torch.cat([points, torch.cos(points @ self._waves + self._phases)], 1))
        parts = (torch.from_numpy(np.ascontiguousarray(raw[k : k + 500])) for k in range(0, len(raw), 500))
        wide = torch.cat([self._statistics(part) for part in parts])
        return Seen((wide @ self._rotation).double(), wide.double())

    def distance(self, seen: Seen) -> float:
        """How far a set is from the known reals, 0 being no difference; it depends on how many there are.

        The Fréchet distance over the variance of the reals, for pictures; for points `metrics.multiscale_distance`,
        because a mean and a covariance say little of a ring.
        """
        if self._pictures:
            variance = self._moments.covariance.trace().item()
            return metrics.moments_distance(self._moments, metrics.Moments.of(seen.features)) / max(variance, 1e-12)
        return metrics.multiscale_distance(self.known.features[: len(seen.features)], seen.features, self._scales)

    def evidence(self, seen: Seen) -> Tensor:
        """What the judge goes by, `(N, w + 1)`: the wide features, and how far the fifth nearest known real is."""
        distances = torch.cdist(seen.features, self.known.features)
        fifth = distances.topk(min(5, distances.shape[1]), dim=1, largest=False).values[:, -1:]
        return torch.cat([seen.wide, fifth.clamp(min=1e-9).log()], 1)

    def spread(self, seen: Seen) -> float:
        """Mean distance between two of them, over that between two reals."""
        return torch.pdist(seen.features).mean().item() / max(self._spread, 1e-12)

    def moved(self, before: Seen, after: Seen) -> float:
        """Root mean square of how far each has moved, over the mean distance between two reals."""
        return (after.features - before.features).square().sum(1).mean().sqrt().item() / max(self._spread, 1e-12)

    def distinct(self, seen: Seen) -> float:
        """The effective number of distinct samples (Vendi score), over that of as many reals."""
        if self._pictures:
            center = self._moments.mean
            fake, real = (each - center for each in (seen.features, self.known.features))
        else:
            skip = seen.features.shape[1]
            fake, real = (each[:, skip:] for each in (seen.wide, self.known.wide))
        return metrics.vendi_score(fake) / metrics.vendi_score(real[: len(fake)])

    def histogram(self, seen: Seen) -> Tensor:
        """The share of each cell."""
        which = torch.cdist(seen.features, self._centers).argmin(1)
        return torch.bincount(which, minlength=len(self._centers)).double() / len(which)

    def lost(self, seen: Seen) -> float:
        """The share of the reals that lie in cells where samples are almost missing."""
        return Shares(self.histogram(seen), self._shares).lost(len(seen.features))

    def classes(self, seen: Seen) -> "Shares | None":
        """The share of each class, as a linear classifier reads them; None where there are no labels."""
        return None if self._reader is None else Shares.of(self._reader(seen.wide), self._reader.expected)

    def read(self, seen: Seen) -> Tensor | None:
        """The class that the linear classifier reads each as, `(N,)`; None where there are no labels."""
        return None if self._reader is None else self._reader(seen.wide)

    def copies(self, *views: Seen) -> float:
        """The share that lies, in one of its views, nearer to a known real than 99% of these to one another."""
        distances, _ = nearest_view(torch.stack([view.features for view in views]), self.known.features)
        return (distances < self._near).double().mean().item()


class _Reader:
    """A linear classifier of labels, by ridge regression."""

    def __init__(self, wide: Tensor, labels: Tensor, classes: int) -> None:
        self._center, self._deviation = wide.mean(0), wide.std(0).clamp(min=1e-6)
        x = (wide - self._center) / self._deviation
        gram = x.T @ x
        gram.diagonal().add_(0.01 * len(x))
        self._weights = torch.linalg.solve(gram, x.T @ (2 * one_hot(labels, classes).double() - 1))
        read = self(wide)
        self.expected = torch.bincount(read, minlength=classes).double() / len(read)

    def __call__(self, wide: Tensor) -> Tensor:
        return ((wide - self._center) / self._deviation @ self._weights).argmax(1)


def _clusters(features: Tensor, count: int, rng: torch.Generator, rounds: int = 15) -> Tensor:
    # Lloyd's algorithm from the start of k-means++ (Arthur and Vassilvitskii 2007, SODA)
    x = features[: 2 * PAIRED_REALS]
    centers, apart = [x[0]], (x - x[0]).square().sum(1)
    for _ in range(count - 1):
        centers.append(x[torch.multinomial(apart + 1e-12, 1, generator=rng)].squeeze(0))
        apart = apart.minimum((x - centers[-1]).square().sum(1))
    found = torch.stack(centers)
    for _ in range(rounds):
        member = one_hot(torch.cdist(x, found).argmin(1), count).double()
        sizes = member.sum(0)[:, None]
        found = torch.where(sizes > 0, member.T @ x / sizes.clamp(min=1), found)
    return found


def _thinned(centers: Tensor, apart: float) -> Tensor:
    kept = centers[:1]
    for center in centers[1:]:
        if (kept - center).norm(dim=1).min() >= apart:
            kept = torch.cat([kept, center[None]])
    return kept
