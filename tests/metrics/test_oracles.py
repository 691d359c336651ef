"""The same numbers as torch-fidelity and torchmetrics, where they have them."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from sparring import metrics
from sparring.errors import UserError
from sparring.metrics import extractors


def clouds(n: int = 300, m: int = 300, d: int = 16, shift: float = 0.3):
    rng = torch.Generator().manual_seed(0)
    mix = torch.randn(d, d, generator=rng) / d**0.5
    real = torch.randn(n, d, generator=rng) @ mix
    return real, torch.randn(m, d, generator=rng) @ (mix + 0.1 * torch.randn(d, d, generator=rng)) + shift


def close(ours: float, theirs: float, relative: float = 1e-4) -> None:
    assert ours == pytest.approx(theirs, rel=relative)


def test_frechet_distance_is_that_of_the_formula_with_a_full_matrix_root():
    real, fake = (each.double().numpy() for each in clouds())
    a, b = np.cov(real.T), np.cov(fake.T)
    theirs = ((real.mean(0) - fake.mean(0)) ** 2).sum() + np.trace(a + b - 2 * sqrtm(a @ b).real)
    close(metrics.frechet_distance(*clouds()), theirs, 1e-9)


def test_frechet_distance_is_torch_fidelitys():
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    real, fake = (each.double() for each in clouds())
    theirs = fid_statistics_to_metric(fid_features_to_statistics(fake), fid_features_to_statistics(real), False)
    close(metrics.frechet_distance(real, fake), theirs["frechet_inception_distance"], 1e-9)


def test_frechet_distance_is_torchmetrics():
    from torchmetrics.image.fid import _compute_fid

    real, fake = (each.double() for each in clouds())
    theirs = _compute_fid(real.mean(0), real.T.cov(), fake.mean(0), fake.T.cov()).item()
    close(metrics.frechet_distance(real, fake), theirs)


@pytest.mark.parametrize(("subsets", "size"), [(1, 300), (20, 50)])
def test_kid_is_torch_fidelitys(subsets, size):
    from torch_fidelity.metric_kid import kid_features_to_metric

    real, fake = (each.double() for each in clouds())
    theirs = kid_features_to_metric(fake, real, kid_subsets=subsets, kid_subset_size=size, rng_seed=2020, verbose=False)
    ours = metrics.kernel_distance(real, fake, subsets, size)
    close(ours.value, theirs["kernel_inception_distance_mean"], 1e-9)
    assert ours.spread == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-6, abs=1e-12)


def test_kid_is_torchmetrics_without_subsets():
    from torchmetrics.image.kid import poly_mmd

    real, fake = (each.double() for each in clouds())
    close(metrics.kernel_distance(real, fake, 1, 300).value, poly_mmd(real, fake).item(), 1e-9)


@pytest.mark.parametrize("splits", [1, 10, 7])
def test_inception_score_is_torch_fidelitys(splits):
    from torch_fidelity.metric_isc import isc_features_to_metric

    logits = 3 * torch.randn(200, 12, generator=torch.Generator().manual_seed(1))
    theirs = isc_features_to_metric(logits, splits=splits)
    ours = metrics.inception_score(logits, splits)
    close(ours.value, theirs["inception_score_mean"], 1e-9)
    assert ours.spread == pytest.approx(theirs["inception_score_std"], rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(("n", "m", "shift"), [(300, 300, 0.3), (250, 400, 0.45)])
def test_precision_and_recall_are_torch_fidelitys(n, m, shift):
    from torch_fidelity.metric_prc import calculate_precision_recall_full

    real, fake = (each.double() for each in clouds(n, m, shift=shift))
    precision, recall = calculate_precision_recall_full(fake, real, neighborhood=3)
    ours = metrics.manifold(real, fake)
    assert (ours.precision, ours.recall) == pytest.approx((precision, recall), rel=1e-4)
    assert 0.05 < ours.precision < 0.95  # a case that tells something


def test_mifid_is_torchmetrics():
    from torchmetrics.image.mifid import _compute_cosine_distance

    real, fake = (each.double() + 2 for each in clouds())
    theirs = _compute_cosine_distance(fake, real, cosine_distance_eps=0.1).item()
    close(metrics.cosine_distance(real, fake), theirs)
    assert theirs < 0.1  # where it is not, torchmetrics says 1


def test_ms_ssim_is_torchmetrics():
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as theirs

    rng = torch.Generator().manual_seed(2)
    a = torch.rand(3, 2, 24, 24, generator=rng, dtype=torch.float64)
    a = torch.nn.functional.interpolate(a, (180, 192), mode="bicubic").clamp(0, 1)
    b = (a + 0.1 * torch.randn(a.shape, generator=rng, dtype=torch.float64)).clamp(0, 1)
    expected = theirs(b, a, data_range=1.0, reduction="none", normalize="relu", kernel_size=11, sigma=1.5)
    assert metrics.ms_ssim(a, b).tolist() == pytest.approx(expected.tolist(), rel=1e-3)


@pytest.fixture(scope="module")
def inception(tmp_path_factory):
    """torch-fidelity's network with random weights, saved as the published file would be."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    torch.manual_seed(0)
    bare = FeatureExtractorInceptionV3.__new__(FeatureExtractorInceptionV3)
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    kept = torch.nn.Module.load_state_dict
    torch.nn.Module.load_state_dict = lambda self, state, *args, **kwargs: None
    try:
        torch.save({}, path)
        FeatureExtractorInceptionV3.__init__(bare, "inception", ["2048"], feature_extractor_weights_path=str(path))
    finally:
        torch.nn.Module.load_state_dict = kept
    torch.save(bare.state_dict(), path)
    return path


