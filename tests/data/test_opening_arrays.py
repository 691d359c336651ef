import re

import numpy as np
import pytest
import torch

from sparring.data import BUILTIN, open, storage
from sparring.data.arrays import read_numpy
from sparring.errors import UserError
from sparring.kinds import classes_of

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (20, 8, 6, 3), dtype=np.uint8)
POINTS = RNG.normal(size=(20, 2)).astype(np.float32)


def whole(data) -> set[bytes]:
    return {x.tobytes() for x in [*data.train["x"], *data.kept["x"]]}


EXPECTED = {np.ascontiguousarray(picture.transpose(2, 0, 1)).tobytes() for picture in PICTURES}


def test_the_digits_are_there():
    data = open("digits")
    assert data.schema["x"].shape == (1, 28, 28)
    assert classes_of(data.schema) == tuple("0123456789")
    assert (len(data), len(data.kept["x"])) == (9000, 1000)
    assert np.bincount(data.train["y"]).min() > 700


def test_every_builtin_name_is_in_the_list():
    assert BUILTIN == ("digits", "ring", "grid", "gaussian")
    assert "y" not in open("gaussian").train
    assert len(classes_of(open("grid").schema)) == 25


@pytest.mark.parametrize(
    "array",
    [
        PICTURES,
        PICTURES.transpose(0, 3, 1, 2),
        PICTURES / 255,
        (PICTURES / 127.5 - 1).astype(np.float32),
        (PICTURES.astype(np.float64) / 255).astype(">f4"),
    ],
    ids=["NHWC", "NCHW", "0 to 1", "-1 to 1", "big endian"],
)
def test_layouts_and_ranges_of_pictures(array, tmp_path):
    data = open(array)
    assert data.schema["x"].shape == (3, 8, 6)
    assert whole(data) == EXPECTED
    np.save(tmp_path / "a.npy", array)
    assert open(tmp_path / "a.npy").fingerprint == data.fingerprint


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (PICTURES.astype(np.uint16) * 257, None),
        (PICTURES.astype(np.uint16) * 16, "0 to 4,095"),
        (PICTURES.astype(np.int32) * 4, "0 to 1,023"),
        (PICTURES.astype(np.int64), "0 to 255"),
        (PICTURES / 255 * 1.03 - 0.01, "clipped to 0 to 1"),
        (PICTURES / 255 * 2.02 - 1.01, "clipped to -1 to 1"),
    ],
)
def test_integers_and_floats_that_are_nearly_of_a_usual_range_are_taken_for_it(array, said):
    data = open(array)
    pixels, expected = (
        np.sort(np.concatenate([x.ravel() for x in each])) for each in ([*data.train["x"], *data.kept["x"]], [PICTURES])
    )
    assert np.abs(pixels.astype(int) - expected).max() <= 8
    assert (said in data.notes[0]) if said else data.notes == ()


