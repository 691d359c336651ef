import ast
import doctest
import inspect
import itertools
import math
from types import ModuleType

import pytest
import torch
from torch import Tensor

from sparring import objectives
from sparring.errors import UserError
from sparring.objectives import (
    OBJECTIVES,
    Objective,
    Terms,
    get,
    hinge,
    least_squares,
    minimax,
    non_saturating,
    relativistic_average,
    smooth_labels,
)

LABELLED = [objective for objective in OBJECTIVES.values() if objective.smoothed]
EXTREMES = (-1e4, -90.0, -1.0, 0.0, 1.0, 90.0, 1e4)


def _log_sigmoid(x: Tensor) -> Tensor:
    return x.sigmoid().log()


def _log_one_minus_sigmoid(x: Tensor) -> Tensor:
    return (1 - x.sigmoid()).log()


def _minimax_value(r: Tensor, f: Tensor) -> Tensor:
    return _log_sigmoid(r).mean() + _log_one_minus_sigmoid(f).mean()


# The papers' equations as they are printed, unstable logarithms and all: (what D minimises, what G minimises).
PRINTED = {
    "minimax": (lambda r, f: -_minimax_value(r, f), lambda r, f: _log_one_minus_sigmoid(f).mean()),
    "non-saturating": (lambda r, f: -_minimax_value(r, f), lambda r, f: -_log_sigmoid(f).mean()),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
    "hinge": (
        lambda r, f: -(r - 1).clamp(max=0).mean() - (-f - 1).clamp(max=0).mean(),
        lambda r, f: -f.mean(),
    ),
    "least-squares": (
        lambda r, f: 0.5 * ((r - 1) ** 2).mean() + 0.5 * (f**2).mean(),
        lambda r, f: 0.5 * ((f - 1) ** 2).mean(),
    ),
    "boundary-seeking": (
        lambda r, f: -_minimax_value(r, f),
        lambda r, f: ((_log_sigmoid(f) - _log_one_minus_sigmoid(f)) ** 2).mean() / 2,
    ),
    "relativistic-pairing": (
        lambda r, f: -_log_sigmoid(r - f).mean(),
        lambda r, f: -_log_sigmoid(f - r).mean(),
    ),
    "relativistic-average": (
        lambda r, f: -_minimax_value(r - f.mean(), f - r.mean()),
        lambda r, f: -_minimax_value(f - r.mean(), r - f.mean()),
    ),
}

# What D pays for reals whose label is no longer 1.
SMOOTHED = {
    "minimax": lambda r, label: -(label * _log_sigmoid(r) + (1 - label) * _log_one_minus_sigmoid(r)).mean(),
    "least-squares": lambda r, label: 0.5 * ((r - label) ** 2).mean(),
}
SMOOTHED["non-saturating"] = SMOOTHED["boundary-seeking"] = SMOOTHED["minimax"]


@pytest.fixture(params=OBJECTIVES.values(), ids=OBJECTIVES)
def objective(request: pytest.FixtureRequest) -> Objective:
    return request.param


def total(terms: Terms) -> Tensor:
    return torch.stack(list(terms.values())).sum()


def logits(*shape: int) -> tuple[Tensor, Tensor]:
    """Scores of reals and fakes, on both sides of 0 and of the hinge's margins."""
    return 2 * torch.randn(shape) + 0.5, 2 * torch.randn(shape) - 0.5


def gradient(side: str, objective: Objective, real: Tensor, fake: Tensor, of: str) -> Tensor:
    """Of one side's total, with respect to all `real` or all `fake` scores."""
    real, fake = real.clone().requires_grad_(), fake.clone().requires_grad_()
    (found,) = torch.autograd.grad(
        total(getattr(objective, side)(real, fake)), {"real": real, "fake": fake}[of], materialize_grads=True
    )
    return found


def test_every_objective_is_checked_against_its_paper() -> None:
    assert set(PRINTED) == set(OBJECTIVES)


def test_both_sides_are_the_printed_equations(objective: Objective) -> None:
    real, fake = logits(7)
    printed_d, printed_g = PRINTED[objective.name]
    assert total(objective.discriminator(real, fake)).item() == pytest.approx(printed_d(real.double(), fake.double()))
    assert total(objective.generator(real, fake)).item() == pytest.approx(printed_g(real.double(), fake.double()))


