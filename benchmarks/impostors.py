"""Every metric against impostors on digits: what each one notices. Writes the table of docs/evaluation.md.

python -m benchmarks.impostors
python -m benchmarks.impostors --reals 60    # how often reals are taken for impostors
"""

import argparse
from collections import Counter
from dataclasses import replace

import numpy as np
import torch

import sparring.data
from benchmarks.record import provenance
from benchmarks.tables import DOCS, write
from sparring import evaluation
from sparring.data import viewed
from sparring.metrics import extractors
from sparring.metrics.table import NOTICED_ERRORS, Reals, Samples
from sparring.readable import number
from sparring.scoring import Copies, Scorer


def impostors(n: int) -> dict[str, np.ndarray]:
    """uint8 `(n, 28, 28, 1)` each; every one must be told from reals by some metric, or as copies."""
    rng, data = np.random.default_rng(1), sparring.data.open("digits")
    train, labels = np.moveaxis(np.asarray(data.train["x"]), 1, 3), data.train["y"]
    assert labels is not None
    some = train[rng.permutation(len(train))[:n]]
    return {
        "noise": rng.integers(0, 256, some.shape, dtype=np.uint8),
        "a constant": np.full_like(some, 33),
        "one class": np.resize(train[labels == 3], some.shape),
        "five classes": np.resize(train[labels < 5], some.shape),
        "shuffled pixels": rng.permuted(some.reshape(n, -1), axis=1).reshape(some.shape),
        "blurred": blurred(some),
        "copies": some,
        "copies, shifted": np.roll(some, (1, 1), (1, 2)),
        "copies, brighter": (255 * (some / 255.0) ** 0.8).round().astype(np.uint8),
        "one in ten copied": np.concatenate([some[: n // 10], half_new(some[n // 10 :])]),
    }


def blurred(pictures: np.ndarray) -> np.ndarray:
    """Each picture averaged over 3x3 pixels."""
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    return torch.nn.functional.avg_pool2d(x, 3, 1, 1).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def half_new(pictures: np.ndarray) -> np.ndarray:
    """Upper and lower halves of different pictures: not copies, and not digits."""
    return np.concatenate([pictures[:, :14], np.roll(pictures, 1, 0)[:, 14:]], axis=1)


def verdict(copies: Copies) -> str:
    return "**yes**" if copies.flagged else "no"


def fresh() -> Copies:
    """What the test for copies says of one half of the held-out digits, beside the other half."""
    data = sparring.data.open("digits")
    assert isinstance(data, sparring.data.Dataset)
    assert data.kept["y"] is not None
    half = len(data.kept["x"]) // 2
    scorer = Scorer(
        viewed(replace(data, kept={name: column[half:] for name, column in data.kept.items()}), "x"),
        "digits",
        samples=half,
    )
    found = scorer(torch.from_numpy(data.kept["x"][:half])).copies
    assert found is not None
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--samples", type=int, default=1000)
    arguments.add_argument("--reals", type=int, help="score so many sets of reals instead, of 300 each")
    given = arguments.parse_args()
    if given.reals:
        false_alarms(given.reals)
    else:
        table(given.samples)


def false_alarms(trials: int, n: int = 300) -> None:
    """Among sets of fresh digits, how many have a metric that tells them from others, and which."""
    data = sparring.data.open("digits")
    assert isinstance(data, sparring.data.Dataset)
    assert data.train["y"] is not None
    extractor, _ = extractors.classifier(data.train["x"][:3000], data.train["y"][:3000], 10)
    seen = Samples.of(extractor, np.concatenate([data.train["x"][3000:], data.kept["x"]]))
    told: Counter[str] = Counter()
    alarms = 0
    for seed in range(trials):
        order = torch.randperm(len(seen), generator=torch.Generator().manual_seed(seed))
        reference, control, fake = (seen.take(order[k * n : (k + 1) * n]) for k in range(3))
        rows = Reals(reference, control, extractor).table(fake)
        names = [row.name for row in rows if row.beyond >= NOTICED_ERRORS]
        told.update(names)
        alarms += bool(names)
    print(f"{alarms} of {trials} sets of {n} digits were told from digits by some metric: {dict(told)}")


def table(n: int) -> None:
    """The impostors, and what each metric makes of them."""
    sets = impostors(n)
    found = evaluation.compare(list(sets.values()), against="digits", samples=n)
    names = [row.name for row in found[0].rows]
    lines = [f"| impostor | {' | '.join(names)} | copies? |", "|---" * (len(names) + 2) + "|"]
    floors = " | ".join(number(found[0][name].floor) for name in names)
    lines.append(f"| *reals* | {floors} | {verdict(fresh())} |")
    for impostor, each in zip(sets, found, strict=True):
        assert each.copies is not None
        rows = [each[name] for name in names]
        cells = [f"**{number(row.value)}**" if row.beyond > 5 else number(row.value) for row in rows]
        lines.append(f"| {impostor} | {' | '.join(cells)} | {verdict(each.copies)} |")
        print(impostor, {row.name: round(row.beyond, 1) for row in rows}, each.copies.test.ratio, each.copies.flagged)
    where = provenance()
    lines += [
        "",
        f"{found[0].extractor} features, {n:,} samples on either side, torch {where['torch']}, {where['cpu']}.",
    ]
    write(DOCS / "evaluation.md", "\n".join(lines), "<!-- impostors -->")


if __name__ == "__main__":
    main()
