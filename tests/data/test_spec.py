import json
import tomllib

import numpy as np
import pytest
import torch

from sparring.data import DataSpec


def test_every_level_of_a_picture_comes_back_exactly():
    spec = DataSpec("image", (1, 16, 16))
    raw = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    x = spec.to_model(raw)
    assert x.dtype == torch.float32
    assert (x.min(), x.max()) == (-1, 1)
    data = spec.to_data(x)
    assert data.dtype == np.uint8
    assert data.shape == (1, 16, 16, 1)
    np.testing.assert_array_equal(data.ravel(), np.arange(256))


def test_channels_come_last_in_the_data():
    spec = DataSpec("image", (3, 4, 5))
    raw = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    np.testing.assert_array_equal(spec.to_data(spec.to_model(raw)), raw.permute(0, 2, 3, 1).numpy())


def test_pictures_are_rounded_and_clipped():
    x = torch.tensor([-3.0, -1.0, 0.6 / 127.5 - 1, 0.4 / 127.5 - 1, 3.0]).view(1, 1, 1, 5)
    assert DataSpec("image", (1, 1, 5)).to_data(x).ravel().tolist() == [0, 0, 1, 0, 255]


def test_to_data_takes_what_a_network_made():
    x = torch.zeros(1, 1, 4, 4, dtype=torch.bfloat16, requires_grad=True)
    assert DataSpec("image", (1, 4, 4)).to_data(x).dtype == np.uint8


def test_points_are_moved_and_scaled_alike():
    spec = DataSpec("points", (2,), offset=(1.0, -2.0), scale=4.0)
    raw = torch.tensor([[5.0, -2.0], [1.0, 6.0]])
    assert spec.to_model(raw).tolist() == [[1.0, 0.0], [0.0, 2.0]]
    np.testing.assert_array_equal(spec.to_data(spec.to_model(raw)), raw.numpy())


def test_to_model_leaves_its_argument_alone():
    raw = torch.full((1, 1, 4, 4), 7.0)
    DataSpec("image", (1, 4, 4)).to_model(raw)
    assert (raw == 7).all()


@pytest.mark.parametrize(
    "spec",
    [
        DataSpec("image", (3, 4, 5), ("cat", "dog"), ("a", "b")),
        DataSpec("points", (2,), offset=(0.1, 1 / 3), scale=0.7),
    ],
)
def test_dict_round_trip(spec):
    assert DataSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    toml = "\n".join(f"{name} = {json.dumps(value)}" for name, value in spec.to_dict().items())
    assert DataSpec.from_dict(tomllib.loads(toml)) == spec
