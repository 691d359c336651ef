"""Translations by networks of which it is known what they make."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from sparring.errors import UserError
from sparring.exploring import translating
from sparring.game import Game, Latent
from sparring.kinds import Categories, Kind, Pictures
from sparring.networks import Translator
from sparring.recipes._translating import nothing
from sparring.workflows import Sampler, Translation, translate

RNG = np.random.default_rng(0)
RGB = Pictures((3, 8, 8))


class Net(NamedTuple):
    G: nn.Module


class Made(nn.Module):
    """A network that is a function; its one parameter is 1."""

    def __init__(self, function) -> None:
        super().__init__()
        self.one, self.function = nn.Parameter(torch.ones(())), function

    def forward(self, *x: Tensor) -> Tensor:
        return self.one * self.function(*x)


def run(network: Any, a: Kind = RGB, b: Kind = RGB, sample=None, noise=nothing, back=None, **more: Kind) -> Sampler:
    """A run whose b is `network(a)`."""
    network = network if isinstance(network, nn.Module) else Made(network)
    game = Game(
        Net(network), (), noise, sample or (lambda net, z, given: net.G(given["a"])), lambda net, batch: batch["b"],
        makes="b", given=("a", *more), reverse=back,
    )  # fmt: skip
    schema = {"a": a, "b": b, **more}
    return Sampler(game, Net(network), schema, {}, torch.device("cpu"))


def negative(x: Tensor) -> Tensor:
    return -x


def halved(x: Tensor) -> Tensor:
    """Only sides that are divisible by 4 stay as they are."""
    return interpolate(avg_pool2d(x, 4), scale_factor=4)


def pictures(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("size", [(8, 8), (5, 7), (30, 4)])
def test_a_picture_of_any_size_keeps_it_and_stands_upright(size):
    given = pictures(3, *size, 3)
    assert np.array_equal(translate(Translation(run(negative)), given), 255 - given)


def test_sides_that_the_networks_cannot_take_are_padded_and_cropped_again():
    ready = Translation(run(halved))
    assert ready.room((13, 9)) == (16, 12)
    flat = np.broadcast_to(np.uint8([10, 100, 200]), (2, 13, 9, 3))
    assert np.array_equal(translate(ready, flat), flat)
    ramp = np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None, None], (1, 64, 9, 3))
    assert np.abs(translate(ready, ramp).astype(int) - ramp).max() <= 4


def test_networks_of_one_size_are_given_that_and_no_other():
    fixed = nn.Sequential(nn.Flatten(), nn.Linear(192, 192), nn.Unflatten(1, (3, 8, 8)))
    assert Translation(run(fixed)).room((16, 16)) is None
    assert translate(Translation(run(negative), fit=True), pictures(2, 16, 16, 3)).shape == (2, 8, 8, 3)
    assert translate(Translation(run(fixed)), pictures(2, 16, 16, 3)).shape == (2, 8, 8, 3)


def test_a_larger_translation_is_larger_for_any_size():
    ready = run(lambda x: interpolate(x, scale_factor=4), b=Pictures((3, 32, 32)))
    given = pictures(2, 5, 6, 4)
    given[..., 3] = np.arange(2)[:, None, None] * 255
    made = translate(Translation(ready), given)
    assert made.shape == (2, 20, 24, 4)
    assert np.array_equal(made[1, ::4, ::4, :3], given[1, ..., :3])
    assert (made[0, ..., 3] == 0).all()
    assert (made[1, ..., 3] == 255).all()


def test_colors_are_translated_over_white_and_alpha_is_put_back():
    given = pictures(1, 6, 5, 4)
    given[0, :3, :, 3], given[0, 3:, :, 3] = 255, 0
    made = translate(Translation(run(negative)), given)
    assert np.array_equal(made[..., 3], given[..., 3])
    assert np.array_equal(made[0, :3, :, :3], 255 - given[0, :3, :, :3])
    assert (made[0, 3:, :, :3] == 0).all()


def test_channels_become_those_of_the_run():
    grey, colored = pictures(2, 6, 5), pictures(2, 6, 5, 3)
    assert np.array_equal(translate(Translation(run(negative)), grey), 255 - grey[..., None].repeat(3, axis=3))
    to_grey = run(lambda x: x[:, :1], Pictures((3, 8, 8)), Pictures((1, 8, 8)))
    assert np.array_equal(translate(Translation(to_grey), colored), colored[..., :1])
    from_grey = run(lambda x: x.expand(-1, 3, -1, -1), Pictures((1, 8, 8)), RGB)
    assert translate(Translation(from_grey), colored).shape == (2, 6, 5, 3)


def test_a_picture_is_the_same_alone_and_among_others():
    torch.manual_seed(0)
    ready = Translation(run(Translator(3, 3, 4, 1), noise=nothing))
    for size in ((8, 8), (20, 12)):
        given = pictures(37, *size, 3)
        together = translate(ready, given)
        assert len(np.unique(together)) > 2
        for k in (0, 36):
            assert np.array_equal(translate(ready, given[k : k + 1])[0], together[k])


def test_a_dark_picture_is_not_read_as_another_range():
    dark = np.full((1, 6, 5, 3), 1, np.uint8)
    assert np.array_equal(translate(Translation(run(negative)), dark), 255 - dark)


def test_styles_are_drawn_from_seeds():
    styled = run(lambda x, z: x + z[:, :1, None, None], sample=lambda net, z, g: net.G(g["a"], z), noise=Latent(2))
    given = np.full((3, 6, 5, 3), 128, np.uint8)
    made = translate(Translation(styled), given, seeds=[4, 9])
    assert made.shape == (3, 2, 6, 5, 3)
    assert np.array_equal(made[0], made[2])
    assert not np.array_equal(made[0, 0], made[0, 1])
    assert np.array_equal(made[:, 1], translate(Translation(styled), given, seeds=[9])[:, 0])
    with pytest.raises(UserError, match="no noise"):
        translate(Translation(run(negative)), given, seeds=[1])


def test_a_class_is_asked_for_by_name():
    classes = Categories(("dark", "light"))
    ready = run(
        lambda x, y: x * 0 + 2.0 * y[:, None, None, None] - 1, sample=lambda net, z, g: net.G(g["a"], g["y"]), y=classes
    )
    given = pictures(2, 6, 5, 3)
    assert (translate(Translation(ready), given, wanted={"y": "light"}) == 255).all()
    assert translate(Translation(ready), given, wanted={"y": ["light", "dark"]})[:, 0, 0, 0].tolist() == [255, 0]
    with pytest.raises(UserError, match=r"none was named .one of dark, light"):
        translate(Translation(ready), given)
    with pytest.raises(UserError, match="given no x"):
        translate(Translation(ready), given, wanted={"x": 1})


def test_alpha_is_what_is_to_be_completed():
    """The network paints the hole black and leaves the rest."""
    ready = run(lambda x: torch.where(x[:, 3:] < 0, -1.0, x[:, :3]), Pictures((4, 8, 8), masked=True), RGB)
    given = pictures(1, 6, 5, 4)
    given[..., :3] = given[..., :3] // 2 + 100
    given[..., 3] = 255
    given[0, 2:4, 1:3, 3] = 0
    made = translate(Translation(ready), given)
    assert made.shape == (1, 6, 5, 3)
    assert np.array_equal((made == 0).all(3), given[..., 3] == 0)
    assert np.array_equal(made[given[..., 3] == 255], given[given[..., 3] == 255][:, :3])


def test_the_way_back():
    grey = Pictures((1, 8, 8))
    ready = run(lambda x: x.expand(-1, 3, -1, -1), grey, RGB, back=lambda net, z, given: -given["b"][:, :1])
    back = Translation(ready, reverse=True)
    assert (back.source, back.target) == (RGB, grey)
    given = pictures(2, 9, 5, 3)
    assert np.array_equal(translate(back, given), 255 - given[..., :1])
    with pytest.raises(UserError, match="no way back"):
        Translation(run(negative), reverse=True)


def test_too_little_of_a_picture_is_refused():
    deep = Translation(run(lambda x: interpolate(avg_pool2d(x, 8), scale_factor=8)))
    assert deep.room((4, 9)) == (8, 16)
    with pytest.raises(UserError, match=r"9x3 pixels are too few to translate .this run takes 9x4 at least"):
        deep.room((9, 3))


def test_what_is_no_translation_is_refused():
    noisy = Game(Net(Made(negative)), (), Latent(2), lambda net, z, given: z, lambda net, batch: batch["x"])
    with pytest.raises(UserError, match="from noise, not from pictures"):
        Translation(Sampler(noisy, noisy.networks, {"x": RGB}, {}, torch.device("cpu")))


def test_files_keep_their_names_and_folders(tmp_path):
    for name in ("a/1.png", "a/2.jpg", "b/1.png", "c.png", "c.bmp"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pictures(6, 9, 3)).save(path)
    Image.fromarray(pictures(16, 16, 3)).save(tmp_path / "in" / "a" / "large.png")
    (tmp_path / "in" / "words.txt").write_text("words")
    told: list[float] = []
    notes = translating.translate_files(
        Translation(run(negative)), tmp_path / "in", tmp_path / "out", tell=lambda what, share: told.append(share)
    )
    found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.png")}
    assert found == {"a/1.png", "a/2.png", "b/1.png", "c.png.png", "c.bmp.png", "a/large.png"}
    with Image.open(tmp_path / "in" / "b" / "1.png") as given, Image.open(tmp_path / "out" / "b" / "1.png") as made:
        assert np.array_equal(np.asarray(made), 255 - np.asarray(given))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert "txt" in " ".join(notes)


def test_files_that_are_fitted_or_complete_are_told(tmp_path):
    for name, channels in (("hole", 4), ("whole", 3)):
        given = pictures(12, 12, channels)
        given[2:5, 2:5, -1] = 0
        Image.fromarray(given).save(tmp_path / f"{name}.png")
    fixed = nn.Sequential(nn.Flatten(), nn.Linear(256, 192), nn.Unflatten(1, (3, 8, 8)))
    ready = Translation(run(fixed, Pictures((4, 8, 8), masked=True)))
    notes = translating.translate_files(ready, tmp_path, tmp_path.with_name("out"))
    assert notes == (
        "nothing to complete: whole.png is without transparent pixels",
        "2 pictures, such as hole.png (12x12), are cropped and resized to 8x8: this run takes no other size",
    )
    with Image.open(tmp_path.with_name("out") / "hole.png") as made:
        assert (made.size, made.mode) == ((8, 8), "RGB")


def test_every_style_of_every_class_is_a_file_or_stands_beside_the_others(tmp_path):
    Image.fromarray(pictures(6, 9, 3)).save(tmp_path / "me.png")
    ready = run(
        lambda x, z, y: x + z[:, :1, None, None] + y[:, None, None, None],
        sample=lambda net, z, given: net.G(given["a"], z, given["y"]),
        noise=Latent(2),
        y=Categories(("cat", "wild/dog")),
    )
    wanted = translating.Wanted([0, 7], [(0, "cat"), (1, "wild/dog")])
    translating.translate_files(Translation(ready), tmp_path / "me.png", tmp_path / "out", wanted)
    kinds = [f"me-{kind}-seed00000{seed}.png" for kind in ("cat", "wild_dog") for seed in (0, 7)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(kinds)
    with pytest.raises(UserError, match="4 translations are made"):
        translating.translate_files(Translation(ready), tmp_path / "me.png", tmp_path / "all.png", wanted)
    beside = translating.Wanted([0, 7], [(0, "cat"), (1, "wild/dog")], beside=True)
    translating.translate_files(Translation(ready), tmp_path / "me.png", tmp_path / "all.png", beside)
    with Image.open(tmp_path / "all.png") as sheet:
        assert sheet.size == (5 * 9 + 4 * 2, 6)
    with pytest.raises(UserError, match="none was named"):
        translating.translate_files(Translation(ready), tmp_path / "me.png", tmp_path / "new")
