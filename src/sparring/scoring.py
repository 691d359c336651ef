"""Reals once, samples many times: a data set made ready to score what a generator makes of it.

Which features, which reals on which side, the floors and the views of held-out reals are decided and computed once; a
set of samples then costs one pass of the features.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from torch import nn

from sparring import metrics
from sparring.cache import Cache
from sparring.data import Viewed, known_modes_in_view
from sparring.errors import UserError
from sparring.metrics import extractors, remembered
from sparring.metrics.extractors import CPU, Embedding, Extractor
from sparring.metrics.remembered import MOVED_VIEWS, NOT_KEPT, Eye
from sparring.metrics.table import KNOWN_MODES, MIN_SAMPLES, Reals, Row, Samples
from sparring.progress import Count, Share, Tell, untold_work

Features = str | Extractor | nn.Module

COPY_TEST_SAMPLES = 1000
"""Samples, and held-out reals, in the test for copies."""

COPY_TEST_EXAMPLES = 10_000
"""Training examples whose changed copies are looked for; exact copies are looked for among all."""

TRAINING, REAL_FEATURES, REAL_METRICS = "training a classifier", "features of the reals", "metrics of the reals"

FEATURES, METRICS = "features of the samples", "metrics of the samples"


@dataclass(frozen=True)
class Copies:
    """The verdict on memorisation.

    Args:
        flagged: whether samples lie nearer to the training data than held-out reals do, beyond chance.
        exact: samples that are training examples to the last bit.
        test: distances, p-values and the closest pairs.
        pairs: `(K, 2, ...)`, as the data is stored: the closest samples, each beside its training example.
        beside: the reals whose distances the samples' are compared with, in words.
    """

    flagged: bool
    exact: int
    test: metrics.Memorization
    pairs: np.ndarray = field(repr=False, compare=False)
    beside: str = "held-out reals"


@dataclass(frozen=True)
class Evaluation:
    """All that was found out about a set of samples.

    Args:
        rows: the metrics.
        copies: the test of memorisation; None in records of older versions.
        extractor: the name of the features.
        digest: of the extractor: numbers of different digests never compare.
        notes: what was left out or shrunk, and why.
        provenance: where samples and reals came from, how many there were, seed, versions.
        agreement: by class, how often a classifier reads samples as what they were asked to be; None without labels.
        partners: translations of held-out pictures beside what they ought to be; None where that is not known.
    """

    rows: tuple[Row, ...]
    copies: Copies | None
    extractor: str
    digest: str
    notes: tuple[str, ...]
    provenance: dict[str, Any]
    agreement: tuple[metrics.ClassAgreement, ...] | None = None
    partners: tuple[metrics.Partner, ...] | None = None

    def __getitem__(self, name: str) -> Row:
        """The row of a metric.

        Raises:
            KeyError: there is none.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    def distance(self) -> Row:
        """The Fréchet distance, or the kernel distance where there are too few samples for it."""
        names = {row.name for row in self.rows}
        return self[next(name for name in ("FID", "Frechet", "KID", "kernel") if name in names)]

    def to_dict(self) -> dict[str, Any]:
        """For JSON: infinite values are null, and no pictures."""
        found = _plain(asdict(self))
        if found["copies"]:
            del found["copies"]["pairs"]
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Scorer:
    """Scores sets of samples against one data set.

    The reals, held-out ones included, are split at random into a reference and a control of n each.

    Args:
        data: the reals, as they are compared.
        source: what they are called in the record; the modes of `ring` and `grid` are known by it.
        features: "classifier" (trained on the reals' labels; the default where they have some), "random" (the default
            for other pictures), "efficientnet", "inception", "identity" (points); an `Extractor`; or a module.
        samples: how many on either side, at most; half of the reals is the other limit.
        seed: of the split.
        device: where samples are embedded and a classifier is trained.
        cache: where the features of the reals and a trained classifier are kept; not those of an extractor or module
            of the caller's own, whose digest does not say how it computes.
        tell: called with one of `expected_seconds`'s parts and how much of it is done, 0 to 1.

    Attributes:
        n: how many samples are looked at.
        extractor: the features.

    Raises:
        UserError: too few reals, features that are not for such data, data of two kinds.
    """

    def __init__(
        self,
        data: Viewed,
        source: str,
        features: Features | None = None,
        samples: int = 10_000,
        seed: int = 0,
        *,
        device: torch.device = CPU,
        cache: Cache = NOT_KEPT,
        tell: Tell = untold_work,
    ) -> None:
        self._data = data
        count = len(data.train) + len(data.held_out)
        self.n = min(samples, count // 2)
        if self.n < MIN_SAMPLES:
            raise UserError(
                f"{self.n} samples beside {self.n} reals are too few to judge", f"{MIN_SAMPLES} of each at least"
            )
        rng = np.random.default_rng(seed)
        order = rng.permutation(count)
        reference, control = order[: self.n], order[self.n : 2 * self.n]
        if isinstance(features, Extractor | nn.Module) or not data.pictures:
            cache = NOT_KEPT
        self.extractor, notes = _extractor(features, data, reference, device, cache, partial(tell, TRAINING))
        self._small = len(data.held_out) < MIN_SAMPLES
        count = Count(reals_embedded(data, self.n), partial(tell, REAL_FEATURES))
        self._see = Eye(self.extractor, cache, count)
        # in random order, so that any first ones of them are drawn at random
        self._learnt = np.random.default_rng([seed, 1]).permutation(len(data.train))[:COPY_TEST_EXAMPLES]
        one, other, learnt, unseen = self._seen(reference, control, rng)
        self._sides, self._labels = (one.seen, other.seen), _labels(data, reference, control)
        modes = KNOWN_MODES.get(source)
        self._train, self._fresh = learnt.features, unseen.features
        self._held_out = self._views(data.held_out, self._fresh) if len(data.held_out) else None
        self._again = self._views(data.train[self._learnt[:COPY_TEST_SAMPLES]], self._train) if self._small else None
        modes = modes and known_modes_in_view(data.kind, *modes)
        self._reals = Reals(one, other, self.extractor, modes, partial(tell, REAL_METRICS))
        self._known = Counter(_fingerprint(example) for example in data.stored)
        self._notes = (*notes, *self._reals.notes, *self._caveats())
        self._provenance = {
            "reals": source, "fingerprint": data.fingerprint, "shape": list(data.stored.shape[1:]),
            "mirror": data.mirror, "samples": self.n, "seed": seed,
            "sparring": version("sparring"), "torch": torch.__version__,
        }  # fmt: skip

    def _seen(
        self, reference: np.ndarray, control: np.ndarray, rng: np.random.Generator
    ) -> tuple[Samples, Samples, Embedding, Embedding]:
        """Both sides; and the features of training examples and of held-out reals, for the test for copies."""
        data = self._data
        fresh = len(data.train) + np.arange(min(len(data.held_out), COPY_TEST_SAMPLES))
        if data.mirror:
            # what the generator is taught is mirrored half the time: so are the reals that it is compared with
            one, other = (self._mirrored(_rows(data, which), rng) for which in (reference, control))
            learnt, unseen = self._embedded(self._learnt, fresh)
            return one, other, learnt, unseen
        first, second, learnt, unseen = self._embedded(reference, control, self._learnt, fresh)
        return Samples(_rows(data, reference), first), Samples(_rows(data, control), second), learnt, unseen

    def __call__(
        self,
        samples: torch.Tensor,
        name: str = "an array",
        asked: torch.Tensor | None = None,
        tell: Tell = untold_work,
    ) -> Evaluation:
        """All metrics of a set of samples, and the test for copies.

        Args:
            samples: n at least, as the data is stored.
            name: where they come from.
            asked: `(N,)`, the label that each of them was made from, where it was.
            tell: called with one of `expected_seconds`'s parts and how much of it is done, 0 to 1.

        Raises:
            UserError: fewer than n, or of another shape than the reals.
        """
        check_shape(tuple(samples.shape[1:]), self._data)
        raw = self._data.kind.view(samples).numpy()
        see = Eye(self.extractor, count=Count(samples_embedded(self._data, len(raw)), partial(tell, FEATURES)))
        fake = Samples(raw, see(raw))
        views = see.views(raw[:COPY_TEST_SAMPLES], fake.seen.features[:COPY_TEST_SAMPLES])
        rows = self._reals.table(fake, partial(tell, METRICS))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return Evaluation(
            rows=(*rows, *self._informed(rows, fake)),
            copies=self._copies(samples.numpy(), views),
            agreement=None if asked is None or self._labels is None else self._agreement(fake.seen, asked),
            extractor=self.extractor.name,
            digest=self.extractor.digest,
            notes=self._notes,
            provenance={"generated": name} | self._provenance | {"when": now},
        )

    def partners(
        self, truth: torch.Tensor, identity: torch.Tensor | None = None
    ) -> Callable[[torch.Tensor], tuple[metrics.Partner, ...]]:
        """What compares stored pictures, row by row, with what they ought to be.

        Args:
            truth: stored pictures, `(N, ...)`.
            identity: what was given, where it has the shape of the others.
        """
        view, see = self._data.kind.view, Eye(self.extractor)

        def figures(pictures: torch.Tensor) -> dict[str, float]:
            shown = view(pictures)
            return metrics.pixel_figures(shown, right) | metrics.feature_figures(see(shown.numpy()).features, known)

        right = view(truth)
        known = see(right.numpy()).features
        floor = None if identity is None else figures(identity)
        return lambda made: metrics.beside_partners(figures(made), floor, len(made))

    def _caveats(self) -> Iterator[str]:
        if self._small:
            count = len(self._data.held_out)
            yield (
                f"only {count} reals were held out from training: the test of memorisation also takes the distance "
                "from each training example to the nearest other one"
            )
        looked_at, known, count = len(self._learnt), len(self._data.train), self._data.of
        if looked_at < count:
            among = "all" if known == count else f"{known:,}, those that were read"
            yield (
                f"changed copies are looked for among {looked_at:,} of {count:,} training examples, drawn at random, "
                f"and exact copies among {among}"
            )
        twins = sum(count for count in self._known.values() if count > 1)
        if twins > 0.01 * len(self._data.train):
            yield (
                f"{twins:,} training examples are exact duplicates of one another: honest samples may repeat them too, "
                "and count as copies"
            )

    def _embedded(self, *parts: np.ndarray) -> list[Embedding]:
        """Reals by their index, each embedded once although parts overlap."""
        picked = np.unique(np.concatenate(parts))
        seen = self._see(_rows(self._data, picked))
        return [seen.take(torch.from_numpy(np.searchsorted(picked, part))) for part in parts]

    def _mirrored(self, raw: np.ndarray, rng: np.random.Generator) -> Samples:
        flip = rng.random(len(raw)) < 0.5
        raw[flip] = raw[flip, ..., ::-1]
        return Samples(raw, self._see(raw))

    def _views(self, raw: np.ndarray, own: torch.Tensor) -> torch.Tensor:
        return self._see.views(raw[:COPY_TEST_SAMPLES], own[:COPY_TEST_SAMPLES])

    def _copies(self, samples: np.ndarray, views: torch.Tensor) -> Copies:
        test = metrics.memorization(self._train, self._held_out, views, known=self._again)
        partners = self._learnt[list(test.partners)]
        exact = sum(_fingerprint(sample) in self._known for sample in samples)
        pairs = np.stack([samples[list(test.closest)], self._data.stored[partners]], 1)
        places = self._data.places
        test = test._replace(partners=tuple((partners if places is None else places[partners]).tolist()))
        beside = "held-out reals and of training examples" if self._small else "held-out reals"
        return Copies(test.flagged() or exact > 0, exact, test, pairs, beside)

    def _agreement(self, seen: Embedding, asked: torch.Tensor) -> tuple[metrics.ClassAgreement, ...]:
        """As the features' own classifier reads them, or the nearest of the reference."""
        assert self._labels is not None
        (learned, control), (known, labels) = self._sides, self._labels

        def read(each: Embedding) -> torch.Tensor:
            if self.extractor.name == "classifier" and each.logits is not None:
                return each.logits.argmax(1)
            return metrics.read_by_neighbors(each.features, learned.features, known)

        return metrics.agreement(read(seen), asked, read(control), labels, self._data.classes)

    def _informed(self, rows: list[Row], fake: Samples) -> list[Row]:
        """MiFID, of pictures only: angles between points mean nothing. The floor is that of held-out reals."""
        row = next((row for row in rows if row.name in ("FID", "Frechet")), None)
        if row is None or not self._data.pictures or self._small:
            return []
        value, floor = (
            metrics.memorization_informed(distance, metrics.cosine_distance(self._train, seen))
            for distance, seen in ((row.value, fake.seen.features), (row.floor, self._fresh))
        )
        return [Row(f"Mi{row.name}", value, None, floor, None, "lower", row.n)]


def reals_needed(n: int) -> int:
    """How many training examples a `Scorer` of n samples can make use of, but for finding exact copies."""
    return 2 * n + COPY_TEST_EXAMPLES


def reals_embedded(data: Viewed, n: int) -> int:
    """How many pictures or points a `Scorer` of n samples embeds before it scores any."""
    held_out, learnt = min(len(data.held_out), COPY_TEST_SAMPLES), min(len(data.train), COPY_TEST_EXAMPLES)
    again = min(learnt, COPY_TEST_SAMPLES) if len(data.held_out) < MIN_SAMPLES else 0
    moved = MOVED_VIEWS * (held_out + again) if data.pictures else 0
    everything = len(data.train) + len(data.held_out)
    return moved + (2 * n + learnt + held_out if data.mirror else min(everything, 2 * n + learnt + held_out))


def samples_embedded(data: Viewed, n: int) -> int:
    """How many pictures or points are embedded to score n samples."""
    return n + (MOVED_VIEWS * min(n, COPY_TEST_SAMPLES) if data.pictures else 0)


def expected_seconds(data: Viewed, features: Features | None, n: int) -> dict[str, float]:
    """The parts of scoring, and how long each takes on one processor core; a guess, for a bar."""
    name = _features_named(features, data) if features is None or isinstance(features, str) else "random"
    pixels = math.prod(data.shape[1:]) if data.pictures else 1
    each = extractors.seconds_each(name, pixels)
    training = 500 * extractors.training_steps(n) * each if name == "classifier" else 0.0
    measures = n * (1e-3 + 1.4e-6 * pixels)
    return {
        TRAINING: training,
        REAL_FEATURES: each * reals_embedded(data, n), REAL_METRICS: measures,
        FEATURES: each * samples_embedded(data, n), METRICS: measures,
    }  # fmt: skip


def check_shape(shape: tuple[int, ...], data: Viewed) -> None:
    """Refuse samples of another shape than the reals, as they are stored.

    Raises:
        UserError: with both.
    """
    real = data.stored.shape[1:]
    if shape != real:
        raise UserError(
            f"samples of {_shape(shape)} and reals of {_shape(real)} do not compare",
            "--size HxW and --channels C bring both to one shape; a run's samples keep theirs",
        )


def _rows(data: Viewed, which: np.ndarray) -> np.ndarray:
    """Reals by their index in the training part and, behind it, the held-out part."""
    return _either(data.train, data.held_out, which)


def _labels(data: Viewed, *parts: np.ndarray) -> tuple[torch.Tensor, ...] | None:
    if data.labels is None or data.held_out_labels is None:
        return None
    return tuple(torch.from_numpy(_either(data.labels, data.held_out_labels, which)) for which in parts)


def _either(first: np.ndarray, second: np.ndarray, which: np.ndarray) -> np.ndarray:
    # without joining the two: the first may be a memory map
    found = np.empty((len(which), *first.shape[1:]), first.dtype)
    own = which < len(first)
    found[own], found[~own] = first[which[own]], second[which[~own] - len(first)]
    return found


def _fingerprint(example: np.ndarray) -> bytes:
    return hashlib.blake2b(example.tobytes(), digest_size=16).digest()


def _shape(shape: tuple[int, ...]) -> str:
    if len(shape) != 3:
        return f"{'x'.join(map(str, shape))} dimensions"
    return f"{shape[1]}x{shape[2]} with {shape[0]} channel{'s' if shape[0] > 1 else ''}"


def _extractor(
    wanted: Features | None, data: Viewed, reference: np.ndarray, device: torch.device, cache: Cache, share: Share
) -> tuple[Extractor, list[str]]:
    if isinstance(wanted, Extractor):
        return wanted, []
    if isinstance(wanted, nn.Module):
        return extractors.from_module(wanted, type(wanted).__name__), []
    name = _features_named(wanted, data)
    extractors.check_name(name)
    if data.pictures == (name == "identity"):
        what = "pictures" if data.pictures else "points"
        raise UserError(f"{name} features are not for {what}", "leave --features out")
    if name == "classifier":
        try:
            return _classifier(data, reference, device, cache, share)
        except UserError as error:
            if wanted:
                raise
            # labels were there, but nobody asked for a classifier
            return extractors.random_network(data.shape[0], device=device), [f"random features: {error.problem}"]
    makers: dict[str, Callable[[], Extractor]] = {
        "identity": extractors.identity,
        "random": lambda: extractors.random_network(data.shape[0], device=device),
        "efficientnet": lambda: extractors.efficientnet(device=device),
        "inception": lambda: extractors.inception(device),
    }
    return makers[name](), []


def _features_named(wanted: str | None, data: Viewed) -> str:
    return wanted or ("identity" if not data.pictures else "classifier" if len(data.classes) > 1 else "random")


def _classifier(
    data: Viewed, reference: np.ndarray, device: torch.device, cache: Cache, share: Share
) -> tuple[Extractor, list[str]]:
    """Trained on the reference alone: what it has seen looks different to it, and the control must not."""
    if data.labels is None or data.held_out_labels is None:
        raise UserError("the classifier features need reals with labels", "--features random")
    labels = _either(data.labels, data.held_out_labels, reference)
    pictures = _rows(data, reference)
    found, accuracy = remembered.classifier(pictures, labels, len(data.classes), device, cache, share)
    return found, [f"the classifier reads {accuracy:.1%} of reals that it was not trained on"]
