"""What all tests share: one thread, one seed, and a browser for those that open a page."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sparring.data.dataset import drawn
from sparring.kinds import Categories, Kind, Pictures, Points
from sparring.recipes import RECIPES


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium")
    assert executable, "there is no chromium: make test installs it"
    # Chromium's sandbox does not start for root
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=executable, args=arguments)
        yield running
        running.close()


@dataclass
class Seen:
    """A page, all that it asked for, and all that it complained about."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser) -> Iterator[Callable[..., Seen]]:
    """`visit(path, scheme="dark", width=375)` opens a file."""
    contexts = []

    def opened(path: Path, scheme: str = "light", width: int = 1280, javascript: bool = True) -> Seen:
        viewport = {"width": width, "height": 800}
        context = browser.new_context(color_scheme=scheme, viewport=viewport, java_script_enabled=javascript)
        contexts.append(context)
        seen = Seen(context.new_page())
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("console", lambda message: seen.complaints.append(message.text))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.goto(path.as_uri())
        return seen

    yield opened
    for context in contexts:
        context.close()


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


class Columns:
    """Aligned columns of any kinds in memory: a data set of a user's own, by the protocol.

    Args:
        schema: the columns.
        rows: stored, all of one length; the last six are held out.
        paired: whether row i of "a" belongs to row i of "b".
    """

    mirror, notes, fingerprint = False, (), "columns"

    def __init__(self, schema: dict[str, Kind], rows: dict[str, np.ndarray], paired: bool = False) -> None:
        self.schema, self._rows, self.paired = schema, rows, paired

    def __len__(self) -> int:
        return len(next(iter(self._rows.values()))) - 6

    def batch(self, draw: int, size: int, seed: int) -> dict[str, torch.Tensor]:
        return drawn(self, draw, size, seed)

    def rows(self, which: np.ndarray | slice) -> dict[str, torch.Tensor]:
        return {name: torch.from_numpy(column[:-6][which].copy()) for name, column in self._rows.items()}

    def held_out(self, n: int | None = None) -> dict[str, torch.Tensor]:
        return {name: torch.from_numpy(column[-6:][:n].copy()) for name, column in self._rows.items()}


GIVEN_PICTURES = [name for name, recipe in RECIPES.items() if recipe.takes != "examples" or name == "stargan"]
"""The recipes that turn pictures into pictures, or are given two kinds of them: none is for points."""

OF_PICTURES = ("progressive", "stylegan2")
"""Those of the others that are not for points either."""


def data_for(recipe: str, shape: tuple[int, int, int], examples: int = 30) -> Columns:
    """Random pictures of that shape as the recipe takes them, with labels of three classes."""
    rng = np.random.default_rng(1)
    names = ("x",) if RECIPES[recipe].takes == "examples" or RECIPES[recipe].derive else ("a", "b")
    rows = {name: rng.integers(0, 256, (examples, *shape), dtype=np.uint8) for name in names}
    label = "y_a" if recipe == "pixelda" else "y"
    schema: dict[str, Kind] = {name: Pictures(shape) for name in names} | {label: Categories(("p", "q", "r"))}
    return Columns(schema, rows | {label: np.arange(examples) % 3}, paired=RECIPES[recipe].takes == "pairs")
