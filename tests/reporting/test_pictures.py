import io
from base64 import b64decode

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from sparring.grids import picture_grid
from sparring.kinds import Pictures, Points
from sparring.reporting import pictures
from sparring.reporting.pictures import embedded, sheets_and_strip


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def decoded(picture: pictures.Picture) -> Image.Image:
    kind, _, content = picture.source.partition(",")
    assert kind == "data:image/webp;base64"
    image = Image.open(io.BytesIO(b64decode(content)))
    assert image.size == (picture.width, picture.height)
    return image


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_small_picture_loses_nothing(mode):
    pixels = noise(20, 30, len(mode))
    if mode == "RGBA":
        pixels[..., 3] = np.maximum(pixels[..., 3], 1)  # what is not seen at all has no colour
    image = Image.fromarray(pixels[..., 0] if mode == "L" else pixels)
    assert np.array_equal(np.asarray(decoded(embedded(image, 10_000)).convert(mode)), np.asarray(image))


@pytest.mark.parametrize("limit", [500, 5_000, 50_000])
def test_no_picture_is_larger_than_its_limit(limit):
    picture = embedded(Image.fromarray(noise(300, 500, 3)), limit)
    assert len(b64decode(picture.source.partition(",")[2])) <= limit
    assert picture.width / picture.height == pytest.approx(5 / 3, rel=0.1)


def test_a_large_picture_comes_smaller():
    assert max(embedded(Image.new("RGB", (3000, 100)), 9000).width, 0) == pictures.LARGEST


def drawn(folder, shape, rounds) -> list:
    files = []
    for round in rounds:
        cells = np.full((64, *shape[1:], shape[0]), round, np.uint8)
        cells[:, 0, 0] = np.arange(64)[:, None]
        picture_grid(cells).save(folder / f"{round}.png")
        few = {"samples": torch.from_numpy(cells[:8]).permute(0, 3, 1, 2).contiguous()}
        save_file(few, folder / f"{round}.safetensors")
        files.append((round, folder / f"{round}.png"))
    return files


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 20), (4, 30, 9)])
def test_the_strip_follows_the_first_samples_through_the_rounds(tmp_path, shape):
    files = drawn(tmp_path, shape, range(100, 130))
    sheets, strip = sheets_and_strip(files, Pictures(shape))
    assert [sheet.round for sheet in sheets] == list(range(100, 130))
    assert len(strip) == 8
    assert (strip[0].round, strip[-1].round) == (100, 129)
    for column in strip:
        if shape[0] < 4:  # the colour of what is not seen gets lost
            pixels = np.asarray(decoded(column).convert("RGB"))[..., 0]
            factor = -(-56 // min(shape[1:]))
            assert pixels.shape == (8 * (shape[1] * factor + 2) - 2, shape[2] * factor)
            assert pixels[:: shape[1] * factor + 2, 0].tolist() == list(range(8))
            assert pixels[factor, factor] == column.round


def test_there_are_at_most_forty_sheets_and_the_last_is_one(tmp_path):
    files = drawn(tmp_path, (1, 8, 8), [7])
    sheets, _ = sheets_and_strip([(k, files[0][1]) for k in range(300)], Pictures((1, 8, 8)))
    assert len(sheets) == 40
    assert (sheets[0].round, sheets[-1].round) == (0, 299)


def test_a_damaged_sheet_is_left_out(tmp_path):
    files = drawn(tmp_path, (1, 8, 8), [1, 2, 3, 4])
    content = files[1][1].read_bytes()
    files[1][1].write_bytes(content[: len(content) // 2])
    files[2][1].write_bytes(b"")
    files[3][1].with_suffix(".safetensors").unlink()
    sheets, strip = sheets_and_strip(files, Pictures((1, 8, 8)))
    assert [sheet.round for sheet in sheets] == [column.round for column in strip] == [1]
    assert sheets_and_strip(files[1:], Pictures((1, 8, 8))) == ([], [])


def test_of_points_the_strip_is_the_scatters(tmp_path):
    Image.new("RGB", (480, 480), (9, 9, 9)).save(tmp_path / "5.png")
    sheets, strip = sheets_and_strip([(5, tmp_path / "5.png")], Points((2,), (0.0, 0.0), (1.0, 1.0)))
    assert [(sheets[0].width, sheets[0].round), (strip[0].width, strip[0].round)] == [(480, 5), (240, 5)]
