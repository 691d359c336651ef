import math

import pytest
import torch

from sparring import metrics
from sparring.errors import UserError
from sparring.exploring.paths import slerp

EPSILON = 1e-3


def test_a_path_through_features_of_known_speeds_has_their_squares_as_its_length():
    # on each stage features turn on a circle; at half of the places of the map they stand still
    def at(t: float) -> list[torch.Tensor]:
        turning, still = (torch.tensor([math.cos(angle), math.sin(angle)]).double() for angle in (3 * t, 0.0))
        place = torch.stack([turning, still], 1)[None, :, None]  # (1, 2, 1, 2)
        vector = torch.tensor([[math.cos(5 * t), math.sin(5 * t), 0.0]]).double()
        return [torch.cat([place, 7 * place]), torch.cat([vector, vector * 0 + 1])]

    found = metrics.path_lengths(at(0.4), at(0.4 + EPSILON), EPSILON)
    assert found.tolist() == pytest.approx([9 / 2 + 25, 9 / 2], rel=1e-5)


def test_the_arc_between_two_directions_has_the_square_of_their_angle_everywhere():
    a, b = torch.tensor([[2.0, 0.0, 0.0]]).double(), torch.tensor([[0.0, 0.5, 0.0]]).double()
    t = torch.tensor([[0.1], [0.5], [0.9]]).double()
    arc = [slerp(a.expand(3, -1) / 2, b.expand(3, -1) * 2, each) for each in (t, t + EPSILON)]
    assert metrics.path_lengths(arc[:1], arc[1:], EPSILON).tolist() == pytest.approx([(math.pi / 2) ** 2] * 3, rel=1e-5)
    line = [torch.lerp(a.expand(3, -1), b.expand(3, -1), each) for each in (t, t + EPSILON)]
    uneven = metrics.path_lengths(line[:1], line[1:], EPSILON)
    assert uneven.max() > 10 * uneven.min()  # the control: a line does not turn evenly


def test_features_of_other_shapes_are_refused():
    with pytest.raises(UserError, match="do not compare"):
        metrics.path_lengths([torch.ones(3, 2)], [torch.ones(3, 4)])
    with pytest.raises(UserError, match="do not compare"):
        metrics.path_lengths([], [])
