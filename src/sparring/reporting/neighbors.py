"""Samples beside the training examples that are nearest to them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sparring import workflows
from sparring.data import viewed
from sparring.errors import UserError
from sparring.metrics import extractors
from sparring.metrics.neighbors import nearest_view
from sparring.reporting.story import Story

DRAWN, SHOWN = 64, 8

SEARCHED = 20_000
"""Training examples, at most, that are searched; more would take minutes."""


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The samples that lie nearest to the training data.

    Args:
        pairs: stored samples, each with its nearest example, `(K, 2, ...)`; nearest first.
        searched: how many training examples were looked at.
        of: how many there are.
    """

    pairs: Tensor
    searched: int
    of: int


def nearest_examples(story: Story) -> Neighbors:
    """Draw samples and find their nearest training examples, in random features.

    Raises:
        UserError: there is no checkpoint, or the data is not there any more, has changed, or is of two kinds.
    """
    config, kind = story.config, story.kind
    data = viewed(workflows.reopened(story.run.path, config), config.makes, most=SEARCHED)
    if not data.pictures:
        raise UserError("only pictures are searched")
    ready = workflows.sampler(story.run.path, checkpoint=story.checkpoint)
    made = ready(range(DRAWN))[config.makes]
    fakes = kind.view(made).numpy()
    chosen = np.sort(np.random.default_rng(0).permutation(len(data.train))[:SEARCHED])
    embed = extractors.random_network(data.shape[0])
    known = embed(data.train[chosen]).features
    # a run that mirrors its data may have learnt an example the other way round
    views = [fakes, fakes[..., ::-1]] if data.mirror else [fakes]
    distances, indices = nearest_view(torch.stack([embed(view).features for view in views]), known)
    partners = chosen[indices.numpy()]
    order = distances.argsort()[:SHOWN].numpy()
    pairs = torch.stack([made[order], torch.from_numpy(data.stored[partners[order]])], 1)
    return Neighbors(pairs, len(chosen), data.of)
