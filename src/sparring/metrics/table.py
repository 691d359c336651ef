"""Do samples follow the data? Every metric on the same samples, beside what reals themselves would get.

The reals are split at random into a reference and a control of the same size. Samples are compared with the
reference, and so is the control: its numbers are the floor, what a perfect generator would get with so many samples.
"""

import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from sparring import metrics
from sparring.data import toys
from sparring.data.spec import DataSpec
from sparring.errors import UserError
from sparring.metrics.extractors import Embedding, Extractor

Better = Literal["lower", "higher", "floor"]

KnownModes = tuple[Tensor, float]
"""Centres `(K, D)` and standard deviation, in the data's own units."""

KNOWN_MODES: dict[str, KnownModes] = {
    "ring": (torch.from_numpy(toys.RING_MODES), toys.RING_SIGMA),
    "grid": (torch.from_numpy(toys.GRID_MODES), toys.GRID_SIGMA),
}
"""Built-in data whose modes are known."""

RESAMPLES = 4
"""Random halves from which a value's spread is estimated."""

FEWEST = 20
"""Samples, and reals on either side, without which nothing is said."""


@dataclass(frozen=True)
class Row:
    """One metric.

    Args:
        name: of the metric.
        value: of the samples.
        spread: standard error of the value: the standard deviation over random halves of both sets, which is the
            delete-half jackknife's estimate (Shao and Wu 1989, Annals of Statistics 17); None where the metric has
            none of its own.
        floor: the same metric of the control.
        floor_spread: its standard error.
        better: whether lower or higher is better, or the nearest to the floor.
        n: how many samples on either side.
    """

    name: str
    value: float
    spread: float | None
    floor: float
    floor_spread: float | None
    better: Better
    n: int

    @property
    def beyond(self) -> float:
        """How many standard errors the value lies on the wrong side of the floor; 0 on the right side."""
        worse = {"lower": self.value - self.floor, "higher": self.floor - self.value}
        behind = max(0.0, worse.get(self.better, abs(self.value - self.floor)))
        if self.spread is None or self.floor_spread is None or behind == 0:
            return 0.0
        return behind / max(math.hypot(self.spread, self.floor_spread), 1e-12)


@dataclass(frozen=True)
class Copies:
    """The verdict on memorisation.

    Args:
        flagged: whether samples lie nearer to the training data than held-out reals do, beyond chance.
        exact: samples that are training examples to the last bit.
        test: distances, p-values and the closest pairs.
    """

    flagged: bool
    exact: int
    test: metrics.Memorization


@dataclass(frozen=True)
class Samples:
    """Samples as they are and as an extractor sees them.

    Args:
        raw: uint8 `(N, C, H, W)`, or float `(N, D)`, in the data's own units.
        seen: features, and logits where the extractor is a classifier.
    """

    raw: np.ndarray
    seen: Embedding

    @classmethod
    def of(cls, extractor: Extractor, raw: np.ndarray, progress: Callable[[int], None] | None = None) -> "Samples":
        """Embed them."""
        return cls(raw, extractor(raw, progress))

    def __len__(self) -> int:
        return len(self.raw)

    def take(self, which: Tensor) -> "Samples":
        """Some of them."""
        logits = None if self.seen.logits is None else self.seen.logits[which]
        return Samples(self.raw[which.numpy()], Embedding(self.seen.features[which], logits))

    def pictures(self, n: int) -> Tensor:
        """The first n, as float32 `(n, C, H, W)` in [0, 1]."""
        return torch.from_numpy(self.raw[:n]).float() / 255


Compare = Callable[[Samples, Samples], dict[str, float]]
"""(reals, samples) -> values by name."""


@dataclass(frozen=True)
class Group:
    """Metrics that are computed together.

    Args:
        of: computes them.
        better: for each name.
    """

    of: Compare
    better: dict[str, Better]


