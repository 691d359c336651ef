"""From a run, a folder or an array of samples to a table of metrics: `sparring.evaluate`, `sparring.compare`."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import sparring
import sparring.data
from sparring import workflows
from sparring.config import RunConfig, read_toml, validated
from sparring.data import Dataset, Unpaired
from sparring.errors import UserError, writing
from sparring.game import Game
from sparring.metrics import extractors
from sparring.metrics.extractors import Extractor
from sparring.metrics.table import KNOWN_MODES, Copies, Row, Samples, copies, table
from sparring.runs import RunDir

Tell = Callable[[str, float], None]
Features = str | Extractor | nn.Module


@dataclass(frozen=True)
class Evaluation:
    """All that was found out about a set of samples.

    Args:
        rows: the metrics.
        copies: the memorisation test; None where too little was held out from training.
        extractor: the name of the features.
        digest: of the extractor: numbers of different digests never compare.
        notes: what was left out or shrunk, and why.
        provenance: where samples and reals came from, how many there were, seed, versions.
    """

    rows: tuple[Row, ...]
    copies: Copies | None
    extractor: str
    digest: str
    notes: tuple[str, ...]
    provenance: dict[str, Any]

    def __getitem__(self, name: str) -> Row:
        """The row of a metric.

        Raises:
            KeyError: there is none.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: infinite values are null."""
        return _plain(asdict(self))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def evaluate(generated: str | Path | np.ndarray, **arguments: Any) -> Evaluation:
    """Do the samples follow the data? All metrics, each beside what reals would get.

    Args:
        generated: a run; or a folder, zip or array of samples of any generator.
        arguments: of `compare`: `against`, `features`, `samples`, `size`, `channels`, `seed`, ...

    Returns:
        The evaluation; that of a run is also appended to its `metrics.jsonl`.

    Raises:
        UserError: see `compare`.
    """
    return compare([generated], **arguments)[0]


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
        features: "classifier" (trained on the reals' labels; the default where they have some), "random" (the default
            for other pictures), "efficientnet", "inception", "identity" (points); an `Extractor`; or a module of yours.
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
    reals = np.concatenate([data.train, data.held_out])
    sets = []
    for k, each in enumerate(generated):
        tell(f"samples of {_name(each)}", 0.1 + 0.2 * k / len(generated))
        sets.append(_samples(each, data, min(samples, len(reals) // 2), size, channels, game))
    n = min(len(reals) // 2, *(len(each) for each in sets))
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(reals)))
    reference, control = order[:n], order[n : 2 * n]
    tell("features of the reals", 0.3)
    extractor, notes = _extractor(features, data, reals, reference)
    real = Samples.of(extractor, reals)
    rows_of = torch.arange(len(reals))
    train, held_out = real.take(rows_of[: len(data.train)]), real.take(rows_of[len(data.train) :])
    found = []
    for k, (each, raw) in enumerate(zip(generated, sets, strict=True)):
        share = 0.4 + 0.6 * k / len(generated)
        tell(f"metrics of {_name(each)}", share)
        fake = Samples.of(extractor, raw)
        rows, more = table(
            fake, real.take(reference), real.take(control), extractor, data.spec, KNOWN_MODES.get(source)
        )
        tested = copies(fake, train, held_out, extractor) if len(data.held_out) >= FEWEST_HELD_OUT else None
        if tested is None:
            more.append(f"no test of memorisation: only {len(data.held_out)} reals were held out from training")
        provenance = {
            "generated": _name(each), "reals": source, "fingerprint": data.fingerprint, "samples": n, "seed": seed,
            "shape": list(data.spec.shape), "resize": f"{size}" if size else "none", "sparring": sparring.__version__,
            "torch": torch.__version__, "when": datetime.now(UTC).isoformat(timespec="seconds"),
        }  # fmt: skip
        found.append(Evaluation(tuple(rows), tested, extractor.name, extractor.digest, (*notes, *more), provenance))
        _record(each, found[-1])
    tell("done", 1.0)
    return found


def exceeds_noise(a: Row, b: Row, z: float = 2.0) -> bool:
    """Whether two values of a metric differ by more than `z` standard errors of their difference.

    Args:
        a: of one set of samples.
        b: of another, with the same features and as many samples.
        z: 2 is wrong about once in twenty times where there is no difference.

    Raises:
        UserError: other metrics, or other numbers of samples.
    """
    if (a.name, a.n) != (b.name, b.n):
        raise UserError(f"{a.name} of {a.n} samples and {b.name} of {b.n} do not compare", "take as many of each")
    return abs(a.value - b.value) > z * math.hypot(a.spread or 0.0, b.spread or 0.0)


FEWEST_HELD_OUT = 20


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


def _one_kind(data: Any) -> Dataset:
    if not isinstance(data, Dataset):
        raise UserError("the data is of two kinds, trainA and trainB", "name one of the folders")
    return data


def _samples(
    generated: str | Path | np.ndarray,
    data: Dataset,
    n: int,
    size: tuple[int, int] | None,
    channels: int | None,
    game: Game | None,
) -> np.ndarray:
    """As the reals are stored: uint8 `(N, C, H, W)`, or float32 `(N, D)`."""
    if _is_run(generated):
        made = workflows.sample(str(generated), n, game=game)
        made = made.transpose(0, 3, 1, 2) if made.ndim == 4 else made
    else:
        made = sparring.data.read(generated, size=size, channels=channels)
        made = made[np.random.default_rng(0).permutation(len(made))][:n]
    if made.shape[1:] != data.spec.shape:
        raise UserError(
            f"samples of {_shape(made.shape[1:])} and reals of {_shape(data.spec.shape)} do not compare",
            "--size HxW and --channels C bring both to one shape",
        )
    return np.ascontiguousarray(made)


def _shape(shape: Sequence[int]) -> str:
    if len(shape) == 1:
        return f"{shape[0]} dimensions"
    return f"{shape[1]}x{shape[2]} with {shape[0]} channel{'s' if shape[0] > 1 else ''}"


def _extractor(
    wanted: Features | None, data: Dataset, reals: np.ndarray, reference: torch.Tensor
) -> tuple[Extractor, list[str]]:
    if isinstance(wanted, Extractor):
        return wanted, []
    if isinstance(wanted, nn.Module):
        return extractors.from_module(wanted, type(wanted).__name__), []
    pictures, labelled = data.spec.kind == "image", len(data.spec.classes) > 1 and data.labels is not None
    name = wanted or ("identity" if not pictures else "classifier" if labelled else "random")
    extractors.check_name(name)
    if pictures == (name == "identity"):
        raise UserError(
            f"{name} features are not for {data.spec.kind}s".replace("pointss", "points"), "leave --features out"
        )
    if name == "classifier":
        if data.labels is None or data.held_out_labels is None:
            raise UserError("the classifier features need reals with labels", "--features random")
        labels = np.concatenate([data.labels, data.held_out_labels])
        # on the reference alone: what it has seen looks different to it, and the control must not
        chosen = reference.numpy()
        found, accuracy = extractors.classifier(reals[chosen], labels[chosen], len(data.spec.classes))
        return found, [f"the classifier reads {accuracy:.1%} of reals that it was not trained on"]
    makers: dict[str, Callable[[], Extractor]] = {
        "identity": extractors.identity,
        "random": lambda: extractors.random_network(data.spec.shape[0]),
        "efficientnet": extractors.efficientnet,
        "inception": extractors.inception,
    }
    return makers[name](), []


def _record(generated: object, found: Evaluation) -> None:
    if _is_run(generated):
        path = Path(str(generated)) / "metrics.jsonl"
        with writing(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(found.to_dict()) + "\n")
