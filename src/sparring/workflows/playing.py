"""Playing a plan and writing its run directory; what happens between two rounds is one small object each."""

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from statistics import median
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from sparring import checkpoint as checkpoints
from sparring.config import RunConfig, to_toml
from sparring.data import Rows, viewed
from sparring.doctor import OFF, Doctor, Health, readings
from sparring.drawing import rows_for
from sparring.errors import UserError, writing
from sparring.game import FORESEEN
from sparring.kinds import labelled
from sparring.lock import locked
from sparring.loop import DivergedError, Round, State, play
from sparring.metrics.table import KNOWN_MODES
from sparring.pacing import PACED_ROUNDS, Meter, interruptions
from sparring.processes import ALONE
from sparring.runs import RunDir
from sparring.scoring import Evaluation, Scorer, reals_needed
from sparring.severity import is_trouble
from sparring.workflows import given
from sparring.workflows.configuring import cadences
from sparring.workflows.leading import Lead, follow
from sparring.workflows.partnering import fairly_tested, partners_of
from sparring.workflows.planning import Plan, fraction_of
from sparring.workflows.showing import Showing, stored_from, stored_samples

MEASURED = 0.05
"""Of a budget in minutes, and a minute at most: what is played before the length of the run is estimated."""

TRIED = 4
"""Rounds by which a later pace of the game is measured; the first of them does not count."""


@dataclass(frozen=True)
class Status:
    """Where a run stands; `run` yields one at every line of the log and one at the end.

    Args:
        round: rounds completed.
        images: examples the first player has been shown.
        seconds: of training, resumed parts included.
        fraction: of the budget that is used up, 0 to 1.
        terms: `{"player/term": mean since the last status}`.
        rate: images a second since the last status.
        sample: the newest preview of samples.
        evaluation: the newest, where the run is evaluated as it goes.
        health: the newest, where a doctor attends.
        finished: why the run ended; empty while it goes on.
    """

    round: int
    images: int
    seconds: float
    fraction: float
    terms: dict[str, float]
    rate: float
    sample: Path | None
    evaluation: Evaluation | None = None
    health: Health | None = None
    finished: str = ""

    def record(self) -> dict[str, Any]:
        """A line of the log."""
        where = {"kind": "terms", "round": self.round, "images": self.images, "seconds": round(self.seconds, 3)}
        return where | {"terms": self.terms}


def run(plan: Plan) -> Iterator[Status]:
    """Play a plan and write its run directory.

    SIGINT and SIGTERM end it after the round under way, with a checkpoint. Of several processes the first one does all
    that is described here; the others play along, and yield nothing.

    Yields:
        A `Status` at every line of the log, and a last one with `finished` set.

    Raises:
        DivergedError: a term of the loss was NaN or infinite. The checkpoint before stays.
        ProcessesError: another process has died, or holds other weights.
        UserError: the disk is full, or the run is to be evaluated and its data does not do for that.
    """
    if not plan.how.processes.leads:
        follow(plan)
        return
    with Lead(plan.how.processes) as lead:
        scoring = Scoring(plan)
        with writing(plan.out.path):
            plan.out.path.mkdir(parents=True, exist_ok=True)
        with locked(plan.out.path):
            yield from _run(plan, lead, scoring)


def _run(plan: Plan, lead: Lead, scoring: "Scoring") -> Iterator[Status]:
    with writing(plan.out.path):
        _begin(plan)
    kept = _kept(plan)
    scoring.kept = kept
    showing = Showing(plan, kept)
    with writing(plan.out.path):
        showing.draw()
    attending = Attending(plan, kept)
    began = time.monotonic() - plan.seconds
    try:
        yield from _rounds(plan, lead, scoring, showing, attending, began)
    except DivergedError as error:
        seconds = time.monotonic() - began
        health = attending.on_divergence(error, seconds)
        if health is None or not attending.restores(health):
            raise
        with writing(plan.out.path):
            _restore(plan, seconds)
            showing.draw()
            Saving(plan).write()
        fraction = fraction_of(plan, seconds)
        where = plan.state.round, plan.images(), seconds, fraction
        yield Status(*where, {}, 0.0, showing.newest, None, health, attending.ending(health))


