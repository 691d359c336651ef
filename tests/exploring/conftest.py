"""Small runs on pictures: of noise alone, of labels, of codes."""

from collections.abc import Callable

import numpy as np
import pytest

import sparring
from sparring import workflows


@pytest.fixture(scope="session")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], sparring.Run]:
    """The run of a recipe, trained once."""
    made: dict[str, sparring.Run] = {}

    def run(recipe: str) -> sparring.Run:
        if recipe not in made:
            raw = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 1), dtype=np.uint8)
            options = {"batch": 4, "width": 4, "latent_dim": 6}
            made[recipe] = sparring.train(
                (raw, np.arange(24) % 3),
                recipe=recipe,
                rounds=3,
                options=options,
                doctor="off",
                out=tmp_path_factory.mktemp("runs") / recipe,
            )
        return made[recipe]

    return run


@pytest.fixture
def ready(run_of) -> workflows.Sampler:
    """Of noise alone."""
    return workflows.sampler(run_of("default").path)


@pytest.fixture
def labelled(run_of) -> workflows.Sampler:
    """Asked for classes 0, 1, 2."""
    return workflows.sampler(run_of("cgan").path)


@pytest.fixture
def coded(run_of) -> workflows.Sampler:
    """With ten categories and two values in its noise."""
    return workflows.sampler(run_of("infogan").path)


@pytest.fixture
def styled(run_of) -> workflows.Sampler:
    """With a style for each of three layers."""
    return workflows.sampler(run_of("stylegan2").path)
