"""The thresholds of all verdicts, each with its reason."""

WINDOW_SHARE, MIN_EXAMINATIONS = 0.2, 5
"""The window: the last examinations, this share of all of them, and at least so many."""

LONG_WINDOWS = 2
"""Windows that a swing from region to region or a partial collapse must last: a game on its way may look so for one."""

MAJORITY, HALF_OF_WINDOWS = 0.75, 0.5
"""The share of a window that must agree; and of two windows, where samples overshoot: an orbit that is examined now and
then is sometimes where it was the last time, and sometimes passes the data."""

IMPROVEMENT, CLEAR_IMPROVEMENT = 0.03, 0.15
"""Samples come nearer when their distance from the data falls below its lowest level so far by this part."""

CHANCE_AUC = 0.6
"""Up to here D's rank-AUC is near chance; as far below a half, D is wrong."""

CHANCE_JUDGE = 0.65
"""Up to here the judge is near chance: it is better trained than D, and sees what D does not."""

FAR_JUDGE = 0.75
"""The judge is far from chance when even the lower end of its interval is above this."""

PERFECT_AUC = 0.95
"""From here on D's rank-AUC is nearly perfect."""

DEAD_GRADIENT, FAINT_GRADIENT = 0.01, 0.1
"""G's gradient is dead when it is below this part of the longest one in its history, or of the gradient of D's score:
the loss does not pass D's gradient on. Where samples come no nearer to the data, the second, higher limit holds."""

FROZEN_STEP = 1e-6
"""D does not learn when its steps are shorter than this part of its weights."""

FULL_RATE = 0.5
"""Of the learning rate that was asked for: below it, a schedule has taken the rate down."""

FAR_DISTANCE = 0.5
"""G makes no progress when its samples stay further from the data than this share of their first distance."""

STILL_MOVEMENT = 0.005
"""G does not move when it moves the samples of fixed noise by less than this part of the distance between reals."""

AMONG_REALS = 0.3
"""Precision and recall from here on: G has learned from D, however finely a fresh classifier can tell."""

OVERFIT_GAP = 0.62
"""D has memorised its training data when it scores a training real above a held-out one this often."""

COPIED_SHARE = 0.1
"""The share of samples that are suspiciously near to a training example: ten times what is expected of reals."""

PARTIAL_CLASSES, PARTIAL_REGIONS, FULL_COLLAPSE = 0.1, 0.25, 0.7
"""The share of the data that is lost in a partial collapse, by classes and known modes, and by regions, which run into
one another; and in a full one, by any of these or of the distance between samples."""

ALIKE_SPREAD = 0.9
"""Where regions of the data are lost, or most of it, samples must also lie nearer to one another than reals do, by this
factor at most."""

SWING_SHARE, FLUNG_DISTANCE = 0.35, 1.3
"""G overshoots when, between two examinations, this part of them changes its region, or they are moved by
so many distances between reals: equally distributed ones can hardly be moved by more than one."""

EXPLODED_SCORE, LARGE_SCORE, EXPLODED_GROWTH = 1e4, 100.0, 10.0
"""On divergence: mean absolute score of D; the same where weights have grown, or else samples are far from the data;
and length of weights, in lengths that they began with."""

SCATTERED_SPREAD = 1.5
"""From this mean distance on, in distances between reals, samples are not lost but elsewhere."""
