import io
import re
import shutil
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
from PIL import Image

from sparring.data import entries, inspect, open, read
from sparring.errors import UserError
from sparring.kinds import classes_of


def whole(data) -> set[bytes]:
    return {x.tobytes() for x in [*data.train["x"], *data.kept["x"]]}


def test_a_folder_holds_exactly_its_pictures(folder, noise):
    data = open(str(folder))
    assert data.schema["x"].shape == (3, 8, 8)
    assert classes_of(data.schema) == ()
    assert (len(data), len(data.kept["x"])) == (11, 1)
    assert whole(data) == {np.asarray(noise(i)).transpose(2, 0, 1).tobytes() for i in range(12)}
    assert data.notes == ()


def test_training_follows_the_names(folder, noise):
    order = [x.tobytes() for x in open(folder).train["x"]]
    expected = [np.asarray(noise(i)).transpose(2, 0, 1).tobytes() for i in range(12)]
    assert order == [x for x in expected if x in set(order)]


def test_the_same_content_gives_the_same_data_and_other_content_does_not(folder, tmp_path, noise):
    data = open(folder)
    shutil.copytree(folder, tmp_path / "copy")
    again = open(tmp_path / "copy")
    assert again.fingerprint == data.fingerprint
    np.testing.assert_array_equal(again.train["x"], data.train["x"])
    noise(99).save(tmp_path / "copy" / "05.png")
    assert open(tmp_path / "copy").fingerprint != data.fingerprint


def test_renaming_files_does_not_change_what_is_held_out(folder):
    held = open(folder).kept["x"].tobytes()
    for i in range(12):
        (folder / f"{i:02}.png").rename(folder / f"x{(i * 5) % 12:02}.png")
    assert open(folder).kept["x"].tobytes() == held


def test_sub_folders_are_classes(folder):
    for name in ("dog", "cat"):
        (folder / name / "deep").mkdir(parents=True)
    for i in range(12):
        (folder / f"{i:02}.png").rename(folder / ("cat" if i < 4 else "dog/deep") / f"{i:02}.png")
    (folder / "README.txt").write_text("not a class")
    data = open(folder)
    assert classes_of(data.schema) == ("cat", "dog")
    labels = [*data.train["y"].tolist(), *data.kept["y"].tolist()]
    assert (labels.count(0), labels.count(1)) == (4, 8)
    assert data.train["y"].tolist() == sorted(data.train["y"].tolist())


@pytest.mark.parametrize("top", ["", "wrapped"])
def test_a_picture_outside_the_classes_means_no_classes_and_is_named(folder, top):
    for i in range(1, 12):
        into = folder / top / ("cat" if i < 6 else "dog")
        into.mkdir(parents=True, exist_ok=True)
        (folder / f"{i:02}.png").rename(into / f"{i:02}.png")
    data = open(folder)
    assert "y" not in data.train
    (note,) = data.notes
    assert "1 of 12" in note
    assert "00.png" in note
    (folder / "00.png").unlink()
    assert classes_of(open(folder).schema) == ("cat", "dog")


def test_one_sub_folder_is_no_class(folder):
    assert "y" not in open(folder.parent).train


def test_hidden_files_are_ignored(folder, noise):
    noise(50).save(folder / ".hidden.png")
    (folder / ".cache").mkdir()
    noise(51).save(folder / ".cache" / "a.png")
    assert len(whole(open(folder))) == 12
    assert open(folder).notes == ()


