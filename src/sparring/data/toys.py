"""Points in the plane whose truth is known: where the modes are, and so which of them a generator lost.

References:
    Ring and grid: Srivastava et al. 2017 (VEEGAN), arXiv 1705.07761, section 5.1, of which the ring here has radius 1.
    Gaussian: Zhang et al., Dive into Deep Learning, chapter "Generative Adversarial Networks".
"""

import numpy as np

SIZE = 100_000
"""Points in a built-in toy data set."""

# Without endpoint=False the first and the last angle coincide, and the ring has seven modes.
_ANGLES = np.linspace(0, 2 * np.pi, 8, endpoint=False)

RING_MODES = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1).astype(np.float32)
"""float32 `(8, 2)`: the centres of `ring`."""

RING_SIGMA = 0.01
"""Standard deviation around each."""

GRID_MODES = np.stack(np.meshgrid(*[np.arange(-4, 5, 2)] * 2, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.float32)
"""float32 `(25, 2)`: the centres of `grid`."""

GRID_SIGMA = 0.05
"""Standard deviation around each."""


def ring(n: int, seed: int) -> np.ndarray:
    """float32 `(n, 2)`: eight Gaussians of standard deviation 0.01 on the unit circle."""
    return _mixture(RING_MODES, RING_SIGMA, n, seed)


def grid(n: int, seed: int) -> np.ndarray:
    """float32 `(n, 2)`: 25 Gaussians of standard deviation 0.05 at -4, -2, 0, 2, 4 in both directions."""
    return _mixture(GRID_MODES, GRID_SIGMA, n, seed)


def gaussian(n: int, seed: int) -> np.ndarray:
    """float32 `(n, 2)`: `X @ A + b` for standard normal X, with mean b and covariance `A^T A`."""
    A, b = np.array([[1, 2], [-0.1, 0.5]]), np.array([1, 2])
    return (np.random.default_rng(seed).standard_normal((n, 2)) @ A + b).astype(np.float32)


def nearest_mode(points: np.ndarray, modes: np.ndarray) -> np.ndarray:
    """int64 `(n,)`: the index of the centre among `modes (M, 2)` that each of `points (n, 2)` is closest to."""
    return np.square(points[:, None] - modes).sum(axis=2).argmin(axis=1)


def _mixture(modes: np.ndarray, sigma: float, n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    which = rng.integers(len(modes), size=n)
    return (modes[which] + sigma * rng.standard_normal((n, 2))).astype(np.float32)
