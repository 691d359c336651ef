"""What all tests share: one thread, and one seed."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from sparring.kinds import Points


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache, nor what another one kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def plain(dim: int = 2) -> Points:
    """Points that are stored as the networks take them."""
    return Points((dim,), (0.0,) * dim, (1.0,) * dim)


class FixedRows:
    """Data whose batches follow one another through fixed rows, whatever the seed.

    Args:
        rows: `(N, D)`.
    """

    mirror, notes, fingerprint = False, (), "fixed"

    def __init__(self, rows: torch.Tensor) -> None:
        self._rows, self.schema = rows, {"x": plain(rows.shape[1])}
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, draw: int, size: int, seed: int) -> dict[str, torch.Tensor]:
        self.asked.append(draw)
        return {"x": self._rows[torch.arange(draw * size, (draw + 1) * size) % len(self._rows)]}

    def rows(self, which: np.ndarray | slice) -> dict[str, torch.Tensor]:
        return {"x": self._rows[which]}

    def held_out(self, n: int | None = None) -> dict[str, torch.Tensor]:
        return {"x": self._rows[:n]}
