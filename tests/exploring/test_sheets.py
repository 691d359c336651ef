import numpy as np
import pytest
import torch

import sparring
from sparring import workflows
from sparring.errors import UserError
from sparring.exploring import directions, grid, sweep, truncations, walk
from sparring.workflows import generator_of


def sampled(ready: workflows.Sampler, seeds, given=None, truncation=None) -> torch.Tensor:
    return ready(seeds, given, truncation)["x"]


def test_a_walk_passes_the_samples_of_its_seeds(ready):
    made = walk(ready, [0, 7, 12], 12)
    assert made.shape == (12, 1, 8, 8)
    assert torch.equal(made[[0, 4, 8]], sampled(ready, [0, 7, 12]))


def test_a_walk_keeps_its_class(labelled):
    made = walk(labelled, [0, 7], 6, "2")
    assert torch.equal(made[[0, 3]], sampled(labelled, [0, 7], {"y": 2}))
    assert torch.equal(walk(labelled, [0, 7], 6)[0], sampled(labelled, [0])[0])
    of_first = int(labelled([0])["y"])
    assert torch.equal(walk(labelled, [0, 7], 6)[3], sampled(labelled, [7], {"y": of_first})[0])


def test_a_grids_corners_are_samples(ready):
    sheet = grid(ready, [0, 7, 12, 3], 4)
    assert sheet.columns == 4
    assert torch.equal(sheet.made[[0, 3, 12, 15]], sampled(ready, [0, 7, 12, 3]))
    assert sheet.said == "corners: seeds 0, 7 above 12, 3"
    with pytest.raises(UserError, match="four corners, not 3"):
        grid(ready, [0, 7, 12])


@pytest.mark.parametrize("by", ["sefa", "activations"])
def test_a_row_of_directions_goes_through_the_seeds_sample(ready, by):
    sheet = directions(ready, 3, by, seed=5, steps=5, strength=2.0)
    rows = sheet.made.unflatten(0, (3, 5))
    assert torch.equal(rows[:, 2], sampled(ready, [5]).expand(3, -1, -1, -1))
    assert not torch.equal(rows[:, 0], rows[:, 4])
    assert len(set(sheet.names)) == 15
    with pytest.raises(UserError, match="did you mean sefa"):
        directions(ready, 3, "seva")


def test_values_are_swept_by_column_and_categories_by_row(coded):
    sheet = sweep(coded, "code", [4], 5)
    generator = generator_of(coded)
    z = generator.noise([4]).repeat(50, 1)
    z[:, 6:16] = torch.eye(10).repeat_interleave(5, 0)
    z[:, 16] = torch.linspace(-1, 1, 5).repeat(10)
    assert torch.equal(sheet.made, coded.made_from(z, {}))
    assert sheet.said == "rows: category 0 to 9; columns: value1 from -1 to 1"
    assert torch.equal(sweep(coded, "value1", [4], 5).made, sheet.made)
    assert not torch.equal(sweep(coded, "value2", [4], 5).made, sheet.made)


def test_categories_alone_are_swept_over_seeds(coded):
    sheet = sweep(coded, "category", [4, 9])
    z = generator_of(coded).noise([4, 9]).repeat(10, 1)
    z[:, 6:16] = torch.eye(10).repeat_interleave(2, 0)
    assert sheet.columns == 2
    assert torch.equal(sheet.made, coded.made_from(z, {}))


def test_a_code_that_is_not_there_is_refused(ready, coded):
    with pytest.raises(UserError, match=r"no codes to sweep over .*infogan"):
        sweep(ready)
    with pytest.raises(UserError, match="did you mean value1"):
        sweep(coded, "valeu1")


def test_truncations_are_those_of_samples(ready):
    sheet = truncations(ready, 0.5, 1.5, [0, 3], 3)
    for column, value in enumerate((0.5, 1.0, 1.5)):
        assert torch.equal(sheet.made[[column, 3 + column]], sampled(ready, [0, 3], truncation=value))


def test_one_class_only(ready, labelled):
    with pytest.raises(UserError, match="names 2 classes"):
        grid(labelled, [0, 1, 2, 3], 2, "0,1")
    with pytest.raises(UserError, match="no classes"):
        grid(ready, [0, 1, 2, 3], 2, "0")
    assert torch.equal(grid(labelled, [0, 1, 2, 3], 2, "1").made, sampled(labelled, [0, 1, 2, 3], {"y": 1}))


def test_points_have_no_pictures(tmp_path):
    raw = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    run = sparring.train(raw, rounds=1, options={"batch": 4, "width": 4}, doctor="off", out=tmp_path / "run")
    with pytest.raises(UserError, match="of which one alone shows nothing"):
        walk(workflows.sampler(run.path), [0, 1], 4)
