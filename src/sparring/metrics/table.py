"""Do samples follow the data? Every metric on the same samples, beside what reals themselves would get.

The reals come as a reference and a control of the same size. Samples are compared with the reference, and so is the
control: its numbers are the floor, what a perfect generator would get with so many samples.
"""

import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple, Protocol, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from sparring import metrics
from sparring.data import toys
from sparring.errors import UserError
from sparring.metrics.extractors import PIXELS_AT_ONCE, Embedding, Extractor, RandomStatistics
from sparring.metrics.pictures import SMALLEST_SIDE, gradient_statistics, pooled_pixels
from sparring.metrics.sliced import laplacian_pyramid, pyramid_distance
from sparring.progress import Count, Share, untold

Better = Literal["lower", "higher", "floor"]

BETTER: dict[Better, str] = {"lower": "lower", "higher": "higher", "floor": "like reals"}
"""Which way a metric is better, in words."""

KnownModes = tuple[Tensor, float]
"""Centres `(K, D)` and standard deviation, in the data's own units."""

KNOWN_MODES: dict[str, KnownModes] = {
    "ring": (torch.from_numpy(toys.RING_MODES), toys.RING_SIGMA),
    "grid": (torch.from_numpy(toys.GRID_MODES), toys.GRID_SIGMA),
}
"""Built-in data whose modes are known."""

RESAMPLES = 8
"""Random halves from which a value's spread is estimated; half as many of more than `MANY_SAMPLES`."""

MANY_SAMPLES = 2000

COSTLY_SAMPLES = 1000
"""Samples that slow metrics look at."""

NOTICED_ERRORS = 3.0
"""Standard errors on the wrong side of the floor from which on a metric tells samples from reals."""

MIN_SAMPLES = 20
"""Samples, and reals on either side, without which nothing is said."""


@dataclass(frozen=True)
class Row:
    """One metric.

    Args:
        name: of the metric.
        value: of the samples.
        spread: standard error of the value: the metric's own, or the standard deviation over random halves of both
            sets, which is the delete-half jackknife's estimate (Shao and Wu 1989, Annals of Statistics 17); None where
            there is neither.
        floor: the same metric of the control.
        floor_spread: its standard error.
        better: whether lower or higher is better, or the nearest to the floor.
        n: how many samples on either side.
        note: what the value comes from, where there is more to say.
    """

    name: str
    value: float
    spread: float | None
    floor: float
    floor_spread: float | None
    better: Better
    n: int
    note: str = ""

    @property
    def beyond(self) -> float:
        """How many standard errors the value lies on the wrong side of the floor; 0 on the right side.

        Infinite where neither varies, or the value is infinite; 0 where a metric has no standard error.
        """
        worse = {"lower": self.value - self.floor, "higher": self.floor - self.value}
        behind = worse.get(self.better, abs(self.value - self.floor))
        if behind <= 0:
            return 0.0
        if self.better != "floor" and not math.isfinite(behind):
            return math.inf
        if self.spread is None or self.floor_spread is None:
            return 0.0
        error = math.hypot(self.spread, self.floor_spread)
        return behind / error if error else math.inf

    @property
    def seen(self) -> str:
        """Whether the metric tells the samples from reals, in words; empty where that is not known."""
        if self.beyond < NOTICED_ERRORS:
            return "as reals" if self.spread is not None else ""
        return "worse" if math.isinf(self.beyond) else f"{self.beyond:.0f} ± worse"


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
    def of(cls, extractor: Extractor, raw: np.ndarray) -> "Samples":
        """Embed them."""
        return cls(raw, extractor(raw))

    def __len__(self) -> int:
        return len(self.raw)

    def take(self, which: Tensor) -> "Samples":
        """Some of them."""
        return Samples(self.raw[which.numpy()], self.seen.take(which))

    def first(self, n: int) -> "Samples":
        """The first n."""
        return self.take(torch.arange(n))

    def pictures(self) -> Tensor:
        """float32 `(N, C, H, W)` in [0, 1]."""
        return torch.from_numpy(self.raw).float() / 255


class Figure(NamedTuple):
    """A metric of one set.

    Args:
        value: of the metric.
        spread: its standard error; None where it has none.
        note: what it comes from, where there is more to say.
    """

    value: float
    spread: float | None
    note: str = ""


class Pyramids(NamedTuple):
    """Pictures as sliced Wasserstein distances look at them: each level of all of them."""

    levels: tuple[Tensor, ...]

    @classmethod
    def of(cls, samples: Samples) -> "Pyramids":
        """Their pyramids, made once however many halves are looked at."""
        return cls(tuple(laplacian_pyramid(samples.pictures())))

    def take(self, which: Tensor) -> "Pyramids":
        """Those of some."""
        return Pyramids(tuple(level[which] for level in self.levels))


