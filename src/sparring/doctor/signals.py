"""What the doctor measures at one examination."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Signals:
    """Numbers of one examination; None where a number does not exist.

    D's answers are on training reals, held-out reals and what G makes at that moment, all as they are in training.
    Distances, diversity and the judge look at samples of the averaged generator: what a user would get.

    Args:
        accuracy: D's share of right answers on training reals and fakes; 0.5 is chance. The threshold lies halfway
            between the medians of their scores, so that a critic has one too.
        accuracy_held_out: the same share on held-out reals and fakes, with that threshold.
        auc: how often D scores a training real above a fake; 0.5 is chance.
        auc_held_out: how often a held-out real above a fake.
        gap: how often D scores a training real above a held-out one; 0.5 is no difference.
        gap_error: its standard error, were there no difference.
        score: mean absolute score of D.
        gradient: length of G's gradient.
        passed: that over the length of the gradient of D's mean score: what G's loss lets through of it.
        gradient_layers: root mean square of the gradient of each of G's parameters.
        update_generator: length of G's step over the length of its weights.
        update_discriminator: of D's.
        rate: learning rate over the one that was asked for, of whom it is highest: schedules let it fall.
        weights_generator: length of G's weights.
        weights_discriminator: of D's.
        judge: share of right answers of a fresh linear classifier of held-out reals and samples.
        judge_low: lower end of its 95% interval.
        judge_high: upper end.
        distance: from the data, relative to the data's own extent; 0 is none.
        floor: what as many held-out reals get.
        spread: mean distance between two samples over that between two reals.
        distinct: effective number of distinct samples over that of as many reals.
        precision: share of samples that lie among reals.
        recall: share of reals that lie among samples.
        lost: share of the data that lies where samples are almost missing.
        classes_lost: share of the data that lies in classes, or known modes, that are almost missing.
        classes: share of each, over its share among reals.
        agreement: for each class, the share of samples made of its label that a linear classifier reads as such.
        agreement_reals: the share of held-out reals that it reads as what they are.
        copies: share of samples nearer to a training real than 99% of reals are; 0.01 is expected.
        spread_live: `spread` of what G makes at that moment.
        lost_live: `lost` of the same.
        moved: how far G moved the samples of fixed noise since the last examination, over the distance between reals.
        swung: how much of its samples it moved from some regions of the data into others; 0 to 1.
        loss_swings: standard deviation of each term since the last examination.
        augmentation: the probability with which ADA changes what D is shown.
        finite: whether every sample is a number.
    """

    finite: bool = True
    accuracy: float | None = None
    accuracy_held_out: float | None = None
    auc: float | None = None
    auc_held_out: float | None = None
    gap: float | None = None
    gap_error: float | None = None
    score: float | None = None
    gradient: float | None = None
    passed: float | None = None
    update_generator: float | None = None
    update_discriminator: float | None = None
    rate: float | None = None
    weights_generator: float | None = None
    weights_discriminator: float | None = None
    judge: float | None = None
    judge_low: float | None = None
    judge_high: float | None = None
    distance: float | None = None
    floor: float | None = None
    spread: float | None = None
    distinct: float | None = None
    precision: float | None = None
    recall: float | None = None
    lost: float | None = None
    classes_lost: float | None = None
    copies: float | None = None
    spread_live: float | None = None
    lost_live: float | None = None
    moved: float | None = None
    swung: float | None = None
    augmentation: float | None = None
    gradient_layers: dict[str, float] = field(default_factory=dict)
    classes: tuple[float, ...] = ()
    agreement: tuple[float | None, ...] = ()
    agreement_reals: float | None = None
    loss_swings: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """For JSON, to five digits; what does not exist is left out, and so is what is no finite number."""
        return {name: _short(value) for name, value in asdict(self).items() if _exists(value)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Signals":
        """Undo `to_dict`; names that this version does not know are passed over."""
        known = {each.name for each in fields(cls)}
        found: dict[str, Any] = {name: value for name, value in values.items() if name in known}
        found |= {name: tuple(found.get(name, ())) for name in ("classes", "agreement")}
        return cls(**found)


def _exists(value: Any) -> bool:
    return value not in (None, {}, ()) and not (isinstance(value, float) and not math.isfinite(value))


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(each) for key, each in value.items() if _exists(each)}
    if isinstance(value, tuple):
        return [_short(each) for each in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value