def test_levels_of_four_bits_and_booleans_reach_white():
    for array, levels in ((PICTURES // 16, range(0, 256, 17)), (PICTURES > 127, (0, 255))):
        assert set(np.unique(open(array).train["x"])) == set(levels)
    assert open(PICTURES // 16, range=(0, 255)).train["x"].max() == 15


@pytest.mark.parametrize(
    "array", [PICTURES.astype(np.float64), PICTURES.astype(np.int16), PICTURES.astype(np.uint16), PICTURES]
)
def test_a_range_that_is_given_decides(array):
    assert whole(open(array, range=(0, 255))) == EXPECTED
    wide = open(array, range=(0, 510))
    assert max(x.max() for x in wide.train["x"]) == 128
    assert open(array, range=(0, 100)).notes == ("pictures hold 0 to 255: clipped to 0 to 100",)


def test_a_set_that_fills_little_of_its_range_is_mentioned():
    for array in (PICTURES / 2550, PICTURES // 4 + 100):
        (note,) = open(array).notes
        assert "little" in note


def test_ranges_that_mean_nothing_are_refused():
    for source, span, problem in ((PICTURES, (5, 5), "is empty"), (POINTS, (0, 1), "holds points")):
        with pytest.raises(UserError, match=problem):
            open(source, range=span)


SEVEN = RNG.integers(0, 256, (20, 12, 10, 7), dtype=np.uint8)


@pytest.mark.parametrize("array", [SEVEN, SEVEN.transpose(0, 3, 1, 2)], ids=["NHWC", "NCHW"])
def test_raw_channels_are_kept_whatever_their_number(array):
    data = open(array, channels="raw")
    assert data.schema["x"].shape == (7, 12, 10)
    assert whole(data) == {np.ascontiguousarray(picture.transpose(2, 0, 1)).tobytes() for picture in SEVEN}
    small = open(array, channels="raw", size=(5, 4))
    assert small.schema["x"].shape == (7, 5, 4)
    with pytest.raises(UserError) as error:
        open(array)
    assert "channels=raw" in error.value.hint


def test_square_pictures_of_many_channels_have_them_last():
    assert open(RNG.integers(0, 256, (20, 8, 8, 12), dtype=np.uint8), channels="raw").schema["x"].shape == (12, 8, 8)


def test_raw_channels_are_never_alpha():
    depth = np.concatenate([PICTURES, np.zeros((20, 8, 6, 1), np.uint8)], axis=3)
    data = open(depth, channels="raw")
    assert data.notes == ()
    assert data.schema["x"].raw
    assert not open(PICTURES).schema["x"].raw
    assert whole(data) == {np.ascontiguousarray(picture.transpose(2, 0, 1)).tobytes() for picture in depth}
    small = open(depth, channels="raw", size=(4, 4)).train["x"]
    assert small[:, :3].std() > 10  # colours are there, although the depth is 0
    opaque = np.concatenate([PICTURES, np.full((20, 8, 6, 1), 255, np.uint8)], axis=3)
    assert open(opaque, channels="raw").schema["x"].shape == (4, 8, 6)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.bfloat16])
def test_tensors_are_arrays(dtype):
    tensor = torch.from_numpy(PICTURES) if dtype == torch.uint8 else torch.from_numpy(PICTURES // 16 / 15).to(dtype)
    expected = tensor.float().numpy() if dtype == torch.bfloat16 else tensor.numpy()
    labels = torch.arange(20) % 2
    assert open(tensor).fingerprint == open(expected).fingerprint
    assert open((tensor, labels)).fingerprint == open((expected, labels.numpy())).fingerprint
    if dtype == torch.float32:
        assert open((tensor.requires_grad_(), None)).fingerprint == open(expected).fingerprint


def test_series_that_are_taken_for_pictures_are_mentioned():
    series = RNG.random((20, 24, 5))
    (note,) = open(series).notes
    assert "(N, 120)" in note
    assert open(series.reshape(20, 120)).schema["x"].shape == (120,)


def test_a_narrow_picture_is_not_taken_for_channels():
    assert open(PICTURES.transpose(0, 3, 1, 2)[..., :4]).schema["x"].shape == (3, 8, 4)


def test_a_npy_file_stays_on_disk(tmp_path):
    np.save(tmp_path / "a.npy", PICTURES)
    assert isinstance(read_numpy(tmp_path / "a.npy").examples, np.memmap)


def test_arrays_larger_than_a_part_are_read_whole(monkeypatch):
    expected = open(PICTURES), open(POINTS)
    monkeypatch.setattr(storage, "PART", 50)
    for array, whole_read in zip((PICTURES, POINTS), expected, strict=True):
        assert open(array).fingerprint == whole_read.fingerprint
        again, once = (getattr(each.schema["x"], "scale", ()) for each in (open(array), whole_read))
        assert again == pytest.approx(once)
    with pytest.raises(UserError, match=r"2 values.*\(13, 1\)"):
        open(broken(POINTS, (17, 0), (13, 1)))


def test_three_axes_are_grey():
    data = open(PICTURES[..., 0])
    assert data.schema["x"].shape == (1, 8, 6)
    assert whole(data) == {picture.tobytes() for picture in PICTURES[..., 0]}


def test_arrays_are_resized_and_recoloured_when_asked():
    assert open(PICTURES, size=(5, 4), channels=1).train["x"].shape[1:] == (1, 5, 4)
    assert open(PICTURES[..., 0], channels=4).schema["x"].shape == (4, 8, 6)


def test_an_opaque_alpha_channel_is_dropped_and_a_transparent_one_kept():
    opaque = np.concatenate([PICTURES, np.full((20, 8, 6, 1), 255, np.uint8)], axis=3)
    assert whole(open(opaque)) == EXPECTED
    opaque[7, 3, 3, 3] = 0
    data = open(opaque)
    assert data.schema["x"].shape == (4, 8, 6)
    assert sum(x[:, 3, 3].tolist() == [255, 255, 255, 0] for x in [*data.train["x"], *data.kept["x"]]) == 1


def test_the_callers_array_is_left_alone():
    pictures, points = PICTURES.transpose(0, 3, 1, 2).copy(), POINTS.copy()
    before = pictures.copy()
    open(pictures)
    open(points)
    np.testing.assert_array_equal(pictures, before)
    np.testing.assert_array_equal(points, POINTS)


@pytest.mark.parametrize("labels", [np.arange(20) % 3 * 5, (np.arange(20) % 3 * 5)[:, None].astype(np.uint8)])
def test_labels_are_numbered_from_zero(labels):
    data = open((POINTS, labels))
    assert classes_of(data.schema) == ("0", "5", "10")
    assert data.train["y"].dtype == np.int64
    own = {point.tobytes(): i % 3 for i, point in enumerate(POINTS)}
    assert data.train["y"].tolist() == [own[x.tobytes()] for x in data.train["x"]]
    assert data.kept["y"].tolist() == [own[x.tobytes()] for x in data.kept["x"]]


def test_labels_may_be_words():
    assert classes_of(open((POINTS, np.array(["dog", "cat"] * 10))).schema) == ("cat", "dog")


def test_labels_are_part_of_the_fingerprint():
    assert open((POINTS, np.arange(20) % 2)).fingerprint != open(POINTS).fingerprint


@pytest.mark.parametrize(
    ("examples", "labels"),
    [
        ("images", "labels"),
        ("x", "y"),
        ("whatever", "y"),
        ("train_images", "train_labels"),
        ("X_train", "y_train"),
        ("whatever", "train_labels"),
    ],
)
def test_npz_names(tmp_path, examples, labels):
    np.savez(tmp_path / "a.npz", **{labels: np.arange(20) % 2, examples: PICTURES})
    data = open(tmp_path / "a.npz")
    assert whole(data) == EXPECTED
    assert classes_of(data.schema) == ("0", "1")
    assert data.notes == ()


def test_npz_arrays_passed_over_are_named(tmp_path):
    np.savez(tmp_path / "a.npz", other=POINTS, x=PICTURES)
    data = open(tmp_path / "a.npz")
    assert whole(data) == EXPECTED
    assert data.notes == ("read x of a.npz, and not other",)


def test_the_training_part_of_an_npz_is_read_with_its_own_labels(tmp_path):
    other = {"test_images": PICTURES[:3], "test_labels": np.arange(3)}
    np.savez(tmp_path / "a.npz", **other, train_images=PICTURES, train_labels=np.arange(20) % 2)
    data = open(tmp_path / "a.npz")
    assert whole(data) == EXPECTED
    assert classes_of(data.schema) == ("0", "1")
    assert data.notes == ("read train_images of a.npz, and not test_images, test_labels",)


def test_what_is_not_used_of_an_npz_is_not_unpacked(tmp_path):
    np.savez(tmp_path / "a.npz", x=PICTURES, meta=np.array([{}], dtype=object))  # unpacking it would be refused
    assert whole(open(tmp_path / "a.npz")) == EXPECTED


def test_an_array_whose_colours_are_erased_under_its_fourth_channel_says_so():
    pictures = np.concatenate([PICTURES, np.full((20, 8, 6, 1), 200, np.uint8)], axis=3)
    assert open(pictures).notes == ()
    pictures[:3, 0, :2, 3] = 0
    pictures[3, 0, 0, 3] = 0  # one pixel: one colour
    (note,) = open(pictures).notes
    assert "3 of 20" in note
    assert open(pictures, channels=3).notes == ()


def test_points_keep_their_units():
    data = open(POINTS.astype(np.float64))
    assert data.schema["x"].name == "points"
    assert whole(data) == {point.tobytes() for point in POINTS}
    x = data.batch(0, 18, 0)["x"]
    assert {p.round(4).tobytes() for p in data.schema["x"].to_array(x)} == {
        p.round(4).tobytes() for p in data.train["x"]
    }


def test_points_that_leave_one_to_train_on_still_have_a_scale():
    data = open(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert (len(data), len(data.kept["x"]), data.schema["x"].scale) == (1, 1, (1.0, 1.0))


def incomes(n: int = 3000) -> np.ndarray:
    """An income, and a rate."""
    return (np.random.default_rng(0).normal(size=(n, 2)) * [15_000, 0.02] + [50_000, 0.05]).astype(np.float32)


def test_columns_of_very_different_spreads_are_scaled_each_by_itself_with_a_note():
    data = open(incomes())
    x = data.schema["x"].view(torch.from_numpy(data.train["x"]))
    assert torch.allclose(x.std(dim=0), torch.ones(2), atol=0.01)
    (note,) = data.notes
    assert "scale=one" in note


def test_the_scale_of_columns_can_be_chosen():
    one, each = (open(incomes(), scale=scale).schema["x"].scale for scale in ("one", "each"))
    assert one[0] == one[1] == pytest.approx(15_000 / 2**0.5, rel=0.05)
    assert each == pytest.approx((15_000, 0.02), rel=0.05)
    assert len(set(open("gaussian").schema["x"].scale)) == 1
    assert len(set(open("gaussian", scale="each").schema["x"].scale)) == 2
    with pytest.raises(UserError, match="holds pictures"):
        open(PICTURES, scale="one")


@pytest.mark.parametrize("scale", ["auto", "each", "one"])
def test_a_constant_column_comes_back_constant(scale):
    rows = np.insert(incomes(200), 1, np.float32(0.1), axis=1)
    data = open(rows, scale=scale)
    assert (data.schema["x"].view(torch.from_numpy(data.train["x"]))[:, 1] == 0).all()
    assert (data.schema["x"].to_stored(torch.randn(50, 3))[:, 1] == np.float32(0.1)).all()
    assert "constant" in data.notes[-1]


def broken(array: np.ndarray, *indices: tuple[int, ...], value: float = np.nan) -> np.ndarray:
    array = array.astype(np.float64)
    for index in indices:
        array[index] = value
    return array


@pytest.mark.parametrize(
    ("source", "problem", "hint"),
    [
        (
            broken(POINTS, (4, 1), (3, 1), (9, 0)),
            r"3 values that are not finite.*first at index \(3, 1\)",
            "nan_to_num",
        ),
        (broken(POINTS, (0, 0), value=np.inf), r"1 values.*\(0, 0\)", "nan_to_num"),
        (broken(POINTS, (0, 0), value=1e300), r"1 values.*\(0, 0\)", "nan_to_num"),
        (broken(PICTURES / 255, (2, 1, 0, 2)), r"\(2, 1, 0, 2\)", "nan_to_num"),
        (PICTURES.astype(np.float32), "from 0 to 255", "range=LOW,HIGH"),
        (PICTURES / 100 - 1.5, "from -1.5", "range=LOW,HIGH"),
        (PICTURES.astype(np.int16) - 1, "-1 to 254", "range=LOW,HIGH"),
        (PICTURES.astype(np.int64) * 1000, "0 to 255,000", "range=LOW,HIGH"),
        (POINTS.astype(np.int64), "int64", "astype"),
        (POINTS.astype(complex), "complex128", "floats"),
        (PICTURES.reshape(20, -1), "uint8", "reshape"),
        (POINTS[:, 0], r"shape \(20,\)", r"\(N, D\)"),
        (PICTURES[..., :2], "shape", "C of 1, 3 or 4"),
        (PICTURES[None], "shape", "C of 1, 3 or 4"),
        (PICTURES[:, :2], "2x6 pixels", "4x4"),
        (PICTURES[:0], "no examples", "pictures are"),
        (PICTURES[:1], "one single example", "at least 2"),
        (POINTS[:1], "one single example", "at least 2"),
        (np.ones((5, 2)), "all 5 examples", "differ"),
        ((POINTS, np.arange(19)), r"\(19,\) for 20", r"\(20,\)"),
        ((POINTS, np.linspace(0, 1, 20)), "labels of float64", "integers or strings"),
        ((POINTS, np.array([object()] * 20)), "labels of object", "integers or strings"),
    ],
)
def test_errors_of_arrays(source, problem, hint):
    with pytest.raises(UserError) as error:
        open(source)
    assert re.search(problem, error.value.problem)
    assert re.search(hint, error.value.hint)


@pytest.mark.parametrize("options", [{"size": (8, 8)}, {"channels": 1}, {"mirror": True}])
def test_points_are_not_pictures(options):
    with pytest.raises(UserError, match="are for pictures"):
        open(POINTS, **options)


def test_errors_of_files(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "objects.npz", x=np.array([{}, []], dtype=object))
    for name in ("objects.npy", "objects.npz"):
        with pytest.raises(UserError, match="never unpickled"):
            open(tmp_path / name)
    np.save(tmp_path / "cut.npy", PICTURES)
    np.savez_compressed(tmp_path / "cut.npz", x=PICTURES)
    for name in ("cut.npy", "cut.npz"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:-300])
    (tmp_path / "text.npy").write_text("hello")
    (tmp_path / "empty.npz").touch()
    for name in ("cut.npy", "cut.npz", "text.npy", "empty.npz"):
        with pytest.raises(UserError, match=f"{name} is not a (readable )?NumPy file"):
            open(tmp_path / name)
    np.savez(tmp_path / "labels.npz", y=np.arange(3))
    with pytest.raises(UserError, match="no array of examples"):
        open(tmp_path / "labels.npz")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_that_is_not_compressed_is_mapped(tmp_path, monkeypatch, save, order):
    pictures = np.asarray(np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8), order=order)
    save(tmp_path / "a.npz", images=pictures, labels=np.arange(20) % 2)
    mapped: list[object] = []
    true = np.memmap
    monkeypatch.setattr(np, "memmap", lambda *arguments, **more: mapped.append(1) or true(*arguments, **more))
    data = open(tmp_path / "a.npz", cache=False)
    assert len(mapped) == (save is np.savez)
    assert data.fingerprint == open((pictures, np.arange(20) % 2)).fingerprint
