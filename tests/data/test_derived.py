import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data import Data, Holed, Reduced, is_paired, open
from sparring.errors import UserError
from sparring.kinds import from_tables, to_tables

RGB = np.random.default_rng(0).integers(0, 256, (40, 12, 16, 3), dtype=np.uint8)
LABELS = np.arange(40) % 2


def all_rows(data: Data) -> list[dict[str, torch.Tensor]]:
    return [data.batch(1, 9, seed=2), data.rows(np.array([5, 0])), data.rows(slice(3)), data.held_out(3)]


def test_a_reduced_picture_is_the_one_that_antialiased_resampling_makes():
    data = Reduced(open((RGB, LABELS), mirror=True), 4)
    assert isinstance(data, Data)
    assert is_paired(data)
    assert [kind.shape for kind in data.schema.values()] == [(3, 3, 4), (3, 12, 16), ()]
    for rows in all_rows(data):
        assert set(rows) == {"a", "b", "y"}
        for small, picture in zip(rows["a"], rows["b"], strict=True):
            pillow = Image.fromarray(picture.permute(1, 2, 0).numpy()).resize((4, 3), Image.Resampling.BICUBIC)
            assert np.abs(np.asarray(pillow, int) - small.permute(1, 2, 0).numpy()).max() <= 1
    assert data.fingerprint != Reduced(open((RGB, LABELS)), 2).fingerprint
    with pytest.raises(UserError, match="12x16 cannot be reduced 5 times"):
        Reduced(open(RGB), 5)


def holes(data: Data, rows: dict[str, torch.Tensor]) -> list[tuple[int, int, int, int]]:
    """Where each hole is; that it is a box, that it shows nothing and that the rest is the picture."""
    found = []
    for holed, picture in zip(rows["a"], rows["b"], strict=True):
        hidden = holed[-1] == 0
        assert set(holed[-1].unique().tolist()) <= {0, 255}
        assert (holed[:-1, hidden] == 128).all()
        assert torch.equal(holed[:-1, ~hidden], picture[:, ~hidden])
        down, across = hidden.any(1).nonzero(), hidden.any(0).nonzero()
        box = (int(down.min()), int(down.max()) + 1, int(across.min()), int(across.max()) + 1)
        assert hidden[box[0] : box[1], box[2] : box[3]].all()
        found.append(box)
    return found


def test_a_hole_in_the_middle_is_the_same_for_all():
    data = Holed(open((RGB, LABELS), mirror=True), "center", 0.5)
    assert isinstance(data, Data)
    assert is_paired(data)
    assert data.schema["a"].shape == (4, 12, 16)
    assert data.schema["a"].describe() == "12x16 RGB and a mask"
    assert from_tables(to_tables(data.schema)) == data.schema
    for rows in all_rows(data):
        assert set(holes(data, rows)) == {(3, 9, 4, 12)}
    whole = Holed(open(RGB), "center", 1.0)
    assert set(holes(whole, whole.rows(slice(2)))) == {(0, 12, 0, 16)}


def test_random_holes_are_drawn_from_the_seed_of_a_batch_and_fixed_elsewhere():
    data = Holed(open(RGB), "random", 0.5)
    batch = holes(data, data.batch(0, 20, seed=1))
    assert batch == holes(data, data.batch(0, 20, seed=1))
    assert len({*batch, *holes(data, data.batch(0, 20, seed=2)), *holes(data, data.batch(1, 20, seed=1))}) > 30
    assert all(3 <= down_to - down <= 6 and 4 <= right - left <= 8 for down, down_to, left, right in batch)
    assert {down for down, _, _, _ in batch} | {left for _, _, left, _ in batch} >= {0, 1, 2, 3}
    rows = holes(data, data.rows(slice(None)))
    assert holes(data, data.rows(np.array([5, 0]))) == [rows[5], rows[0]]
    assert holes(data, data.held_out(2)) == holes(data, data.held_out(4))[:2]
    assert len(set(rows)) > 20


def test_points_make_no_pairs():
    points = open(np.random.default_rng(0).normal(size=(20, 2)))
    for make in (lambda: Reduced(points, 2), lambda: Holed(points)):
        with pytest.raises(UserError, match="pictures"):
            make()
