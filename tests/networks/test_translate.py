import pytest
import torch
from torch import Tensor, nn

from sparring.networks import (
    ContentEncoder,
    CoupledDiscriminator,
    CoupledGenerator,
    PatchDiscriminator,
    Pool,
    RRDBNet,
    SharedLatent,
    SRResNet,
    StyledDecoder,
    StyleEncoder,
    Translator,
    UNet,
)
from sparring.networks.upscale import enlarged

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


def test_a_u_net_without_skips_sees_the_picture_through_its_smallest_map_alone() -> None:
    x = torch.randn(1, 1, 16, 16)
    for skips, expected in ((True, False), (False, True)):
        network = UNet(1, 1, 4, depth=3, skips=skips)
        network.down[-1].register_forward_hook(lambda *given: torch.zeros_like(given[2]))
        assert torch.equal(network(x), network(-x)) is expected


def test_the_noise_of_a_u_net_drops_a_share_of_the_channels_of_its_first_layers(rng: torch.Generator) -> None:
    network, x = UNet(1, 1, 8, depth=6, dropout=0.3), torch.randn(40, 1, 32, 32)
    assert network.noise == 64 + 64
    seen: list[Tensor] = []
    network.up[1].register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    z = torch.rand(40, network.noise, generator=rng) * 2 - 1
    network(x, z)
    network(x)
    dropped, whole = (each[:, :64] for each in seen)  # behind them stand those of the encoder
    gone = (dropped == 0).flatten(2).all(2) & ~(whole == 0).flatten(2).all(2)
    assert gone.float().mean().item() == pytest.approx(0.3, abs=0.02)
    torch.testing.assert_close(dropped[~gone], whole[~gone] / 0.7)
    assert torch.equal(network(x, z), network(x, z))
    assert UNet(1, 1, 16, depth=3, dropout=0.3).noise == 32
    assert UNet(1, 1, 16, depth=5).noise == 0


def test_a_u_net_takes_any_size_and_makes_the_same_of_a_picture_that_it_need_not_continue() -> None:
    network = UNet(3, 1, 4, depth=3)
    for height, width in ((1, 1), (5, 40), (33, 16)):
        assert network(torch.randn(2, 3, height, width)).shape == (2, 1, height, width)


@pytest.mark.parametrize("cls", [SRResNet, RRDBNet])
@pytest.mark.parametrize("factor", [1, 2, 3, 4, 6])
def test_super_resolution_adds_to_the_bicubic_enlargement(cls: type[nn.Module], factor: int) -> None:
    network, x = cls(3, 3, factor, width=4, depth=1).eval(), torch.rand(2, 3, 5, 7) * 2 - 1
    made = network(x)
    assert made.shape == (2, 3, 5 * factor, 7 * factor)
    nn.init.zeros_(network.up[-1].weight)
    nn.init.zeros_(network.up[-1].bias)
    assert not torch.equal(made, network(x))
    torch.testing.assert_close(network(x), enlarged(x, factor))
    assert cls(1, 3, factor, width=4, depth=1)(x[:, :1]).shape == made.shape


def test_content_and_style_make_a_picture_whose_style_reaches_every_layer_behind() -> None:
    C, S, G = ContentEncoder(3, 4, 1), StyleEncoder((3, 16, 24), 5, 4), StyledDecoder(2, 5, 4, 1)
    x = torch.randn(2, 3, 16, 24)
    content, style = C(x), S(x)
    assert content.shape == (2, 16, 4, 6)
    assert style.shape == (2, 5)
    assert G(content, style).shape == (2, 2, 16, 24)
    one, other = G(content, style), G(content, style + 3)
    assert (one - other).mean((2, 3)).abs().max() > 1e-3  # not only in places: layer norm keeps means of channels
    assert not torch.allclose(S(3 * x), S(x))


def test_a_shared_latent_is_shared_and_the_rest_is_not() -> None:
    net = SharedLatent((1, 3), 4, 2)
    a, b = torch.randn(2, 1, 16, 8), torch.randn(2, 3, 16, 8)
    assert net(0, a).shape == b.shape
    assert net(1, b).shape == a.shape
    net(0, a).sum().backward()
    reached = {name.split(".")[0] + name.split(".")[1][:1] for name, p in net.named_parameters() if p.grad is not None}
    assert reached == {"encoders0", "decoders1", "lastl", "firstl"}


@pytest.mark.parametrize("size", [(8, 8), (28, 28), (24, 40)])
def test_coupled_networks_share_layers_and_take_any_size(size: tuple[int, int]) -> None:
    a, b = (1, *size), (3, *size)
    G, D = CoupledGenerator(5, a, b, 4), CoupledDiscriminator(a, b, 4)
    one, other = G(torch.randn(3, 5))
    assert (one.shape, other.shape) == ((3, *a), (3, *b))
    scores = D(one, other)
    assert [each.shape for each in scores] == [(3,), (3,)]
    scores[0].sum().backward()
    silent = {name.split(".")[0] + name.split(".")[1] for name, p in D.named_parameters() if p.grad is None}
    assert silent == {"own1"}