class Takes(Protocol):
    """What halves can be drawn of."""

    def take(self, which: Tensor) -> Self:
        """Some of it."""
        ...


Seen = TypeVar("Seen", bound=Takes)

Compute = Callable[[Seen, Seen], dict[str, float]]
"""(reals, samples) -> values by name."""

Measure = Callable[[Samples, Samples], dict[str, Figure]]
"""(reals, samples) -> figures by name."""


class Reals:
    """What samples are held against: a reference, and what reals themselves get against it. In memory, free of files.

    Args:
        reference: reals to compare with.
        control: other reals, as many: they give the floor.
        extractor: that saw both.
        modes: where the data's modes are known.
        share: told how many of the metrics of the control are there.

    Attributes:
        n: how many samples are looked at.
        notes: on what was left out.

    Raises:
        UserError: fewer than 20 reals on a side.
    """

    def __init__(
        self,
        reference: Samples,
        control: Samples,
        extractor: Extractor,
        modes: KnownModes | None = None,
        share: Share = untold,
    ) -> None:
        self.n = min(len(reference), len(control))
        if self.n < MIN_SAMPLES:
            raise UserError(f"{self.n} samples beside {self.n} reals are too few to judge", f"{MIN_SAMPLES} of each")
        self.reference = reference.first(self.n)
        self._measures, self._better, self.notes = _chosen(self.reference, extractor, modes)
        self._floor = self._measured(control, share)

    def table(self, fake: Samples, share: Share = untold) -> list[Row]:
        """Every metric that makes sense for such data.

        Args:
            fake: n samples at least, seen by the same extractor; the first n are looked at.
            share: told how many of the metrics are there.

        Raises:
            UserError: fewer.
        """
        if len(fake) < self.n:
            raise UserError(f"{len(fake)} samples and {self.n} reals do not compare", "take as many of each")
        found = self._measured(fake, share)
        rows = []
        for name, better in self._better.items():
            value, floor = found[name], self._floor[name]
            rows.append(Row(name, value.value, value.spread, floor.value, floor.spread, better, self.n, value.note))
        return rows

    def _measured(self, other: Samples, share: Share) -> dict[str, Figure]:
        other, found, count = other.first(self.n), dict[str, Figure](), Count(len(self._measures), share)
        for measure in self._measures:
            found |= measure(self.reference, other)
            count(1)
        return found


def _chosen(
    real: Samples, extractor: Extractor, modes: KnownModes | None
) -> tuple[list[Measure], dict[str, Better], tuple[str, ...]]:
    """The metrics that make sense for such data, which way each is better, and notes on those left out."""
    dimensions, n = real.seen.features.shape[1], len(real)
    # only Inception's distances are called FID and KID
    frechet, kernel = ("FID", "KID") if extractor.name == "inception" else ("Frechet", "kernel")
    measures: list[Measure] = [
        partial(_kernel, kernel),
        partial(_judge, spaces := judged_spaces(extractor, real.raw.shape[1:]), _looked_at(spaces, real)),
        partial(_support, metrics.alike_threshold(real.seen.features)),
    ]
    better: dict[str, Better] = {kernel: "lower", "judge": "lower", "support": "floor"}
    notes = []

    def take(measure: Compute[Samples], named: dict[str, Better], most: int | None = None) -> None:
        measures.append(partial(_resampled, measure, most))
        better.update(named)

    if n // 2 > dimensions:
        take(partial(_frechet, frechet), {frechet: "lower"})
    else:
        notes.append(
            f"no {frechet} distance: halves of {n} samples are no more than its {dimensions} dimensions, "
            "and the kernel distance has no such bias"
        )
    take(_manifold, {"precision": "higher", "recall": "higher", "density": "floor", "coverage": "higher"})
    take(_vendi, {"Vendi": "floor"})
    if real.seen.logits is not None:
        take(_inception, {"Inception Score": "floor"})
    if real.raw.ndim == 4:
        if min(real.raw.shape[2:]) >= metrics.SMALLEST_SLICED:
            measures.append(_sliced)
            better["sliced Wasserstein"] = "lower"
        take(_ssim, {"MS-SSIM": "floor"}, COSTLY_SAMPLES)
    else:
        take(_transport, {"Wasserstein": "lower"}, COSTLY_SAMPLES)
    if modes:
        take(partial(_modes, modes), {"modes": "higher", "within 3 sigma": "higher", "KL": "lower"})
    return measures, better, tuple(notes)


def _resampled(compute: Compute[Samples], most: int | None, real: Samples, other: Samples) -> dict[str, Figure]:
    """Values with standard errors from random halves of both sets; none where a half has no finite value."""
    real, other = (each.first(min(most or len(each), len(each))) for each in (real, other))
    return _with_errors(compute, real, other, len(real))