def _rounds(
    plan: Plan, lead: Lead, scoring: "Scoring", showing: Showing, attending: "Attending", began: float
) -> Iterator[Status]:
    pace, log, saving = Pace(plan, lead), Logging(plan), Saving(plan)
    with interruptions() as interrupted:
        for played in lead.rounds(pace.rounds()):
            log.meter.add(played.terms)
            seconds = time.monotonic() - began
            fraction = fraction_of(plan, seconds)
            stopped = interrupted.is_set() or lead.asked
            finished = "stopped by a signal" if stopped else "budget used up" if fraction >= 1 else ""
            finished = attending.attend(played, seconds, fraction, finished)
            scoring.score(seconds, bool(finished) and not stopped)
            with writing(plan.out.path):
                pace.measure(seconds)
                showing.show(seconds, bool(finished))
                status = log.write(seconds, fraction, finished, showing, scoring, attending)
                saves = saving.due(seconds, bool(finished))
                if saves:
                    lead.compare(plan.state)
                if status and finished and attending.restores(attending.health):
                    _restore(plan, seconds)
                    status = replace(status, sample=showing.draw())
                # after its lines: a resumed run forgets the lines behind its checkpoint, and none before it
                if saves:
                    saving.write()
                    attending.remember()
            if status is not None:
                yield status
            if finished:
                return


class Pace:
    """The rounds of a run, and its length: measured once where the budget is in minutes, and written down."""

    def __init__(self, plan: Plan, lead: Lead) -> None:
        self._plan, self._lead, self._how = plan, lead, plan.how
        self._took: list[float] = []

    def rounds(self) -> Iterator[Round]:
        """Play for as long as the caller asks."""
        while True:
            how, began = self._how, time.monotonic()
            for played in play(self._plan.state, self._plan.data, how):
                if how.horizon is None:
                    self._took.append(time.monotonic() - began)
                yield played
                if self._how is not how:
                    break
                began = time.monotonic()

    def measure(self, seconds: float) -> None:
        """Estimate the round in which the run will end, once a small part of it has been played.

        As if nothing but rounds took time from now on: rates that are still a little above 0 in the end cost less than
        rounds in which they are 0 already. A run begins with more examinations, drawings and slow first rounds. Where a
        game has rounds of several paces, it is their average that counts.
        """
        minutes, round = self._plan.config.budget.minutes, self._plan.state.round
        if self._how.horizon is not None or minutes is None:
            return
        left = 60 * minutes - seconds
        if len(self._took) <= PACED_ROUNDS or seconds - self._plan.seconds < min(60.0, MEASURED * (left + seconds)):
            return
        took, slower = max(median(self._took), 1e-9), slowdown(self._plan)
        # (left + round * took) / (took * slower) in all, less those that were played
        further = (left - round * took * (slower - 1)) / (took * slower)
        decided = {"horizon": round + max(1, math.ceil(further)), "begins": round}
        self._how = replace(self._how, **decided)
        self._lead.decide(decided["horizon"])
        _write_config(self._plan.out, self._plan.config.model_copy(update=decided))


def slowdown(plan: Plan) -> float:
    """How long a round of the run takes on average, over a round as it is played now; 1 where all are alike.

    A copy of the game is played for a few rounds in each of its `paces`.
    """
    begins = plan.state.game.paces
    if len(begins) == 1:
        return 1.0
    ends, took = [*begins[1:], 1.0], list[float]()
    for begin, end in zip(begins, ends, strict=True):
        game = replace(plan.state.game, networks=copy.deepcopy(plan.state.game.networks))
        state, times = State.start(game), list[float]()
        state.round = FORESEEN  # late enough for a few more rounds to be no progress
        how = replace(plan.how, horizon=round(FORESEEN / ((begin + end) / 2)), begins=0, processes=ALONE)
        for _ in islice(play(state, plan.data, how), TRIED):
            times.append(time.monotonic())
        took.append(min(later - sooner for sooner, later in pairwise(times)))
    shares = [end - begin for begin, end in zip(begins, ends, strict=True)]
    return sum(share * each for share, each in zip(shares, took, strict=True)) / took[0]


