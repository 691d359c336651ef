"""Whom the augmentation reaches, and whom it does not; ADA's strength; layers that are held constant."""

from contextlib import nullcontext
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from tests.conftest import data_for
from torch import Tensor, nn

import sparring.data
from sparring import checkpoint, judges, workflows
from sparring.data import Unpaired
from sparring.doctor.examination import Examiner
from sparring.errors import UserError
from sparring.game import Game, OptimizerConfig, Step
from sparring.judges import ADA_IMAGES, EVERY, MOST, Augmentation, Shown, Strength, augmented
from sparring.loop import Play, State, play
from sparring.networks import DCGANDiscriminator, ResNetDiscriminator, StridedDiscriminator
from sparring.recipes import RECIPES, duel
from sparring.schedules import Schedule

SHAPE = (2, 6, 5)
MARK = 100.0


class Rows:
    """Pictures that are all black, which never end."""

    schema: Any
    mirror = False

    def __len__(self) -> int:
        return 40

    def batch(self, draw: int, size: int, seed: int) -> dict[str, Tensor]:
        return {"x": torch.zeros(size, *SHAPE)}


class Noting(nn.Module):
    """D: notes what it is shown, in `forward` and in `features`."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.01))  # no objective is flat
        self.seen: list[Tensor] = []

    def features(self, x: Tensor, *more: Tensor) -> Tensor:
        self.seen.append(x.detach())
        return x.flatten(1).mean(1) * self.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.features(x)


@pytest.fixture
def marked(monkeypatch) -> None:
    """An augmentation that everybody recognises."""
    monkeypatch.setattr(judges, "diff_augment", lambda x, rng: x + MARK)


def noting(**options: Any) -> Game[Any]:
    G = nn.Sequential(nn.Linear(3, 60), nn.Unflatten(1, SHAPE))
    return augmented(duel(G, Noting(), latent=3, **options), Augmentation("diff", (SHAPE,), 4))


@pytest.mark.parametrize("options", [{}, {"one_pass": True}, {"reuse_fakes": True}, {"objective": "hinge"}])
def test_d_is_shown_reals_and_fakes_augmented_in_both_turns_and_samples_are_not(marked, options):
    game = noting(**options)
    step = Step({"x": torch.zeros(4, *SHAPE)}, 0, 0.0, torch.Generator().manual_seed(0), {})
    for player in game.players:
        terms = player.loss(game.networks, step)
        torch.stack(list(terms.values())).sum().backward()
        assert game.networks.D.seen
        for seen in game.networks.D.seen:
            assert (seen - MARK).abs().max() < 50
        game.networks.D.seen.clear()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in game.networks.G.parameters())
    assert game.sample(game.networks, torch.zeros(2, 3), {}).abs().max() < 50


def test_labels_behind_a_picture_and_what_is_none_stay_as_they_are():
    D = Noting()
    shown = Shown(D, lambda x: x + MARK, (SHAPE,))
    x = torch.cat([torch.zeros(3, *SHAPE), torch.full((3, 4, *SHAPE[1:]), 7.0)], 1)
    for ask in (shown, shown.features):
        ask(x)
        assert (D.seen[-1][:, :2] == MARK).all()
        assert (D.seen[-1][:, 2:] == 7).all()
    for other in (torch.zeros(3, 5), torch.zeros(3, 2, 5, 6)):
        shown(other)
        assert torch.equal(D.seen[-1], other)
    assert list(dict(shown.named_parameters())) == ["network.weight"]
    assert shown.weight is D.weight


def test_places_and_colours_are_computed_in_float32():
    D = Noting()
    x = torch.randn(8, *SHAPE, generator=torch.Generator().manual_seed(1))
    shown = Shown(D, lambda x: judges.ada_augment(x, torch.Generator().manual_seed(0), 1.0), (SHAPE,))
    with torch.autocast("cpu", torch.bfloat16):
        shown(x)
    shown(x)
    assert torch.equal(*D.seen)


JUDGES = {"projection": ("D", "E"), "acgan": ("D", "C"), "stargan": ("D", "C")}
"""Of the other recipes it is D."""

ELSEWHERE = ("aae", "progressive")
"""Their D judges codes, and at first smaller pictures than those of the data."""


def planned(recipe: str, augment: Any = "auto", count: int = 24, **settings: Any) -> workflows.Plan:
    rng = np.random.default_rng(0)
    sets = [rng.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8) for _ in range(2)]
    data = sparring.data.open((sets[0], np.arange(count) % 3))
    if recipe == "cyclegan":
        data = Unpaired(data, sparring.data.open(sets[1]))
    options = {"batch": 3, "width": 4}
    return workflows.plan(data, recipe=recipe, augment=augment, options=options, rounds=8, out="unwritten", **settings)


@pytest.mark.parametrize("recipe", [name for name, recipe in RECIPES.items() if recipe.takes == "examples"])
def test_every_recipe_with_a_d_on_pictures_is_augmented_where_they_are_few(recipe, monkeypatch):
    seen: list[int] = []
    monkeypatch.setattr(judges, "diff_augment", lambda x, rng: seen.append(len(x)) or x)
    plan = planned(recipe)
    assert judges.judges(plan.state.game) == JUDGES.get(recipe, ("D",))
    for player in plan.state.game.players:
        step = next(islice(play(plan.state, plan.data, plan.how), 1))
        assert np.isfinite(list(step.terms.values())).all(), player
    assert plan.config.augment == ("none" if recipe in ELSEWHERE else "diff")
    assert bool(seen) == (recipe not in ELSEWHERE)
    with pytest.raises(UserError, match="judges pictures") if recipe in ELSEWHERE else nullcontext():
        planned(recipe, "diff")


def test_two_domains_are_augmented_if_that_is_asked_for_and_pairs_are_not():
    assert judges.judges(planned("cyclegan").state.game) == ("D_A", "D_B")
    assert planned("cyclegan").config.augment == "none"
    assert planned("cyclegan", "diff").config.augment == "diff"
    pairs, options = data_for("pix2pix", (1, 8, 8)), {"batch": 3, "width": 4}
    with pytest.raises(UserError, match="of a pair apart"):
        workflows.plan(pairs, recipe="pix2pix", augment="diff", options=options, rounds=8, out="unwritten")


def test_an_autoencoder_is_asked_about_the_picture_that_it_was_shown():
    for recipe in ("ebgan", "began"):
        plan, x = planned(recipe), torch.zeros(5, 1, 8, 8)
        D = plan.state.game.networks.D
        shown = Shown(D, lambda x: x + 0.5, ((1, 8, 8),))
        assert torch.allclose(shown.errors(x)[0], D(x + 0.5) - (x + 0.5), atol=1e-6)


def test_the_choice_is_by_the_number_of_examples_and_the_digits_stay_as_they_are():
    few = planned("default", count=40)
    assert few.config.augment == "diff"
    assert "augmented" in few.notes[0]
    assert planned("default", "none", count=40).notes == ()
    assert planned("default", count=round(1.2 * workflows.assembling.FEW)).config.augment == "none"
    assert workflows.plan("digits", rounds=1, out="unwritten").config.augment == "none"
    assert workflows.plan("ring", rounds=1, out="unwritten").config.augment == "none"
    with pytest.raises(UserError, match="judges pictures"):
        workflows.plan("ring", rounds=1, augment="ada", out="unwritten")
    with pytest.raises(UserError, match="augment_p"):
        planned("default", "diff", augment_p=0.5)


def test_d_is_augmented_anew_in_every_turn_and_by_its_own_noise(monkeypatch):
    drawn: list[Tensor] = []

    def spied(x: Tensor, rng: torch.Generator) -> Tensor:
        drawn.append(torch.rand(3, generator=rng))
        return x

    monkeypatch.setattr(judges, "diff_augment", spied)
    found = []
    for _ in range(2):
        plan = planned("default")
        list(islice(play(plan.state, plan.data, plan.how), 3))
        found.append(torch.stack(drawn))
        drawn.clear()
    assert torch.equal(*found)  # a function of seed, round, player and step
    assert len(found[0].unique(dim=0)) == len(found[0])


@pytest.mark.parametrize("augment", ["diff", "ada"])
def test_a_resumed_run_is_augmented_as_one_that_went_on(augment, tmp_path):
    whole, first, second = (planned("default", augment) for _ in range(3))
    if augment == "ada":
        for plan in (whole, first):  # a strength that is on its way
            plan.state.game.networks.D.augmentation_p += 0.3
    list(islice(play(whole.state, whole.data, whole.how), 12))
    list(islice(play(first.state, first.data, first.how), 6))
    checkpoint.write(first.state, tmp_path / "half", "default")
    checkpoint.read(second.state, tmp_path / "half", "default")
    list(islice(play(second.state, second.data, second.how), 6))
    assert checkpoint.digest(second.state) == checkpoint.digest(whole.state)
    plain = planned("default", "none")
    list(islice(play(plain.state, plain.data, plain.how), 12))
    assert not torch.equal(plain.state.game.networks.G.last.weight, whole.state.game.networks.G.last.weight)


@pytest.fixture
def unaltered(monkeypatch) -> None:
    """An ADA that only counts."""
    monkeypatch.setattr(judges, "ada_augment", lambda x, rng, p: x)


def regulated(real: float, images: int = 1000, rounds: int = 40, **more: Any) -> list[float]:
    """ADA's strength after each round against a D that scores reals so much above fakes, which it never changes."""

    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(()))

        def forward(self, x: Tensor) -> Tensor:
            noise = torch.randn(len(x), generator=torch.Generator().manual_seed(len(seen)))
            seen.append(x)
            return noise + torch.where(x.flatten(1).abs().sum(1) == 0, real, 0.0) + 0 * self.weight * x.sum()

    seen: list[Tensor] = []
    G = nn.Sequential(nn.Linear(3, 60), nn.Unflatten(1, SHAPE))
    still = OptimizerConfig(0.0, kind="sgd")
    game = augmented(duel(G, Fixed(), latent=3, optimizer=still), Augmentation("ada", (SHAPE,), images, **more))
    state, data = State.start(game), Rows()
    data.schema = {"x": Passing()}
    how = Play(seed=0, batch=64, horizon=rounds)
    played = islice(play(state, data, how), rounds)
    return [0.0, *(game.networks.D.augmentation_p.item() for _ in played)]


