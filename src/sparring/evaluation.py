"""From runs, folders or arrays of samples to tables of metrics: `sparring.evaluate`, `sparring.compare`."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import sparring.data
from sparring import workflows
from sparring.config import RunConfig, read_toml, validated
from sparring.data import Dataset, Unpaired
from sparring.errors import UserError, writing
from sparring.game import Game
from sparring.metrics.table import Row as Row
from sparring.runs import RunDir
from sparring.scoring import Copies as Copies
from sparring.scoring import Evaluation as Evaluation
from sparring.scoring import Features, Scorer, Tell, stored


def evaluate(
    generated: str | Path | np.ndarray,
    *,
    against: workflows.Source | None = None,
    features: Features | None = None,
    samples: int = 10_000,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    seed: int = 0,
    game: Game | None = None,
    progress: Tell | None = None,
) -> Evaluation:
    """Do the samples follow the data? All metrics, each beside what reals would get; see `compare`."""
    return compare(
        [generated],
        against=against,
        features=features,
        samples=samples,
        size=size,
        channels=channels,
        seed=seed,
        game=game,
        progress=progress,
    )[0]


def compare(
    generated: Sequence[str | Path | np.ndarray],
    *,
    against: workflows.Source | None = None,
    features: Features | None = None,
    samples: int = 10_000,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    seed: int = 0,
    game: Game | None = None,
    progress: Tell | None = None,
) -> list[Evaluation]:
    """Evaluate several sets of samples against the same reals, with the same features and as many of each.

    Args:
        generated: runs; or folders, zips or arrays of samples of any generator.
        against: the reals; by default the runs' own data.
        features: see `sparring.scoring.Scorer`.
        samples: how many on either side, at most; half of the reals is the other limit.
        size: (height, width) to bring samples and reals to, when they differ.
        channels: 1, 3 or 4, to bring both to.
        seed: of the split of the reals.
        game: the game, where a run was not one of a recipe.
        progress: called with what is being done and how much is done, 0 to 1.

    Returns:
        One evaluation each, in the order given; those of runs are also appended to their `metrics.jsonl`.

    Raises:
        UserError: anything that the user can mend; above all, samples and reals of different sizes or channels, and
            runs on different data.
    """
    tell = progress or (lambda what, share: None)
    tell("reading the reals", 0.0)
    data, source = _reals(generated, against, size, channels)
    limit = min(samples, (len(data.train) + len(data.held_out)) // 2)
    sets = []
    for k, each in enumerate(generated):
        tell(f"samples of {_name(each)}", 0.1 + 0.2 * k / len(generated))
        sets.append(_samples(each, limit, size, channels, game))
    tell("features and metrics of the reals", 0.3)
    scorer = Scorer(data, source, features, min(limit, *map(len, sets)), seed)
    found = []
    for k, (each, made) in enumerate(zip(generated, sets, strict=True)):
        tell(f"metrics of {_name(each)}", 0.4 + 0.6 * k / len(generated))
        found.append(scorer(made, _name(each)))
        if _is_run(each):
            run = RunDir(Path(str(each)))
            with writing(run.metrics):
                run.append({"round": int(run.latest().name)} | found[-1].to_dict(), run.metrics)
    tell("done", 1.0)
    return found


def exceeds_noise(a: Evaluation, b: Evaluation, metric: str, z: float = 2.0) -> bool:
    """Whether two sets differ in a metric by more than `z` standard errors of the difference.

    Args:
        a: of one set of samples.
        b: of another.
        metric: its name.
        z: 2 is wrong about once in twenty times where there is no difference.

    Raises:
        UserError: other features, other reals, or other numbers of samples.
        KeyError: no such metric.
    """
    for what, mine, theirs in (
        ("features", f"{a.extractor} {a.digest}", f"{b.extractor} {b.digest}"),
        *((key, str(a.provenance[key]), str(b.provenance[key])) for key in ("fingerprint", "shape", "samples")),
    ):
        if mine != theirs:
            raise UserError(f"numbers of different {what} never compare: {mine} and {theirs}", "evaluate both alike")
    mine, theirs = a[metric], b[metric]
    return abs(mine.value - theirs.value) > z * math.hypot(mine.spread or 0.0, theirs.spread or 0.0)


def _is_run(generated: object) -> bool:
    return isinstance(generated, str | Path) and RunDir(Path(generated)).config.is_file()


def _name(generated: object) -> str:
    return str(generated) if isinstance(generated, str | Path) else "an array"


def _reals(
    generated: Sequence[object],
    against: workflows.Source | None,
    size: tuple[int, int] | None,
    channels: int | None,
) -> tuple[Dataset, str]:
    """The reals, and the name of their source."""
    if against is not None:
        if isinstance(against, Dataset | Unpaired):
            return _one_kind(against), "a data set"
        found = sparring.data.open(against, size=size, channels=channels)
        return _one_kind(found), str(against) if isinstance(against, str | Path) else "an array"
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
    if not config.data.source:
        raise UserError(f"the data of {runs[0]} was handed over in memory", "sparring.evaluate(run, against=...)")
    if (size and size != config.data.size) or (channels and channels != config.data.channels):
        raise UserError("a run's samples have the run's own size and channels", "leave --size and --channels out")
    data = _one_kind(workflows.open_data(config.data.source, config))
    if data.fingerprint != config.fingerprint:
        raise UserError(f"the data of {runs[0]} has changed since the run began", "put it back, or use --against")
    return data, config.data.source


def _one_kind(data: Dataset | Unpaired) -> Dataset:
    if not isinstance(data, Dataset):
        raise UserError("the data is of two kinds, trainA and trainB", "name one of the folders")
    return data


def _samples(
    generated: str | Path | np.ndarray,
    n: int,
    size: tuple[int, int] | None,
    channels: int | None,
    game: Game | None,
) -> np.ndarray:
    """As the reals are stored: uint8 `(N, C, H, W)`, or float32 `(N, D)`."""
    if _is_run(generated):
        return stored(workflows.sample(str(generated), n, game=game))
    made = sparring.data.read(generated, size=size, channels=channels)
    return made[np.random.default_rng(0).permutation(len(made))][:n]