@pytest.mark.parametrize("side", ["discriminator", "generator"])
def test_terms_are_named_float32_scalars_in_half_precision_too(objective: Objective, side: str) -> None:
    real, fake = logits(64)
    for kind in (torch.float32, torch.bfloat16, torch.float16):
        halved = real.to(kind), fake.to(kind)
        terms = getattr(objective, side)(*halved)
        assert terms
        assert all(term.shape == () and term.dtype == torch.float32 for term in terms.values())
        assert total(terms) == total(getattr(objective, side)(*(x.float() for x in halved)))  # no half-precision sum


@pytest.mark.parametrize("side", ["discriminator", "generator"])
def test_maps_of_logits_count_like_single_ones(objective: Objective, side: str) -> None:
    real, fake = logits(3, 4, 5)
    whole = total(getattr(objective, side)(real, fake))
    assert whole.item() == pytest.approx(total(getattr(objective, side)(real.flatten(), fake.flatten())).item())


@pytest.mark.parametrize("side", ["discriminator", "generator"])
def test_values_and_gradients_stay_finite_at_extreme_logits(objective: Objective, side: str) -> None:
    for objective_ in (objective, *([smooth_labels(objective, 0.1)] if objective.smoothed else [])):
        for r in EXTREMES:
            for f in EXTREMES:
                real, fake = torch.tensor([r]), torch.tensor([f])
                assert total(getattr(objective_, side)(real, fake)).isfinite()
                assert gradient(side, objective_, real, fake, "fake").isfinite()
                assert gradient(side, objective_, real, fake, "real").isfinite()


def test_d_pulls_the_sides_apart_and_g_pulls_the_fakes_back(objective: Objective) -> None:
    nowhere = torch.full((5,), 0.5)  # on the boundary of least squares, and near that of the others
    assert gradient("discriminator", objective, nowhere, nowhere, "real").sum() < -0.1
    assert gradient("discriminator", objective, nowhere, nowhere, "fake").sum() > 0.1
    below = -nowhere  # where every G wants its fakes higher; the boundary-seeking one wants them at 0
    assert gradient("generator", objective, below, below, "fake").sum() < -0.1


def test_only_relativistic_generators_look_at_reals(objective: Objective) -> None:
    real, fake = logits(6)
    looks = bool(total(objective.generator(real, fake)) != total(objective.generator(real + 1, fake)))
    assert looks == objective.relativistic
    if not objective.relativistic:
        assert total(objective.generator(torch.full_like(real, torch.nan), fake)).isfinite()


def test_relativistic_sides_ignore_a_constant_added_to_d(objective: Objective) -> None:
    real, fake = logits(6)
    for side in (objective.discriminator, objective.generator):
        unmoved = total(side(real, fake)).item() == pytest.approx(total(side(real + 8, fake + 8)).item(), abs=1e-5)
        constant_by_nature = objective.name == "wasserstein" and side == objective.discriminator
        assert unmoved == (objective.relativistic or constant_by_nature)


@pytest.mark.parametrize("objective", [minimax, non_saturating], ids=lambda o: o.name)
def test_the_best_d_pays_two_log_two_less_two_jensen_shannon(objective: Objective) -> None:
    counts = torch.tensor([[8, 4, 2, 2], [1, 3, 6, 6]])  # x and G(z) over four values
    p, q = counts / 16.0
    middle = (p + q) / 2
    divergence = 0.5 * (p * (p / middle).log()).sum() + 0.5 * (q * (q / middle).log()).sum()
    best = (p / q).log()
    real, fake = best.repeat_interleave(counts[0]), best.repeat_interleave(counts[1])
    value = total(objective.discriminator(real, fake)).item()
    assert value == pytest.approx(2 * math.log(2) - 2 * divergence.item(), abs=1e-5)
    for move in torch.eye(4):  # no other D pays less
        for step in (-0.3, 0.3):
            moved = best + step * move
            other = objective.discriminator(moved.repeat_interleave(counts[0]), moved.repeat_interleave(counts[1]))
            assert total(other).item() > value + 1e-3
    same = torch.zeros(16)
    assert total(objective.discriminator(same, same)).item() == pytest.approx(2 * math.log(2))


