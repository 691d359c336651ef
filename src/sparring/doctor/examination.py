"""Measuring a game under way, on reals and noise that stay the same, leaving no trace in it."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from sparring import metrics
from sparring.data import Dataset, Unpaired
from sparring.doctor.listening import Heard, length
from sparring.doctor.signals import Signals
from sparring.doctor.space import MISSED, Seen, Space
from sparring.game import Batch, Networks
from sparring.loop import Play, State, evaluating, seed_of
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
        game, self._key = state.game, data.spec.keys[-1]
        target = data.b if isinstance(data, Unpaired) else data
        seed = seed_of(how.seed, "doctor") % 2**31
        known = target.batch(0, min(KNOWN, len(target)), seed)
        held_out = data.held_out_batch(max(SAMPLES, LISTENED))
        self._space = Space(data.spec, self._stored(known["x"]), known.get("y") if data.spec.classes else None)
        self._held_out = held_out[self._key]
        self._train = known["x"][:LISTENED]
        fresh = self._held_out if len(self._held_out) >= FEWEST else known["x"]
        self._n = min(SAMPLES, len(fresh))  # a distance between sets depends on how many there are in each
        seen = self._space(self._stored(fresh[: self._n]))
        self._fresh = self._space.evidence(seen)
        self._floor = self._space.distance(seen)
        self._noise = game.noise(SAMPLES, torch.Generator().manual_seed(seed), None)
        self._conditions = {key: held_out[key][torch.arange(SAMPLES) % len(held_out[key])] for key in game.conditions}
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
            fakes = self._drawn(live, LISTENED, max(SMALLEST_BATCH, self._how.batch))
            answers = [self._asked(live, each) for each in (self._train, self._held_out[:LISTENED], fakes)]
            slope = self._slope(live)
        with evaluating(averaged):
            made = self._drawn(averaged, SAMPLES, 100)
        found: dict[str, Any] = self._steps(heard) | {"loss_swings": swings}
        found["passed"] = found["gradient"] / slope if slope and "gradient" in found else None
        if all(bool(each.isfinite().all()) for each in (*answers, fakes, made)):
            found |= _listened(*answers)
            found |= self._likeness(made) | self._drift(fakes) if self._n >= COMPARED else {}
        else:
            found["finite"] = False
        return Signals(**found)

    def _stored(self, x: Tensor) -> Any:
        return stored(self._spec.to_data(x))

    def _drawn(self, networks: Networks, n: int, batch: int) -> Tensor:
        parts = []
        for begin in range(0, n, batch):
            which = slice(begin, min(begin + batch, n))
            given = {key: value[which].to(self._how.device) for key, value in self._conditions.items()}
            parts.append(self._state.game.sample(networks, self._noise[which].to(self._how.device), given))
        return torch.cat(parts).float().cpu()

    def _asked(self, networks: Networks, x: Tensor) -> Tensor:
        batch = max(SMALLEST_BATCH, self._how.batch)
        parts = []
        for part in x.split(batch):
            given: Batch = {key: value[: len(part)] for key, value in self._conditions.items()} | {self._key: part}
            on_device = {key: value.to(self._how.device) for key, value in given.items()}
            parts.append(self._state.game.critic(networks, on_device).reshape(len(part), -1).mean(1))
        return torch.cat(parts).float().cpu()

    def _slope(self, networks: Networks) -> float:
        """Length of the gradient, by G's parameters, of the mean score that D gives to samples."""
        own = [p for player in self._makers for p in self._state.owned[player.name]]
        batch = max(SMALLEST_BATCH, self._how.batch)
        given = {key: value[:batch].to(self._how.device) for key, value in self._conditions.items()}
        with torch.enable_grad():
            fakes = self._state.game.sample(networks, self._noise[:batch].to(self._how.device), given)
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

    def _likeness(self, made: Tensor) -> dict[str, Any]:
        space, seen = self._space, self._space(self._stored(made))
        fair = seen.first(self._n)
        judge = metrics.linear_two_sample_test(self._fresh, space.evidence(fair))
        near = metrics.manifold(space.known.features[: self._n], fair.features)
        classes = self._classes(made, seen)
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
            "copies": space.copies(seen),
            "classes": tuple(classes.tolist()) if classes is not None else (),
            "classes_lost": (classes < MISSED).double().mean().item() if classes is not None else None,
        }

    def _classes(self, made: Tensor, seen: Seen) -> Tensor | None:
        if self._modes is None:
            return self._space.classes(seen)
        centers, _ = self._modes
        nearest = torch.cdist(torch.from_numpy(self._stored(made)).double(), centers.double()).argmin(1)
        return torch.bincount(nearest, minlength=len(centers)).double() * len(centers) / len(made)

    def _drift(self, fakes: Tensor) -> dict[str, Any]:
        space, seen, before = self._space, self._space(self._stored(fakes)), self._before
        self._before = seen
        found = {"spread_live": space.spread(seen), "lost_live": space.lost(seen)}
        if before is None:
            return found
        change = space.histogram(seen) - space.histogram(before)
        return found | {"moved": space.moved(before, seen), "swung": change.abs().sum().item() / 2}


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
    buffers = [(buffer, buffer.clone()) for network in networks for buffer in network.buffers()]
    devices = [how.device] if how.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), evaluating(networks, training=True):
        torch.default_generator.manual_seed(seed_of(how.seed, "doctor"))
        try:
            yield
        finally:
            for buffer, before in buffers:
                buffer.copy_(before)
