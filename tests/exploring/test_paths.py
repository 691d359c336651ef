import pytest
import torch

from sparring.errors import UserError
from sparring.exploring.paths import between, loop, slerp, square
from sparring.game import Latent, Part

NORMAL, UNIFORM = Latent(16).parts, Latent(16, "uniform").parts


def test_an_arc_keeps_the_norm_and_turns_evenly(rng):
    a, b = (each / each.norm() * 4 for each in torch.randn(2, 1, 16, generator=rng))
    t = torch.linspace(0, 1, 9)[:, None]
    path = slerp(a.expand(9, -1), b.expand(9, -1), t)
    assert torch.allclose(path.norm(dim=1), torch.tensor(4.0), atol=1e-5)
    chords = (path[1:] - path[:-1]).norm(dim=1)
    assert torch.allclose(chords, chords[0], atol=1e-4)
    straight = between(UNIFORM, a.expand(9, -1), b.expand(9, -1), t)
    assert straight.norm(dim=1).min() < 3.9


@pytest.mark.parametrize("b", [[2.0, 0.0], [-1.0, 0.0]], ids=str)
def test_where_there_is_no_arc_there_is_a_line(b):
    a, b = torch.tensor([[1.0, 0.0]] * 3), torch.tensor([b] * 3)
    path = slerp(a, b, torch.tensor([[0.0], [0.5], [1.0]]))
    assert torch.equal(path[[0, 2]], torch.stack([a[0], b[0]]))
    assert torch.allclose(path[1], (a[0] + b[0]) / 2)


def test_each_part_goes_its_own_way():
    parts = (*Latent(2).parts, Part("category", 2, "category"), Part("value1", 1, "uniform"))
    a, b = torch.tensor([[1.0, 0.0, 1.0, 0.0, -1.0]]), torch.tensor([[0.0, 1.0, 0.0, 1.0, 0.5]])
    half = between(parts, a, b, torch.tensor([[0.5]]))
    assert torch.allclose(half, torch.tensor([[0.5**0.5, 0.5**0.5, 0.5, 0.5, -0.25]]))


@pytest.mark.parametrize("parts", [NORMAL, UNIFORM], ids=["normal", "uniform"])
def test_a_loop_passes_every_stop_and_ends_beside_its_beginning(rng, parts):
    stops = torch.randn(3, 16, generator=rng)
    path = loop(parts, stops, 61)
    assert torch.equal(path[[0, 20, 41]], stops)
    steps = (path - path.roll(-1, 0)).norm(dim=1)  # the last one is back to the beginning
    assert steps[-1] < 1.5 * steps.median()
    assert steps.max() < 2.5 * steps.median()


def test_a_loop_needs_two_stops_and_a_frame_for_each():
    with pytest.raises(UserError, match="one seed goes nowhere"):
        loop(NORMAL, torch.zeros(1, 16), 10)
    with pytest.raises(UserError, match="2 frames are too few"):
        loop(NORMAL, torch.zeros(3, 16), 2)


def test_a_squares_corners_are_those_given(rng):
    corners = torch.randn(4, 16, generator=rng)
    made = square(NORMAL, corners, 5).unflatten(0, (5, 5))
    assert torch.equal(made[[0, 0, -1, -1], [0, -1, 0, -1]], corners)
    top = slerp(corners[[0] * 5], corners[[1] * 5], torch.linspace(0, 1, 5)[:, None])
    assert torch.allclose(made[0], top, atol=1e-6)
    left = slerp(corners[[0] * 5], corners[[2] * 5], torch.linspace(0, 1, 5)[:, None])
    assert torch.allclose(made[:, 0], left, atol=1e-6)
