import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from sparring import augmentations
from sparring.augmentations import ada_augment, diff_augment


def ada(x: Tensor, rng: torch.Generator) -> Tensor:
    return ada_augment(x, rng, 0.7)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=seeded(seed))


PIPELINES = pytest.mark.parametrize("augment", [diff_augment, ada])
SHAPES = pytest.mark.parametrize("shape", [(1, 8, 8), (2, 5, 9), (3, 7, 4), (4, 6, 6), (5, 3, 3)])


@PIPELINES
@SHAPES
def test_gradient_flows_through_every_change(augment, shape):
    # for the same noise all changes are affine: a difference of any size is the derivative, and <g, J d> = <Jᵀ g, d>
    x, d, g = (randn(40, *shape, seed=k) for k in range(3))
    x.requires_grad_()
    y = augment(x, seeded())
    assert y.shape == x.shape
    assert (y != x).flatten(1).any(1).float().mean() > 0.5
    (back,) = torch.autograd.grad(y, x, g)
    forth = augment(x.detach() + d, seeded()) - y.detach()
    ahead, behind = ((a * b).flatten(1).sum(1) for a, b in ((g, forth), (back, d)))
    assert torch.allclose(ahead, behind, rtol=1e-3, atol=1e-2)
    assert behind.abs().max() > 1


@PIPELINES
def test_a_gradient_penalty_goes_through_the_augmentation(augment):
    # D(x) = Σ (T x)³ / 6 has ∇D = Tᵀ (T x)² / 2: its squared length is compared with a difference quotient
    def length(x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad((augment(x, seeded()) ** 3).sum() / 6, x, create_graph=True)
        return slope.square().sum(), x

    x, d = randn(6, 3, 5, 5), 1e-2 * randn(6, 3, 5, 5, seed=1)
    penalty, at = length(x)
    (gradient,) = torch.autograd.grad(penalty, at)
    difference = length(x + d)[0] - length(x - d)[0]
    assert difference.item() == pytest.approx(2 * (gradient * d).sum().item(), rel=0.02)


def test_without_strength_ada_gives_back_what_it_was_given():
    x = randn(5, 3, 6, 6)
    assert ada_augment(x, seeded(), 0.0) is x
    assert ada_augment(x, seeded(), torch.zeros(())) is x


def test_what_ada_does_not_befall_is_the_same_to_the_bit():
    x = randn(400, 3, 4, 4)
    same = (ada_augment(x, seeded(), 0.05) == x).flatten(1).all(1).float().mean().item()
    # neither of 12 independent changes; a flip and two turns may also be none at all
    assert 0.95**13 - 0.08 < same < 0.95**10 + 0.08


@pytest.mark.parametrize("augment", [diff_augment, lambda x, rng: ada_augment(x, rng, 1.0)])
def test_opacity_keeps_its_values(augment):
    x = torch.cat([randn(50, 3, 6, 6), torch.ones(50, 1, 6, 6)], 1)
    y = augment(x, seeded())
    assert set(y[:, 3].unique().tolist()) <= {0.0, 1.0} or torch.allclose(y[:, 3], torch.ones(()))
    assert (y[:, :3] - x[:, :3]).abs().max() > 0.5


def test_diff_augment_is_what_the_paper_says():
    n = 16
    y = diff_augment(torch.ones(2000, 3, n, n), seeded())
    covered = (y == 0).all(1)
    # a rectangle of half the sides, some of it outside, and a border of an eighth at most
    assert covered.sum((1, 2)).max() <= 64 + 2 * 2 * n
    assert covered.sum((1, 2)).float().mean() > 30
    shown = y[:, :, :, :].amax((1, 2, 3))
    # of an even picture of 1 brightness leaves 1 + b, and saturation and contrast change nothing
    assert 0.5 <= shown.min() < 0.55
    assert 1.45 < shown.max() <= 1.5 + 1e-5
    ramp = torch.arange(n).float().expand(500, 1, n, n)  # columns, all visible ones in their order
    y = diff_augment(ramp, seeded())[:, 0]
    steps = y[:, :, 1:] - y[:, :, :-1]
    slopes = steps.flatten(1).median(1).values
    assert slopes[slopes > 0].min() >= 0.5
    assert slopes.max() <= 1.5 + 1e-5


def test_adas_colours_have_the_papers_spreads():
    # an even grey picture of 1 becomes ± (1 + 0.2 n₁) 2^(0.5 n₂): a turn or a move of it is none
    y = ada_augment(torch.ones(8000, 1, 2, 2), seeded(), 1.0)[:, 0, 0, 0]
    assert (y < 0).float().mean().item() == pytest.approx(0.5, abs=0.02)
    spread = math.sqrt(0.5**2 + (0.2 / math.log(2)) ** 2)
    assert y.abs().log2().std().item() == pytest.approx(spread, abs=0.05)


def test_places_are_interpolated_as_torch_does():
    x, A, t = randn(20, 3, 5, 8), randn(20, 2, 2, seed=1), 4 * randn(20, 2, seed=2)
    H, W = x.shape[2:]
    row, column = torch.meshgrid(torch.arange(H) - (H - 1) / 2, torch.arange(W) - (W - 1) / 2, indexing="ij")
    places = torch.einsum("bij,jhw->bhwi", A, torch.stack([row, column])) + t[:, None, None]
    grid = torch.stack([places[..., 1] * 2 / W, places[..., 0] * 2 / H], 3)
    wanted = grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    assert torch.allclose(augmentations._interpolated(x, A, t), wanted, atol=1e-4)


def test_quarter_turns_and_flips_move_whole_pixels():
    x = randn(1, 2, 7, 7)
    quarter = augmentations._turn(torch.tensor([math.pi / 2]), exact=True)
    assert torch.equal(augmentations._interpolated(x, quarter, torch.zeros(1, 2)), x.rot90(-1, (2, 3)))


@pytest.mark.parametrize(("p", "told"), [(0.5, True), (1.0, False)])
def test_below_a_strength_of_1_what_d_sees_tells_a_picture_from_its_mirror_image(p, told):
    # where it does not, G may make either: that is how augmentations leak
    x = torch.tensor([1.0, 1.0, -1.0, -1.0]).expand(30_000, 1, 4, 4)
    y = ada_augment(x, seeded(), p)
    share = (y[..., :2] - y[..., 2:]).mean().item() / 2
    # of each of flips, turns by quarters, other turns and light for dark a part of 1 - p tells
    assert (share > 0.03) == told, share
    assert share == pytest.approx((1 - p) ** 4, abs=0.02)
