import inspect
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from sparring import penalties
from sparring.penalties import (
    Penalty,
    Terms,
    clip_weights,
    dragan,
    gradient_penalty,
    r1,
    r2,
    squared_gradient_norms,
    together,
)

FACTORIES: dict[str, Callable[..., Penalty]] = {
    name: factory
    for name, factory in vars(penalties).items()
    if inspect.isfunction(factory)
    and inspect.signature(factory).return_annotation in (Penalty, penalties.ZeroCentered)
    and not any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(factory).parameters.values())
}

# Of a linear critic D(x) = w·x, whose gradient is w everywhere, by |w|; the factories' defaults.
LINEAR: dict[str, Callable[[Tensor], Tensor]] = {
    "gradient_penalty": lambda length: 10 * (length - 1) ** 2,
    "r1": lambda length: length**2 / 2,
    "r2": lambda length: length**2 / 2,
    "dragan": lambda length: 10 * (length - 1) ** 2,
    "divergence": lambda length: 2 * length**6,
}


@pytest.fixture(params=FACTORIES.values(), ids=FACTORIES)
def factory(request: pytest.FixtureRequest) -> Callable[..., Penalty]:
    return request.param


class Recorder:
    """D(x) = |x|²/2, an example at a time: its gradient is x itself; it remembers where it was asked."""

    def __call__(self, x: Tensor) -> Tensor:
        self.x = x.detach().clone()
        return x.flatten(1).square().sum(1) / 2


def total(terms: Terms) -> Tensor:
    return torch.stack(list(terms.values())).sum()


def batch(n: int, shape: tuple[int, ...] = (3, 4, 6)) -> tuple[Tensor, Tensor]:
    return torch.randn(n, *shape), torch.randn(n, *shape) - 1


def linear(w: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda x: x.flatten(1) @ w.flatten()


def smooth_critic() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1))


def test_every_factory_has_a_closed_form() -> None:
    assert set(FACTORIES) == set(LINEAR)


@pytest.mark.parametrize("n", [1, 17])
@pytest.mark.parametrize("shape", [(2,), (3, 4, 6)])
def test_value_and_weight_gradient_are_exact_for_a_linear_critic(
    factory: Callable[..., Penalty], shape: tuple[int, ...], n: int, rng: torch.Generator
) -> None:
    w = torch.randn(shape, requires_grad=True)
    exact = LINEAR[factory.__name__](w.double().norm())
    (exact_gradient,) = torch.autograd.grad(exact, w)
    terms = factory()(linear(w), *batch(n, shape), rng)
    (found,) = torch.autograd.grad(total(terms), w)
    assert list(terms) == [factory.__name__]
    assert total(terms).item() == pytest.approx(exact.item(), rel=1e-4)
    torch.testing.assert_close(found, exact_gradient, rtol=1e-3, atol=1e-4)


def test_weight_gradient_agrees_with_finite_differences(factory: Callable[..., Penalty]) -> None:
    D, (real, fake) = smooth_critic(), batch(9, (2, 3))

    def cost() -> Tensor:
        return total(factory()(D, real, fake, torch.Generator().manual_seed(1)))

    for layer in (D[1], D[3]):
        (exact,) = torch.autograd.grad(cost(), layer.weight)
        step = 0.01 * exact / exact.norm()
        layer.weight.data += step
        above = cost().item()
        layer.weight.data -= 2 * step
        below = cost().item()
        layer.weight.data += step
        assert exact.norm() > 1e-2
        assert (above - below) / 0.02 == pytest.approx(exact.norm().item(), rel=0.02)


def test_no_gradient_reaches_the_generator(factory: Callable[..., Penalty], rng: torch.Generator) -> None:
    real, fake = (x.requires_grad_() for x in batch(4, (2, 3)))
    total(factory()(smooth_critic(), real, fake, rng)).backward()
    assert real.grad is None
    assert fake.grad is None


