import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from sparring import workflows
from sparring.errors import UserError
from sparring.reporting import neighbors
from sparring.reporting.neighbors import nearest_examples
from sparring.reporting.story import gather


def small_run(tmp_path, **more):
    pictures = np.random.default_rng(0).integers(0, 200, (80, 16, 12, 3), dtype=np.uint8)
    np.save(tmp_path / "pictures.npy", pictures)
    small = {"batch": 4, "options": {"width": 4, "latent_dim": 4}, "recipe": "dcgan", "rounds": 1, "doctor": "off"}
    return sparring.train(tmp_path / "pictures.npy", out=tmp_path / "run", **small, **more).path


@pytest.fixture
def drawing(monkeypatch):
    """`drawing(samples)` makes every run draw just these."""

    def set_samples(samples: np.ndarray) -> None:
        made = torch.from_numpy(np.moveaxis(samples, 3, 1).copy())
        monkeypatch.setattr(workflows, "sampler", lambda *given, **more: lambda seeds: {"x": made})

    return set_samples


def training(run) -> np.ndarray:
    """uint8 `(N, H, W, C)`."""
    data = workflows.open_data(str(run.parent / "pictures.npy"), gather(run).config)
    return np.moveaxis(data.rows(slice(None))["x"].numpy(), 1, 3)


@pytest.mark.parametrize("mirror", [False, True])
def test_copies_are_found_nearest_first_and_mirrored_ones_where_the_data_is_mirrored(tmp_path, drawing, mirror):
    run = small_run(tmp_path, mirror=mirror)
    examples = training(run)
    rng = np.random.default_rng(1)
    strange = rng.integers(0, 256, (56, 16, 12, 3), dtype=np.uint8)
    flipped = [3, 4]
    copies = examples[[3, 4, 5, 6, 7, 8, 9, 10]].copy()
    copies[: len(flipped)] = copies[: len(flipped), :, ::-1]
    copies[2:] += np.arange(5, 35, 5, dtype=np.uint8)[:, None, None, None]  # further and further away
    drawing(np.concatenate([strange, copies[::-1]]))
    found = nearest_examples(gather(run))
    assert (found.searched, found.of) == (len(examples), len(examples))
    pairs = np.moveaxis(found.pairs.numpy(), 2, 4)
    if mirror:
        assert {pair[1].tobytes() for pair in pairs[:2]} == {examples[k].tobytes() for k in flipped}
    assert np.array_equal(pairs[2 * mirror : 2 * mirror + 3, 1], examples[[5, 6, 7]])
    assert np.array_equal(pairs[2 * mirror : 2 * mirror + 3, 0], copies[2:5])


def test_of_many_examples_some_are_searched(tmp_path, drawing, monkeypatch):
    monkeypatch.setattr(neighbors, "SEARCHED", 10)
    run = small_run(tmp_path)
    examples = training(run)
    drawing(examples[:64])
    found = nearest_examples(gather(run))
    assert (found.searched, found.of) == (10, len(examples))
    partners = {pair[1].tobytes() for pair in np.moveaxis(found.pairs.numpy(), 2, 4)}
    assert partners <= {example.tobytes() for example in examples}


def test_of_a_translation_the_nearest_pictures_of_the_target_are_shown(tmp_path):
    for domain in ("trainA", "trainB"):
        (tmp_path / "ab" / domain).mkdir(parents=True)
        for k in range(4):
            Image.new("L", (8, 8), 10 * k + len(domain)).save(tmp_path / "ab" / domain / f"{k}.png")
    small = {"batch": 2, "options": {"width": 4}, "recipe": "cyclegan", "rounds": 1, "doctor": "off"}
    run = sparring.train(tmp_path / "ab", out=tmp_path / "run", **small).path
    assert nearest_examples(gather(run)).of == 3


def test_data_from_memory_is_not_looked_for(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (24, 8, 8), dtype=np.uint8)
    small = {"batch": 4, "options": {"width": 4, "latent_dim": 4}, "recipe": "dcgan", "rounds": 1, "doctor": "off"}
    run = sparring.train(pictures, out=tmp_path / "run", **small).path
    with pytest.raises(UserError, match="in memory"):
        nearest_examples(gather(run))
