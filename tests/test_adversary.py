import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from sparring.adversary import Adversary
from sparring.errors import UserError
from sparring.game import OptimizerConfig
from sparring.objectives import OBJECTIVES, Objective
from sparring.penalties import gradient_penalty, r1

PENALTY = gradient_penalty(10.0)
RELATIVISTIC = [name for name, objective in OBJECTIVES.items() if objective.relativistic]


def plain() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))


def with_batch_norm() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.LeakyReLU(0.2), nn.Linear(8, 1))


def with_spectral_norm() -> nn.Module:
    return nn.Sequential(spectral_norm(nn.Linear(3, 8)), nn.LeakyReLU(0.2), spectral_norm(nn.Linear(8, 1)))


discriminators = pytest.mark.parametrize("discriminator", [plain, with_batch_norm, with_spectral_norm])


def batches() -> tuple[Tensor, Tensor]:
    return torch.randn(6, 3) + 1, torch.randn(6, 3)


def state(network: nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy(network.state_dict())


def moved(network: nn.Module, before: dict[str, Tensor]) -> set[str]:
    return {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}


@discriminators
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_loss_moves_the_model_alone(discriminator, objective: str) -> None:
    adversary, model = Adversary(discriminator(), objective), nn.Linear(3, 3)
    D = adversary.discriminator
    D[-1].bias.grad = torch.full((1,), 7.0)  # somebody else's gradient is left alone too
    real, noise = batches()
    before = state(D)
    adversary.loss(model(noise), real).backward()
    assert model.weight.grad.abs().max() > 0
    assert moved(D, before) == set()
    assert D[-1].bias.grad.item() == 7.0
    assert [name for name, p in D.named_parameters() if p.grad is not None] == ["2.bias" if len(D) == 3 else "3.bias"]
    assert all(p.requires_grad for p in D.parameters())
    assert D.training


@discriminators
def test_the_backward_pass_works_after_many_losses_and_agrees_with_one_alone(discriminator) -> None:
    adversary = Adversary(discriminator(), "relativistic-average")
    real, fake = batches()
    fake.requires_grad_()
    (alone,) = torch.autograd.grad(adversary.loss(fake, real), fake)
    first = adversary.loss(fake, real)
    adversary.loss(2 * fake, 3 * real)
    adversary.discriminator(real)
    (later,) = torch.autograd.grad(first, fake)
    if discriminator is not with_spectral_norm:  # the call above advanced its power iteration
        torch.testing.assert_close(later, alone)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_loss_is_the_objectives_own_value_and_gradient(objective: str) -> None:
    D = plain()
    adversary, rules = Adversary(D, objective), OBJECTIVES[objective]
    real, fake = batches()
    fake.requires_grad_()
    expected = sum(rules.generator(D(real), D(fake)).values())
    found = adversary.loss(fake, real)
    assert found.shape == ()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad(found, fake), torch.autograd.grad(expected, fake))


@discriminators
def test_learn_moves_the_discriminator_alone(discriminator) -> None:
    adversary, model = Adversary(discriminator(), penalty=r1(1.0)), nn.Linear(3, 3)
    real, noise = batches()
    before = state(adversary.discriminator)
    terms = adversary.learn(real, model(noise))
    weights = {name for name, _ in adversary.discriminator.named_parameters()}
    assert moved(adversary.discriminator, before) >= weights - {"2.bias", "3.bias"}  # no gradient under hinge's balance
    assert model.weight.grad is None
    assert all(p.grad is None for p in adversary.discriminator.parameters())
    assert set(terms) == {"real", "fake", "r1"}
    assert all(type(value) is float for value in terms.values())