def test_broken_files_are_skipped_and_named(folder):
    whole_file = (folder / "03.png").read_bytes()
    (folder / "03.png").write_bytes(whole_file[: len(whole_file) // 2])
    (folder / "notes.txt").write_text("hello")
    (folder / "empty.jpg").touch()
    (folder / "z.gif").write_bytes(b"GIF89a")
    data = open(folder)
    assert len(whole(data)) == 11
    assert data.notes == (
        "skipped 3 files that are not readable images: 03.png, empty.jpg, z.gif",
        "passed over files that are not pictures: 1 .txt",
    )


def test_broken_files_take_no_neighbour_with_them(folder, noise):
    for i, name in enumerate(("cat", "dog")):
        (folder / name).mkdir()
        for k in range(6):
            file = folder / f"{6 * i + k:02}.png"
            file.rename(folder / name / file.name)
    raw = (folder / "cat" / "03.png").read_bytes()
    (folder / "cat" / "03.png").write_bytes(raw[: len(raw) // 2])  # its header is sound
    data = open(folder)
    pairs = zip([*data.train["x"], *data.kept["x"]], [*data.train["y"], *data.kept["y"]], strict=True)
    expected = {(np.asarray(noise(i)).transpose(2, 0, 1).tobytes(), int(i >= 6)) for i in range(12) if i != 3}
    assert {(x.tobytes(), int(y)) for x, y in pairs} == expected


@pytest.mark.parametrize(("others", "side"), [([9, 10, 11], 8), ([9, 10, 11, 12, 13], 64)])
def test_a_size_is_common_from_half_on(tmp_path, noise, others, side):
    for i, edge in enumerate([8, 8, 8, *others]):
        noise(i, edge, edge).save(tmp_path / f"{i}.png")
    assert open(tmp_path).schema["x"].shape == (3, side, side)


@pytest.mark.parametrize("first", [8, 9])
def test_the_larger_of_two_equally_common_sizes_is_taken(tmp_path, noise, first):
    for i in range(4):
        edge = first if i < 2 else 17 - first
        noise(i, edge, edge).save(tmp_path / f"{i}.png")
    assert open(tmp_path).schema["x"].shape == (3, 9, 9)


def test_a_common_size_is_taken(folder, noise):
    for i in range(6):
        noise(i, 10, 20).save(folder / f"big{i}.png")
    data = open(folder)
    assert data.schema["x"].shape == (3, 8, 8)
    assert data.notes == ("the pictures are of 2 sizes: all are cropped and resized to 8x8",)


def test_without_a_common_size_it_is_64(folder, noise):
    for i in range(13):
        noise(i, 10 + i, 20).save(folder / f"big{i}.png")
    assert open(folder).schema["x"].shape == (3, 64, 64)


def test_a_size_is_height_then_width(folder):
    data = open(folder, size=(5, 9), channels=1)
    assert data.schema["x"].shape == (1, 5, 9)
    assert data.train["x"].shape == (11, 1, 5, 9)
    assert data.notes == ()


@pytest.mark.parametrize(
    ("mode", "alpha", "channels"), [("L", None, 1), ("RGB", None, 3), ("RGBA", 255, 3), ("LA", 255, 1), ("LA", 9, 4)]
)
def test_channels_follow_the_pictures(tmp_path, noise, mode, alpha, channels):
    for i in range(3):
        image = noise(i, mode=mode)
        if alpha is not None:
            image.putalpha(alpha)
        image.save(tmp_path / f"{i}.png")
    assert open(tmp_path).schema["x"].shape == (channels, 8, 8)


def test_one_transparent_picture_among_many_gives_four_channels(folder, noise):
    for i in range(40):
        image = noise(100 + i, mode="RGBA")
        image.putalpha(255)
        image.save(folder / f"a{i:02}.png")
    assert open(folder).schema["x"].shape[0] == 3
    noise(200, mode="RGBA").save(folder / "z.png")
    assert open(folder).schema["x"].shape[0] == 4


def test_one_colour_picture_among_grey_ones_gives_three_channels(tmp_path, noise):
    for i in range(3):
        noise(i, mode="L").save(tmp_path / f"{i}.png")
    noise(9).save(tmp_path / "9.png")
    assert open(tmp_path).schema["x"].shape[0] == 3


def zipped(path: Path, folder: Path, prefix: str) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*.*"), reverse=True):
            archive.write(file, prefix + file.relative_to(folder).as_posix())
    return path


@pytest.mark.parametrize("prefix", ["", "set/"])
@pytest.mark.parametrize("top", ["", "top/", "top/deep/"])
def test_a_zip_is_the_folder_it_was_made_of(folder, tmp_path, prefix, top):
    for i, name in enumerate(("cat", "dog")):
        (folder / top / name).mkdir(parents=True)
        for k in range(6):
            file = folder / f"{6 * i + k:02}.png"
            file.rename(folder / top / name / file.name)
    (folder / "README.txt").write_text("beside all pictures")
    from_zip, from_folder = open(zipped(tmp_path / "a.zip", folder, prefix)), open(folder)
    assert from_zip.fingerprint == from_folder.fingerprint
    assert from_zip.schema == from_folder.schema
    assert classes_of(from_zip.schema) == ("cat", "dog")


def test_what_a_mac_adds_to_a_zip_is_ignored(folder, tmp_path):
    for i, name in enumerate(("cat", "dog")):
        (folder / name).mkdir()
        (folder / f"{i:02}.png").rename(folder / name / "a.png")
    for i in range(2, 12):
        (folder / f"{i:02}.png").unlink()
    path = zipped(tmp_path / "a.zip", folder, "set/")
    with ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/set/._00.png", b"resource fork")
    data = open(path)
    assert not any("__MACOSX" in note or "skipped" in note for note in data.notes)
    assert classes_of(data.schema) == ("cat", "dog")


def test_bombs_are_corrupt_files(folder, tmp_path, monkeypatch):
    Image.new("L", (400, 400)).save(folder / "bomb.png")
    path = zipped(tmp_path / "a.zip", folder, "")
    with ZipFile(path, "a", ZIP_DEFLATED) as archive:
        archive.writestr("zeros.bmp", stored(Image.new("RGB", (90, 90)), "BMP"))
    monkeypatch.setattr(entries, "LARGEST", 9_000)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    assert open(path).notes == ("skipped 2 files that are not readable images: bomb.png, zeros.bmp",)


def test_a_broken_member_of_a_zip_is_skipped(folder, tmp_path):
    path = zipped(tmp_path / "a.zip", folder, "")
    raw = bytearray(path.read_bytes())
    raw[200] ^= 255  # inside the first file's data
    path.write_bytes(raw)
    assert open(path).notes[0].startswith("skipped 1 file that is not a readable image")


def stored(image: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def says(source, problem: str, hint: str, **options) -> None:
    with pytest.raises(UserError) as error:
        open(source, **options)
    assert re.search(problem, error.value.problem)
    assert re.search(hint, error.value.hint)
    assert "\n" not in str(error.value)


def test_errors_of_paths(tmp_path, folder):
    says("digitz", "digitz does not exist", "did you mean digits")
    says(tmp_path / "nowhere", "does not exist", "a folder or zip of pictures")
    says(folder / "00.png", "of a type that cannot be read", "a folder or zip of pictures")
    (tmp_path / "void").mkdir()
    says(tmp_path / "void", "is empty", "put pictures in it")
    says([1, 2], "from a list", "or an array")


def test_errors_of_pictures(tmp_path, folder):
    (tmp_path / "bad").mkdir()
    for i in range(3):
        (tmp_path / "bad" / f"{i}.png").write_bytes(b"no")
    says(tmp_path / "bad", "no readable picture, of 3 tried; 0.png: not a picture", "PNG, JPEG")
    truncated = tmp_path / "truncated"
    truncated.mkdir()
    (truncated / "a.png").write_bytes((folder / "00.png").read_bytes()[:80])
    says(truncated, "no readable picture, of 1 tried; a.png: .*truncated", "PNG, JPEG")
    says(folder, "2 channels", "1 is grey", channels=2)
    says(folder, "3x64 is too small", "4x4", size=(3, 64))
    single = tmp_path / "single"
    single.mkdir()
    shutil.copy(folder / "00.png", single)
    says(single, "one single example", "at least 2")
    shutil.copy(folder / "00.png", single / "again.png")
    says(single, "all 2 examples of .* are the same", "at least 2")


def test_errors_of_zips(tmp_path, folder):
    path = zipped(tmp_path / "a.zip", folder, "")
    path.write_bytes(path.read_bytes()[:-200])
    says(path, "not a readable zip", "incomplete")
    with ZipFile(tmp_path / "empty.zip", "w"):
        pass
    says(tmp_path / "empty.zip", "is empty", "put pictures in it")


def deep(root, scale, kind="png", dtype=np.uint16, count=12):
    """Greys of 0 to 255 times `scale`, in files of more than 8 bits."""
    root.mkdir()
    for i in range(count):
        levels = np.random.default_rng(i).integers(0, 256, (8, 8))
        levels[0, 0] = 255
        Image.fromarray((levels * scale).astype(dtype)).save(root / f"{i:02}.{kind}")
    return root


@pytest.mark.parametrize(
    ("scale", "said"), [(257, ()), (16, "0 to 4,095"), (4, "0 to 1,023"), (64, "0 to 16,383")], ids=str
)
def test_files_of_16_bits_use_all_levels(tmp_path, scale, said):
    data = open(deep(tmp_path / "deep", scale))
    assert data.schema["x"].shape == (1, 8, 8)
    assert data.train["x"].max() >= 254
    assert len(np.unique(data.train["x"])) > 200
    assert (said in data.notes[0]) if said else data.notes == ()
    found = inspect(tmp_path / "deep")
    assert found.values == (0, 255 * scale)
    assert found.notes == data.notes
    assert found.duplicates == 0


def test_a_range_that_is_given_decides_for_files_of_more_than_8_bits(tmp_path, folder):
    root = deep(tmp_path / "deep", 16)
    assert open(root, range=(0, 65_535)).train["x"].max() == 16
    assert open(root, range=(0, 8160)).train["x"].max() == 128
    assert read(root, range=(0, 8160)).max() == 128
    floats = deep(tmp_path / "floats", 1e-3, "tiff", np.float32)
    assert open(floats, range=(0, 0.255)).train["x"].max() == 255
    with pytest.raises(UserError, match="range=LOW,HIGH"):
        open(floats)
    with pytest.raises(UserError, match="more than 8 bits"):
        open(folder, range=(0, 1))


def test_integers_beyond_every_depth_need_a_range(tmp_path):
    root = deep(tmp_path / "wide", 1000, "tiff", np.int32)
    with pytest.raises(UserError, match="0 to 255,000"):
        open(root)
    assert open(root, range=(0, 255_000)).train["x"].max() == 255
    assert inspect(root).values == (0, 255_000)


def test_8_bit_files_that_fill_little_of_their_range_are_mentioned(tmp_path):
    (note,) = open(deep(tmp_path / "mask", 1 / 128, dtype=np.uint8)).notes
    assert "0 to 1" in note


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4)])
def test_raw_channels_of_files_are_those_that_are_stored(tmp_path, noise, mode, channels):
    pictures = [np.asarray(noise(i, mode=mode)).reshape(8, 8, channels).copy() for i in range(12)]
    for i, picture in enumerate(pictures):
        picture[:4, :, -1] = 0  # were it alpha, it would hide colours
        Image.fromarray(picture.squeeze()).save(tmp_path / f"{i:02}.png")
    data = open(tmp_path, channels="raw")
    assert data.notes == ()
    assert whole(data) == {np.ascontiguousarray(picture.transpose(2, 0, 1)).tobytes() for picture in pictures}


def test_raw_channels_of_files_must_agree(folder, noise):
    noise(20, mode="L").save(folder / "grey.png")
    with pytest.raises(UserError, match="different numbers of channels: 1 of 1, 12 of 3"):
        open(folder, channels="raw")