def test_value_is_that_of_float32_under_bfloat16_autocast(factory: Callable[..., Penalty]) -> None:
    D, (real, fake) = smooth_critic(), batch(8, (2, 3))

    def cost(real: Tensor, fake: Tensor) -> Tensor:
        return total(factory()(D, real, fake, torch.Generator().manual_seed(1)))

    plain = cost(real, fake)
    with torch.autocast("cpu", torch.bfloat16):
        assert D(real).dtype == torch.bfloat16  # or there would be nothing to guard against
        assert cost(real, fake) == plain
    halved = real.bfloat16(), fake.bfloat16()
    assert cost(*halved).dtype == torch.float32
    assert cost(*halved) == cost(*(x.float() for x in halved))


def test_all_chance_comes_from_the_generator_it_is_given(factory: Callable[..., Penalty]) -> None:
    D, (real, fake) = smooth_critic(), batch(8, (2, 3))

    def cost(seed: int) -> Tensor:
        return total(factory()(D, real, fake, torch.Generator().manual_seed(seed)))

    before = torch.random.get_rng_state()
    assert cost(1) == cost(1)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_penalty_is_finite_and_trainable_where_the_critic_is_flat(
    factory: Callable[..., Penalty], rng: torch.Generator
) -> None:
    w = torch.zeros(6, requires_grad=True)
    terms = factory()(linear(w), *batch(4, (2, 3)), rng)
    (found,) = torch.autograd.grad(total(terms), w)
    assert total(terms).item() == pytest.approx(LINEAR[factory.__name__](torch.zeros(())).item(), abs=1e-4)
    assert found.isfinite().all()


def test_every_score_of_a_map_counts(rng: torch.Generator) -> None:
    x = torch.randn(3, 2)
    w = torch.randn(2, 4, 5)
    norms = squared_gradient_norms(lambda x: torch.einsum("bi,ihw->bhw", x, w), x)
    torch.testing.assert_close(norms, w.sum((1, 2)).square().sum().expand(3))


def test_the_norm_is_that_of_each_example_over_all_its_axes() -> None:
    x = torch.randn(5, 3, 2, 4)
    torch.testing.assert_close(squared_gradient_norms(Recorder(), x), x.square().sum((1, 2, 3)))


@pytest.mark.parametrize(
    ("penalty", "cost"),
    [
        (gradient_penalty(3.0), lambda norm: 3 * (norm - 1) ** 2),
        (gradient_penalty(3.0, center=0.0), lambda norm: 3 * norm**2),
        (gradient_penalty(3.0, center=2.5), lambda norm: 3 * (norm - 2.5) ** 2),
        (gradient_penalty(3.0, one_sided=True), lambda norm: 3 * (norm - 1).clamp(min=0) ** 2),
        (r1(3.0), lambda norm: 1.5 * norm**2),
        (r2(3.0), lambda norm: 1.5 * norm**2),
        (dragan(3.0, spread=0.0), lambda norm: 3 * (norm - 1) ** 2),
        (dragan(3.0, center=2.0, spread=0.0), lambda norm: 3 * (norm - 2) ** 2),
    ],
)
def test_each_example_costs_by_its_own_norm(penalty: Penalty, cost: Callable, rng: torch.Generator) -> None:
    lengths = torch.tensor([0.1, 0.7, 1.0, 2.0, 5.0])
    x = nn.functional.normalize(torch.randn(5, 12), dim=1).mul(lengths[:, None]).view(5, 3, 4)
    found = total(penalty(Recorder(), x, x, rng)).item()  # real = fake, so that every point between is known
    assert found == pytest.approx(cost(lengths).mean().item(), rel=1e-4)
    assert found != pytest.approx(cost(x.norm()).item(), rel=0.01)  # the norm over the batch would show


def test_each_example_has_its_own_uniform_place_between_real_and_fake(rng: torch.Generator) -> None:
    D, n = Recorder(), 4000
    real, fake = torch.randn(n, 2, 3), torch.randn(n, 2, 3) + 3
    terms = gradient_penalty(1.0, center=0.0)(D, real, fake, rng)
    share = (D.x - fake) / (real - fake)
    torch.testing.assert_close(share, share[:, :1, :1].expand_as(share), atol=5e-3, rtol=0)  # on the line: one ε each
    share = (D.x - fake).flatten(1).norm(dim=1) / (real - fake).flatten(1).norm(dim=1)
    assert share.min() >= 0
    assert share.max() <= 1
    assert share.mean().item() == pytest.approx(1 / 2, abs=0.02)
    assert share.var().item() == pytest.approx(1 / 12, rel=0.05)  # one ε a batch would give 0
    assert total(terms).item() == pytest.approx(D.x.flatten(1).square().sum(1).mean().item(), rel=1e-4)


