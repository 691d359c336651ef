import math

import pytest
import torch

from sparring.metrics import beside_partners, feature_figures, pixel_figures

TRUTH = torch.randint(0, 200, (300, 3, 12, 12), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_pictures_that_are_off_by_a_known_amount():
    found = pixel_figures(TRUTH + 51, TRUTH)
    assert found["L1"] == pytest.approx(0.2, rel=1e-5)
    assert found["PSNR"] == pytest.approx(-20 * math.log10(0.2), rel=1e-5)
    assert 0.5 < found["MS-SSIM"] < 1
    same = pixel_figures(TRUTH, TRUTH)
    assert (same["L1"], same["MS-SSIM"]) == (0, pytest.approx(1))
    assert same["PSNR"] == pytest.approx(20 * math.log10(2 * 255))


def test_psnr_is_a_mean_over_pictures_and_not_that_of_all_pixels():
    truth = torch.zeros(2, 1, 12, 12, dtype=torch.uint8)
    made = truth.clone()
    made[0], made[1] = 255, 51
    assert pixel_figures(made, truth)["PSNR"] == pytest.approx((0 - 20 * math.log10(0.2)) / 2, rel=1e-5)


def test_features_find_their_partner():
    truth = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
    near = feature_figures(truth + torch.tensor([3e-3, 0, 4e-3, 0]), truth)
    assert near["features"] == pytest.approx(5e-3, rel=1e-3)
    assert near["retrieval"] > 0.99
    moved = feature_figures(truth.roll(1, 0), truth)
    assert moved["retrieval"] == 0
    copies = truth[:1].expand(300, -1)
    assert feature_figures(copies, copies)["retrieval"] == 1  # any copy is the partner


def test_figures_stand_beside_those_of_the_identity():
    (only,) = beside_partners({"PSNR": 20.0}, {"PSNR": 10.0}, 7)
    assert (only.value, only.identity, only.better, only.n) == (20.0, 10.0, "higher", 7)
    (alone,) = beside_partners({"L1": 0.5}, None, 7)
    assert (alone.identity, alone.better) == (None, "lower")
