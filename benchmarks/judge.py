"""The judge of `sparring evaluate` beside the one before it: do they tell samples from reals, and not reals from reals?

python -m benchmarks.judge digits
python -m benchmarks.judge SOURCE --runs runs/a runs/b --splits 20    # any source of pictures, and runs on it

The old judge is `metrics.two_sample_test` on the features of the evaluation: a small MLP. The new one is
`metrics.judge` on these features and on statistics of the pictures. Every line is appended to `results/judge.jsonl`.
"""

import argparse
import io
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

import sparring
from benchmarks.record import record
from sparring import metrics, workflows
from sparring.cli._values import parse_seeds
from sparring.data import Viewed, viewed
from sparring.metrics import extractors
from sparring.metrics.table import Samples, Spaces, judged_spaces
from sparring.metrics.two_sample import Accuracy


class Seen(NamedTuple):
    """Features of the evaluation, which the old judge sees, and all spaces of the new one."""

    features: torch.Tensor
    spaces: dict[str, torch.Tensor]

    def take(self, which: np.ndarray) -> "Seen":
        """Some rows."""
        return Seen(self.features[which], {name: space[which] for name, space in self.spaces.items()})


class Judges:
    """Both, with the extractor that an evaluation of such pictures takes by default; that of n reals, where it learns.

    Args:
        data: pictures.
        own: indices of the training pictures that a classifier may learn from: the judged reals must be others.
    """

    def __init__(self, data: Viewed, own: np.ndarray) -> None:
        if data.labels is None:
            self.extractor = extractors.random_network(data.shape[0])
        else:
            self.extractor, _ = extractors.classifier(data.train[own], data.labels[own], len(data.classes))
        self._spaces: Spaces = judged_spaces(self.extractor, data.shape)

    def see(self, pictures: np.ndarray) -> Seen:
        """uint8 `(N, C, H, W)`."""
        samples = Samples.of(self.extractor, pictures)
        return Seen(samples.seen.features, {name: space(samples) for name, space in self._spaces.items()})

    @staticmethod
    def answers(real: Seen, fake: Seen, seed: int = 0) -> tuple[Accuracy, metrics.Judgement]:
        """Of the old and of the new one."""
        return (
            metrics.two_sample_test(real.features, fake.features, seed=seed),
            metrics.judge(real.spaces, fake.spaces, seed=seed),
        )


def blurred(pictures: np.ndarray) -> np.ndarray:
    """Each averaged over 3x3 pixels."""
    x = torch.from_numpy(pictures).float()
    return torch.nn.functional.avg_pool2d(x, 3, 1, 1).round().to(torch.uint8).numpy()


def shuffled_quadrants(pictures: np.ndarray, seed: int = 0) -> np.ndarray:
    """The four quarters of each in a random order that is not theirs."""
    rng, found = np.random.default_rng(seed), pictures.copy()
    down, right = (side // 2 for side in pictures.shape[2:])
    corners = [(slice(a * down, (a + 1) * down), slice(b * right, (b + 1) * right)) for a in (0, 1) for b in (0, 1)]
    for to, picture in zip(found, pictures, strict=True):
        order = rng.permutation(4)
        while (order == np.arange(4)).all():
            order = rng.permutation(4)
        for place, origin in zip(corners, order, strict=True):
            to[:, *place] = picture[:, *corners[origin]]
    return found


def compressed(quality: int) -> Callable[[np.ndarray], np.ndarray]:
    """The colours of each through JPEG; alpha stays as it is."""

    def apply(pictures: np.ndarray) -> np.ndarray:
        found = pictures.copy()
        channels = 1 if pictures.shape[1] == 1 else 3
        for to, picture in zip(found, pictures, strict=True):
            file = io.BytesIO()
            Image.fromarray(picture[:channels].transpose(1, 2, 0).squeeze()).save(file, "JPEG", quality=quality)
            decoded = np.asarray(Image.open(file))
            to[:channels] = decoded[None] if channels == 1 else decoded.transpose(2, 0, 1)
        return found

    return apply


IMPOSTORS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "blurred": blurred,
    "JPEG, quality 75": compressed(75),
    "JPEG, quality 30": compressed(30),
}


def floor(judges: Judges, reals: np.ndarray, n: int, splits: int, source: str) -> None:
    """Reals against other reals: the mean accuracy, and how many intervals hold chance."""
    seen = judges.see(reals)
    found: dict[str, list[Accuracy]] = {"old": [], "new": []}
    for seed in range(splits):
        order = np.random.default_rng(seed).permutation(len(reals))
        old, new = judges.answers(seen.take(order[:n]), seen.take(order[n : 2 * n]), seed)
        found["old"].append(old)
        found["new"].append(new.accuracy)
    result = {
        name: {
            "mean": float(np.mean([each.value for each in all_splits])),
            "deviation": float(np.std([each.value for each in all_splits], ddof=1)),
            "holds chance": sum(each.low <= 0.5 <= each.high for each in all_splits),
            "above chance": sum(each.low > 0.5 for each in all_splits),
        }
        for name, all_splits in found.items()
    }
    print("reals", result, flush=True)
    record("judge", source=source, set="reals", n=n, splits=splits, **result)


def main() -> None:
    """The floor, then impostors, then runs."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("source", help="as for `sparring train`")
    arguments.add_argument("--runs", nargs="*", default=[], help="run directories, trained on the source")
    arguments.add_argument("--splits", type=int, default=20, help="of reals against reals")
    arguments.add_argument("--samples", type=int, default=1000, help="on either side, at most")
    arguments.add_argument("--seeds", type=parse_seeds, default=[0], help="of the reals that are taken, and of samples")
    given = arguments.parse_args()
    data, name = viewed(sparring.data.open(given.source), "x"), given.source.rpartition("/")[2]
    order = np.random.default_rng(0).permutation(len(data.train))
    own = order[: len(order) // 3] if data.labels is not None else order[:0]
    judges = Judges(data, own)
    reals = np.concatenate([data.train[order[len(own) :]], data.held_out])[-4 * given.samples :]
    n = min(given.samples, len(reals) // 2)
    floor(judges, reals, n, given.splits, name)
    for seed in given.seeds:
        shuffled = reals[np.random.default_rng(seed + 1).permutation(len(reals))]
        real, others = judges.see(shuffled[:n]), shuffled[n : 2 * n]
        sets = {what: apply(others) for what, apply in IMPOSTORS.items()}
        sets |= {"shuffled quadrants": shuffled_quadrants(others, seed)}
        for run in given.runs:
            samples = workflows.sampler(run)(range(seed * n, (seed + 1) * n))["x"]
            sets[run.rstrip("/").rpartition("/")[2]] = data.kind.view(samples).numpy()
        for what, pictures in sets.items():
            begin = time.monotonic()
            old, new = judges.answers(real, judges.see(pictures))
            seconds = round(time.monotonic() - begin, 1)
            print(
                f"{seed} {what}: old {old.value:.3f}, new {new.accuracy.value:.3f} by {new.told_by}, {seconds} s",
                flush=True,
            )
            spaces = {space: round(share, 4) for space, share in new.spaces.items()}
            record(
                "judge", source=name, set=what, n=n, seed=seed, old=old.value, new=new.accuracy.value,
                low=new.accuracy.low, told_by=new.told_by, spaces=spaces, seconds=seconds,
            )  # fmt: skip


if __name__ == "__main__":
    main()
