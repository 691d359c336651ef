import io
import threading
import time
from zipfile import ZipFile

import pytest
from PIL import Image

from sparring.data import inspect, open, reading
from sparring.data.entries import Entry
from sparring.data.reading import Room, read_all
from sparring.errors import UserError


def entries(count: int) -> list[Entry]:
    return [Entry(f"{i}.png", lambda: io.BytesIO(b"")) for i in range(count)]


@pytest.mark.parametrize(("pixels", "together"), [(40, 2), (51, 1), (400, 1), (1, 8)])
def test_no_more_pixels_are_decoded_at_once_than_there_is_room_for(monkeypatch, pixels, together):
    monkeypatch.setattr(reading, "ROOM", Room(100))
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    inside, most, lock = 0, 0, threading.Lock()

    def work(index, stream):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.02)
        with lock:
            inside -= 1

    read_all(entries(16), work, [pixels] * 16)
    assert 1 <= most <= together
    assert together < 8 or most > 1


def test_room_is_given_back_after_an_error(monkeypatch):
    monkeypatch.setattr(reading, "ROOM", Room(10))

    def work(index, stream):
        raise ValueError("broken")

    results = read_all(entries(4), work, [10] * 4)
    assert [result.reason for result in results] == ["broken"] * 4
    with reading.ROOM.taken(10):
        pass


def test_a_picture_too_large_is_named_with_the_most_that_is_decoded(folder, monkeypatch):
    Image.new("L", (150, 150)).save(folder / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    ((name, reason),) = inspect(folder).corrupt
    assert name == "huge.png"
    assert "20,000 pixels" in reason
    assert "attack" not in reason


def test_files_of_other_kinds_are_counted_by_their_endings(folder):
    for name in ("a.ogg", "b.ogg", "c.txt", "README", "broken.jpg"):
        (folder / name).write_bytes(b"no picture")
    found = inspect(folder)
    assert found.ignored == {".ogg": 2, ".txt": 1, "no ending": 1}
    assert found.corrupt == [("broken.jpg", "not a picture")]
    notes = " ".join(open(folder).notes)
    assert "2 .ogg" in notes
    assert "broken.jpg" in notes
    assert "a.ogg" not in notes


def test_a_folder_of_other_kinds_only_is_refused(tmp_path):
    (tmp_path / "song.ogg").write_bytes(b"sound")
    with pytest.raises(UserError, match=r"holds no pictures, only 1 \.ogg"):
        open(tmp_path)


def encrypted(path, names):
    """Set the flag of encryption of these members, in both of the places where a zip has it."""
    raw = bytearray(path.read_bytes())
    with ZipFile(path) as archive:
        for info in archive.infolist():
            if info.filename in names:
                raw[info.header_offset + 6] |= 1
                raw[raw.index(info.filename.encode(), archive.start_dir) - 46 + 8] |= 1
    path.write_bytes(raw)
    return path


def test_what_is_encrypted_in_a_zip_is_said(folder, tmp_path):
    path = tmp_path / "a.zip"
    with ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    ((name, reason),) = inspect(encrypted(path, ["03.png"])).corrupt
    assert (name, reason.split(";")[0]) == ("03.png", "encrypted")
    with pytest.raises(UserError, match=r"a\.zip is encrypted \(unpack it"):
        open(encrypted(path, [file.name for file in folder.iterdir()]))


def test_several_frames_are_told_and_can_all_be_examples(folder, tmp_path):
    pages = [Image.new("RGB", (8, 8), (i, 2 * i, 90)) for i in range(6)]
    pages[0].save(folder / "pages.tif", save_all=True, append_images=pages[1:])
    first, every = open(folder), open(folder, frames="all")
    assert (len(first) + len(first.kept["x"]), len(every) + len(every.kept["x"])) == (13, 18)
    assert any("pages.tif (6)" in note and "frames=all" in note for note in first.notes)
    assert any("pages.tif (6)" in note for note in every.notes)
    assert any("pages.tif (6)" in note for note in inspect(folder).notes)


def test_the_file_that_makes_all_pictures_transparent_is_named(folder, noise):
    clear = noise(50, 8, 8, "RGBA")
    clear.save(folder / "clear.png")
    data = open(folder)
    assert data.schema["x"].shape[0] == 4
    assert any("4 channels" in note and "clear.png" in note for note in data.notes)
    assert any("clear.png" in note for note in inspect(folder).notes)
    assert not any("4 channels because" in note for note in open(folder, channels=4).notes)
    assert not any("clear.png" in note for note in open(folder, channels=3).notes)


def test_colours_erased_under_transparent_pixels_are_told(folder, noise):
    image = noise(50, 8, 8, "RGBA")
    image.putalpha(0)
    image.save(folder / "depth.png")
    assert any("became white" in note and "depth.png" in note for note in open(folder, channels=4).notes)
