"""Every example runs, says how sharp and how near its pictures are, and draws them."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_draws_its_pictures(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path))["main"](3)
    said = capsys.readouterr().out
    assert len(re.findall(r"\d\.\d{3}", said)) >= 5
    (drawn,) = tmp_path.glob("*.png")
    assert drawn.name in path.read_text(encoding="utf-8").split('"""')[1]
    rows = np.asarray(Image.open(drawn).convert("L"))
    assert rows.std() > 10


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_adversary_of_an_example_changes_what_its_model_learns(path):
    train = runpy.run_path(str(path))["train"]
    with_one, without = (train(weight, 3).state_dict() for weight in (1.0, 0.0))
    assert with_one.keys() == without.keys()
    assert any(not np.allclose(with_one[name], without[name]) for name in with_one)
