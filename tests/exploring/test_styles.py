import numpy as np
import pytest
import torch

from sparring.errors import UserError
from sparring.exploring import directions, mix, project, truncations
from sparring.exploring.axes import SAMPLES, in_styles
from sparring.workflows import generator_of


def test_a_mix_has_the_rows_first_layers_and_the_columns_last_ones(styled):
    sheet = mix(styled, [1, 2], [7, 8, 9], layer=1)
    table = sheet.made.unflatten(0, (3, 4))
    assert sheet.columns == 4
    assert table[0, 0].min() == 255
    assert torch.equal(table[1:, 0], styled([1, 2])["x"])
    assert torch.equal(table[0, 1:], styled([7, 8, 9])["x"])
    w = torch.cat([styled.styles([2])[:, :1], styled.styles([8])[:, 1:]], 1)
    assert torch.equal(table[2, 2], styled.made_from(w, {})[0])
    assert torch.equal(mix(styled, [4], [4]).made[3], styled([4])["x"][0])
    assert sheet.said == "rows: layers 1 to 1 of seeds 1, 2; columns: the others of seeds 7, 8, 9"


def test_a_mix_needs_styles_and_a_layer_between_others(styled, ready):
    with pytest.raises(UserError, match="3 layers"):
        mix(styled, [1], [2], layer=3)
    with pytest.raises(UserError, match=r"no styles .*stylegan2"):
        mix(ready, [1], [2])


@pytest.mark.parametrize("by", ["sefa", "activations"])
def test_directions_are_those_of_styles(styled, by):
    sheet = directions(styled, 3, by, seed=5, steps=5)
    rows = sheet.made.unflatten(0, (3, 5))
    assert torch.equal(rows[:, 2], styled([5])["x"].expand(3, -1, -1, -1))
    with pytest.raises(UserError, match="7 directions of styles with 6 numbers"):
        directions(styled, 7, by)


def test_directions_are_as_long_as_styles_vary_along_them(styled):
    w = styled.styles(range(SAMPLES))[:, 0].double().numpy()
    values, vectors = np.linalg.eigh(np.cov(w.T))
    found = in_styles(generator_of(styled), 2, "activations").double().numpy()
    assert np.linalg.norm(found, axis=1) == pytest.approx(values[::-1][:2] ** 0.5, rel=1e-3)
    assert np.abs((found / np.linalg.norm(found, axis=1)[:, None]) @ vectors[:, ::-1][:, :2]) == pytest.approx(
        np.eye(2), abs=0.05
    )


def test_sefa_looks_at_every_layer_that_is_given_a_style(styled):
    G = styled.networks.G
    layers = [each.convolution for each in G.styled] + list(G.to_picture)
    A = np.concatenate([layer.affine.weight.double().numpy() for layer in layers])
    _, vectors = np.linalg.eigh(A.T @ A)
    found = in_styles(generator_of(styled), 3, "sefa").double().numpy()
    cosines = np.abs((found / np.linalg.norm(found, axis=1)[:, None]) @ vectors[:, ::-1][:, :3])
    assert np.diag(cosines) == pytest.approx(1.0, abs=1e-3)


def test_truncations_and_projections_are_in_styles(styled):
    sheet = truncations(styled, 0.5, 1.5, [0, 3], 3)
    assert torch.equal(sheet.made[[0, 3]], styled([0, 3], truncation=0.5)["x"])
    found = project(styled, torch.full((1, 1, 8, 8), 128, dtype=torch.uint8), starts=2, steps=60)
    assert found.z.shape == (3, 6)
    assert found.distance < found.before
    assert torch.equal(found.made, styled.made_from(found.z[None], {}))


def test_a_generator_takes_styles_in_place_of_noise(styled):
    G = generator_of(styled)
    z = G.noise([0, 1])
    assert torch.equal(G(G.styles(z)), G(z))
    assert torch.equal(G.noise([0, 1], 0.5), styled.latents([0, 1], 0.5))
