"""From runs, folders or arrays of samples to tables of metrics: `sparring.evaluate`, `sparring.compare`."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

import sparring.data
from sparring import workflows
from sparring.cache import Cache, features_folder
from sparring.config import RunConfig, read_toml, validated
from sparring.data import Channels, Data, Viewed, viewed
from sparring.devices import UnavailableError, choose_device
from sparring.errors import UserError, writing
from sparring.game import Game
from sparring.kinds import classes_of, from_tables, labelled
from sparring.progress import Tell, Work, untold_work
from sparring.runs import RunDir
from sparring.scoring import (
    FEATURES,
    METRICS,
    Evaluation,
    Features,
    Scorer,
    check_shape,
    expected_seconds,
    reals_needed,
)

Generated = str | Path | np.ndarray | workflows.Run
"""A run; or a folder, zip or array of samples of any generator."""


def evaluate(generated: Generated, **arguments: Any) -> Evaluation:
    """Do the samples follow the data? All metrics, each beside what reals would get.

    Args:
        generated: a run; or a folder, zip or array of samples of any generator.
        arguments: of `compare`: `against`, `features`, `samples`, `size`, `channels`, `seed`, `device`, ...

    Returns:
        The evaluation; that of a run is also appended to its `metrics.jsonl`.

    Raises:
        UserError: see `compare`.
    """
    return compare([generated], **arguments)[0]


def compare(
    generated: Sequence[Generated],
    *,
    against: workflows.Source | None = None,
    features: Features | None = None,
    samples: int = 10_000,
    size: tuple[int, int] | None = None,
    channels: Channels | None = None,
    seed: int = 0,
    checkpoint: str = "latest",
    game: Game[Any] | None = None,
    device: str | None = None,
    cache: bool = True,
    progress: Tell | None = None,
) -> list[Evaluation]:
    """Evaluate several sets of samples against the same reals, with the same features and as many of each.

    Args:
        generated: runs; or folders, zips or arrays of samples of any generator.
        against: the reals; by default the runs' own data.
        features: see `sparring.scoring.Scorer`.
        samples: how many on either side, at most; half of the reals is the other limit.
        size: (height, width) to bring samples and reals to, when they differ; by default the run's own.
        channels: 1, 3 or 4, to bring both to; or "raw"; see `sparring.data.open`; by default the run's own.
        seed: of the split of the reals.
        checkpoint: of runs: "latest", "best" or a round.
        game: the game of those runs that were not of a recipe.
        device: where runs are sampled and features computed: auto, cpu, cuda or mps; by default the first run's own,
            or the processor where it is not here.
        cache: whether features of the reals, and a classifier trained on them, are kept for the next evaluation, in
            `$XDG_CACHE_HOME/sparring/features` or `~/.cache/sparring/features`; 1 GiB at most.
        progress: called with what is being done and how much is done, 0 to 1.

    Returns:
        One evaluation each, in the order given; those of runs are also appended to their `metrics.jsonl`.

    Raises:
        UserError: anything that the user can fix; above all, samples and reals of different sizes or channels, and
            runs on different data.
    """
    if isinstance(generated, str | Path | np.ndarray) or not len(generated):
        raise UserError("compare takes a list of sets of samples", "sparring.compare([a, b])")
    tell = progress or untold_work
    tell("reading the reals", 0.0)
    given = [each.path if isinstance(each, workflows.Run) else each for each in generated]
    where = _device(given, device)
    reals, source = _reals(given, against, size, channels, workflows.Opening(cache))
    ready = [_sampler(each, checkpoint, game, where) for each in given]
    makes = next((each.game.makes for each in ready if each and each.game.makes in reals.schema), "x")
    data = viewed(reals, makes, most=reals_needed(samples))
    limit = min(samples, (len(data.train) + len(data.held_out)) // 2)
    work = _work(given, data, features, limit, tell)
    sets = []
    for k, each in enumerate(given):
        work(_part(k, given, SAMPLING), 0.0)
        sets.append(_drawn(each, ready[k], limit, size, channels, checkpoint))
        check_shape(tuple(sets[-1].samples.shape[1:]), data)
    n = min(limit, *(len(each.samples) for each in sets))
    kept = Cache(features_folder() if cache else None)
    scorer = Scorer(data, source, features, n, seed, device=torch.device(where), cache=kept, tell=work)
    found = []
    for k, (each, drawn) in enumerate(zip(given, sets, strict=True)):
        asked = drawn.asked if drawn.classes == data.classes else None
        evaluation = scorer(drawn.samples, _name(each), asked, partial(_tell_part, work, k, given))
        evaluation = _in_own_order(evaluation, drawn.order)
        if made_by := ready[k]:
            evaluation = workflows.fairly_tested(evaluation, made_by.game, made_by.schema, reals)
            beside = workflows.partners_of(made_by.game, made_by.schema, reals, scorer)
            evaluation = replace(evaluation, partners=beside and beside(made_by.made_from))
        found.append(evaluation)
        if drawn.run:
            with writing(drawn.run.metrics):
                drawn.run.append({"round": drawn.round} | evaluation.to_dict(), drawn.run.metrics)
    tell("done", 1.0)
    return found


SAMPLING = "samples"

SECONDS_A_SAMPLE, SECONDS_A_PICTURE = 2e-3, 1e-4
"""To draw one, and to read one from a file, on one processor core; a guess, for a bar."""


def _work(given: Sequence[object], data: Viewed, features: Features | None, n: int, tell: Tell) -> Work:
    """The parts of comparing, in their order."""
    each = expected_seconds(data, features, n)
    own = {what: each.pop(what) for what in (FEATURES, METRICS)}
    drawing = (n * (SECONDS_A_SAMPLE if _is_run(one) else SECONDS_A_PICTURE) for one in given)
    parts = {_part(k, given, SAMPLING): seconds for k, seconds in enumerate(drawing)} | each
    parts |= {_part(k, given, what): seconds for k in range(len(given)) for what, seconds in own.items()}
    return Work(parts, tell)


def _part(k: int, given: Sequence[object], what: str) -> str:
    which = f"{_name(given[k])} ({k + 1} of {len(given)})" if len(given) > 1 else _name(given[k])
    return f"{what.removesuffix(' of the samples')} of {which}"


def _tell_part(work: Work, k: int, given: Sequence[object], what: str, share: float) -> None:
    work(_part(k, given, what), share)


def _device(given: Sequence[object], wanted: str | None) -> str:
    """The one that is wanted; else that of the first run, where it is here."""
    if wanted:
        return str(choose_device(wanted))
    run = next((each for each in given if _is_run(each)), None)
    if run is None:
        return "cpu"
    try:
        return str(choose_device(validated(RunConfig, read_toml(RunDir(Path(str(run))).config), str(run)).device))
    except UnavailableError:
        return "cpu"


def _in_own_order(evaluation: Evaluation, order: np.ndarray) -> Evaluation:
    """With the closest samples named by their places in what was given."""
    if not evaluation.copies:
        return evaluation
    test = evaluation.copies.test
    own = test._replace(closest=tuple(int(order[index]) for index in test.closest))
    return replace(evaluation, copies=replace(evaluation.copies, test=own))


def exceeds_noise(a: Evaluation, b: Evaluation, metric: str, z: float = 2.0) -> bool:
    """Whether two sets differ in a metric by more than `z` standard errors of the difference.

    Args:
        a: of one set of samples.
        b: of another.
        metric: its name.
        z: 2 is wrong in fewer than one of twenty times where there is no difference: the errors are those of two
            sets drawn apart, and these share their reals.

    Raises:
        UserError: other features, other reals, other numbers of samples, or a metric without a standard error.
        KeyError: no such metric.
    """
    for what, (mine, theirs) in {
        "features": (f"{a.extractor} {a.digest}", f"{b.extractor} {b.digest}"),
        **{key: (a.provenance[key], b.provenance[key]) for key in ("fingerprint", "shape", "mirror", "samples")},
    }.items():
        if mine != theirs:
            raise UserError(f"numbers of different {what} never compare: {mine} and {theirs}", "evaluate both alike")
    mine, theirs = a[metric], b[metric]
    if mine.spread is None or theirs.spread is None:
        raise UserError(f"{metric} comes without a standard error", "compare another metric")
    return abs(mine.value - theirs.value) > z * math.hypot(mine.spread, theirs.spread)


def _is_run(generated: object) -> bool:
    return isinstance(generated, str | Path) and RunDir(Path(generated)).config.is_file()


def _name(generated: object) -> str:
    return str(generated) if isinstance(generated, str | Path) else "an array"


def _reals(
    generated: Sequence[object],
    against: workflows.Source | None,
    size: tuple[int, int] | None,
    channels: Channels | None,
    opening: workflows.Opening,
) -> tuple[Data, str]:
    """The reals, and the name of their source."""
    if against is not None:
        if isinstance(against, Data):
            return against, "a data set"
        asked: dict[str, Any] = {"size": size, "channels": channels}
        read_as = _form(generated) | {name: value for name, value in asked.items() if value}
        found = sparring.data.open(against, cache=opening.cache, **read_as)
        return found, str(against) if isinstance(against, str | Path) else "an array"
    runs = [each for each in generated if _is_run(each)]
    if len(runs) < len(generated):
        other = next(each for each in generated if not _is_run(each))
        if isinstance(other, str | Path) and not Path(other).exists():
            raise UserError(f"there is nothing at {other}", "a run, or a folder, zip or array of samples")
        raise UserError(f"{_name(other)} is not a run: there are no reals to compare with", "--against SOURCE")
    configs = [validated(RunConfig, read_toml(RunDir(Path(str(run))).config), str(run)) for run in runs]
    if len({config.fingerprint for config in configs}) > 1:
        raise UserError("these runs were trained on different data", "--against SOURCE compares them with one")
    config = configs[0]
    if (size and size != config.data.size) or (channels and channels != config.data.channels):
        raise UserError("a run's samples have the run's own size and channels", "leave --size and --channels out")
    data = workflows.reopened(str(runs[0]), config, hint="sparring.evaluate(run, against=...)", opening=opening)
    return data, config.data.named


def _form(generated: Sequence[object]) -> dict[str, Any]:
    """How the pictures of the first run are read, as `sparring.data.open` takes it; nothing of anything else."""
    run = next((each for each in generated if _is_run(each)), None)
    if run is None:
        return {}
    config = validated(RunConfig, read_toml(RunDir(Path(str(run))).config), str(run))
    shape = from_tables(config.columns)[config.makes].shape
    if len(shape) != 3:
        return {}
    count, height, width = shape
    channels = config.data.channels or (count if count in (1, 3, 4) else "raw")
    return {"size": (height, width), "channels": channels, "frames": config.data.frames, "range": config.data.range}


class _Drawn(NamedTuple):
    """Stored samples, their places in what was given, the labels they were made from and their classes, their run."""

    samples: Tensor
    order: np.ndarray
    asked: Tensor | None = None
    classes: tuple[str, ...] = ()
    run: RunDir | None = None
    round: int = 0


def _sampler(
    generated: str | Path | np.ndarray, checkpoint: str, game: Game[Any] | None, device: str
) -> workflows.Sampler | None:
    """What draws samples; None where they are there already."""
    if not _is_run(generated):
        return None
    config = validated(RunConfig, read_toml(RunDir(Path(str(generated))).config), str(generated))
    own = config.recipe == workflows.CUSTOM
    return workflows.sampler(str(generated), checkpoint=checkpoint, device=device, game=game if own else None)


def _drawn(
    generated: str | Path | np.ndarray,
    ready: workflows.Sampler | None,
    n: int,
    size: tuple[int, int] | None,
    channels: Channels | None,
    checkpoint: str,
) -> _Drawn:
    if ready is None:
        made = sparring.data.read(generated, size=size, channels=channels)
        order = np.random.default_rng(0).permutation(len(made))[:n]
        return _Drawn(torch.from_numpy(made[order]), order)
    run = RunDir(Path(str(generated)))
    number = run.round_of(run.which(checkpoint))  # before sampling: a run under way goes on
    if run.metrics.exists():
        with writing(run.metrics):  # now, not after minutes of work
            run.metrics.open("a").close()
    rows = ready(range(n))
    column = labelled(ready.schema, ready.game.given) or ""
    classes = classes_of(ready.schema, column)
    return _Drawn(rows[ready.game.makes], np.arange(n), rows.get(column), classes, run, number)
