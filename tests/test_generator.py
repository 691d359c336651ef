import numpy as np
import pytest
import torch
from tests.conftest import GIVEN_PICTURES

import sparring
from sparring import workflows
from sparring.drawing import draw
from sparring.errors import UserError
from sparring.game import Latent, Part, parts_of
from sparring.recipes import RECIPES
from sparring.workflows import Generator

WITH_NOISE = [name for name in RECIPES if name not in GIVEN_PICTURES]


def planned(recipe: str) -> workflows.Plan:
    raw = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 1), dtype=np.uint8)
    data = sparring.data.open((raw, np.arange(24) % 3))
    return workflows.plan(data, recipe=recipe, rounds=1, options={"batch": 3, "width": 4}, out="never-written")


@pytest.mark.parametrize("recipe", WITH_NOISE)
def test_a_generator_makes_what_sampling_makes(recipe):
    plan = planned(recipe)
    game, schema = plan.state.game, plan.data.schema
    modules = game.modules()
    generator = Generator(game, {name: modules[name] for name in game.sampling()}, schema)
    labels = torch.tensor([0, 2, 1]) if generator.classes else None
    given = {"y": labels} if labels is not None else {}
    z = generator.noise([0, 5, 7])
    assert z.shape == (3, generator.latent_dim)
    assert sum(part.dim for part in generator.parts) == generator.latent_dim
    with torch.no_grad():
        made = generator(z, labels)
    expected = draw(game, game.networks, schema, [0, 5, 7], given)
    assert torch.allclose(made, expected, atol=1e-5)
    assert made.shape == (3, 1, 8, 8)
    assert not any(module.training for module in generator.modules())


def test_a_runs_generator_holds_its_averages(tmp_path):
    raw = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    options = {"batch": 4, "width": 4, "latent_dim": 3}
    run = sparring.train(raw, recipe="gan", rounds=2, options=options, doctor="off", out=tmp_path / "run")
    generator = run.generator()
    assert (generator.latent_dim, generator.classes) == (3, ())
    made = generator.to_array(generator(generator.noise(range(5))))
    assert np.allclose(made, run.sample(5), atol=1e-5)
    assert not any(p.requires_grad for p in generator.parameters())
    with pytest.raises(ValueError, match="no labels"):
        generator(generator.noise([0]), torch.zeros(1, dtype=torch.long))


def test_labels_that_are_missing_are_told():
    game = planned("cgan").state.game
    generator = Generator(game, {"G": game.networks.G}, planned("cgan").data.schema)
    assert generator.classes == ("0", "1", "2")
    with pytest.raises(ValueError, match="needs labels"):
        generator(generator.noise([0]))


def test_a_translation_has_no_generator_of_noise():
    raw = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 1), dtype=np.uint8)
    data = sparring.data.Unpaired(sparring.data.open(raw), sparring.data.open(raw[::-1]))
    options = {"batch": 1, "width": 4, "depth": 1}
    plan = workflows.plan(data, recipe="cyclegan", rounds=1, options=options, out="never-written")
    game = plan.state.game
    with pytest.raises(UserError, match="from a, not from noise"):
        Generator(game, {name: game.modules()[name] for name in game.sampling()}, plan.data.schema)


def test_a_noise_says_what_its_numbers_are():
    assert parts_of(Latent(5, "uniform")) == (Part("z", 5, "uniform"),)
    assert parts_of(lambda n, rng, truncation: torch.zeros(n, 7)) == (Part("z", 7, "uniform"),)
    parts = planned("infogan").state.game.noise.parts
    assert [part.name for part in parts] == ["z", "category", "value1", "value2"]
    assert [part.kind for part in parts] == ["normal", "category", "uniform", "uniform"]