def table(
    fake: Samples,
    reference: Samples,
    control: Samples,
    extractor: Extractor,
    spec: DataSpec,
    modes: KnownModes | None = None,
) -> tuple[list[Row], list[str]]:
    """Every metric that makes sense for such data, in memory.

    Args:
        fake: the samples; as many as there are in the control are looked at.
        reference: reals to compare with.
        control: other reals, as many: they give the floor.
        extractor: that saw all three.
        spec: pictures or points.
        modes: where the data's modes are known.

    Returns:
        The rows, and notes on what was left out.

    Raises:
        UserError: fewer than 20 samples or reals on a side.
    """
    n = min(len(fake), len(reference), len(control))
    if n < FEWEST:
        raise UserError(f"{n} samples beside {n} reals are too few to judge", f"{FEWEST} of each at least")
    fake, reference, control = (each.take(torch.arange(n)) for each in (fake, reference, control))
    chosen, notes = _groups(reference, extractor, spec, modes)
    rows = []
    for group in chosen:
        values, floors = group.of(reference, fake), group.of(reference, control)
        spreads, floor_spreads = (_spreads(group.of, reference, other) for other in (fake, control))
        for name, better in group.better.items():
            rows.append(Row(name, values[name], spreads[name], floors[name], floor_spreads[name], better, n))
    return [*_own_spread(reference, fake, control, extractor), *rows], notes


def _spreads(of: Compare, real: Samples, other: Samples) -> dict[str, float | None]:
    # standard errors, from random halves of both sets; none where a half has no finite value
    halves = [of(*pair) for pair in _halves(real, other)]
    values = {name: [half[name] for half in halves] for name in halves[0]}
    return {name: statistics.stdev(v) if all(map(math.isfinite, v)) else None for name, v in values.items()}