def test_learn_is_one_step_of_the_objective_with_smoothing_and_penalty() -> None:
    D = plain()
    twin = copy.deepcopy(D)
    real, fake = batches()
    adversary = Adversary(
        D, "least-squares", gradient_penalty(2.0), optimizer=OptimizerConfig(0.1, "sgd"), label_smoothing=0.1, seed=5
    )
    terms = adversary.learn(real, fake)
    expected = {
        "real": (twin(real) - 0.9).square().mean() / 2,
        "fake": twin(fake).square().mean() / 2,
    } | gradient_penalty(2.0)(twin, real, fake, torch.Generator().manual_seed(5))
    assert terms == pytest.approx({name: term.item() for name, term in expected.items()})
    sum(expected.values()).backward()
    for ours, theirs in zip(D.parameters(), twin.parameters(), strict=True):
        change = 0.0 if theirs.grad is None else 0.1 * theirs.grad
        torch.testing.assert_close(ours, theirs - change)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_discriminator_that_learns_tells_real_from_fake(objective: str) -> None:
    adversary = Adversary(plain(), objective, gradient_penalty(1.0), optimizer=OptimizerConfig(0.02))
    for _ in range(60):
        real, fake = batches()
        adversary.learn(real, fake)
    real, fake = batches()
    assert (adversary.discriminator(real).mean() - adversary.discriminator(fake).mean()).item() > 0.2
    if objective != "boundary-seeking":  # which wants no reals either, but what D cannot tell
        assert adversary.loss(real, real) < adversary.loss(fake, real)  # reals pass for real


def test_the_same_seed_learns_the_same(rng: torch.Generator) -> None:
    def learnt(seed: int) -> dict[str, Tensor]:
        torch.manual_seed(1)
        adversary = Adversary(plain(), penalty=gradient_penalty(), seed=seed)
        real, fake = torch.randn(2, 6, 3, generator=rng.manual_seed(2))
        adversary.learn(real, fake)
        torch.randn(7)  # other users of the global generator do not matter
        adversary.learn(real, fake)
        return state(adversary.discriminator)

    first = learnt(0)
    assert all(torch.equal(value, first[name]) for name, value in learnt(0).items())
    assert any(not torch.equal(value, first[name]) for name, value in learnt(1).items())


def test_frozen_parameters_stay_frozen() -> None:
    D = plain()
    D[0].requires_grad_(False)
    before = state(D)
    adversary = Adversary(D)
    real, fake = batches()
    adversary.loss(fake.requires_grad_(), real).backward()
    assert not any(p.requires_grad for p in D[0].parameters())
    adversary.learn(real, fake)
    assert moved(D, before) <= {"2.weight", "2.bias"}
    assert "2.weight" in moved(D, before)


def test_a_discriminator_that_fails_is_left_as_it_was() -> None:
    adversary = Adversary(with_batch_norm())
    before = state(adversary.discriminator)
    with pytest.raises(RuntimeError):
        adversary.loss(torch.zeros(6, 5))
    assert all(p.requires_grad for p in adversary.discriminator.parameters())
    assert moved(adversary.discriminator, before) == set()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_only_relativistic_objectives_ask_for_reals(objective: str) -> None:
    adversary = Adversary(plain(), objective)
    if objective in RELATIVISTIC:
        with pytest.raises(ValueError, match=r"loss\(fake, real\)"):
            adversary.loss(torch.zeros(6, 3))
    else:
        assert adversary.loss(torch.zeros(6, 3)).isfinite()


def test_reals_are_not_looked_at_in_vain() -> None:
    counted = []
    D = plain()
    D.register_forward_hook(lambda *_: counted.append(1))
    real, fake = batches()
    for name, calls in (("hinge", 1), ("relativistic-pairing", 2)):
        counted.clear()
        Adversary(D, name).loss(fake, real)
        assert len(counted) == calls


def test_unknown_objectives_and_smoothing_without_labels_are_refused() -> None:
    with pytest.raises(UserError, match="did you mean hinge"):
        Adversary(plain(), "hing")
    with pytest.raises(UserError, match="no labels"):
        Adversary(plain(), "hinge", label_smoothing=0.1)
    mine = Objective("mine", OBJECTIVES["hinge"].discriminator, OBJECTIVES["hinge"].generator)
    assert set(Adversary(plain(), mine).learn(*batches())) == {"real", "fake"}


def pictures(n: int) -> Tensor:
    """Lines of two numbers each, which a code of two can tell, under a texture that it cannot: ±0.5 a pixel."""
    line = torch.linspace(-1, 1, 16)
    return torch.randn(n, 1) * line + torch.randn(n, 1) + 0.5 * torch.randn(n, 16).sign()


def texture(x: Tensor) -> float:
    """Energy of the second difference, to which a line gives nothing."""
    return x.diff(2).square().mean().item()


