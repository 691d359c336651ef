import math

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring import metrics
from sparring.errors import UserError
from sparring.metrics import neighbors
from sparring.metrics.filters import filtered
from sparring.metrics.pictures import gradient_statistics, pooled_pixels
from sparring.metrics.sliced import enlarged, laplacian_pyramid


def cloud(n: int = 400, d: int = 8, seed: int = 0, shift: float = 0.0) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed)) + shift


ON_FEATURES = {
    "frechet": metrics.frechet_distance,
    "kernel": lambda a, b: metrics.kernel_distance(a, b, 5, 50),
    "manifold": metrics.manifold,
    "two_sample": metrics.two_sample_test,
    "cosine": metrics.cosine_distance,
    "memorization": lambda a, b: metrics.memorization(a, a, b),
    "infinity": metrics.frechet_infinity,
}


@pytest.mark.parametrize("name", ON_FEATURES)
def test_bad_features_are_refused_in_one_line(name):
    measure, good = ON_FEATURES[name], cloud()
    broken = good.clone()
    broken[3, 2] = math.nan
    for real, fake, reason in (
        (good, broken, "NaN or infinity"),
        (good, cloud(d=9), "8 and of 9 dimensions"),
        (good, good[:1], "too few"),
        (good, good[0], "are not rows"),
    ):
        with pytest.raises(UserError, match=reason) as caught:
            measure(real, fake)
        assert "\n" not in str(caught.value)


def test_frechet_distance_of_gaussians_is_the_formula():
    rng = torch.Generator().manual_seed(1)
    x = torch.randn(200_000, 2, generator=rng)
    wide = x * torch.tensor([3.0, 1.0]) + torch.tensor([1.0, 0.0])
    # 1² of means and (3 - 1)² of standard deviations
    assert metrics.frechet_distance(x, wide) == pytest.approx(5.0, rel=0.01)


def test_frechet_distance_survives_covariances_without_full_rank():
    x = torch.cat([cloud(40, 3), torch.zeros(40, 60)], 1)
    assert metrics.frechet_distance(x, x) == pytest.approx(0.0, abs=1e-6)
    assert metrics.frechet_distance(x, x + 1) == pytest.approx(63.0, rel=1e-6)


def test_frechet_infinity_takes_the_bias_of_few_samples_away():
    real, fake = cloud(20_000, 16, 0), cloud(2_000, 16, 1)
    plain, extrapolated = metrics.frechet_distance(real, fake), metrics.frechet_infinity(real, fake)
    assert plain > 0.05
    assert abs(extrapolated) < plain / 2


def test_the_kernel_distance_is_unbiased_and_its_error_honest():
    values = [metrics.kernel_distance(cloud(200, seed=2 * k), cloud(200, seed=2 * k + 1), 20, 100) for k in range(30)]
    assert abs(np.mean([value.value for value in values])) < 3 * np.std([v.value for v in values]) / 30**0.5
    # the standard error is of the right size: neither a third nor the triple of the true one
    assert 1 / 3 < np.mean([value.error for value in values]) / np.std([value.value for value in values]) < 3


def test_density_and_coverage_are_the_authors_definition():
    # balls to the first neighbour: radius 1 around 0 and 1, radius 9 around 10
    real = torch.tensor([[0.0], [1.0], [10.0]])
    fake = torch.tensor([[0.5], [0.75], [30.0]])
    found = metrics.manifold(real, fake, k=1, k_density=1)
    # 0.5 and 0.75 lie in the balls of 0 and of 1, 30 in none: 4 hits over 3 fakes; balls of 0 and 1 are hit
    assert found.density == pytest.approx(4 / 3)
    assert found.coverage == pytest.approx(2 / 3)
    assert found.precision == pytest.approx(2 / 3)
    # fakes' balls: radius 0.25 around 0.5 and 0.75, 29.25 around 30: they hold 1.0 and 10
    assert found.recall == pytest.approx(2 / 3)