@pytest.fixture
def folders(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    for name, level in (("real", 110), ("fake", 140)):
        (tmp_path / name).mkdir()
        for k in range(24):
            smooth = rng.normal(level, 60, (6, 6, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(smooth).resize((40, 32), Image.Resampling.BICUBIC).save(tmp_path / name / f"{k:02}.png")
    return tmp_path


@pytest.mark.filterwarnings("ignore")  # torch-fidelity's own
def test_the_whole_way_from_files_and_weights_is_torch_fidelitys(inception, folders, monkeypatch):
    import torch_fidelity
    from PIL import Image
    from torch_fidelity import datasets

    def to_tensor(picture):  # torch-fidelity's own comes from torchvision, which this test does without
        return torch.from_numpy(np.array(picture)).permute(2, 0, 1)

    def files(name):
        return datasets.ImagesPathDataset(sorted(map(str, (folders / name).iterdir())), to_tensor)

    theirs = torch_fidelity.calculate_metrics(
        input1=files("fake"), input2=files("real"), fid=True, kid=True, isc=True, prc=True,
        feature_extractor="inception-v3-compat", feature_layer_prc="2048", isc_splits=2,
        kid_subsets=5, kid_subset_size=12, feature_extractor_weights_path=str(inception),
        cuda=False, cache=False, verbose=False, save_cpu_ram=False,
    )  # fmt: skip
    monkeypatch.setenv(extractors.INCEPTION_WEIGHTS, str(inception))
    extractor = extractors.inception()
    pictures = {
        name: np.stack([np.array(Image.open(path)) for path in sorted((folders / name).iterdir())]).transpose(
            0, 3, 1, 2
        )
        for name in ("real", "fake")
    }
    real, fake = (extractor(pictures[name]) for name in ("real", "fake"))
    close(metrics.frechet_distance(real.features, fake.features), theirs["frechet_inception_distance"])
    close(metrics.kernel_distance(real.features, fake.features, 5, 12).value, theirs["kernel_inception_distance_mean"])
    close(metrics.inception_score(fake.logits, 2).value, theirs["inception_score_mean"])
    ours = metrics.manifold(real.features, fake.features)
    assert (ours.precision, ours.recall) == pytest.approx((theirs["precision"], theirs["recall"]), rel=1e-4)


def test_missing_and_damaged_inception_weights_are_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv(extractors.INCEPTION_WEIGHTS, str(tmp_path / "nowhere.pth"))
    with pytest.raises(UserError, match=r"nowhere\.pth, which is no file"):
        extractors.inception()
    (tmp_path / "broken.pth").write_bytes(b"not weights")
    monkeypatch.setenv(extractors.INCEPTION_WEIGHTS, str(tmp_path / "broken.pth"))
    with pytest.raises(UserError, match="does not hold the Inception weights"):
        extractors.inception()
