"""Measuring a game under way, on reals and noise that stay the same, leaving no trace in it."""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring import metrics
from sparring.data import Data, Rows, Unpaired, known_modes_in_view
from sparring.data.dataset import mirrored
from sparring.devices import forked, seed_global
from sparring.doctor.listening import Heard, length
from sparring.doctor.signals import Signals
from sparring.doctor.space import Seen, Shares, Space
from sparring.game import Batch
from sparring.judges import strength_of
from sparring.kinds import classes_of, labelled, pictured, to_model
from sparring.loop import Play, State, evaluating, preserving, seed_of
from sparring.metrics.table import KnownModes

SAMPLES = 500
"""Samples of fixed noise, compared with as many held-out reals."""

D_EXAMPLES = 256
"""Training reals, held-out reals and fakes that D is asked about, each."""

KNOWN_REALS = 4000
"""Training reals that samples are held against, at most."""

MIN_HELD_OUT = 40
"""With fewer held-out reals than this the training data stands in for them."""

MIN_REALS = 20
"""With fewer reals than this samples are compared with nothing, and only D and the steps are looked at."""

READ_BATCH = 500
"""Training reals that are read at once: they may be large pictures."""

MAX_VALUE = 1e15
"""Samples and scores beyond this are no numbers any more: their squares leave float32."""

MIN_BATCH = 16
"""D is asked in batches as in training, for the sake of batch norm, but not in smaller ones than this."""