def test_neighbours_come_out_the_same_in_small_blocks(monkeypatch):
    a, b = cloud(50), cloud(70, seed=1)
    whole = (*neighbors.nearest(a, b), neighbors.neighbor_distances(a, 3), *metrics.manifold(a, b))
    monkeypatch.setattr(neighbors, "BLOCK", 130)
    parts = (*neighbors.nearest(a, b), neighbors.neighbor_distances(a, 3), *metrics.manifold(a, b))
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(torch.as_tensor(one), torch.as_tensor(other))


def test_the_judge_is_at_chance_on_equals_and_sure_of_strangers():
    inside = 0
    for seed in range(20):
        found = metrics.two_sample_test(cloud(200, seed=2 * seed), cloud(200, seed=2 * seed + 1), seed=seed)
        inside += found.low <= 0.5 <= found.high
    assert inside >= 17  # 19 are expected
    assert metrics.two_sample_test(cloud(), cloud(seed=1, shift=0.8)).low > 0.6


def test_the_judge_sees_what_no_mean_shows():
    ring = cloud(600, 2)
    ring = ring / ring.norm(dim=1, keepdim=True)
    blob = cloud(600, 2, seed=1) / 2**0.5
    assert metrics.two_sample_test(ring, blob).low > 0.6


def test_the_judge_is_repeatable_and_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    assert metrics.two_sample_test(cloud(), cloud(seed=1)) == metrics.two_sample_test(cloud(), cloud(seed=1))
    assert torch.equal(before, torch.get_rng_state())


def test_the_strongest_judge_is_inside_its_interval_as_often_as_it_says():
    inside = 0
    for seed in range(40):
        real, fake = ({"near": cloud(60, 2, seed=k), "wide": cloud(60, 30, seed=k)} for k in (2 * seed, 2 * seed + 1))
        found = metrics.judge(real, fake, seed=seed).accuracy
        inside += found.low <= 0.5 <= found.high
    assert inside >= 35  # 38 are expected


def test_the_strongest_judge_goes_by_the_space_that_tells():
    def spaces(seed: int, shift: float) -> dict[str, Tensor]:
        return {"blind": cloud(150, 10, seed=seed), "seeing": cloud(150, 3, seed=seed + 1, shift=shift)}

    found = metrics.judge(spaces(0, 0.0), spaces(10, 1.0))
    assert found.told_by == "seeing"
    assert found.accuracy.low > 0.65
    assert found.spaces["blind"] < 0.6 < found.spaces["seeing"]


def test_the_strongest_judge_sees_what_no_mean_shows():
    ring = cloud(600, 2)
    ring = ring / ring.norm(dim=1, keepdim=True)
    assert metrics.judge({"x": ring}, {"x": cloud(600, 2, seed=1) / 2**0.5}).accuracy.low > 0.6


def test_vendi_counts_what_is_distinct_whichever_side_is_longer():
    rows = torch.eye(6)
    assert metrics.vendi_score(rows) == pytest.approx(6)
    assert metrics.vendi_score(torch.nn.functional.pad(rows, (0, 100))) == pytest.approx(6)
    assert metrics.vendi_score(torch.zeros(5, 3)) == pytest.approx(1)


@pytest.mark.parametrize("size", [200, 2_000])
def test_support_size_is_near_the_truth(size):
    inside = 0
    for seed in range(20):
        things = torch.randint(size, (500, 1), generator=torch.Generator().manual_seed(seed)).double()
        found = metrics.support_size(things, 0.5)
        inside += found.low <= size <= found.high
    assert inside >= 16


def test_no_alike_pair_says_no_size_but_a_lower_limit():
    found = metrics.support_size(torch.arange(100.0)[:, None], 0.5)
    assert (found.size, found.high, found.pairs) == (math.inf, math.inf, 0)
    assert found.low > 1_000


def test_the_threshold_of_likeness_leaves_the_asked_number_of_pairs():
    x = cloud(300, 2)
    assert metrics.support_size(x, metrics.alike_threshold(x, 10)).pairs in (10, 11)


