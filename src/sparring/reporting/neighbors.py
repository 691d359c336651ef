"""Samples beside the training examples that are nearest to them."""

from dataclasses import dataclass

import numpy as np
import torch

from sparring import workflows
from sparring.errors import UserError
from sparring.metrics import extractors
from sparring.metrics.neighbors import nearest_view
from sparring.reporting.story import Story
from sparring.scoring import one_kind, stored

DRAWN, SHOWN = 64, 8

SEARCHED = 20_000
"""Training examples, at most, that are searched; more would take minutes."""


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The samples that lie nearest to the training data.

    Args:
        pairs: uint8 `(K, 2, H, W, C)`: samples, each with its nearest example; nearest first.
        searched: how many training examples were looked at.
        of: how many there are.
    """

    pairs: np.ndarray
    searched: int
    of: int


def nearest_examples(story: Story) -> Neighbors:
    """Draw samples and find their nearest training examples, in random features.

    Raises:
        UserError: there is no checkpoint, or the data is not there any more, has changed, or is of two kinds.
    """
    config = story.config
    if not config.data.source:
        raise UserError("the data was handed over in memory")
    data = one_kind(workflows.open_data(config.data.source, config))
    if data.fingerprint != config.fingerprint:
        raise UserError("the data has changed since the run began")
    fakes = stored(workflows.sample(story.run.path, DRAWN, checkpoint=story.checkpoint))
    chosen = np.sort(np.random.default_rng(0).permutation(len(data))[:SEARCHED])
    embed = extractors.random_network(story.spec.shape[0])
    known = embed(data.train[chosen]).features
    # a run that mirrors its data may have learnt an example the other way round
    views = [fakes, fakes[..., ::-1]] if data.mirror else [fakes]
    distances, indices = nearest_view(torch.stack([embed(view).features for view in views]), known)
    partners = chosen[indices.numpy()]
    order = distances.argsort()[:SHOWN].numpy()
    pairs = np.stack([fakes[order], data.train[partners[order]]], 1)
    return Neighbors(np.moveaxis(pairs, 2, 4), len(chosen), len(data))
