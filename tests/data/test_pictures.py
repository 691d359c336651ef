import io

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from sparring.data import pictures
from sparring.data.pictures import Header, decode, endings, frames, hides_colors, prepare, read_header, transparent


def stored(image: Image.Image, kind: str = "PNG", **options: object) -> io.BytesIO:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    stream.seek(0)
    return stream


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_plain_modes_keep_their_pixels(noise, mode):
    image = noise(0, 6, 9, mode)
    decoded = decode(stored(image))
    assert decoded.mode == mode
    np.testing.assert_array_equal(np.asarray(decoded), np.asarray(image))
    header = read_header(stored(image))
    assert header == Header(6, 9, mode, grey=mode in ("L", "LA"), alpha=mode in ("LA", "RGBA"))


@pytest.mark.parametrize(("kind", "dtype"), [("PNG", np.uint16), ("TIFF", np.uint16), ("TIFF", np.int32)])
def test_sixteen_bits_are_scaled_not_clipped(kind, dtype):
    levels = np.repeat(np.array([0, 257, 1000, 32_896, 65_535]), 5).reshape(5, 5).astype(dtype)
    stream = stored(Image.fromarray(levels), kind)
    assert read_header(stream).grey
    image = decode(stream)
    assert image.mode == "L"
    assert np.asarray(image)[:, 0].tolist() == [0, 1, 4, 128, 255]


def test_one_bit_is_black_and_white():
    bits = Image.fromarray(np.eye(8, dtype=bool))
    assert read_header(stored(bits)).grey
    np.testing.assert_array_equal(np.asarray(decode(stored(bits))), np.eye(8) * 255)


@pytest.mark.parametrize(("kind", "extra"), [("PNG", {}), ("JPEG", {"quality": 100}), ("WEBP", {"lossless": True})])
def test_rotated_pictures_are_set_upright(kind, extra):
    upright = np.zeros((8, 16), np.uint8)
    upright[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter when shown
    lying = Image.fromarray(np.rot90(upright).copy())
    stream = stored(lying, kind, exif=exif, **extra)
    assert read_header(stream)[:2] == (8, 16)
    pixels = np.asarray(decode(stream).convert("L"))
    np.testing.assert_allclose(pixels, upright, atol=40)


def test_cmyk_becomes_rgb():
    red = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    stream = stored(red, "TIFF")
    assert read_header(stream).mode == "CMYK"
    assert decode(stream).getpixel((0, 0)) == (255, 0, 0)  # no key, all magenta and yellow


def test_palettes_become_rgb_with_alpha_where_they_have_it():
    image = Image.new("P", (8, 8), 1)
    image.putpalette([9, 9, 9, 10, 200, 30])
    assert decode(stored(image)).getpixel((0, 0)) == (10, 200, 30)
    stream = stored(image, transparency=1)
    assert read_header(stream).alpha
    assert decode(stream).getpixel((0, 0)) == (10, 200, 30, 0)


def test_an_alpha_channel_is_transparent_only_where_it_is_not_opaque(noise):
    image = noise(0, 8, 8, "RGBA")
    image.putalpha(255)
    assert not transparent(image)
    image.putpixel((3, 3), (0, 0, 0, 254))
    assert transparent(image)
    assert not transparent(noise(0))


@pytest.mark.parametrize("side", [(3, 9), (9, 3)])
def test_tiny_pictures_are_refused(noise, side):
    with pytest.raises(ValueError, match="smaller than 4x4"):
        read_header(stored(noise(0, *side)))


def test_float_pixels_are_refused():
    with pytest.raises(ValueError, match="float"):
        read_header(stored(Image.fromarray(np.ones((8, 8), np.float32)), "TIFF"))


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3)])
def test_a_picture_of_the_right_shape_is_untouched(noise, mode, channels):
    image = noise(0, 6, 9, mode)
    expected = np.asarray(image).reshape(6, 9, channels).transpose(2, 0, 1)
    np.testing.assert_array_equal(prepare(image, (channels, 6, 9)), expected)


