from sparring.metrics.agreement import ClassAgreement, agreement, overall, read_by_neighbors
from sparring.metrics.copying import Memorization, cosine_distance, memorization, memorization_informed
from sparring.metrics.frechet import Moments, frechet_distance, frechet_infinity, moments_distance
from sparring.metrics.inception import inception_score
from sparring.metrics.judging import JUDGED, Judgement, judge
from sparring.metrics.kernel import kernel_distance, multiscale_distance, scales_of
from sparring.metrics.modes import count_classes, count_modes
from sparring.metrics.partners import Partner, beside_partners, feature_figures, pixel_figures
from sparring.metrics.prdc import Manifold, manifold
from sparring.metrics.sliced import SMALLEST_SLICED, sliced_wasserstein
from sparring.metrics.smoothness import path_lengths
from sparring.metrics.ssim import ms_ssim, ms_ssim_diversity
from sparring.metrics.support import alike_threshold, support_size
from sparring.metrics.transport import wasserstein
from sparring.metrics.two_sample import Accuracy, linear_two_sample_test, two_sample_test
from sparring.metrics.vendi import vendi_score

__all__ = [
    "JUDGED",
    "SMALLEST_SLICED",
    "Accuracy",
    "ClassAgreement",
    "Judgement",
    "Manifold",
    "Memorization",
    "Moments",
    "Partner",
    "agreement",
    "alike_threshold",
    "beside_partners",
    "cosine_distance",
    "count_classes",
    "count_modes",
    "feature_figures",
    "frechet_distance",
    "frechet_infinity",
    "inception_score",
    "judge",
    "kernel_distance",
    "linear_two_sample_test",
    "manifold",
    "memorization",
    "memorization_informed",
    "moments_distance",
    "ms_ssim",
    "ms_ssim_diversity",
    "multiscale_distance",
    "overall",
    "path_lengths",
    "pixel_figures",
    "read_by_neighbors",
    "scales_of",
    "sliced_wasserstein",
    "support_size",
    "two_sample_test",
    "vendi_score",
    "wasserstein",
]
