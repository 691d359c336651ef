"""A kind of data and a data set that nobody but this file knows: piano rolls, from training to the report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import sparring
from sparring import exploring, grids, workflows
from sparring.data import Data, Rows
from sparring.errors import UserError
from sparring.kinds import KINDS, register


@dataclass(frozen=True)
class Roll:
    """Stored as bool `(N, pitches, steps)`: whether a note sounds. The networks see -1 and 1."""

    name: ClassVar[str] = "rolls"
    single: ClassVar[bool] = True
    previewed: ClassVar[int] = 9
    endings: ClassVar[tuple[str, ...]] = (".png", ".txt", "")
    mirrors: ClassVar[bool] = False

    pitches: int
    steps: int

    @property
    def shape(self) -> tuple[int, int, int]:
        return (1, self.pitches, self.steps)

    def describe(self) -> str:
        return f"{self.pitches} pitches, {self.steps} steps"

    def to_model(self, stored: Tensor) -> Tensor:
        return stored[:, None].float() * 2 - 1

    def to_stored(self, x: Tensor) -> Tensor:
        return x.detach().cpu()[:, 0] > 0

    def to_array(self, stored: Tensor) -> np.ndarray:
        return stored.numpy()

    def view(self, stored: Tensor) -> Tensor:
        return stored[:, None].to(torch.uint8) * 255

    def mirrored(self, stored: Tensor) -> Tensor:
        raise UserError("music has no left and right", "leave mirror out")

    def preview(self, made: Tensor, real: Tensor, columns: int | None = None) -> Image.Image:
        return grids.picture_grid(self.view(made).permute(0, 2, 3, 1).numpy(), columns=columns)

    def write(self, made: Tensor, out: Path, names: Sequence[str], columns: int | None = None) -> None:
        if out.suffix == ".png":
            grids.save(self.preview(made, made, columns), out)
            return
        folder = out if not out.suffix else out.parent
        folder.mkdir(parents=True, exist_ok=True)
        for name, roll in zip(names, made, strict=True):
            text = "\n".join("".join("x" if on else "." for on in row) for row in roll.flip(0))
            (folder / f"{name}.txt" if not out.suffix else out).write_text(text)

    def parse(self, text: str) -> Tensor:
        raise UserError(f"{text!r} names no roll", "give the roll itself")


class Melodies:
    """Rising and falling scales, as a data set of one's own."""

    mirror, notes, fingerprint = False, ("made by a test",), "melodies-1"

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.schema = {"x": Roll(8, 8)}
        start, step = rng.integers(0, 8, (300, 1)), rng.choice([-1, 1], (300, 1))
        pitch = (start + step * np.arange(8)) % 8
        rolls = torch.from_numpy(np.arange(8)[None, :, None] == pitch[:, None, :])
        self._train, self._kept = rolls[:240], rolls[240:]

    def __len__(self) -> int:
        return len(self._train)

    def batch(self, draw: int, size: int, seed: int) -> Rows:
        return {"x": self._train[np.random.default_rng((seed, draw)).integers(0, len(self), size)]}

    def rows(self, which: np.ndarray | slice) -> Rows:
        return {"x": self._train[which]}

    def held_out(self, n: int | None = None) -> Rows:
        return {"x": self._kept[:n]}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sparring.Run]:
    register(Roll)
    out = tmp_path_factory.mktemp("rolls") / "run"
    yield sparring.train(
        Melodies(), rounds=6, options={"width": 4}, out=out, doctor="3", evaluate_every="6", sample_every="3"
    )
    del KINDS[Roll.name]


def test_a_data_set_of_ones_own_is_one():
    assert isinstance(Melodies(), Data)


def test_it_is_sampled_as_it_is_stored(run):
    made = run.sample(5)
    assert (made.shape, made.dtype) == ((5, 8, 8), bool)
    assert np.array_equal(run.sample(2, seeds=[4, 0]), made[[4, 0]])


def test_it_is_previewed_examined_and_scored_as_it_trains(run):
    sheets = sorted((run.path / "samples").glob("*.png"))
    assert sheets
    with Image.open(sheets[-1]) as sheet:
        assert sheet.mode == "L"
    assert [record["round"] for record in run.health()] == [1, 3, 6]
    assert (run.path / "metrics.jsonl").read_text().count("\n") == 1


def test_it_goes_on(run):
    resumed = sparring.resume(run.path, source=Melodies(), rounds=8)
    assert len(resumed.health()) > 2


def test_it_is_evaluated_and_reported(run):
    assert sparring.evaluate(run.path, against=Melodies(), samples=40)["judge"].value > 0.5
    assert "8 pitches, 8 steps" in sparring.report(run.path).read_text(encoding="utf-8")


def test_it_is_walked_through(run, tmp_path):
    ready = workflows.sampler(run.path)
    made = exploring.walk(ready, [0, 4], 6)
    assert np.array_equal(made[[0, 3]].numpy(), run.sample(seeds=[0, 4]))
    exploring.save_animation(ready.kind, made, tmp_path / "walk.gif")
    exploring.save_animation(ready.kind, made, tmp_path / "walk")
    assert len(list((tmp_path / "walk").glob("*.txt"))) == 6
    with pytest.raises(UserError, match="makes rolls, not pictures"):
        exploring.check_pictures(ready)


def test_it_is_written_by_its_own_kind(run, tmp_path):
    made = torch.from_numpy(run.sample(2))
    Roll(8, 8).write(made, tmp_path / "new", ["a", "b"])
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"a.txt", "b.txt"}