def test_one_epsilon_a_batch_would_give_another_number(rng: torch.Generator) -> None:
    # from 0 to 1, where the gradient is ε itself: E[ε²] = 1/3, with variance 4/45 an example
    real, fake = torch.ones(4000, 1), torch.zeros(4000, 1)
    values = [total(gradient_penalty(1.0, center=0.0)(Recorder(), real, fake, rng)).item() for _ in range(5)]
    assert values == pytest.approx([1 / 3] * 5, abs=0.02)


def test_one_sided_penalty_is_free_below_the_center_and_the_same_above(rng: torch.Generator) -> None:
    for length, costs in ((0.4, False), (1.6, True)):
        w = torch.tensor([length, 0.0], requires_grad=True)
        terms = gradient_penalty(10.0, one_sided=True)(linear(w), *batch(4, (2,)), rng)
        (found,) = torch.autograd.grad(total(terms), w)
        assert total(terms).item() == pytest.approx(10 * (length - 1) ** 2 if costs else 0.0, abs=1e-4)
        assert bool(found.any()) == costs


@pytest.mark.parametrize(("factory", "side"), [(r1, 0), (r2, 1), (dragan, 0)])
def test_r1_and_dragan_look_at_reals_only_and_r2_at_fakes_only(
    factory: Callable[..., Penalty], side: int, rng: torch.Generator
) -> None:
    x = torch.randn(6, 2, 3)
    unknown = torch.full_like(x, torch.nan)
    assert total(factory()(Recorder(), *((x, unknown), (unknown, x))[side], rng)).isfinite()
    assert total(factory()(Recorder(), *((unknown, x), (x, unknown))[side], rng)).isnan()


def test_dragan_looks_around_the_reals_as_far_as_their_spread(rng: torch.Generator) -> None:
    D, real = Recorder(), 3 * torch.randn(4000, 5) + 7
    dragan(spread=0.5)(D, real, real, rng)
    delta = D.x - real
    assert delta.std().item() == pytest.approx(0.5 * real.std().item(), rel=0.03)
    assert delta.mean().item() == pytest.approx(0, abs=0.05)
    assert delta.std(1).min() > 0.05  # normal in every coordinate, not one shift an example


def test_together_keeps_the_terms_of_each(rng: torch.Generator) -> None:
    w = torch.tensor([3.0, 4.0])
    terms = together(r1(1.0), r2(2.0), gradient_penalty(1.0))(linear(w), *batch(3, (2,)), rng)
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(
        {"r1": 12.5, "r2": 25.0, "gradient_penalty": 16.0}, rel=1e-4
    )
    assert together()(linear(w), *batch(3, (2,)), rng) == {}


def test_together_loses_no_term_of_two_penalties_of_one_kind(rng: torch.Generator) -> None:
    w = torch.tensor([3.0, 4.0])
    terms = together(gradient_penalty(1.0), gradient_penalty(1.0, center=0.0))(linear(w), *batch(3, (2,)), rng)
    assert total(terms).item() == pytest.approx(16.0 + 25.0, rel=1e-4)


def test_clipping_brings_every_parameter_into_the_box_and_moves_no_other() -> None:
    network = nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 1))
    before = [p.detach().clone() for p in network.parameters()]
    clip_weights(network, 0.2)
    for old, new in zip(before, network.parameters(), strict=True):
        torch.testing.assert_close(new.detach(), old.clamp(-0.2, 0.2), rtol=0, atol=0)
        assert new.requires_grad
    assert max(p.abs().max() for p in before) > 0.2
    assert math.isclose(max(p.abs().max().item() for p in network.parameters()), 0.2, rel_tol=1e-6)
