"""Two domains with no pairing between them: horses and zebras, as CycleGAN wants them."""

from dataclasses import replace

from torch import Tensor

from sparring.data.dataset import Dataset
from sparring.data.spec import DataSpec


class Unpaired:
    """Two data sets of one shape, drawn independently; it offers what `Dataset` offers, under the keys "a" and "b".

    Args:
        a: the first domain.
        b: the second domain, of the same kind and shape.
    """

    def __init__(self, a: Dataset, b: Dataset) -> None:
        assert (a.spec.kind, a.spec.shape) == (b.spec.kind, b.spec.shape), (a.spec, b.spec)
        self.a = a
        self.b = b

    @property
    def spec(self) -> DataSpec:
        """The shape of both domains; no classes."""
        return replace(self.a.spec, keys=("a", "b"), classes=())

    @property
    def mirror(self) -> bool:
        """Whether batches flip pictures at random."""
        return self.a.mirror

    @property
    def notes(self) -> tuple[str, ...]:
        """Both domains' notes, each once."""
        return tuple(dict.fromkeys(self.a.notes + self.b.notes))

    @property
    def fingerprint(self) -> str:
        """Both domains' fingerprints, a's first."""
        return self.a.fingerprint + self.b.fingerprint

    def __len__(self) -> int:
        return max(len(self.a), len(self.b))

    def batch(self, draw: int, size: int, seed: int, rank: int = 0, world: int = 1) -> dict[str, Tensor]:
        """`{"a": (size, *shape), "b": (size, *shape)}`; see `Dataset.batch`. The two orders are independent."""
        return {
            "a": self.a.batch(draw, size, 2 * seed, rank, world)["x"],
            "b": self.b.batch(draw, size, 2 * seed + 1, rank, world)["x"],
        }

    def held_out_batch(self, n: int) -> dict[str, Tensor]:
        """The first `n` held-out examples of each domain, equally many of both."""
        n = min(n, len(self.a.held_out), len(self.b.held_out))
        return {"a": self.a.held_out_batch(n)["x"], "b": self.b.held_out_batch(n)["x"]}
