"""Features of reals, and classifiers trained on them, kept between evaluations.

Keys hold the reals themselves and not the place that they came from: any change of the data, its split, its size or its
view is another key.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version

import numpy as np
import torch
from torch import Tensor

from sparring.cache import Cache
from sparring.devices import forked
from sparring.metrics import extractors
from sparring.metrics.extractors import CPU, Embedding, Extractor
from sparring.progress import Count, Share, untold

NUMBERS = 1
"""Raised when the same digests stand for other numbers."""

NOT_KEPT = Cache(None)


@dataclass(frozen=True)
class Eye:
    """An extractor that remembers what it has seen.

    Args:
        extractor: makes features.
        cache: where they are kept.
        count: told how many samples were seen.
    """

    extractor: Extractor
    cache: Cache = NOT_KEPT
    count: Count = field(default_factory=lambda: Count(1, untold))

    def __call__(self, raw: np.ndarray) -> Embedding:
        """Features, and logits where there are some."""

        def seen() -> dict[str, Tensor]:
            found = self.extractor(raw, self.count)
            return {"features": found.features} | ({} if found.logits is None else {"logits": found.logits})

        kept = self.cache(self._key("seen", raw), seen)
        return Embedding(kept["features"], kept.get("logits"))

    def views(self, raw: np.ndarray, own: Tensor) -> Tensor:
        """`(V, n, D)` features: a copy that was moved by a pixel or mirrored is found where its original is.

        Args:
            raw: pictures, uint8 `(n, C, H, W)`; or points, whose only view is themselves.
            own: `(n, D)`, their features.
        """
        if raw.ndim == 2:
            return own[None]

        def moved() -> dict[str, Tensor]:
            return {"features": torch.stack([self.extractor(view, self.count).features for view in _moved(raw)])}

        return torch.cat([own[None], self.cache(self._key("moved", raw), moved)["features"]])

    def _key(self, what: str, raw: np.ndarray) -> tuple[object, ...]:
        return (*_versions(), self.extractor.device.type, self.extractor.name, self.extractor.digest, what, raw)


MOVED_VIEWS = 9
"""Of each picture, beside the picture itself."""


def _moved(raw: np.ndarray) -> Iterator[np.ndarray]:
    height, width = raw.shape[2:]
    wide = np.pad(raw, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    for down, right in np.ndindex(3, 3):
        if (down, right) != (1, 1):
            yield np.ascontiguousarray(wide[:, :, down : down + height, right : right + width])
    yield np.ascontiguousarray(raw[..., ::-1])


def _versions() -> tuple[object, ...]:
    return NUMBERS, version("sparring"), torch.__version__


def classifier(
    pictures: np.ndarray,
    labels: np.ndarray,
    classes: int,
    device: torch.device = CPU,
    cache: Cache = NOT_KEPT,
    share: Share = untold,
) -> tuple[Extractor, float]:
    """`extractors.classifier`, trained where none is kept for these pictures and labels."""

    def trained() -> dict[str, Tensor]:
        network, accuracy = extractors.trained_classifier(pictures, labels, classes, device=device, share=share)
        state = {name: each.cpu() for name, each in network.state_dict().items()}
        return {**state, "accuracy": torch.tensor(accuracy, dtype=torch.float64)}

    kept = dict(cache((*_versions(), device.type, "classifier", classes, pictures, labels), trained))
    accuracy = kept.pop("accuracy").item()
    with forked(CPU):  # its first weights, drawn and thrown away, are no business of the caller's
        network = extractors.Classifier(pictures.shape[1], classes)
    network.load_state_dict(kept)
    return extractors.of_classifier(network.to(device)), accuracy