class Passing:
    """A kind of data that is stored as networks take it."""

    shape = SHAPE

    def to_model(self, stored: Tensor) -> Tensor:
        return stored


def test_adas_strength_rises_while_d_tells_reals_from_fakes_and_falls_when_it_does_not(unaltered):
    rising = regulated(real=20.0)
    moves = np.diff(rising)
    share = EVERY * 1000 / ADA_IMAGES
    assert moves[moves > 0] == pytest.approx(share, abs=1e-6)
    assert (moves > 0).sum() == 40 / EVERY - 1  # nothing has been shown before the first look
    assert max(regulated(real=20.0, images=20_000)) == pytest.approx(MOST)
    assert set(regulated(real=0.0)) == {0.0}
    strength = Strength.given_to(nn.Linear(1, 1))
    strength.set(0.5)
    for r, share, p in ((0.59, 0.1, 0.4), (0.61, 0.2, 0.6)):
        strength.look(torch.tensor(r), share, 7)
        strength.move()
        strength.move()
        assert strength.p.item() == pytest.approx(p)


def test_adas_strength_may_be_given_over_the_run(unaltered):
    given = regulated(real=0.0, p=Schedule(0.0, 0.4, 0.5))
    assert given[1] == 0.0
    assert given[11] == pytest.approx(0.2, abs=0.01)
    assert given[40] == pytest.approx(0.4)