class Logging:
    """A line of the log every so often."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._cadence = cadences(plan.config, plan.seconds).log
        self.meter = Meter(plan.images(), plan.seconds)

    def write(
        self,
        seconds: float,
        fraction: float,
        finished: str,
        showing: Showing,
        scoring: "Scoring",
        attending: "Attending",
    ) -> Status | None:
        """The status, where it is time for a line, which is then written."""
        plan, round = self._plan, self._plan.state.round
        if not (self._cadence.due(round, seconds) or finished):
            return None
        terms, rate = self.meter.read(plan.images(), seconds)
        found = scoring.newest, attending.health, finished
        status = Status(round, plan.images(), seconds, fraction, terms, rate, showing.newest, *found)
        plan.out.append(status.record())
        return status


class Saving:
    """A checkpoint every so often."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._cadence = cadences(plan.config, plan.seconds).checkpoint

    def due(self, seconds: float, last: bool) -> bool:
        """Whether it is time for one."""
        return self._cadence.due(self._plan.state.round, seconds) or last

    def write(self) -> None:
        """Write one, and remove the oldest.

        Raises:
            DivergedError: a weight is NaN or infinite.
        """
        state, out = self._plan.state, self._plan.out
        for name, tensor in checkpoints.network_tensors(state).items():
            if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
                raise DivergedError(f"the weight {name}", float("nan"), state.round)
        checkpoints.write(state, out.checkpoint(state.round), self._plan.config.recipe)
        out.prune(self._plan.config.keep)


class Scoring:
    """An evaluation every so often, where one is asked for."""

    def __init__(self, plan: Plan) -> None:
        self._plan, config = plan, plan.config
        self._cadence = cadences(config, plan.seconds).evaluate
        self.newest: Evaluation | None = None
        self.kept: Rows = {}
        source = config.data.named or "data in memory"
        self._scorer = self._partners = None
        if self._cadence:
            game, data = plan.state.game, plan.data
            features, n = config.evaluate_features or None, config.evaluate_samples
            reals = viewed(data, game.makes, most=reals_needed(n))
            self._scorer = Scorer(reals, source, features, n, device=plan.how.device)
            self._partners = partners_of(game, data.schema, data, self._scorer)

    def score(self, seconds: float, last: bool) -> None:
        """Evaluate, where it is time for it.

        Raises:
            DivergedError: a sample is NaN or infinite.
        """
        plan = self._plan
        if not self._scorer or not self._cadence or not (self._cadence.due(plan.state.round, seconds) or last):
            return
        seeds = range(self._scorer.n)
        context = rows_for(seeds, self.kept)
        made = stored_samples(plan, seeds, context)
        if not bool(made.isfinite().all()):
            raise DivergedError("a sample", float("nan"), plan.state.round)
        asked = context.get(labelled(plan.data.schema, plan.state.game.given) or "")
        found = self._scorer(made, str(plan.out.path), asked)
        found = fairly_tested(found, plan.state.game, plan.data.schema, plan.data)
        self.newest = replace(found, partners=self._partners and self._partners(partial(stored_from, plan)))
        with writing(plan.out.path):
            plan.out.append({"round": plan.state.round} | self.newest.to_dict(), plan.out.metrics)


