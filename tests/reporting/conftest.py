"""Run directories written by hand, as a run would write them: nothing is trained."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sparring.config import RunConfig, to_toml
from sparring.grids import picture_grid, scatter
from sparring.kinds import Categories, Kind, Pictures, Points, to_tables
from sparring.recipes import RECIPES

Make = Callable[..., Path]

SIGNALS = {
    "accuracy": 0.7, "accuracy_held_out": 0.6, "judge": 0.8, "judge_low": 0.7, "judge_high": 0.9, "distance": 0.3,
    "floor": 0.03, "precision": 0.5, "recall": 0.4, "distinct": 0.8, "lost": 0.2, "gradient": 1e-3,
    "classes": [1.0, 0.5, 0.0], "classes_lost": 0.3, "finite": True,
    "gradient_layers": {"0.weight": 0.1}, "loss_swings": {},
}  # fmt: skip
"""What the doctor may have measured."""


def _terms(rounds: Iterable[int], **values: float) -> list[dict[str, Any]]:
    values = values or {"discriminator/real": 0.7, "generator/fake": 0.5}
    return [{"kind": "terms", "round": r, "images": 4 * r, "seconds": r / 2, "terms": values} for r in rounds]


def _health(round: int, verdict: str = "learning", **more: Any) -> dict[str, Any]:
    known = {"round": round, "images": 4 * round, "seconds": round / 2, "verdict": verdict, "confidence": 0.8}
    said = {"signals": SIGNALS, "evidence": f"{verdict} at {round}", "advice": ""}
    return {"kind": "health"} | known | said | more


@pytest.fixture
def terms() -> Callable[..., list[dict[str, Any]]]:
    """`terms([3, 6], name=value)`: log lines of a run."""
    return _terms


@pytest.fixture
def health() -> Callable[..., dict[str, Any]]:
    """`health(6, "mode-collapse", evidence=...)`: a line of the doctor's."""
    return _health


def config_of(shape: tuple[int, ...], classes: Iterable[str] = (), **more: Any) -> RunConfig:
    """A config with all that a run finds out."""
    recipe = more.setdefault("recipe", "default")
    options = RECIPES[recipe].options(**more.pop("options", {})).model_dump() if recipe in RECIPES else {"batch": 4}
    schema: dict[str, Kind] = {
        "x": Pictures(shape) if len(shape) == 3 else Points(shape, (0.0,) * shape[0], (1.0,) * shape[0])
    }
    if names := tuple(classes):
        schema["y"] = Categories(names)
    found: dict[str, Any] = {"columns": to_tables(schema), "fingerprint": "0", "horizon": 9, "options": options}
    wanted = {"data": {"source": "nowhere"}, "budget": {"rounds": 9}}
    return RunConfig.model_validate(found | wanted | more)


def sheet(path: Path, shape: tuple[int, ...], round: int = 0) -> None:
    """64 samples as a run draws them."""
    rng = np.random.default_rng(round)
    if len(shape) == 3:
        channels, height, width = shape
        made = rng.integers(0, 256, (64, height, width, channels), dtype=np.uint8)
        picture_grid(made).save(path)
        few = {"samples": torch.from_numpy(made[:8]).permute(0, 3, 1, 2).contiguous()}
        save_file(few, path.with_suffix(".safetensors"))
    else:
        scatter(rng.normal(size=(200, *shape)), rng.normal(size=(200, *shape))).save(path)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """`make(shape=..., log=[...], sheets=(0, 9), name="run", **config)` writes a run directory and returns its path."""

    def made(
        shape: tuple[int, ...] = (1, 8, 8),
        log: Iterable[Mapping[str, Any]] | None = None,
        sheets: Iterable[int] = (0, 5, 9),
        name: str = "run",
        classes: Iterable[str] = (),
        **config: Any,
    ) -> Path:
        run = tmp_path / name
        (run / "samples").mkdir(parents=True)
        (run / "config.toml").write_text(to_toml(config_of(shape, classes, **config).model_dump()), encoding="utf-8")
        lines = [*_terms([3, 6, 9]), _health(4), _health(9)] if log is None else log
        lines = sorted(lines, key=lambda record: record["round"])
        (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        for round in sheets:
            sheet(run / "samples" / f"{round:06d}.png", shape, round)
        return run

    return made
