"""What every kind of data does, and what pictures, points and categories do in their own way."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.errors import UserError
from sparring.grids import picture_grid, scatter
from sparring.kinds import Categories, Kind, Pictures, Points, check_ending, from_tables, to_tables

KINDS: dict[str, Kind] = {
    "grey": Pictures((1, 5, 4)),
    "RGB": Pictures((3, 4, 5)),
    "RGBA": Pictures((4, 4, 5)),
    "seven channels": Pictures((7, 4, 5), raw=True),
    "points": Points((2,), (1.0, -2.0), (4.0, 0.5)),
    "categories": Categories(("cat", "dog", "2")),
}


@pytest.fixture(params=KINDS.values(), ids=KINDS.keys())
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


def stored(kind: Kind, n: int = 6) -> torch.Tensor:
    rng = np.random.default_rng(0)
    if isinstance(kind, Pictures):
        return torch.from_numpy(rng.integers(0, 256, (n, *kind.shape), dtype=np.uint8))
    if isinstance(kind, Categories):
        return torch.from_numpy(rng.integers(0, len(kind.names), n))
    return torch.from_numpy(rng.normal(size=(n, *kind.shape)).astype(np.float32))


def test_what_is_stored_comes_back(kind):
    rows = stored(kind)
    model = kind.to_model(rows)
    assert model.shape == (6, *kind.shape)
    back = kind.to_stored(model)
    assert back.dtype == rows.dtype
    assert torch.allclose(back.double(), rows.double(), atol=1e-6)


def test_the_view_is_of_pictures_or_of_vectors(kind):
    view = kind.view(stored(kind))
    assert (view.ndim, view.dtype) in ((4, torch.uint8), (2, torch.float32))
    assert len(view) == 6


def test_a_schema_survives_its_tables(kind):
    schema = {"x": kind, "y": Categories(("a",))}
    assert from_tables(to_tables(schema)) == schema


def test_an_unknown_kind_and_foreign_fields_are_refused():
    with pytest.raises(UserError, match="no kind of data named 'roll'"):
        from_tables({"x": {"kind": "roll"}})
    with pytest.raises(UserError, match="column x"):
        from_tables({"x": {"kind": "points", "colour": 3}})


def test_arrays_are_written_and_come_back(kind, tmp_path: Path):
    rows, names = stored(kind), list("abcdef")
    kind.write(rows, tmp_path / "new" / "folder" / "a.NPY", names)
    found = np.load(tmp_path / "new" / "folder" / "a.NPY", allow_pickle=False)
    assert np.array_equal(found, kind.to_array(rows))
    kind.write(rows, tmp_path / "a.npz", names)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as both:
        assert np.array_equal(both["samples"], kind.to_array(rows))
        assert both["names"].tolist() == names


def test_pictures_go_from_minus_one_to_one_and_are_rounded_and_clipped():
    kind = Pictures((1, 1, 3))
    assert kind.to_model(torch.tensor([[[[0, 255, 51]]]], dtype=torch.uint8)).tolist() == [
        [[[-1.0, 1.0, pytest.approx(-0.6)]]]
    ]
    assert kind.to_stored(torch.tensor([[[[-7.0, 7.0, 0.0]]]])).tolist() == [[[[0, 255, 128]]]]


def test_points_are_standardised_by_column_and_viewed_so():
    kind = Points((2,), (50_000.0, 0.05), (15_000.0, 0.02))
    rows = torch.tensor([[65_000.0, 0.07], [35_000.0, 0.03]])
    assert torch.allclose(kind.to_model(rows), torch.tensor([[1.0, 1.0], [-1.0, -1.0]]), atol=1e-5)
    assert torch.equal(kind.view(rows), kind.to_model(rows))


def test_a_folder_holds_one_picture_a_name_and_a_png_the_sheet(tmp_path: Path):
    kind = Pictures((3, 6, 5))
    rows = stored(kind, 3)
    kind.write(rows, tmp_path / "out", ["a", "b", "c"])
    for name, picture in zip("abc", kind.to_array(rows), strict=True):
        with Image.open(tmp_path / "out" / f"{name}.png") as found:
            assert np.array_equal(np.asarray(found), picture)
    kind.write(rows, tmp_path / "a.PNG", ["a", "b", "c"], columns=3)
    with Image.open(tmp_path / "a.PNG") as found:
        assert np.array_equal(np.asarray(found), np.asarray(picture_grid(kind.to_array(rows), columns=3)))


def test_points_are_written_as_a_table_that_comes_back_bit_for_bit_or_as_a_scatter(tmp_path: Path):
    kind = KINDS["points"]
    rows = stored(kind)
    kind.write(rows, tmp_path / "out", list("abcdef"))
    assert np.array_equal(np.loadtxt(tmp_path / "out" / "samples.csv", delimiter=",", dtype=np.float32), rows.numpy())
    kind.write(rows, tmp_path / "a.png", list("abcdef"))
    with Image.open(tmp_path / "a.png") as found:
        assert np.array_equal(np.asarray(found), np.asarray(scatter(*2 * [kind.view(rows).numpy()])))


@pytest.mark.parametrize("name", ["a.jpg", "a.b.gif"])
def test_other_endings_and_folders_with_something_in_them_are_refused(name, tmp_path: Path):
    kind = KINDS["RGB"]
    with pytest.raises(UserError, match="cannot write pictures as"):
        check_ending(kind, tmp_path / name)
    (tmp_path / "data").mkdir()
    check_ending(kind, tmp_path / "data")
    (tmp_path / "data" / "real.png").touch()
    with pytest.raises(UserError, match="not empty"):
        check_ending(kind, tmp_path / "data")


def test_classes_are_named_by_name_or_else_by_index():
    kind = Categories(("cat", "dog", "2"))
    assert [int(kind.parse(text)) for text in ("dog", "0", "2", " cat ")] == [1, 0, 2, 0]
    assert kind.several("all") == [0, 1, 2]
    assert kind.several("dog,cat") == [1, 0]
    for wrong in ("bird", "3", "-1", ""):
        with pytest.raises(UserError, match="no class"):
            kind.parse(wrong)


def test_a_fourth_channel_that_is_raw_hides_nothing(tmp_path: Path):
    """Depth beside colours: a sheet shows the colours, and single files hold all four."""
    kind = Pictures((4, 4, 5), raw=True)
    rows = stored(kind)
    rows[:, 3] = 0
    colors = rows[:, :3].permute(0, 2, 3, 1).numpy()
    for sheet in (kind.preview(rows, rows), written(kind, rows, tmp_path / "a.png")):
        assert np.array_equal(np.asarray(sheet), np.asarray(picture_grid(colors)))
    kind.write(rows, tmp_path / "out", list("abcdef"))
    with Image.open(tmp_path / "out" / "b.png") as one:
        assert np.array_equal(np.asarray(one), rows[1].permute(1, 2, 0).numpy())
    assert "RGBA" not in kind.describe()


def written(kind: Kind, rows: torch.Tensor, out: Path) -> Image.Image:
    kind.write(rows, out, [str(k) for k in range(len(rows))])
    with Image.open(out) as found:
        return found.copy()


@pytest.mark.parametrize("channels", [2, 5])
def test_pictures_that_no_png_holds_are_not_written_as_single_files(channels, tmp_path: Path):
    kind = Pictures((channels, 4, 4))
    with pytest.raises(UserError) as error:
        kind.write(stored(kind), tmp_path / "out", list("abcdef"))
    assert ".npy" in error.value.hint
    assert not (tmp_path / "out").exists()
    kind.write(stored(kind), tmp_path / "sheet.png", list("abcdef"))
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.mode == {2: "L", 5: "RGB"}[channels]


def test_pictures_as_those_of_another_kind_are_changed_no_more_than_they_must_be():
    grey, rgb = Pictures((1, 4, 4)), Pictures((3, 4, 4))
    stored = torch.randint(0, 256, (2, 1, 4, 4), dtype=torch.uint8)
    assert torch.equal(grey.like(stored, grey), stored)
    assert torch.equal(grey.like(stored, rgb), stored.expand(-1, 3, -1, -1))
    assert rgb.like(stored.expand(-1, 3, -1, -1), grey) is None
    flat = torch.full((1, 3, 4, 4), 77, dtype=torch.uint8)
    larger = rgb.like(flat, Pictures((3, 8, 12)))
    assert larger.shape == (1, 3, 8, 12)
    assert (larger == 77).all()
    masked = torch.cat([stored, stored], 1)
    assert torch.equal(Pictures((2, 4, 4), masked=True).like(masked, grey), stored)
    assert Pictures((2, 4, 4), masked=True).describe() == "4x4 grey and a mask"
