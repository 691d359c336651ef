"""The referee for digits: a small classifier trained on real digits, used for scoring only.

python -m benchmarks.referee runs/digits-default-1 --truncation 1.5

FD is the Fréchet distance between Gaussians fitted to its 64 penultimate features (the formula of FID, Heusel et al.
2017, arXiv 1706.08500, in another feature space: the numbers compare with one another, never with published FIDs).
"""

import argparse
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import sparring.data
from sparring import metrics
from sparring.kinds import to_model
from sparring.metrics.neighbors import nearest
from sparring.workflows import sampler


class Classifier(nn.Module):
    """`(B, 1, 28, 28)` in [-1, 1] -> `(B, 10)` logits."""

    def __init__(self) -> None:
        super().__init__()

        def block(before: int, after: int, stride: int) -> list[nn.Module]:
            return [nn.Conv2d(before, after, 3, stride, 1), nn.BatchNorm2d(after), nn.ReLU()]

        self.features = nn.Sequential(
            *block(1, 32, 1), *block(32, 32, 2), *block(32, 64, 1), *block(64, 64, 2), nn.Flatten(), nn.Dropout(0.3),
            nn.Linear(64 * 49, 64), nn.BatchNorm1d(64), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, 1, 28, 28)` -> `(B, 10)`."""
        return self.head(self.features(x))


@dataclass(frozen=True)
class Score:
    """What the referee says of 10,000 samples."""

    fd: float  # against all 10,000 real digits
    floor: float  # of 5,000 reals against the other 5,000
    precision: float  # share of samples inside the reals' manifold (k = 3, 5,000 of each)
    recall: float  # share of reals inside the samples' manifold
    nearest: (
        float  # distance to the nearest training digit, over the same for held-out digits; below 0.8 smells of copying
    )
    copies: int  # samples that are training digits to the pixel
    smallest_class: float  # share of the rarest class
    classes: tuple[float, ...]  # the share of each

    def __str__(self) -> str:
        shares = " ".join(f"{share:.0%}" for share in self.classes)
        return (
            f"FD {self.fd:.2f} (floor {self.floor:.2f}), precision {self.precision:.2f}, recall {self.recall:.2f}, "
            f"nearest {self.nearest:.2f}, copies {self.copies}, classes {shares}"
        )

    def to_dict(self) -> dict[str, object]:
        """For the record."""
        return asdict(self)


def fit(epochs: int = 10, seed: int = 0) -> Classifier:
    """Train the referee on the training digits; refuses to serve below 97.5% on held-out ones."""
    torch.manual_seed(seed)
    data = sparring.data.open("digits")
    network = Classifier()
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-2)
    steps = epochs * len(data) // 100
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    rng = np.random.default_rng(seed)
    for step in range(steps):
        batch = to_model(data.schema, data.batch(step, 100, seed))
        shift = tuple(int(s) for s in rng.integers(-2, 3, 2))
        loss = cross_entropy(network(torch.roll(batch["x"], shift, (2, 3))), batch["y"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    network.eval()
    held_out = to_model(data.schema, data.held_out())
    with torch.no_grad():
        accuracy = (network(held_out["x"]).argmax(1) == held_out["y"]).float().mean().item()
    assert accuracy >= 0.975, f"the referee reads only {accuracy:.1%} of held-out digits"
    return network


@torch.no_grad()
def read(network: Classifier, pictures: np.ndarray) -> tuple[Tensor, Tensor]:
    """uint8 `(N, 28, 28, 1)` -> features `(N, 64)` and logits `(N, 10)`."""
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    features = torch.cat([network.features(part) for part in x.split(500)])
    return features, network.head(features)


@cache
def referee() -> tuple[Classifier, dict[str, Tensor]]:
    """The trained classifier, and its features of training, held-out and all digits."""
    network = fit()
    data = sparring.data.open("digits")
    features = {
        name: read(network, np.moveaxis(np.asarray(part), 1, 3))[0]
        for name, part in (("train", data.train["x"]), ("held_out", data.kept["x"]))
    }
    features["all"] = torch.cat([features["train"], features["held_out"]])
    return network, features


def score(pictures: np.ndarray) -> Score:
    """Score 10,000 samples, uint8 `(N, 28, 28, 1)`."""
    network, real = referee()
    fake, logits = read(network, pictures)
    shuffled = real["all"][np.random.default_rng(0).permutation(len(real["all"]))]
    half = len(shuffled) // 2
    shares = torch.bincount(logits.argmax(1), minlength=10) / len(pictures)
    around = metrics.manifold(shuffled[:half], fake[:half])
    known = {picture.tobytes() for picture in np.asarray(sparring.data.open("digits").train["x"])}
    held_out, found = (nearest(each, real["train"])[0].mean().item() for each in (real["held_out"], fake[:half]))
    return Score(
        fd=metrics.frechet_distance(fake, real["all"]),
        floor=metrics.frechet_distance(shuffled[:half], shuffled[half:]),
        precision=around.precision,
        recall=around.recall,
        nearest=found / held_out,
        copies=sum(np.moveaxis(picture, 2, 0).tobytes() in known for picture in pictures),
        smallest_class=shares.min().item(),
        classes=tuple(shares.tolist()),
    )


def obedience(pictures: np.ndarray, asked: np.ndarray) -> tuple[float, float]:
    """How samples follow the label that they were asked for.

    Args:
        pictures: uint8 `(N, 28, 28, 1)`.
        asked: `(N,)`, 0 to 9.

    Returns:
        The share that is read as the digit asked for; and the variance of the features within a digit, summed over
        them, over that of the training digits: of the digit where it is smallest.
    """
    network, real = referee()
    features, logits = read(network, pictures)
    data = sparring.data.open("digits")
    assert isinstance(data, sparring.data.Dataset)
    known = torch.from_numpy(np.asarray(data.train["y"]))
    wanted = torch.from_numpy(asked)
    ratios = [
        (features[wanted == digit].var(0).sum() / real["train"][known == digit].var(0).sum()).item()
        for digit in range(10)
    ]
    return (logits.argmax(1) == wanted).float().mean().item(), min(ratios)


def class_distance(pictures: np.ndarray, asked: np.ndarray) -> float:
    """FD between samples and training digits of the same class, the mean over the classes; arguments as above."""
    network, real = referee()
    features, _ = read(network, pictures)
    data = sparring.data.open("digits")
    assert isinstance(data, sparring.data.Dataset)
    known = np.asarray(data.train["y"])
    distances = [
        metrics.frechet_distance(
            real["train"][torch.from_numpy(known == digit)], features[torch.from_numpy(asked == digit)]
        )
        for digit in range(10)
    ]
    return float(np.mean(distances))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("runs", nargs="+", type=Path, help="of recipes with noise, on digits")
    arguments.add_argument("--truncation", type=float, help="see sparring sample")
    given = arguments.parse_args()
    for run in given.runs:
        ready = sampler(run)
        parts = [ready(range(k, k + 1_000), None, given.truncation)["x"] for k in range(0, 10_000, 1_000)]
        print(run.name, score(np.moveaxis(torch.cat(parts).numpy(), 1, 3)), flush=True)


if __name__ == "__main__":
    main()