def test_modes_of_a_lost_one_and_of_a_blur():
    angles = torch.arange(8) * math.pi / 4
    centers = torch.stack([angles.cos(), angles.sin()], 1)
    assert metrics.count_modes(centers.repeat(10, 1), centers, 0.01) == (8, 8, 1.0, 0.0)
    lost = metrics.count_modes(centers[:4].repeat(10, 1), centers, 0.01)
    assert (lost.found, lost.kl) == (4, pytest.approx(math.log(2)))
    assert metrics.count_modes(torch.zeros(10, 2), centers, 0.01) == (0, 8, 0.0, math.inf)


def test_exact_transport_in_one_dimension_is_that_of_sorted_values():
    a, b = cloud(50, 1), cloud(50, 1, seed=1, shift=2.0)
    assert metrics.wasserstein(a, b) == pytest.approx(
        (a.sort(0).values - b.sort(0).values).abs().mean().item(), rel=1e-5
    )
    with pytest.raises(UserError, match="cannot be assigned"):
        metrics.wasserstein(a, b[:-1])


def test_memorisation_is_found_in_part_and_whole_and_not_in_fresh_reals():
    train, held_out, fresh = cloud(1_000), cloud(300, seed=1), cloud(500, seed=2)
    assert not metrics.memorization(train, held_out, fresh).flagged()
    copies = train[:500] + 0.05 * cloud(500, seed=3)
    whole = metrics.memorization(train, held_out, copies)
    assert whole.flagged()
    assert whole.copies > 0.9
    assert all(train[j].sub(copies[i]).norm() < 1 for i, j in zip(whole.closest, whole.partners, strict=True))
    some = metrics.memorization(train, held_out, torch.cat([copies[:50], fresh[:450]]))
    assert some.flagged()
    assert 0.05 < some.copies < 0.2


def test_fresh_reals_are_rarely_accused():
    accused = sum(
        metrics.memorization(cloud(300, 4, 3 * k), cloud(100, 4, 3 * k + 1), cloud(100, 4, 3 * k + 2)).flagged(0.05)
        for k in range(100)
    )
    assert accused <= 12  # 5 are expected