def test_the_saturating_gradient_vanishes_where_d_is_sure() -> None:
    sure, unsure = torch.full((8,), -6.0), torch.zeros(8)  # D is 99.8% sure that these are fake
    vanishing, strong = (gradient("generator", o, sure, sure, "fake").norm() for o in (minimax, non_saturating))
    assert strong > 10 * vanishing
    vanishing, strong = (gradient("generator", o, unsure, unsure, "fake").norm() for o in (minimax, non_saturating))
    assert strong.item() == pytest.approx(vanishing.item())


def test_least_squares_pulls_back_fakes_far_on_the_real_side() -> None:
    far = torch.tensor([20.0])
    assert gradient("generator", least_squares, far, far, "fake").item() == pytest.approx(19.0)
    assert abs(gradient("generator", non_saturating, far, far, "fake").item()) < 1e-6


def test_hinge_stops_at_a_margin_of_one_on_either_side() -> None:
    for real, fake, expected in ((1.1, -1.1, (0.0, 0.0)), (0.9, -0.9, (-1.0, 1.0)), (-5.0, 5.0, (-1.0, 1.0))):
        scores = torch.tensor([real]), torch.tensor([fake])
        assert tuple(gradient("discriminator", hinge, *scores, of).item() for of in ("real", "fake")) == expected


def test_the_relativistic_average_generator_keeps_its_real_terms_gradient() -> None:
    real, fake = logits(6)
    fake.requires_grad_()
    (of_the_real_term,) = torch.autograd.grad(relativistic_average.generator(real, fake)["real"], fake)
    # d/df_j of E[softplus(r - E f)] = -E[sigmoid(r - E f)] / n
    expected = -(real - fake.detach().mean()).sigmoid().mean() / len(fake)
    torch.testing.assert_close(of_the_real_term, expected.expand_as(fake))


def test_smoothed_d_is_content_at_the_logit_of_nine_tenths() -> None:
    best, fake = torch.tensor([math.log(0.9 / 0.1)]), torch.zeros(1)
    for objective in (minimax, non_saturating):
        assert gradient("discriminator", smooth_labels(objective, 0.1), best, fake, "real").abs() < 1e-6
        assert gradient("discriminator", objective, best, fake, "real") < -0.09
    smoothed = smooth_labels(least_squares, 0.1)
    assert gradient("discriminator", smoothed, torch.tensor([0.9]), fake, "real").abs() < 1e-6


@pytest.mark.parametrize("objective", LABELLED, ids=lambda o: o.name)
def test_smoothing_is_one_sided_and_leaves_g_alone(objective: Objective) -> None:
    real, fake = logits(6)
    smoothed = smooth_labels(objective, 0.3)
    before, after = objective.discriminator(real, fake), smoothed.discriminator(real, fake)
    assert before.keys() == after.keys()
    assert before["fake"] == after["fake"]
    assert after["real"].item() == pytest.approx(SMOOTHED[objective.name](real.double(), 0.7).item())
    assert smoothed.generator is objective.generator
    assert smooth_labels(objective, 0) is objective


def test_objectives_without_labels_refuse_smoothing(objective: Objective) -> None:
    if objective.smoothed is None:
        with pytest.raises(UserError, match=r"no labels to smooth.*minimax"):
            smooth_labels(objective, 0.1)
    for amount in (-0.1, 1.0, math.nan):
        with pytest.raises(UserError, match="out of range"):
            smooth_labels(objective, amount)


def test_objectives_are_found_by_name_and_pass_through_as_they_are(objective: Objective) -> None:
    assert get(objective.name) is objective
    assert get(objective) is objective
    with pytest.raises(UserError, match=f"did you mean {objective.name}"):
        get(objective.name + "x")


def examples_behind_assignments(module: ModuleType) -> list[doctest.DocTest]:
    """The examples in strings that stand behind a variable, which doctest does not look for."""
    body = ast.parse(inspect.getsource(module)).body
    parser = doctest.DocTestParser()
    return [
        parser.get_doctest(text.value.value, dict(vars(module)), before.targets[0].id, module.__file__, text.lineno)
        for before, text in itertools.pairwise(body)
        if isinstance(before, ast.Assign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    ]


@pytest.mark.parametrize("example", examples_behind_assignments(objectives), ids=lambda example: example.name)
def test_the_example_of_each_objective_holds(example: doctest.DocTest) -> None:
    assert doctest.DocTestRunner().run(example).failed == 0


def test_each_objective_has_an_example() -> None:
    assert {example.name for example in examples_behind_assignments(objectives) if example.examples} == {
        name.replace("-", "_") for name in OBJECTIVES
    }