def autoencoded(weight: float, learn: bool) -> tuple[float, float]:
    """The texture and the squared error of what a small autoencoder makes after training."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 2), nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 16))
    D = nn.Sequential(nn.Linear(16, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
    adversary = Adversary(D, optimizer=OptimizerConfig(5e-3))
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    for _ in range(200):
        x = pictures(32)
        made = model(x)
        optimizer.zero_grad()
        ((made - x).square().mean() + weight * adversary.loss(made)).backward()
        optimizer.step()
        if learn:
            adversary.learn(x, made)
    x = pictures(512)
    made = model(x).detach()
    return texture(made), (made - x).square().mean().item()


def test_an_adversarial_loss_brings_back_the_texture_that_l2_blurs_away() -> None:
    truth = texture(pictures(512))
    blurred, error = autoencoded(weight=0.0, learn=True)
    sharp, error_of_sharp = autoencoded(weight=0.1, learn=True)
    untaught, _ = autoencoded(weight=0.1, learn=False)
    assert blurred < 0.1 * truth
    assert 0.3 * truth < sharp < 2 * truth
    assert untaught < 0.1 * truth  # a discriminator that never learns gives no texture: it is not the weight alone
    assert error < error_of_sharp < 3 * error  # and the picture is still the picture


def test_a_saved_adversary_goes_on_as_it_would_have() -> None:
    real, fake = torch.randn(2, 8, 3)

    def made(seed: int) -> Adversary:
        # not linear: the penalty depends on where its random points lie
        return Adversary(nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)), "wasserstein", PENALTY, seed=seed)

    first, second = made(0), made(7)
    first.learn(real, fake)
    saved = copy.deepcopy(first.state_dict())
    second.load_state_dict(saved)
    for _ in range(2):  # the second step shows the optimizer's state
        assert first.learn(real, fake) == second.learn(real, fake)
    assert moved(second.discriminator, state(first.discriminator)) == set()


def test_a_rate_that_falls_over_a_run_is_refused() -> None:
    with pytest.raises(ValueError, match="decay_from"):
        Adversary(nn.Linear(2, 1), optimizer=OptimizerConfig(1e-3, decay_from=0.5))


class Counting(nn.Module):
    """A layer that replaces its buffers, and has one that is not there before the first call."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))
        self.register_buffer("last", None)

    def forward(self, x: Tensor) -> Tensor:
        self.seen, self.last = self.seen + 1, x.detach()
        return x


def test_a_buffer_that_the_discriminator_replaces_is_put_back_after_a_loss() -> None:
    layer = Counting()
    adversary = Adversary(nn.Sequential(layer, nn.Linear(3, 1)))
    real, fake = batches()
    adversary.loss(fake, real)
    assert (layer.seen.item(), layer.last) == (0.0, None)
    adversary.learn(real, fake)
    assert layer.seen.item() == 2.0


def test_a_gradient_that_is_not_finite_leaves_the_discriminator_as_it_was() -> None:
    root = Objective("root", lambda real, fake: {"root": (0 * real).sum().sqrt()}, OBJECTIVES["hinge"].generator)
    adversary = Adversary(plain(), root)
    before = state(adversary.discriminator)
    with pytest.raises(FloatingPointError, match="became nan"):
        adversary.learn(*batches())
    assert moved(adversary.discriminator, before) == set()


def test_pictures_are_augmented_in_both_passes_by_noise_that_is_saved():
    seen: list[Tensor] = []

    def augment(x: Tensor, rng: torch.Generator) -> Tensor:
        y = x + torch.rand((), generator=rng)
        seen.append(y.detach())
        return y

    def played(adversary: Adversary, steps: int) -> None:
        for _ in range(steps):
            fake = torch.zeros(4, 2, requires_grad=True)
            adversary.loss(fake).backward()
            assert fake.grad is not None
            adversary.learn(torch.ones(4, 2), fake)

    whole, first, second = (Adversary(fresh(), augment=augment, seed=3) for _ in range(3))
    played(whole, 4)
    assert len(seen) == 4 * 3
    assert all(0 < float((y - y.round()).abs().max()) < 1 for y in seen)
    played(first, 2)
    second.load_state_dict(first.state_dict())
    played(second, 2)
    assert torch.equal(second.discriminator.weight, whole.discriminator.weight)


def fresh() -> nn.Linear:
    torch.manual_seed(1)
    return nn.Linear(2, 1)