def _with_errors(compute: Compute[Seen], real: Seen, other: Seen, n: int) -> dict[str, Figure]:
    # n of each
    halves = [compute(real.take(some), other.take(others)) for some, others in _halves(n)]
    figures = {}
    for name, value in compute(real, other).items():
        spread = [half[name] for half in halves]
        figures[name] = Figure(value, statistics.stdev(spread) if all(map(math.isfinite, spread)) else None)
    return figures


def _halves(n: int) -> Iterator[tuple[Tensor, Tensor]]:
    rng = torch.Generator().manual_seed(0)
    for _ in range(RESAMPLES if n <= MANY_SAMPLES else RESAMPLES // 2):
        yield torch.randperm(n, generator=rng)[: n // 2], torch.randperm(n, generator=rng)[: n // 2]


def _kernel(name: str, real: Samples, fake: Samples) -> dict[str, Figure]:
    found = metrics.kernel_distance(real.seen.features, fake.seen.features, 30, min(1000, len(fake) // 2))
    return {name: Figure(found.value, found.error)}


Spaces = dict[str, Callable[[Samples], Tensor]]
"""Where the judge looks, by name: samples -> rows of features."""


def judged_spaces(extractor: Extractor, shape: tuple[int, ...]) -> Spaces:
    """The extractor's own space, and for pictures of `(C, H, W)` also spaces of cheap statistics."""
    spaces: Spaces = {f"{extractor.name} features": lambda samples: samples.seen.features}
    if len(shape) != 3:
        return spaces

    def of(statistics: Callable[[Tensor], Tensor]) -> Callable[[Samples], Tensor]:
        at_once = max(1, PIXELS_AT_ONCE // math.prod(shape[1:]))
        return lambda samples: torch.cat([statistics(part) for part in torch.from_numpy(samples.raw).split(at_once)])

    spaces["random statistics"] = of(RandomStatistics(shape[0], torch.Generator().manual_seed(0)))
    spaces["pixels"] = of(pooled_pixels)
    if min(shape[1:]) >= SMALLEST_SIDE:
        spaces["gradients"] = of(gradient_statistics)
    return spaces


def _looked_at(spaces: Spaces, samples: Samples) -> dict[str, Tensor]:
    """Rows of features in each space, of as many samples as the judge looks at."""
    some = samples.first(min(len(samples), metrics.JUDGED))
    return {name: space(some) for name, space in spaces.items()}


def _judge(spaces: Spaces, known: dict[str, Tensor], _real: Samples, fake: Samples) -> dict[str, Figure]:
    found = metrics.judge(known, _looked_at(spaces, fake))
    accuracy = found.accuracy
    shares = ", ".join(f"{name} {share:.0%}" for name, share in found.spaces.items())
    told = f"tells by {found.told_by}" if accuracy.low > 0.5 else "tells in no space"
    return {"judge": Figure(accuracy.value, (accuracy.high - accuracy.low) / (2 * 1.96), f"{told}; right by {shares}")}


def _support(threshold: float, _real: Samples, fake: Samples) -> dict[str, Figure]:
    return {"support": Figure(metrics.support_size(fake.seen.features, threshold).size, None)}


def _frechet(name: str, real: Samples, fake: Samples) -> dict[str, float]:
    return {name: metrics.frechet_distance(real.seen.features, fake.seen.features)}


def _manifold(real: Samples, fake: Samples) -> dict[str, float]:
    return metrics.manifold(real.seen.features, fake.seen.features)._asdict()


def _vendi(real: Samples, fake: Samples) -> dict[str, float]:
    # around the reals' mean: features that all share a large offset would all be alike
    return {"Vendi": metrics.vendi_score(fake.seen.features - real.seen.features.mean(0))}


def _inception(real: Samples, fake: Samples) -> dict[str, float]:
    assert fake.seen.logits is not None
    return {"Inception Score": metrics.inception_score(fake.seen.logits, splits=1).value}


def _sliced(real: Samples, fake: Samples) -> dict[str, Figure]:
    def distance(a: Pyramids, b: Pyramids) -> dict[str, float]:
        return {"sliced Wasserstein": pyramid_distance(a.levels, b.levels, patches=16, directions=64)["mean"]}

    n = min(len(real), COSTLY_SAMPLES)
    return _with_errors(distance, Pyramids.of(real.first(n)), Pyramids.of(fake.first(n)), n)


def _ssim(real: Samples, fake: Samples) -> dict[str, float]:
    return {"MS-SSIM": metrics.ms_ssim_diversity(fake.pictures(), pairs=300)}


def _transport(real: Samples, fake: Samples) -> dict[str, float]:
    return {"Wasserstein": metrics.wasserstein(torch.from_numpy(real.raw), torch.from_numpy(fake.raw))}


def _modes(known: KnownModes, real: Samples, fake: Samples) -> dict[str, float]:
    found = metrics.count_modes(torch.from_numpy(fake.raw), *known)
    return {"modes": float(found.found), "within 3 sigma": found.good, "KL": found.kl}
