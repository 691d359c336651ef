import math

import pytest
import torch
from torch.nn.functional import avg_pool2d

from sparring.networks import GrowingDiscriminator, GrowingGenerator
from sparring.networks.growing import at_stage, enlarged, level_sizes

SHAPES = [(1, 8, 8), (3, 24, 40), (2, 30, 45)]


def just_above(stage: int) -> float:
    """Where the next level is there and does not count."""
    return math.nextafter(stage, 9)


def level_of(G: GrowingGenerator, z: torch.Tensor, level: int) -> torch.Tensor:
    """The new path by itself, layer by layer."""
    x = G.blocks[0](G.normalize(z))
    for k in range(1, level + 1):
        x = G.blocks[k](enlarged(x, G.sizes[k]))
    return G.to_picture[level](x)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_level_begins_as_the_one_before_enlarged_and_ends_as_itself(shape):
    G, z = GrowingGenerator(6, shape, width=4), torch.randn(3, 6)
    for level in range(1, len(G.sizes)):
        before = G(z, float(level - 1))
        assert before.shape[2:] == G.sizes[level - 1]
        begun = G(z, just_above(level - 1))
        assert begun.shape[2:] == G.sizes[level]
        assert torch.equal(begun, enlarged(before, G.sizes[level]))
        assert torch.equal(G(z, float(level)), level_of(G, z, level))
        half = G(z, level - 0.5)
        torch.testing.assert_close(half, (begun + level_of(G, z, level)) / 2)
        assert not torch.equal(half, begun)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_d_begins_a_level_by_seeing_the_picture_reduced_and_ends_by_seeing_it_whole(shape):
    D = GrowingDiscriminator(shape, width=4)
    for level in range(1, len(D.sizes)):
        small = torch.randn(3, shape[0], *D.sizes[level - 1])
        x = enlarged(small, D.sizes[level])
        if D.sizes[level] == tuple(2 * side for side in D.sizes[level - 1]):
            # then reducing is the inverse of enlarging
            torch.testing.assert_close(D(x, just_above(level - 1)), D(small, float(level - 1)))
        seen = D.blocks[level - 1](D.from_picture[level](x))
        for k in range(level - 1, 0, -1):
            seen = D.blocks[k - 1](torch.nn.functional.adaptive_avg_pool2d(seen, D.sizes[k]))
        seen = torch.nn.functional.adaptive_avg_pool2d(seen, D.sizes[0])
        torch.testing.assert_close(D(x, float(level)), D.head(D.last(seen)).squeeze(1))
        assert not torch.allclose(D(x, level - 0.5), D(x, float(level)))


def test_reals_fade_in_too():
    x, sizes = torch.randn(2, 3, 16, 16), level_sizes(16, 16)
    assert torch.equal(at_stage(x, sizes, 2.0), x)
    small, smallest = avg_pool2d(x, 2), avg_pool2d(x, 4)
    torch.testing.assert_close(at_stage(x, sizes, 1.0), small)
    torch.testing.assert_close(at_stage(x, sizes, 0.0), smallest)
    doubled = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(at_stage(x, sizes, 1.25), 0.75 * doubled + 0.25 * x)
    assert torch.equal(at_stage(x, sizes, just_above(1)), doubled)


def test_levels_halve_and_round_up():
    assert level_sizes(28, 28) == [(7, 7), (14, 14), (28, 28)]
    assert level_sizes(37, 64) == [(5, 8), (10, 16), (19, 32), (37, 64)]
    assert level_sizes(3, 5) == [(2, 3), (3, 5)]


def test_what_is_not_grown_yet_has_no_gradient_and_no_optimizer_state():
    G = GrowingGenerator(6, (1, 16, 16), width=4)
    optimizer = torch.optim.Adam(G.parameters(), lr=1e-3, fused=True)
    z = torch.randn(3, 6)
    for stage, trained in ((0.0, {0}), (0.5, {0, 1}), (1.0, {0, 1}), (1.5, {0, 1, 2})):
        optimizer.zero_grad(set_to_none=True)
        G(z, stage).square().sum().backward()
        optimizer.step()
        for level in range(3):
            there = {p in optimizer.state for p in [*G.blocks[level].parameters(), *G.to_picture[level].parameters()]}
            assert there == {level in trained}
    last = [block[-3].weight for block in G.blocks]  # the second convolution of each level
    assert [int(optimizer.state[weight]["step"]) for weight in last] == [4, 3, 1]


def test_without_a_stage_a_network_is_at_its_own():
    G, D = GrowingGenerator(6, (1, 16, 16), width=4), GrowingDiscriminator((1, 16, 16), width=4)
    z, x = torch.randn(2, 6), torch.randn(2, 1, 8, 8)
    assert G(z).shape == (2, 1, 16, 16)
    for network in (G, D):
        network.stage.fill_(0.75)
    assert torch.equal(G(z), G(z, 0.75))
    assert torch.equal(D(x), D(x, 0.75))
    again = GrowingGenerator(6, (1, 16, 16), width=4)
    again.load_state_dict(G.state_dict())
    assert torch.equal(again(z), G(z))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_pictures_of_every_stage_are_enlarged_from_level_to_level(shape):
    G, z = GrowingGenerator(6, shape, width=4), torch.randn(3, 6)
    for stage in torch.arange(0.0, len(G.sizes) - 0.9, 0.25):
        G.stage.fill_(stage)
        made = G(z)
        for size in G.sizes[math.ceil(stage) + 1 :]:
            made = enlarged(made, size)
        torch.testing.assert_close(G.full(z), made)