class Examiner:
    """Examines one game, again and again.

    Args:
        state: the game.
        data: what it is trained on.
        how: seed, batch and device.
        modes: where the data's modes are known.
        memory: of an examiner of the same run, before it was resumed.
    """

    def __init__(
        self,
        state: State,
        data: Data,
        how: Play,
        modes: KnownModes | None = None,
        memory: Mapping[str, Tensor] | None = None,
    ) -> None:
        game, key = state.game, state.game.makes
        self._state, self._how, self._schema, self._key = state, how, data.schema, key
        self._kind, self._mirror = data.schema[key], data.mirror and data.schema[key].mirrors
        self._modes = modes and known_modes_in_view(self._kind, *modes)[0]
        seed = seed_of(how.seed, "doctor") % 2**31
        held_out = _held_out(data, key, seed)
        known = _known(data, key, seed)
        some = next(known)
        self._train, self._held_out = (
            self._in_model({name: column[:D_EXAMPLES] for name, column in each.items()}) for each in (some, held_out)
        )
        # a game that is given something makes one sample of each: repeats would be no samples of their own
        pool = {name: torch.cat([held_out[name], some[name]])[:SAMPLES] for name in game.given}
        drawn = min([SAMPLES, *map(len, pool.values())])
        self._noise = game.noise(drawn, torch.Generator().manual_seed(seed), None)
        # what is made of a training picture ought to look like training pictures
        self._fresh_made = len(held_out[key]) if pictured(data.schema, game.given) else drawn
        column = labelled(data.schema, game.given)
        self._asked_for = pool[column][:drawn] if column else None
        self._reals_agree: float | None = None
        self._given = self._in_model({name: column[:drawn] for name, column in pool.items()})
        fresh = held_out if len(held_out[key]) >= MIN_HELD_OUT else some
        # a distance between sets depends on how many there are in each
        self._n = min(drawn, len(fresh[key]))
        self._space = None
        if min(self._n, len(some[key])) >= MIN_REALS:
            self._space = self._spanned(chain([some], known), column or "y")
            seen = self._space(self._kind.view(fresh[key][: self._n]).numpy())
            self._fresh, self._floor = self._space.evidence(seen), self._space.distance(seen)
            if column:
                self._reals_agree = _agreeing(self._space.read(seen), fresh[column][: self._n])
        self._makers = [player for player in game.players if player.name in game.makers]
        self._before = memory["features"] if memory else None

    def _spanned(self, known: Iterable[Rows], column: str) -> Space:
        """By training examples, and the labels of that column where there are some."""
        classes = len(classes_of(self._schema, column))
        raw, labels = zip(*((self._kind.view(each[self._key]), each.get(column)) for each in known), strict=True)
        return Space(torch.cat(raw).numpy(), torch.cat(labels) if classes else None, classes)

    def _in_model(self, rows: Rows) -> Batch:
        return to_model(self._schema, rows)

    def __call__(self, heard: dict[str, Heard], swings: dict[str, float]) -> Signals:
        """Examine the game as it stands.

        Args:
            heard: the last step of each player.
            swings: standard deviation of each term since the last examination.
        """
        live, averaged = self._state.game.networks, self._state.sampled
        with _as_in_training(live, self._how):
            fakes = self._drawn(live, min(D_EXAMPLES, len(self._noise)), self._how.batch)
            made = {name: value[: len(fakes)] for name, value in self._given.items()} | {self._key: fakes}
            told = not self._waiting()
            answers = [self._asked(live, each) for each in (self._train, self._held_out, made)] if told else []
            slope = self._slope(live) if told else 0.0
        with evaluating(averaged):
            samples = self._drawn(averaged, len(self._noise), 100)
        found: dict[str, Any] = self._steps(heard) | {"loss_swings": swings}
        strength = strength_of(live)
        found |= {} if strength is None else {"augmentation": strength.item()}
        found["passed"] = found["gradient"] / slope if slope and "gradient" in found else None
        if all(bool((each.abs() < MAX_VALUE).all()) for each in (*answers, fakes, samples)):
            found |= _listened(*answers) if answers else {}
            if self._space:
                found |= self._likeness(self._space, samples) | self._drift(self._space, fakes)
        else:
            found["finite"] = False
        return Signals(**found)

    def _waiting(self) -> bool:
        """Whether a player enters later and has not stepped yet: what a D says that nobody trains means nothing."""
        return any(player.enters and not self._state.steps[player.name] for player in self._state.game.players)

    def memory(self, round: int) -> dict[str, Tensor]:
        """What an examiner of a resumed run needs: the round, and where the samples of fixed noise are."""
        return {} if self._before is None else {"round": torch.tensor(round), "features": self._before}

    def _view(self, x: Tensor) -> np.ndarray:
        """What the space looks at, of samples in the model's range."""
        return self._kind.view(self._kind.to_stored(x)).numpy()

    def _drawn(self, networks: Any, n: int, batch: int) -> Tensor:
        parts = []
        for which in _parts(n, batch):
            given = {key: value[which].to(self._how.device) for key, value in self._given.items()}
            parts.append(self._state.game.sample(networks, self._noise[which].to(self._how.device), given))
        return torch.cat(parts).float().cpu()

    def _asked(self, networks: Any, batch: Batch) -> Tensor:
        parts = []
        for which in _parts(len(batch[self._key]), self._how.batch):
            given = {key: value[which].to(self._how.device) for key, value in batch.items()}
            if len(given[self._key]) == 1:  # batch norm knows no variance of one
                given = {key: torch.cat([value, value]) for key, value in given.items()}
            answers = self._state.game.critic(networks, given)
            parts.append(answers.reshape(len(answers), -1).mean(1)[: which.stop - which.start])
        return torch.cat(parts).float().cpu()

    def _slope(self, networks: Any) -> float:
        """Length of the gradient, by G's parameters, of the mean score that D gives to samples."""
        own = [p for player in self._makers for p in self._state.owned[player.name]]
        which = _parts(len(self._noise), self._how.batch)[0]
        given = {key: value[which].to(self._how.device) for key, value in self._given.items()}
        with torch.enable_grad():
            fakes = self._state.game.sample(networks, self._noise[which].to(self._how.device), given)
            score = self._state.game.critic(networks, given | {self._key: fakes}).mean()
        if not own or not score.requires_grad:
            return 0.0
        return length([g for g in torch.autograd.grad(score, own, allow_unused=True) if g is not None])

    def _steps(self, heard: dict[str, Heard]) -> dict[str, Any]:
        """Who makes samples is G here, all others are D."""
        found: dict[str, Any] = {"rate": max(step.rate for step in heard.values())} if heard else {}
        for player in self._state.game.players:
            if player.name not in heard:
                continue
            step = heard[player.name]
            if player in self._makers:
                found |= {"update_generator": step.update, "weights_generator": step.weights}
                found |= {"gradient": step.gradient, "gradient_layers": step.layers}
            else:
                found |= {"update_discriminator": step.update, "weights_discriminator": step.weights}
        return found

    def _likeness(self, space: Space, samples: Tensor) -> dict[str, Any]:
        raw = self._view(samples)
        seen = space(raw)
        fair = seen.first(self._n)
        judge = metrics.linear_two_sample_test(self._fresh, space.evidence(fair))
        near = metrics.manifold(space.known.features[: self._n], fair.features)
        classes = space.classes(seen) if self._modes is None else self._known_modes(raw)
        own = min(self._fresh_made, len(raw))
        mirrored = [space(raw[:own, ..., ::-1])] if self._mirror and own >= MIN_REALS else []
        return self._agreement(space.read(seen)) | {
            "judge": judge.value,
            "judge_low": judge.low,
            "judge_high": judge.high,
            "distance": space.distance(fair),
            "floor": self._floor,
            "spread": space.spread(seen),
            "distinct": space.distinct(fair),
            "precision": near.precision,
            "recall": near.recall,
            "lost": space.lost(seen),
            "copies": space.copies(seen.first(own), *mirrored) if own >= MIN_REALS else None,
            "classes": tuple(classes.ratios.tolist()) if classes else (),
            "classes_lost": classes.lost(len(samples)) if classes else None,
        }

    def _agreement(self, read: Tensor | None) -> dict[str, Any]:
        """For games that are told a label: by class, how often the space's classifier agrees with it."""
        if read is None or self._asked_for is None:
            return {}
        classes = range(int(self._asked_for.max()) + 1)
        shares = (_agreeing(read[self._asked_for == label], label) for label in classes)
        return {"agreement": tuple(shares), "agreement_reals": self._reals_agree}

    def _known_modes(self, raw: np.ndarray) -> Shares:
        assert self._modes is not None
        nearest = torch.cdist(torch.from_numpy(raw).double(), self._modes.double()).argmin(1)
        return Shares.of(nearest, torch.full((len(self._modes),), 1 / len(self._modes)).double())

    def _drift(self, space: Space, fakes: Tensor) -> dict[str, Any]:
        seen, before = space(self._view(fakes)), self._before
        self._before = seen.features
        found = {"spread_live": space.spread(seen), "lost_live": space.lost(seen)}
        if before is None:
            return found
        before = Seen(before, before)  # of movement the wide features are not asked
        change = space.histogram(seen) - space.histogram(before)
        return found | {"moved": space.moved(before, seen), "swung": change.abs().sum().item() / 2}