def test_the_doctor_hears_of_the_strength():
    plan = planned("default", "ada")
    plan.state.game.networks.D.augmentation_p += 0.25
    before = checkpoint.digest(plan.state)
    examiner = Examiner(plan.state, plan.data, plan.how)
    assert examiner({}, {}).augmentation == 0.25
    assert checkpoint.digest(plan.state) == before
    plain = planned("default", "none")
    assert Examiner(plain.state, plain.data, plain.how)({}, {}).augmentation is None


BATCH = {"x": torch.zeros(2, 1, 16, 16)}


@pytest.mark.parametrize(
    ("D", "count"),
    [
        (StridedDiscriminator((1, 16, 16), 4), 5),  # two at each of two halvings, and the head
        (StridedDiscriminator((1, 16, 16), 4, spectral=False), 5),
        (DCGANDiscriminator((1, 16, 16), 4), 3),
        (ResNetDiscriminator((1, 16, 16), 4), 14),  # three at each of three sizes, and five between them
    ],
)
def test_layers_are_counted_as_they_stand(D, count):
    layers = judges.layers_of(duel(nn.Linear(2, 2), D), "D", BATCH)
    assert len(layers) == count
    assert {p for layer in layers for p in layer} == set(D.parameters())


def test_the_first_layers_are_held_constant_and_the_others_are_not():
    game = duel(nn.Linear(2, 2), DCGANDiscriminator((1, 16, 16), 4))
    judges.frozen(game, 2, BATCH)
    held = [name for name, p in game.networks.D.named_parameters() if not p.requires_grad]
    assert held == ["trunk.0.weight", "trunk.0.bias", "trunk.2.weight", "trunk.3.weight", "trunk.3.bias"]
    with pytest.raises(UserError, match="3 layers"):
        judges.frozen(duel(nn.Linear(2, 2), DCGANDiscriminator((1, 16, 16), 4)), 3, BATCH)
    game = duel(nn.Linear(2, 2), ResNetDiscriminator((1, 16, 16), 4))
    judges.frozen(game, 5, BATCH)  # the order of the pass, not that in which the network holds them
    held = {name.split(".weight")[0] for name, p in game.networks.D.named_parameters() if not p.requires_grad}
    assert {"first", "stages.0.0.expand", "widen.0"} <= held
    assert "stages.1.0.expand" not in held
