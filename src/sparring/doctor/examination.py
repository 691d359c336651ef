"""Measuring a game under way, on reals and noise that stay the same, leaving no trace in it."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring import metrics
from sparring.data import Dataset, Unpaired
from sparring.doctor.listening import Heard, length
from sparring.doctor.signals import Signals
from sparring.doctor.space import Seen, Shares, Space
from sparring.game import Batch, Networks
from sparring.loop import Play, State, evaluating, preserving, seed_of
from sparring.metrics.table import KnownModes
from sparring.scoring import stored

SAMPLES = 500
"""Samples of fixed noise, compared with as many held-out reals."""

LISTENED = 256
"""Training reals, held-out reals and fakes that D is asked about, each."""

KNOWN = 4000
"""Training reals that samples are held against, at most."""

FEWEST = 40
"""With fewer held-out reals than this the training data stands in for them."""

COMPARED = 20
"""With fewer reals than this samples are compared with nothing, and only D and the steps are looked at."""

AT_ONCE = 500
"""Training reals that are read at once: they may be large pictures."""

BOUNDLESS = 1e15
"""Samples and scores beyond this are no numbers any more: their squares leave float32."""

SMALLEST_BATCH = 16
"""D is asked in batches as in training, for the sake of batch norm, but not in smaller ones than this."""


class Examiner:
    """Examines one game, again and again.

    Args:
        state: the game.
        data: what it is trained on.
        how: seed, batch and device.
        modes: where the data's modes are known.
    """

    def __init__(self, state: State, data: Dataset | Unpaired, how: Play, modes: KnownModes | None = None) -> None:
        self._state, self._how, self._spec, self._modes = state, how, data.spec, modes
        self._mirror = data.mirror
        game, key = state.game, data.spec.keys[-1]
        self._key = key
        seed = seed_of(how.seed, "doctor") % 2**31
        held_out = data.held_out_batch(max(SAMPLES, LISTENED))
        if data.mirror:
            held_out = _mirrored(held_out, seed)
        known = _known(data, seed)
        some = next(known)
        self._train, self._held_out = (
            {name: each[name][:LISTENED].clone() for name in (key, *game.conditions)} for each in (some, held_out)
        )
        # a game that is given conditions makes one sample of each: repeats would be no samples of their own
        pool = {name: torch.cat([held_out[name], some[name]])[:SAMPLES] for name in game.conditions}
        drawn = min([SAMPLES, *map(len, pool.values())])
        self._noise = game.noise(drawn, torch.Generator().manual_seed(seed), None)
        self._conditions = {name: value[:drawn] for name, value in pool.items()}
        fresh = held_out[key] if len(held_out[key]) >= FEWEST else some[key]
        # a distance between sets depends on how many there are in each
        self._n = min(drawn, len(fresh))
        self._space = None
        if min(self._n, len(some[key])) >= COMPARED:
            parts = ((self._stored(each[key]), each.get("y")) for each in chain([some], known))
            raw, labels = zip(*parts, strict=True)
            self._space = Space(data.spec, np.concatenate(raw), torch.cat(labels) if data.spec.classes else None)
            seen = self._space(self._stored(fresh[: self._n]))
            self._fresh, self._floor = self._space.evidence(seen), self._space.distance(seen)
        self._makers = [player for player in game.players if set(player.trains) & set(game.average)]
        self._before: Seen | None = None

    def __call__(self, heard: dict[str, Heard], swings: dict[str, float]) -> Signals:
        """Examine the game as it stands.

        Args:
            heard: the last step of each player.
            swings: standard deviation of each term since the last examination.
        """
        live, averaged = self._state.game.networks, self._state.sampled
        with _as_in_training(live, self._how):
            fakes = self._drawn(live, min(LISTENED, len(self._noise)), self._how.batch)
            made = {name: value[: len(fakes)] for name, value in self._conditions.items()} | {self._key: fakes}
            answers = [self._asked(live, each) for each in (self._train, self._held_out, made)]
            slope = self._slope(live)
        with evaluating(averaged):
            samples = self._drawn(averaged, len(self._noise), 100)
        found: dict[str, Any] = self._steps(heard) | {"loss_swings": swings}
        found["passed"] = found["gradient"] / slope if slope and "gradient" in found else None
        if all(bool((each.abs() < BOUNDLESS).all()) for each in (*answers, fakes, samples)):
            found |= _listened(*answers)
            if self._space:
                found |= self._likeness(self._space, samples) | self._drift(self._space, fakes)
        else:
            found["finite"] = False
        return Signals(**found)

    def _stored(self, x: Tensor) -> np.ndarray:
        """As the space takes it: pictures as they are stored, points in the networks' own units."""
        return stored(self._spec.to_data(x)) if self._spec.kind == "image" else x.numpy()

    def _drawn(self, networks: Networks, n: int, batch: int) -> Tensor:
        parts = []
        for which in _parts(n, batch):
            given = {key: value[which].to(self._how.device) for key, value in self._conditions.items()}
            parts.append(self._state.game.sample(networks, self._noise[which].to(self._how.device), given))
        return torch.cat(parts).float().cpu()

    def _asked(self, networks: Networks, batch: Batch) -> Tensor:
        parts = []
        for which in _parts(len(batch[self._key]), self._how.batch):
            given = {key: value[which].to(self._how.device) for key, value in batch.items()}
            if len(given[self._key]) == 1:  # batch norm knows no variance of one
                given = {key: torch.cat([value, value]) for key, value in given.items()}
            answers = self._state.game.critic(networks, given)
            parts.append(answers.reshape(len(answers), -1).mean(1)[: which.stop - which.start])
        return torch.cat(parts).float().cpu()

    def _slope(self, networks: Networks) -> float:
        """Length of the gradient, by G's parameters, of the mean score that D gives to samples."""
        own = [p for player in self._makers for p in self._state.owned[player.name]]
        which = _parts(len(self._noise), self._how.batch)[0]
        given = {key: value[which].to(self._how.device) for key, value in self._conditions.items()}
        with torch.enable_grad():
            fakes = self._state.game.sample(networks, self._noise[which].to(self._how.device), given)
            score = self._state.game.critic(networks, given | {self._key: fakes}).mean()
        if not own or not score.requires_grad:
            return 0.0
        return length([g for g in torch.autograd.grad(score, own, allow_unused=True) if g is not None])

    def _steps(self, heard: dict[str, Heard]) -> dict[str, Any]:
        """Who makes samples is G here, all others are D."""
        found: dict[str, Any] = {}
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
        raw = self._stored(samples)
        seen = space(raw)
        fair = seen.first(self._n)
        judge = metrics.linear_two_sample_test(self._fresh, space.evidence(fair))
        near = metrics.manifold(space.known.features[: self._n], fair.features)
        classes = self._known_modes(samples) if self._modes else space.classes(seen)
        mirrored = [space(raw[..., ::-1])] if self._mirror else []
        return {
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
            "copies": space.copies(seen, *mirrored),
            "classes": tuple(classes.ratios.tolist()) if classes else (),
            "classes_lost": classes.lost(len(samples)) if classes else None,
        }

    def _known_modes(self, samples: Tensor) -> Shares:
        assert self._modes
        centers, _ = self._modes
        nearest = torch.cdist(torch.from_numpy(self._spec.to_data(samples)).double(), centers.double()).argmin(1)
        return Shares.of(nearest, torch.full((len(centers),), 1 / len(centers)).double())

    def _drift(self, space: Space, fakes: Tensor) -> dict[str, Any]:
        seen, before = space(self._stored(fakes)), self._before
        self._before = seen
        found = {"spread_live": space.spread(seen), "lost_live": space.lost(seen)}
        if before is None:
            return found
        change = space.histogram(seen) - space.histogram(before)
        return found | {"moved": space.moved(before, seen), "swung": change.abs().sum().item() / 2}


