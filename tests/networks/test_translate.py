import pytest
import torch
from torch import Tensor, nn

from sparring.networks import PatchDiscriminator, Pool, Translator

SHAPE = (1, 2, 2)


def numbered(first: int, n: int) -> Tensor:
    """Pictures that are known by their number."""
    return torch.arange(first, first + n, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, *SHAPE).clone()


def numbers(pictures: Tensor) -> list[int]:
    assert (pictures == pictures[:, :1, :1, :1]).all()  # whole pictures
    return pictures[:, 0, 0, 0].int().tolist()


def test_the_pool_gives_pictures_back_as_they_are_until_it_is_full(rng: torch.Generator) -> None:
    pool = Pool(6, SHAPE)
    assert numbers(pool(numbered(1, 4), rng)) == [1, 2, 3, 4]
    assert int(pool.filled) == 4
    assert numbers(pool(numbered(5, 2), rng)) == [5, 6]
    assert numbers(pool.kept) == [1, 2, 3, 4, 5, 6]


def test_a_full_pool_gives_old_pictures_half_the_time_and_keeps_the_new_ones_in_their_place(
    rng: torch.Generator,
) -> None:
    pool, old, kept = Pool(20, SHAPE), 0, set(range(20))
    pool(numbered(0, 20), rng)
    for first in range(20, 2020, 4):
        given = numbers(pool(numbered(first, 4), rng))
        fresh = set(range(first, first + 4))
        returned = set(given) - fresh
        # an old one goes out, the new one whose place it took stays: nothing is doubled, nothing is lost
        assert returned <= kept | fresh
        kept = (kept | fresh) - set(given)
        assert set(numbers(pool.kept)) == kept
        assert len(kept) == 20
        old += len([number for number, own in zip(given, sorted(fresh), strict=True) if number != own])
    assert old / 2000 == pytest.approx(0.5, abs=0.04)
    assert min(kept) < 2019 - 60  # every place is as likely: some have been kept for long


def test_the_pool_keeps_no_graph_and_does_not_touch_what_it_is_given(rng: torch.Generator) -> None:
    pool = Pool(2, SHAPE)
    fresh = 2 * numbered(1, 8).requires_grad_()
    before = fresh.detach().clone()
    out = pool(fresh, rng)
    assert not out.requires_grad
    assert not pool.kept.requires_grad
    out.zero_()
    assert torch.equal(fresh, before)
    assert numbers(pool.kept)[0] != 0


def test_a_pool_put_back_from_its_state_goes_on_as_it_would_have(rng: torch.Generator) -> None:
    pool, copy = Pool(5, SHAPE), Pool(5, SHAPE)
    assert not list(pool.parameters())
    pool(numbered(1, 7), rng)
    assert set(pool.state_dict()) == {"kept", "filled"}
    copy.load_state_dict(pool.state_dict())
    chance = [torch.Generator().manual_seed(3) for _ in range(2)]
    assert numbers(pool(numbered(8, 9), chance[0])) == numbers(copy(numbered(8, 9), chance[1]))


def test_the_pool_keeps_float32_and_gives_what_it_got(rng: torch.Generator) -> None:
    pool = Pool(2, SHAPE)
    assert pool(numbered(1, 5).bfloat16(), rng).dtype == torch.bfloat16
    assert pool.kept.dtype == torch.float32


@pytest.mark.parametrize(("depth", "expected"), [(1, 32), (2, 16), (3, 8)])
def test_patches_grow_with_depth(depth: int, expected: int) -> None:
    assert PatchDiscriminator((3, 64, 64), 4, depth)(torch.zeros(2, 3, 64, 64)).shape == (2, expected, expected)


def test_a_patch_is_judged_by_its_own_neighbourhood() -> None:
    D = PatchDiscriminator((1, 64, 64), 4, depth=1)  # without instance norm, which looks at everything
    x = torch.randn(1, 1, 64, 64)
    changed = x.clone()
    changed[..., :4, :4] += 5
    moved = (D(x) != D(changed))[0]
    assert moved[0, 0]
    assert not moved[8:, 8:].any()


def test_translation_looks_at_each_picture_by_itself_and_has_no_running_statistics() -> None:
    network = Translator(1, 1, 4, 1)
    x = torch.randn(3, 1, 8, 8)
    torch.testing.assert_close(network(x)[:1], network(x[:1]), rtol=1e-3, atol=1e-5)
    assert not list(network.buffers())
    assert sum(isinstance(m, nn.InstanceNorm2d) for m in network.modules()) == 7