class Attending:
    """The doctor, where there is one, and what follows from the verdicts."""

    def __init__(self, plan: Plan, kept: Rows) -> None:
        self._plan, self._doctor = plan, _doctor(plan, kept)
        self.health: Health | None = None

    def attend(self, played: Round, seconds: float, fraction: float, finished: str) -> str:
        """Examine the game, where it is time for it.

        Returns:
            Why the run ends with this round; empty while it goes on.
        """
        doctor, plan = self._doctor, self._plan
        found = doctor and doctor.attend(played, plan.images(), seconds, fraction, last=bool(finished))
        if not doctor or not found:
            return finished
        self.health = found
        with writing(plan.out.path), doctor.charged():
            self._note(found)
        return finished or self.ending(found)

    def on_divergence(self, error: DivergedError, seconds: float) -> Health | None:
        """Record on divergence that a NaN or an infinity has ended the game."""
        if self._doctor is None:
            return None
        health = self._doctor.on_divergence(error, self._plan.images(), seconds)
        with writing(self._plan.out.path):
            self._plan.out.append(health.to_dict())
        return health

    def ending(self, health: Health) -> str:
        """Why the run ends with this examination; empty when it does not."""
        verdict, config = health.verdict.verdict, self._plan.config
        if is_trouble(verdict) and config.on_trouble != "warn":
            return f"ended for {verdict}"
        return verdict if verdict == config.budget.until else ""

    def restores(self, health: Health | None) -> bool:
        """Whether the run ends at its best checkpoint."""
        wanted = self._plan.config.on_trouble == "restore" and self._plan.out.best.is_dir()
        return wanted and health is not None and is_trouble(health.verdict.verdict)

    def remember(self) -> None:
        """Write down what the doctor needs to go on from the checkpoint that was just written."""
        memory = self._doctor.memory if self._doctor else {}
        if memory:
            path = self._plan.out.memory
            temporary = path.with_suffix(".part")
            temporary.write_bytes(save(memory))
            temporary.replace(path)

    def _note(self, health: Health) -> None:
        """Write an examination down, and keep the best checkpoint."""
        out, state = self._plan.out, self._plan.state
        out.append(health.to_dict())
        distance = health.reading.signals.distance
        if health.best and distance is not None:
            checkpoints.write(state, out.best, self._plan.config.recipe)
            out.note_best(state.round, distance)


def _doctor(plan: Plan, kept: Rows) -> Doctor | None:
    every = plan.config.doctor
    if every == OFF:
        return None
    records = plan.out.records()
    history = readings([record for record in records if not record.get("closing")])
    budget = plan.config.budget
    timed = budget.minutes and not (budget.rounds or budget.images or budget.epochs)
    return Doctor(
        plan.state,
        plan.data,
        plan.how,
        every,
        KNOWN_MODES.get(plan.config.data.source),
        history=history,
        seconds=plan.seconds,
        nearest=plan.out.noted_best()[1],
        spent=max((record.get("spent", 0.0) for record in records), default=0.0),
        total=60 * budget.minutes if budget.minutes and timed else math.inf,
        memory=_remembered(plan.out.memory, history[-1].round) if history else None,
    )


def _remembered(path: Path, round: int) -> dict[str, Tensor] | None:
    """What the doctor remembered after the examination of that round; None where that is not what is there."""
    try:
        found = load(path.read_bytes())
    except (OSError, SafetensorError):
        return None
    return found if int(found["round"]) == round else None


def _begin(plan: Plan) -> None:
    """Write the config, and put a resumed run's log back to its checkpoint."""
    out = plan.out
    out.samples.mkdir(exist_ok=True)
    if not plan.resumed:
        try:
            out.config.touch(exist_ok=False)
        except FileExistsError:
            raise UserError(
                f"{out.path} was begun by another run meanwhile", "start again, or choose an --out"
            ) from None
    elif plan.state.round != max((int(path.name) for path in out.finished_checkpoints()), default=0):
        raise UserError(f"{out.path} was played by another process meanwhile", "resume it again")
    _write_config(out, plan.config)
    out.tidy()
    out.rewind(plan.state.round)


def _write_config(out: RunDir, config: RunConfig) -> None:
    temporary = out.config.with_suffix(".part")
    temporary.write_text(to_toml(config.model_dump()), encoding="utf-8")
    temporary.replace(out.config)


def _kept(plan: Plan) -> Rows:
    """What samples are made from: the same rows as long as the run lives."""
    columns = plan.state.game.given
    if plan.out.given.is_file():
        return given.read(plan.out, columns)
    rows = given.chosen(plan.data, columns)
    with writing(plan.out.path):
        given.keep(rows, plan.out)
    return rows


def _restore(plan: Plan, seconds: float) -> None:
    """Go back to the best checkpoint, and forget those after it; the log keeps what happened."""
    checkpoints.read(plan.state, plan.out.best, plan.config.recipe)
    plan.out.forget(plan.state.round)
    where = {"kind": "restored", "round": plan.state.round, "images": plan.images(), "seconds": round(seconds, 3)}
    plan.out.append(where)