def test_a_pyramid_adds_up_to_the_pictures():
    x = torch.rand(2, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    levels = laplacian_pyramid(x, smallest=8)
    assert [tuple(level.shape[2:]) for level in levels] == [(64, 32), (32, 16), (16, 8)]
    whole = levels[-1]
    for level in reversed(levels[:-1]):
        whole = level + enlarged(whole)
    torch.testing.assert_close(whole, x)


@pytest.mark.parametrize("reflect", [False, True])
def test_a_filter_by_matrices_is_the_convolution(reflect):
    x = torch.randn(2, 3, 9, 14, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    taps = torch.tensor([1.0, 2.0, 4.0, 3.0, -1.0], dtype=torch.float64)
    wide = torch.nn.functional.pad(x, (2, 2, 2, 2), mode="reflect") if reflect else x
    expected = torch.nn.functional.conv2d(wide.reshape(6, 1, *wide.shape[2:]), torch.outer(taps, taps)[None, None])
    torch.testing.assert_close(filtered(x, taps, reflect), expected.view(2, 3, *expected.shape[2:]))


def pictures(seed: int, n: int = 60, channels: int = 1) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.nn.functional.interpolate(torch.rand(n, channels, 8, 8, generator=rng), (32, 32), mode="bilinear")


@pytest.mark.parametrize("channels", [1, 3])
def test_sliced_wasserstein_knows_blur_noise_and_likeness(channels):
    real, other = pictures(0, channels=channels), pictures(1, channels=channels)
    few = {"patches": 64, "directions": 64}
    same = metrics.sliced_wasserstein(real, other, **few)
    assert list(same) == ["32x32", "16x16", "mean"]
    noise = torch.rand(real.shape, generator=torch.Generator().manual_seed(2))
    assert metrics.sliced_wasserstein(real, noise, **few)["32x32"] > 3 * same["32x32"]
    with pytest.raises(UserError, match="cannot be compared"):
        metrics.sliced_wasserstein(real, other[:10])


def test_sliced_wasserstein_is_that_of_patches_standardised_by_channel():
    # pictures of one patch and one value; only the sum of a direction's 49 numbers counts: 7 |u| in 49 dimensions
    values = torch.tensor([[-1.0, -1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 4.0]]).repeat(1, 250)
    real, fake = values.view(2, 1000, 1, 1, 1).expand(-1, -1, -1, 7, 7)
    mean_of_sums = 7 * math.exp(math.lgamma(49 / 2) - math.lgamma(50 / 2)) / math.sqrt(math.pi)
    root = math.sqrt(3)  # the fakes have mean 1 and variance 3: they become three times -1/√3 and once √3
    between = (2 * (1 - 1 / root) + (1 + 1 / root) + (root - 1)) / 4
    found = metrics.sliced_wasserstein(real, fake, patches=1, directions=4000)["mean"]
    assert found == pytest.approx(1000 * mean_of_sums * between, rel=0.03)

    colours = torch.rand(50, 3, 7, 7, generator=torch.Generator().manual_seed(0))
    scaled = colours * torch.tensor([0.1, 1.0, 9.0]).view(3, 1, 1) - torch.tensor([5.0, 0.0, -2.0]).view(3, 1, 1)
    assert metrics.sliced_wasserstein(colours, scaled, patches=1)["mean"] == pytest.approx(0, abs=0.1)


def test_ms_ssim_is_1_for_equals_and_diversity_sees_one_picture():
    x = pictures(0)
    assert metrics.ms_ssim(x, x).tolist() == pytest.approx([1.0] * len(x))
    assert metrics.ms_ssim_diversity(x[:1].repeat(10, 1, 1, 1), pairs=20) == pytest.approx(1.0)
    assert metrics.ms_ssim_diversity(x, pairs=50) < 0.7


def test_inception_score_of_one_class_is_1():
    logits = torch.zeros(100, 10)
    logits[:, 3] = 50
    assert metrics.inception_score(logits).value == pytest.approx(1.0)
    with pytest.raises(UserError, match="cannot be split"):
        metrics.inception_score(logits[:5])


def test_a_blur_is_told_by_gradients_and_a_mirror_image_by_pixels():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:16, :16]
    center, radius = rng.uniform(2, 7, (160, 2, 1, 1)), rng.uniform(1.5, 4, (160, 1, 1))
    discs = 255 * ((y - center[:, 0]) ** 2 + (x - center[:, 1]) ** 2 < radius**2)[:, None]
    real, other = (torch.from_numpy(each.astype(np.uint8)) for each in (discs[:80], discs[80:]))
    blurred = torch.nn.functional.avg_pool2d(other.float(), 3, 1, 1).byte()

    def spaces(pictures: Tensor) -> dict[str, Tensor]:
        return {"pixels": pooled_pixels(pictures), "gradients": gradient_statistics(pictures)}

    assert metrics.judge(spaces(real), spaces(other)).accuracy.low <= 0.5
    assert metrics.judge(spaces(real), spaces(blurred)).spaces["gradients"] > 0.95
    assert metrics.judge(spaces(real), spaces(other.flip(3))).spaces["pixels"] > 0.75


@pytest.mark.parametrize("across", [False, True])
def test_gradients_tell_two_seams_in_one_cell_apart(across):
    pictures = torch.zeros(2, 1, 16, 16, dtype=torch.uint8)
    for picture, line in zip(pictures[:, 0], (5, 6), strict=True):
        (picture.T if across else picture)[line:] = 200
    one, other = gradient_statistics(pictures)
    assert len(one) == (42 + 32) + (42 + 16)
    assert (one[:74] - other[:74]).abs().max() > 0.5