def test_the_middle_is_kept_and_the_aspect_is_not_bent():
    pixels = np.zeros((8, 24), np.uint8)
    pixels[:, 8:16] = 200
    assert (prepare(Image.fromarray(pixels), (1, 8, 8)) == 200).all()
    assert (prepare(Image.fromarray(pixels.T.copy()), (1, 8, 8)) == 200).all()


def test_shrinking_is_antialiased():
    stripes = np.tile(np.array([0, 255], np.uint8), (32, 16))
    assert np.abs(prepare(Image.fromarray(stripes), (1, 8, 8))[0, 2:-2, 2:-2].astype(int) - 128).max() < 20


@pytest.mark.parametrize(
    ("image", "channels", "expected"),
    [
        (Image.new("RGBA", (8, 8), (255, 0, 0, 0)), 3, [255, 255, 255]),
        (Image.new("RGBA", (8, 8), (255, 0, 0, 255)), 3, [255, 0, 0]),
        (Image.new("RGBA", (8, 8), (0, 0, 0, 127)), 3, [128, 128, 128]),
        (Image.new("LA", (8, 8), (0, 0)), 1, [255]),
        (Image.new("LA", (8, 8), (0, 0)), 3, [255, 255, 255]),
        (Image.new("LA", (8, 8), (7, 9)), 4, [7, 7, 7, 9]),
        (Image.new("RGB", (8, 8), (7, 8, 9)), 4, [7, 8, 9, 255]),
        (Image.new("RGBA", (8, 8), (255, 0, 0, 0)), 4, [255, 255, 255, 0]),
        (Image.new("RGB", (8, 8), (255, 255, 255)), 1, [255]),
    ],
)
def test_channels_asked_for(image, channels, expected):
    assert prepare(image, (channels, 8, 8))[:, 0, 0].tolist() == expected


def test_hidden_colours_do_not_bleed_when_alpha_is_resized():
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:, :8] = (255, 0, 0, 255)
    pixels[:, 8:] = (0, 255, 0, 0)
    small = prepare(Image.fromarray(pixels), (4, 5, 5))
    seen = small[3] > 0
    assert (small[1][seen] <= 1).all()
    assert (small[:3, ~seen] == 255).all()


@pytest.mark.parametrize(("kind", "ending"), [("EPS", ".eps"), ("PDF", ".pdf")])
def test_formats_that_run_a_program_are_no_pictures(noise, kind, ending):
    with pytest.raises(UnidentifiedImageError):
        read_header(stored(noise(0), kind))
    with pytest.raises(UnidentifiedImageError):
        decode(stored(noise(0), kind))
    assert ending not in endings()
    assert {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif"} <= endings()


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG", "WEBP"])
def test_every_frame_is_read(noise, kind):
    grey = [Image.new("L", (8, 6), 30 + 60 * i) for i in range(3)]
    stream = stored(grey[0], kind, save_all=True, append_images=grey[1:])
    assert read_header(stream).frames == 3
    levels = [np.asarray(image.convert("L")).mean() for image in frames(stream, 3)]
    np.testing.assert_allclose(levels, [30, 90, 150], atol=4)


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size(noise, monkeypatch):
    stream = stored(noise(0, 64, 96), "JPEG")
    monkeypatch.setattr(pictures, "LARGE", 64 * 96 - 1)
    assert decode(stream).size == (96, 64)
    assert decode(stream, (16, 16)).size == (48, 32)  # still twice as large as needed
    monkeypatch.setattr(pictures, "LARGE", 64 * 96)
    assert decode(stream, (16, 16)).size == (96, 64)


def test_colours_under_transparent_pixels_are_data_only_where_they_differ():
    image = Image.new("RGBA", (8, 8), (9, 9, 9, 0))
    assert not hides_colors(image)
    image.putpixel((1, 1), (9, 10, 9, 0))
    assert hides_colors(image)
    image.putpixel((1, 1), (9, 10, 9, 1))
    assert not hides_colors(image)