def _agreeing(read: Tensor | None, labels: Tensor | int) -> float | None:
    """The share that is read as labelled; None of none."""
    return None if read is None or not len(read) else (read == labels).double().mean().item()


def _held_out(data: Data, column: str, seed: int) -> Rows:
    """Mirrored half of the time, where training examples are."""
    rows = data.held_out(max(SAMPLES, D_EXAMPLES))
    if not data.mirror:
        return rows
    flip = torch.rand(len(rows[column]), generator=torch.Generator().manual_seed(seed)) < 0.5
    return mirrored(data.schema, rows, flip)


def _known(data: Data, column: str, seed: int) -> Iterator[Rows]:
    """Training examples, each once, a few hundred at a time."""
    count = min(KNOWN_REALS, len(data.alone(column) if isinstance(data, Unpaired) else data))
    parts = math.ceil(count / READ_BATCH)
    for draw in range(parts):
        yield data.batch(draw, count // parts, seed)


def _parts(n: int, batch: int) -> list[slice]:
    """Parts of about as many as a step of training has; none is left over to be a part of its own."""
    parts = max(1, n // max(MIN_BATCH, batch))
    ends = [n * k // parts for k in range(parts + 1)]
    return [slice(*each) for each in pairwise(ends)]


def _listened(train: Tensor, held_out: Tensor, fake: Tensor) -> dict[str, Any]:
    """D's answers as numbers."""
    threshold = (train.median() + fake.median()) / 2
    refused = (fake < threshold).double() + (fake == threshold).double() / 2
    taken, taken_held_out = (
        ((real > threshold).double() + (real == threshold).double() / 2).mean() for real in (train, held_out)
    )
    a, b = len(train), len(held_out)
    return {
        "accuracy": ((taken + refused.mean()) / 2).item(),
        "accuracy_held_out": ((taken_held_out + refused.mean()) / 2).item(),
        "auc": _above(train, fake),
        "auc_held_out": _above(held_out, fake),
        "gap": _above(train, held_out),
        # of Mann and Whitney's statistic when both come from one distribution
        "gap_error": math.sqrt((a + b + 1) / (12 * a * b)),
        "score": torch.cat([train, fake]).abs().mean().item(),
    }


def _above(a: Tensor, b: Tensor) -> float:
    """How often a value of `a` is above one of `b`; ties count half."""
    difference = a[:, None] - b[None, :]
    return ((difference > 0).double().mean() + (difference == 0).double().mean() / 2).item()


@contextmanager
def _as_in_training(networks: Any, how: Play) -> Iterator[None]:
    """As the networks are between two rounds, without gradient; buffers and the random states are put back after."""
    modules = [module for network in networks for module in network.modules()]
    with forked(how.device), preserving(modules), torch.no_grad():
        seed_global(seed_of(how.seed, "doctor"), how.device)
        yield