def _known(data: Dataset | Unpaired, seed: int) -> Iterator[Batch]:
    """Training examples, each once, a few hundred at a time."""
    count = min(KNOWN, len(data.b if isinstance(data, Unpaired) else data))
    parts = math.ceil(count / AT_ONCE)
    for draw in range(parts):
        yield data.batch(draw, count // parts, seed)


def _mirrored(batch: Batch, seed: int) -> Batch:
    """Half of all pictures flipped left to right, as those that a game is taught."""
    flip = torch.rand(len(next(iter(batch.values()))), generator=torch.Generator().manual_seed(seed)) < 0.5
    return {
        key: torch.where(flip[:, None, None, None], value.flip(-1), value) if value.ndim == 4 else value
        for key, value in batch.items()
    }


def _parts(n: int, batch: int) -> list[slice]:
    """Parts of about as many as a step of training has; none is left over to be a part of its own."""
    parts = max(1, n // max(SMALLEST_BATCH, batch))
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
def _as_in_training(networks: Networks, how: Play) -> Iterator[None]:
    """Training mode and no gradient within; modes, buffers and the global random state are put back after."""
    modules = [module for network in networks for module in network.modules()]
    devices = [how.device] if how.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), preserving(modules), evaluating(networks, training=True):
        torch.default_generator.manual_seed(seed_of(how.seed, "doctor"))
        yield