def _own_spread(reference: Samples, fake: Samples, control: Samples, extractor: Extractor) -> list[Row]:
    """The metrics that say themselves how sure they are."""
    n = len(fake)
    sets = [each.seen.features for each in (reference, fake, control)]
    size = min(1000, n // 2)
    kid, floor = (metrics.kernel_distance(sets[0], other, 30, size) for other in sets[1:])
    test, chance = (metrics.two_sample_test(sets[0], other) for other in sets[1:])
    threshold = metrics.alike_threshold(sets[0])
    support, real_support = (metrics.support_size(other, threshold) for other in sets[1:])
    return [
        Row(
            "KID" if extractor.name == "inception" else "kernel",
            kid.value,
            kid.error,
            floor.value,
            floor.error,
            "lower",
            n,
        ),
        Row("judge", test.value, _error(test), chance.value, _error(chance), "lower", n),
        Row("support", support.size, None, real_support.size, None, "higher", n),
    ]


def _error(accuracy: metrics.Accuracy) -> float:
    return (accuracy.high - accuracy.low) / (2 * 1.96)


def _groups(
    real: Samples, extractor: Extractor, spec: DataSpec, modes: KnownModes | None
) -> tuple[list[Group], list[str]]:
    dimensions, n = real.seen.features.shape[1], len(real)
    # only Inception's Fréchet distance is called FID
    frechet = "FID" if extractor.name == "inception" else "Frechet"
    found, notes = [], []
    if n // 2 > dimensions:
        found.append(Group(partial(_frechet, frechet), {frechet: "lower", f"Mi{frechet}": "lower"}))
    else:
        notes.append(
            f"no {frechet} distance: halves of {n} samples are no more than its {dimensions} dimensions, "
            "and the kernel distance has no such bias"
        )
    found.append(
        Group(_manifold, {"precision": "higher", "recall": "higher", "density": "floor", "coverage": "higher"})
    )
    found.append(Group(_vendi, {"Vendi": "floor"}))
    if real.seen.logits is not None:
        found.append(Group(_inception, {"Inception Score": "floor"}))
    if spec.kind == "image":
        if min(spec.shape[1:]) >= metrics.SMALLEST_SLICED:
            found.append(Group(_sliced, {"sliced Wasserstein": "lower"}))
        found.append(Group(_ssim, {"MS-SSIM": "floor"}))
    else:
        found.append(Group(_transport, {"Wasserstein": "lower"}))
    if modes:
        found.append(Group(partial(_modes, modes), {"modes": "higher", "within 3 sigma": "higher", "KL": "lower"}))
    return found, notes


def _halves(real: Samples, fake: Samples) -> Iterator[tuple[Samples, Samples]]:
    rng = torch.Generator().manual_seed(0)
    for _ in range(RESAMPLES):
        some, others = (torch.randperm(len(each), generator=rng)[: len(each) // 2] for each in (real, fake))
        yield real.take(some), fake.take(others)


def _frechet(name: str, real: Samples, fake: Samples) -> dict[str, float]:
    distance = metrics.frechet_distance(real.seen.features, fake.seen.features)
    nearest = metrics.cosine_distance(real.seen.features, fake.seen.features)
    return {name: distance, f"Mi{name}": metrics.memorization_informed(distance, nearest)}


def _manifold(real: Samples, fake: Samples) -> dict[str, float]:
    return metrics.manifold(real.seen.features, fake.seen.features)._asdict()


def _vendi(real: Samples, fake: Samples) -> dict[str, float]:
    # around the reals' mean: features that all share a large offset would all be alike
    return {"Vendi": metrics.vendi_score(fake.seen.features - real.seen.features.mean(0))}


def _inception(real: Samples, fake: Samples) -> dict[str, float]:
    assert fake.seen.logits is not None
    return {"Inception Score": metrics.inception_score(fake.seen.logits, splits=1).value}


def _sliced(real: Samples, fake: Samples) -> dict[str, float]:
    n = min(len(real), 1000)
    found = metrics.sliced_wasserstein(real.pictures(n), fake.pictures(n), patches=16, directions=64)
    return {"sliced Wasserstein": found["mean"]}


def _ssim(real: Samples, fake: Samples) -> dict[str, float]:
    return {"MS-SSIM": metrics.ms_ssim_diversity(fake.pictures(1000), pairs=300)}


def _transport(real: Samples, fake: Samples) -> dict[str, float]:
    a, b = (torch.from_numpy(each.raw[:1000]) for each in (real, fake))
    return {"Wasserstein": metrics.wasserstein(a, b)}


def _modes(known: KnownModes, real: Samples, fake: Samples) -> dict[str, float]:
    found = metrics.count_modes(torch.from_numpy(fake.raw), *known)
    return {"modes": float(found.found), "within 3 sigma": found.good, "KL": found.kl}


def copies(fake: Samples, train: Samples, held_out: Samples, extractor: Extractor) -> Copies:
    """Are samples handed back from the training data?

    Pictures are looked at in ten views, moved by a pixel in all directions and mirrored, samples and held-out reals
    alike: a copy that was moved or mirrored is found where its original is.

    Args:
        fake: the samples; 1,000 at most are looked at, and as many held-out reals.
        train: what the generator was trained on.
        held_out: reals that it was not trained on.
        extractor: that saw all three.
    """
    reals, samples = (
        torch.stack([extractor(view).features for view in _views(each.raw[:1000])]) for each in (held_out, fake)
    )
    test = metrics.memorization(train.seen.features, reals, samples)
    known = {example.tobytes() for example in train.raw}
    exact = sum(sample.tobytes() in known for sample in fake.raw)
    return Copies(test.flagged() or exact > 0, exact, test)


def _views(raw: np.ndarray) -> Iterator[np.ndarray]:
    if raw.ndim == 2:
        yield raw
        return
    height, width = raw.shape[2:]
    wide = np.pad(raw, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    for down in range(3):
        for right in range(3):
            yield np.ascontiguousarray(wide[:, :, down : down + height, right : right + width])
    yield np.ascontiguousarray(raw[..., ::-1])
