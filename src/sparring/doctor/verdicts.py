"""From a history of examinations to a verdict: a pure function, so that any log can be judged again.

A verdict is read from the last examinations, the window, and holds only when most of them agree: one bad reading is not
enough. Most diseases also require that samples have come no nearer to the data for as long: what a young game does on
its way is not a disease.

The rules are tried in this order, and the first that applies gives the verdict:

1. diverged
2. vanishing-gradients
3. stalled: G does not move its samples
4. memorising
5. discriminator-overfitting
6. junk-feedback: D is at chance
7. junk-feedback: D is wrong more often than right
8. oscillating: samples move further than the data is wide
9. mode-collapse: full
10. oscillating: samples move between regions
11. mode-collapse: partial
12. stalled: samples move and come no nearer to the data
13. converged
14. learning
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from sparring.doctor.course import Course, Reading, above, below
from sparring.doctor.signals import Signals
from sparring.doctor.thresholds import (
    ALIKE_SPREAD,
    AMONG_REALS,
    CHANCE_AUC,
    CHANCE_JUDGE,
    CLEAR_IMPROVEMENT,
    COPIED_SHARE,
    DEAD_GRADIENT,
    EXPLODED_GROWTH,
    EXPLODED_SCORE,
    FAINT_GRADIENT,
    FAR_DISTANCE,
    FAR_JUDGE,
    FLUNG_DISTANCE,
    FROZEN_STEP,
    FULL_COLLAPSE,
    HALF_OF_WINDOWS,
    LARGE_SCORE,
    LONG_WINDOWS,
    MAJORITY,
    MIN_EXAMINATIONS,
    OVERFIT_GAP,
    PARTIAL_CLASSES,
    PARTIAL_REGIONS,
    PERFECT_AUC,
    SCATTERED_SPREAD,
    STILL_MOVEMENT,
    SWING_SHARE,
)


@dataclass(frozen=True)
class Verdict:
    """What the doctor says.

    Args:
        verdict: one of `sparring.severity.VERDICTS`.
        confidence: the part of the window that agrees, 0 to 1.
        evidence: a sentence, in numbers.
        advice: what to change, by the option's name; empty where nothing is wrong.
    """

    verdict: str
    confidence: float
    evidence: str
    advice: str = ""


Rule = Callable[[Course], Verdict | None]
"""A verdict, or None where the rule does not apply."""


def diagnose(history: Sequence[Reading]) -> Verdict:
    """The verdict on all examinations so far.

    Args:
        history: oldest first, one reading at least.

    Examples:
        >>> half = Signals(auc=0.51, judge=0.98, judge_low=0.95, judge_high=0.99, distance=2.0, floor=0.0, lost=0.1)
        >>> diagnose([Reading(round, half) for round in range(0, 500, 100)]).verdict
        'junk-feedback'
    """
    course = Course(history)
    if len(history) < MIN_EXAMINATIONS and course.now.finite:
        made = f"{len(history)} examination{'s' if len(history) > 1 else ''}"
        evidence = (
            f"{made} so far, and a verdict needs {MIN_EXAMINATIONS}: train longer, or examine more often (--doctor)"
        )
        return Verdict("warming-up", 1.0, evidence)
    at_full_rate = course.at_full_rate()
    for rule in _RULES:
        verdict = rule(at_full_rate if rule in _OF_LEARNING else course)
        if verdict:
            return verdict
    return _under_way(course)


def exploding(signals: Signals) -> bool:
    """Whether scores or steps of one examination have exploded: no verdict yet, but no checkpoint to restore either."""
    stepped = (
        # of weights that began at zero any step is many lengths
        above(step, EXPLODED_GROWTH) and step * weights > EXPLODED_GROWTH
        for step, weights in (
            (signals.update_generator or 0.0, signals.weights_generator or 0.0),
            (signals.update_discriminator or 0.0, signals.weights_discriminator or 0.0),
        )
    )
    return not signals.finite or above(signals.score, EXPLODED_SCORE) or any(stepped)


def _diverged(course: Course) -> Verdict | None:
    advice = "lower --set lr=..., or give D a penalty or spectral norm"
    if not course.now.finite:
        return Verdict("diverged", 1.0, "a loss, a weight or a sample is no finite number any more", advice)
    grown = course.growth >= EXPLODED_GROWTH

    def exploded(s: Signals) -> bool:
        # weights whose scale a norm takes out grow in good games, too
        felt = above(s.score, LARGE_SCORE) or above(s.distance, FAR_DISTANCE * course.begun)
        return above(s.score, EXPLODED_SCORE) or (grown and felt)

    share = course.share(lambda s: exploded(s) and above(s.judge_low, FAR_JUDGE))
    what = (
        f"weights are {course.growth:.0f} times as long as they began"
        if grown
        else f"D's scores are {course.typical('score'):.2g} on average"
    )
    if share < MAJORITY or not course.stale():
        return None
    return Verdict("diverged", share, f"{what}, and samples come no nearer to the data", advice)


def _stalled(course: Course) -> Verdict | None:
    share = course.share(lambda s: below(s.moved, STILL_MOVEMENT) and above(s.judge_low, FAR_JUDGE))
    # before a D at chance it is not G that is wrong: it has learned something, or takes steps while D takes none
    idle = course.typical("update_discriminator") <= FROZEN_STEP < course.typical("update_generator")
    if share < MAJORITY or not course.stale() or (_at_chance(course) and (idle or course.share(_alike) < MAJORITY)):
        return None
    evidence = (
        f"G moves its samples by {course.typical('moved'):.1g} of the distance between reals from one examination to "
        f"the next, and a fresh classifier tells {_percent(course.typical('judge'))} of them from reals"
    )
    return Verdict("stalled", share, evidence, "raise --set lr=...")


def _vanishing(course: Course) -> Verdict | None:
    nothing = FAINT_GRADIENT if course.stale(windows=LONG_WINDOWS) else DEAD_GRADIENT

    def dead(s: Signals) -> bool:
        return below(s.gradient, DEAD_GRADIENT * course.peak) or (below(s.passed, nothing) and not _overshoots(s))

    share = course.share(lambda s: above(s.auc, PERFECT_AUC) and dead(s) and above(s.judge_low, FAR_JUDGE))
    if share < MAJORITY:
        return None
    left, passed = course.typical("gradient") / (course.peak or 1.0), course.typical("passed")
    how = f"{passed:.1g} of what D's scores would give it" if passed < left else f"{left:.1g} of what it has been"
    ranked = _percent(course.typical("auc"))
    evidence = f"D ranks {ranked} of reals above fakes, and G's gradient is {how}{_weakest(course.now)}"
    advice = "weaken D: lower --set lr_d=... or n_critic; --set saturating=false, or a Wasserstein or hinge recipe"
    return Verdict("vanishing-gradients", share, evidence, advice)


def _memorising(course: Course) -> Verdict | None:
    share = course.share(lambda s: above(s.copies, COPIED_SHARE) and not above(s.lost, FULL_COLLAPSE))
    if share < MAJORITY:
        return None
    evidence = (
        f"{_percent(course.typical('copies'))} of samples lie nearer to a training example than 99% of reals do: "
        "they are copies"
    )
    return Verdict("memorising", share, evidence, "more data, --augment diff, --mirror, a smaller G: --set width=...")


def _overfitting(course: Course) -> Verdict | None:
    share = course.share(lambda s: above(s.gap, max(OVERFIT_GAP, 0.5 + 3 * (s.gap_error or 0.0))))
    if share < MAJORITY:
        return None
    evidence = (
        f"D scores a training example above a held-out one {_percent(course.typical('gap'))} of the time (half is no "
        f"difference): it tells {_percent(course.typical('auc'))} of training reals from fakes, and "
        f"{_percent(course.typical('auc_held_out'))} of held-out ones"
    )
    advice = "show D augmented pictures: --augment diff or ada; more data, --mirror, or a smaller D: --set width_d=..."
    return Verdict("discriminator-overfitting", share, evidence, advice)


def _junk(course: Course) -> Verdict | None:
    def deaf(s: Signals) -> bool:
        return below(s.auc, CHANCE_AUC) and above(s.judge_low, FAR_JUDGE)

    learning = course.typical("update_discriminator") > FROZEN_STEP
    share = course.share(deaf, LONG_WINDOWS if learning else 1)
    if share < MAJORITY or not _at_chance(course):
        return None
    # a D that learns may be at chance for a while, and what it teaches is no noise where samples lie among the reals;
    # one that is merely slow lets G collapse
    taught = course.share(_among_reals) >= MAJORITY
    if learning and (taught or not course.stale(0.0, LONG_WINDOWS) or course.share(_alike) >= MAJORITY):
        return None
    evidence = (
        f"D ranks {_percent(course.typical('auc'))} of reals above fakes, which is no better than chance, but a fresh "
        f"classifier tells {_percent(course.typical('judge'))} of them apart: G learns from noise"
    )
    return Verdict("junk-feedback", share, evidence, "strengthen D: raise --set lr_d=..., n_critic or width")


def _misleading(course: Course) -> Verdict | None:
    # what D teaches is false, even where samples come nearer for a while; any D is wrong as a game begins
    share = course.part(lambda s: below(s.auc, 1 - CHANCE_AUC) and above(s.judge_low, FAR_JUDGE), LONG_WINDOWS)
    if share < MAJORITY or len(course.history) < LONG_WINDOWS * course.size:
        return None
    evidence = (
        f"D ranked fakes above reals in {_percent(share)} of the last examinations, while a fresh classifier tells "
        f"{_percent(course.typical('judge'))} of them apart: G learns the contrary"
    )
    advice = "strengthen D: raise --set lr_d=..., n_critic or width; of an objective of your own, check the signs"
    return Verdict("junk-feedback", share, evidence, advice)


def _full_collapse(course: Course) -> Verdict | None:
    # samples in one place; noise, which G may begin with, can be near to the data by luck
    further = (
        above(course.typical("distance"), course.first or math.inf) and course.typical("spread") <= 1 - FULL_COLLAPSE
    )
    gone = course.stale(CLEAR_IMPROVEMENT, LONG_WINDOWS) or further
    return _collapse(course, "full", course.share(_alike)) if gone else None


def _partial_collapse(course: Course) -> Verdict | None:
    def missed(s: Signals) -> bool:
        by_kind = above(s.classes_lost, PARTIAL_CLASSES) and below(s.spread, SCATTERED_SPREAD)
        by_region = above(s.lost, PARTIAL_REGIONS) and below(s.spread, ALIKE_SPREAD)
        return by_kind or by_region

    share = course.share(missed, LONG_WINDOWS)
    return _collapse(course, "partial", share) if course.stale(windows=LONG_WINDOWS) else None


def _collapse(course: Course, kind: str, share: float) -> Verdict | None:
    # all games begin with samples that are alike, and some are slow to spread them
    if share < MAJORITY or course.growing("spread"):
        return None
    lost = median(_lost(signals) for signals in course.window)
    apart, distinct = course.typical("spread"), course.typical("distinct")
    evidence = (
        f"{kind}: {_percent(lost)} of the data has almost no samples, two samples are {_percent(apart)} as far apart "
        f"as two reals, and their effective number is {_percent(distinct)} of the reals'"
    )
    advice = "keep D smooth: --recipe r3gan, wgan-gp or dragan; or slow G down: a lower --set lr=... than lr_d"
    return Verdict("mode-collapse", share, evidence, advice)


def _overshooting(course: Course) -> Verdict | None:
    # no game on its way moves them by more than the data is wide; one whose samples are all alike may do it, too
    flung = course.part(lambda s: above(s.moved, FLUNG_DISTANCE), LONG_WINDOWS)
    far = course.part(lambda s: above(s.judge_low, FAR_JUDGE), LONG_WINDOWS)
    return _swing(course, flung) if min(flung, far) >= HALF_OF_WINDOWS else None


def _oscillating(course: Course) -> Verdict | None:
    share = course.share(lambda s: _overshoots(s) and above(s.judge_low, FAR_JUDGE), LONG_WINDOWS)
    return _swing(course, share) if share >= MAJORITY and course.stale(CLEAR_IMPROVEMENT, LONG_WINDOWS) else None


def _swing(course: Course, share: float) -> Verdict:
    evidence = (
        f"between two examinations G moves its samples by {course.typical('moved'):.2g} distances between reals and "
        f"{_percent(course.typical('swung'))} of them into other regions"
    )
    return Verdict("oscillating", share, evidence, "lower --set lr=... and beta1, or give D a penalty: --recipe r3gan")


def _no_progress(course: Course) -> Verdict | None:
    share = course.share(
        lambda s: above(s.distance, FAR_DISTANCE * course.begun) and above(s.judge_low, FAR_JUDGE), LONG_WINDOWS
    )
    if share < MAJORITY or not course.stale(windows=LONG_WINDOWS):
        return None
    evidence = (
        f"samples are at a distance of {course.typical('distance'):.2g} from the data, from {course.begun:.2g} in the "
        f"beginning, and no nearer for {course.rounds(LONG_WINDOWS):,} rounds; a fresh classifier tells "
        f"{_percent(course.typical('judge'))} of them from reals"
    )
    advice = "play by other rules: --recipe r3gan; or bring --set lr=... and lr_d nearer to each other"
    return Verdict("stalled", share, evidence, advice)


def _converged(course: Course) -> Verdict | None:
    share = course.part(lambda s: below(s.judge, CHANCE_JUDGE) and 1 - CHANCE_AUC <= (s.auc or 0.0) <= CHANCE_AUC)
    if share < MAJORITY or not course.stale():
        return None
    evidence = (
        f"D ranks {_percent(course.typical('auc'))} of reals above fakes, a fresh classifier is right "
        f"{_percent(course.typical('judge'))} of the time, and samples have come no nearer to the data for "
        f"{course.rounds():,} rounds"
    )
    return Verdict("converged", share, evidence)


def _under_way(course: Course) -> Verdict:
    evidence = f"samples are at a distance of {course.typical('distance'):.2g} from the data"
    evidence += f", from {course.first:.2g}" if course.first else ""
    if course.stale():
        evidence += f"; no nearer for {course.rounds():,} rounds"
    evidence += f"; a fresh classifier is right {_percent(course.typical('judge'))} of the time"
    return Verdict("learning", 0.5 if course.stale() else 1.0, evidence)


_RULES: tuple[Rule, ...] = (
    _diverged,
    _vanishing,
    _stalled,
    _memorising,
    _overfitting,
    _junk,
    _misleading,
    _overshooting,
    _full_collapse,
    _oscillating,
    _partial_collapse,
    _no_progress,
    _converged,
)


_OF_LEARNING = (_stalled, _junk, _misleading, _no_progress)
"""Rules about what G goes on to learn. Where a schedule has taken the rate down, it is not to move any further."""


def _at_chance(course: Course) -> bool:
    """Whether D is no better than chance, or worse; a single AUC wavers by a few hundredths."""
    return (
        course.share(lambda s: below(s.auc, CHANCE_AUC)) >= MAJORITY and course.typical("auc") <= (0.5 + CHANCE_AUC) / 2
    )


def _alike(s: Signals) -> bool:
    """Whether all samples are of a few kinds."""
    return (above(_lost(s), FULL_COLLAPSE) and below(s.spread, ALIKE_SPREAD)) or below(s.spread, 1 - FULL_COLLAPSE)


def _among_reals(s: Signals) -> bool:
    """Whether a good part of the samples lies among reals, and of the reals among samples."""
    return above(s.precision, AMONG_REALS) and above(s.recall, AMONG_REALS)


def _overshoots(s: Signals) -> bool:
    """Whether G moves its samples too far."""
    return above(s.swung, SWING_SHARE) or above(s.moved, FLUNG_DISTANCE)


def _lost(s: Signals) -> float:
    """The share of the data that samples miss: of its regions, or of its classes or known modes."""
    return max(s.lost or 0.0, s.classes_lost or 0.0)


def _weakest(s: Signals) -> str:
    """Where along G the gradient is shortest."""
    if not s.gradient_layers:
        return ""
    name = min(s.gradient_layers, key=lambda each: s.gradient_layers[each])
    return f", least at {name}"


def _percent(share: float) -> str:
    return f"{share:.0%}" if math.isfinite(share) else "an unknown part"
