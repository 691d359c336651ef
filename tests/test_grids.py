import numpy as np
import pytest
from PIL import Image

from sparring.grids import BACKGROUND, FAKE, REAL, picture_grid, scatter


def numbered(n: int, height: int, width: int, channels: int) -> np.ndarray:
    """Pictures of one colour each: 1, 2, 3, ..."""
    return (
        np.arange(1, n + 1, dtype=np.uint8)[:, None, None, None].repeat(height, 1).repeat(width, 2).repeat(channels, 3)
    )


@pytest.mark.parametrize(
    ("n", "height", "width", "columns", "rows"),
    [(1, 8, 8, 1, 1), (4, 8, 8, 2, 2), (5, 8, 8, 3, 2), (64, 8, 8, 8, 8), (12, 8, 24, 2, 6), (12, 24, 8, 6, 2)],
)
@pytest.mark.parametrize("gap", [0, 2])
def test_pictures_stand_in_rows_on_a_sheet_of_just_their_size(
    n: int, height: int, width: int, columns: int, rows: int, gap: int
) -> None:
    sheet = np.asarray(picture_grid(numbered(n, height, width, 3), gap=gap, smallest=1))
    assert sheet.shape == (rows * (height + gap) - gap, columns * (width + gap) - gap, 3)
    for k in range(n):
        top, left = k // columns * (height + gap), k % columns * (width + gap)
        assert (sheet[top : top + height, left : left + width] == k + 1).all()
    assert np.count_nonzero(sheet) == n * height * width * 3  # black between, and where none is left


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_channels_are_kept(channels: int, mode: str) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, 9, 7, channels), np.uint8)
    sheet = picture_grid(picture.repeat(2, 0), smallest=1)
    assert sheet.mode == mode
    assert np.array_equal(np.asarray(sheet).reshape(9, -1, channels)[:, :7], picture[0])


@pytest.mark.parametrize(("side", "factor"), [(8, 7), (28, 2), (30, 2), (55, 2), (56, 1), (100, 1)])
def test_small_pictures_are_magnified_by_a_whole_factor(side: int, factor: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, side, side, 1), np.uint8)
    sheet = np.asarray(picture_grid(picture))
    assert sheet.shape == (side * factor, side * factor)
    assert np.array_equal(sheet[::factor, ::factor], picture[0, :, :, 0])
    assert np.array_equal(sheet[factor - 1 :: factor, factor - 1 :: factor], picture[0, :, :, 0])


@pytest.mark.parametrize(("n", "height", "width"), [(1, 90, 60), (2, 400, 80), (3, 400, 80)])
def test_a_few_tall_pictures_leave_no_empty_columns(n: int, height: int, width: int) -> None:
    assert picture_grid(numbered(n, height, width, 3)).size == (n * (width + 2) - 2, height)


def pixels(sheet: Image.Image, colour: tuple[int, int, int]) -> np.ndarray:
    """(x, y) of every pixel of that colour, from the lower left corner, in sides."""
    rows, columns = np.nonzero((np.asarray(sheet) == colour).all(2))
    return np.stack([columns, sheet.height - 1 - rows], 1) / (sheet.height - 1)


def test_points_are_marked_where_they_are() -> None:
    real = np.array([[-1.0, -1.0], [1.0, 1.0]], np.float32)
    fake = np.array([[0.0, 0.5]], np.float32)
    sheet = scatter(fake, real, side=241)
    # the window reaches a tenth of the range beyond the reals: from -1.2 to 1.2
    assert pixels(sheet, FAKE).mean(0) == pytest.approx([0.5, 1.7 / 2.4], abs=0.01)
    assert len(pixels(sheet, FAKE)) == 4
    assert len(pixels(sheet, REAL)) == 8
    assert pixels(sheet, REAL).min(0) == pytest.approx([0.2 / 2.4] * 2, abs=0.01)
    assert pixels(sheet, REAL).max(0) == pytest.approx([2.2 / 2.4] * 2, abs=0.01)
    assert len(pixels(sheet, BACKGROUND)) == 241**2 - 12


def test_the_window_is_square_in_data_units_and_holds_all_reals() -> None:
    real = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32) * [10, 1] + [1000, -5]
    sheet = scatter(real[:0], real)
    spread = np.ptp(pixels(sheet, REAL), 0)
    assert spread == pytest.approx(np.ptp(real, 0) / np.ptp(real, 0).max() / 1.2, abs=0.01)
    for point in real:  # each one by itself is inside
        alone = scatter(np.array([point], np.float32), real)
        assert len(pixels(alone, FAKE)) == 4


def test_generated_points_lie_over_real_ones() -> None:
    points = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    sheet = scatter(points, points)
    assert len(pixels(sheet, FAKE)) > 100
    assert len(pixels(sheet, REAL)) == 0


@pytest.mark.parametrize("far", [np.nan, 1e6, -1e30])
def test_points_outside_the_window_are_not_drawn(far: float) -> None:
    real = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    fake = np.array([[far, 0.0], [0.0, far], [far, far]], np.float32)
    sheet = scatter(fake, real)
    assert len(pixels(sheet, FAKE)) == 0
    assert np.array_equal(np.asarray(sheet), np.asarray(scatter(real[:0], real)))


@pytest.mark.parametrize("broken", [np.inf, -np.inf, np.nan])
def test_samples_of_a_diverged_run_are_drawn_as_far_as_they_are_numbers(broken: float) -> None:
    points = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    points[0] = broken
    assert len(pixels(scatter(points, points), FAKE)) > 100


def test_one_dimension_is_drawn_over_the_index_and_further_ones_are_left_out() -> None:
    line = np.linspace(-3, 3, 100, dtype=np.float32)[:, None]
    place = pixels(scatter(line, line), FAKE)
    assert np.corrcoef(place.T)[0, 1] > 0.99
    cloud = np.random.default_rng(0).normal(size=(50, 5)).astype(np.float32)
    assert np.array_equal(np.asarray(scatter(cloud, cloud)), np.asarray(scatter(cloud[:, :2], cloud[:, :2])))


def test_a_single_point_and_equal_points_are_drawn_in_the_middle() -> None:
    for n in (1, 3):
        points = np.full((n, 2), 7.5, np.float32)
        assert pixels(scatter(points, points), FAKE).mean(0) == pytest.approx([0.5, 0.5], abs=0.01)
